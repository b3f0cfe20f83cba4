"""The catalogue: complete, strict, without floats, and open to versions to come."""

import inspect
from collections.abc import Iterator
from typing import Any, ClassVar, get_args

import msgspec
import pytest

import domain.touchpoints as everything
from domain.errors import Refused
from domain.money import INTEGER_MAX
from domain.touchpoints import (
    CATALOGUE,
    AnyTouchpoint,
    Catalogue,
    PurchaseMade,
    Touchpoint,
    type_name,
)
from domain.touchpoints.base import PersonalText
from domain.touchpoints.catalogue import every_touchpoint, personal_fields
from domain.touchpoints.commercial import LINES_MAX
from domain.touchpoints.identity import PersonalDate

ALL = tuple(CATALOGUE.names)
PURCHASE = "vinculo.purchase_made.v1"
LINE = {"product": "p", "quantity": 1_000, "amount": 5}
GOOD = {"number": "T", "currency": "EUR", "lines": [LINE]}
PERSONAL = {
    "CustomerRegistered": ("name", "email", "phone", "address", "postcode", "born_on"),
    "ProfileUpdated": ("name", "email", "phone", "address", "postcode", "born_on"),
    "LeadCaptured": ("name", "email", "phone", "address", "postcode", "born_on"),
    "IncidentOpened": ("description",),
    "SurveyAnswered": ("comment",),
    "InteractionRecorded": ("summary",),
}


class Visited(Touchpoint, frozen=True, kw_only=True):
    """A touchpoint of these tests, in its first version."""

    minutes: int


class VisitedTwo(Touchpoint, frozen=True, kw_only=True):
    """Its second version: seconds."""

    version: ClassVar[int] = 2
    seconds: int


class VisitedThree(Touchpoint, frozen=True, kw_only=True):
    """Its third version: seconds, and whether it was long."""

    version: ClassVar[int] = 3
    seconds: int
    long: bool


def encoded(**changes: Any) -> bytes:
    """A purchase's data; changes replace fields."""
    return msgspec.json.encode({**GOOD, **changes})


def refusal(name: str, data: bytes) -> Refused:
    """The refusal of some data."""
    with pytest.raises(Refused) as caught:
        CATALOGUE.decode(name, data)
    return caught.value


def subclasses(kind: type[Touchpoint]) -> Iterator[type[Touchpoint]]:
    """Every concrete touchpoint of the product."""
    for one in kind.__subclasses__():
        if not one.__name__.startswith("_") and one.__module__.startswith("domain."):
            yield one
        yield from subclasses(one)


def test_the_union_names_exactly_the_touchpoints_that_there_are() -> None:
    assert set(subclasses(Touchpoint)) == set(get_args(AnyTouchpoint)) == set(ALL)
    assert get_args(AnyTouchpoint) == every_touchpoint()


def test_every_touchpoint_can_be_imported_from_the_package() -> None:
    exported = {
        one
        for _, one in inspect.getmembers(everything, inspect.isclass)
        if issubclass(one, Touchpoint) and one is not Touchpoint
    }
    assert set(ALL) == exported


def test_types_are_named_once_in_lower_case_with_a_version() -> None:
    assert len(ALL) == len(CATALOGUE.types)
    for name, kind in CATALOGUE.types.items():
        assert name == type_name(kind)
        prefix, words, version = name.split(".")
        assert ("vinculo", "v1") == (prefix, version)
        assert kind.__name__ == "".join(word.capitalize() for word in words.split("_"))


@pytest.mark.parametrize("kind", ALL)
def test_every_touchpoint_is_frozen_strict_and_documented(kind: type[Touchpoint]) -> None:
    config = kind.__struct_config__
    assert (True, True, True) == (config.frozen, config.forbid_unknown_fields, config.omit_defaults)
    assert kind.__doc__


@pytest.mark.parametrize("kind", ALL)
def test_personal_fields_are_optional_and_stand_at_the_top(kind: type[Touchpoint]) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name in CATALOGUE.personal_fields[kind]:
        assert not fields[name].required
        assert fields[name].default is None
    nested = [struct for field in fields.values() for struct in _structs_in(field.type)]
    assert [] == [struct for struct in nested if personal_fields(struct)]


def _structs_in(kind: Any) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _structs_in(field.type)
    for inner in get_args(kind):
        yield from _structs_in(inner)


def test_the_personal_fields_are_these_and_no_others() -> None:
    found = {kind.__name__: names for kind, names in CATALOGUE.personal_fields.items() if names}
    assert PERSONAL == found


def test_a_personal_field_is_found_at_any_depth_of_its_annotation() -> None:
    class Odd(Touchpoint, frozen=True, kw_only=True):
        one: PersonalText | None = None
        many: tuple[PersonalText, ...] = ()
        born: PersonalDate | None = None
        plain: str | None = None

    assert ("one", "many", "born") == personal_fields(Odd)


def test_no_schema_knows_a_number_with_a_fraction() -> None:
    schemas, components = msgspec.json.schema_components(ALL)
    found = [
        where
        for where, schema in _schemas_in([schemas, components])
        if schema.get("type") == "number" or "number" in _listed(schema.get("type"))
    ]
    assert [] == found
    integers = [one for _, one in _schemas_in(components) if one.get("type") == "integer"]
    assert len(integers) > 10
    assert [] == [one for one in integers if "minimum" not in one or "maximum" not in one]


def _listed(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else []


def _schemas_in(node: Any, where: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield where, node
        for key, inner in node.items():
            yield from _schemas_in(inner, f"{where}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, inner in enumerate(node):
            yield from _schemas_in(inner, f"{where}[{index}]")


def test_good_data_is_read_as_its_type() -> None:
    purchase = CATALOGUE.decode(PURCHASE, encoded())
    assert isinstance(purchase, PurchaseMade)
    assert ("EUR", 5, "goods") == (
        purchase.currency, purchase.lines[0].amount, purchase.lines[0].kind,
    )  # fmt: skip
    assert purchase == CATALOGUE.decode(PURCHASE, msgspec.Raw(encoded()))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"surprise": 1}, "`surprise`"),
        ({"lines": [{**LINE, "surprise": 1}]}, "`surprise`"),
        ({"tenders": [{"kind": "cash", "amount": 1, "surprise": 1}]}, "`surprise`"),
        ({"lines": [{**LINE, "amount": 5.0}]}, "amount"),
        ({"lines": [{**LINE, "amount": 5.5}]}, "amount"),
        ({"lines": [{**LINE, "amount": "5"}]}, "amount"),
        ({"lines": [{**LINE, "amount": True}]}, "amount"),
        ({"lines": [{**LINE, "amount": -1}]}, "amount"),
        ({"lines": [{**LINE, "amount": None}]}, "amount"),
        ({"lines": [{**LINE, "amount": INTEGER_MAX + 1}]}, "amount"),
        ({"lines": [{**LINE, "quantity": -1}]}, "quantity"),
        ({"lines": [{**LINE, "kind": "other"}]}, "kind"),
        ({"lines": [{"product": "p", "quantity": 1}]}, "`amount`"),
        ({"lines": []}, "lines"),
        ({"lines": [LINE] * (LINES_MAX + 1)}, "lines"),
        ({"tenders": [{"kind": "cash", "amount": 1}] * 21}, "tenders"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"currency": None}, "currency"),
        ({"number": ""}, "number"),
        ({"number": "x" * 101}, "number"),
        ({"number": 5}, "number"),
        ({"shipping": -1}, "shipping"),
        ({"channel": "fax"}, "channel"),
        ({"identifiers": ["crm:1"] * 21}, "identifiers"),
        ({"identifiers": ["c:"]}, "identifiers"),
        ({"identifiers": "crm:1"}, "identifiers"),
    ],
)
def test_data_that_does_not_fit_is_refused_and_the_field_is_named(
    changes: dict[str, Any], word: str
) -> None:
    refused = refusal(PURCHASE, encoded(**changes))
    assert "bad_data" == refused.code
    assert word in refused.detail


def test_a_purchase_may_have_as_many_lines_as_its_limit_says() -> None:
    purchase = CATALOGUE.decode(PURCHASE, encoded(lines=[LINE] * LINES_MAX))
    assert isinstance(purchase, PurchaseMade)
    assert 2_000 == len(purchase.lines)


@pytest.mark.parametrize("expires", ["2024-01-01T00:00:00", "2024-01-01", 5, ""])
def test_a_time_without_an_offset_is_refused_inside_data_too(expires: Any) -> None:
    data = msgspec.json.encode({"purpose": "news", "expires_at": expires})
    refused = refusal("vinculo.consent_given.v1", data)
    assert "bad_data" == refused.code
    assert "expires_at" in refused.detail


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", encoded() + b"{}", b'{"number": NaN}'])
def test_data_that_is_no_json_is_refused_as_such(data: bytes) -> None:
    assert "bad_json" == refusal(PURCHASE, data).code


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"5"])
def test_data_that_is_no_object_does_not_fit(data: bytes) -> None:
    assert "bad_data" == refusal(PURCHASE, data).code


@pytest.mark.parametrize(
    "name", ["", "purchase_made", "vinculo.purchase_made", "vinculo.purchase_made.v2", "x" * 5_000]
)
def test_an_unknown_type_is_refused_and_shown_in_part(name: str) -> None:
    refused = refusal(name, encoded())
    assert "unknown_type" == refused.code
    assert str(len(ALL)) in refused.detail
    assert len(refused.detail) < 300


def test_what_was_decoded_encodes_to_what_decodes_again() -> None:
    purchase = CATALOGUE.decode(PURCHASE, encoded(store="s", shipping=3))
    assert purchase == CATALOGUE.decode(PURCHASE, msgspec.json.encode(purchase))


def test_an_old_version_becomes_the_newest_one_step_at_a_time() -> None:
    catalogue = Catalogue(
        (Visited, VisitedTwo, VisitedThree),
        {
            Visited: lambda old: VisitedTwo(seconds=old.minutes * 60, channel=old.channel),
            VisitedTwo: lambda old: VisitedThree(
                seconds=old.seconds, long=old.seconds >= 600, channel=old.channel
            ),
        },
    )
    old = catalogue.decode("vinculo.visited.v1", b'{"minutes": 10, "channel": "shop"}')
    newest = VisitedThree(seconds=600, long=True, channel="shop")
    assert Visited(minutes=10, channel="shop") == old
    assert newest == catalogue.upcast(old)
    assert newest == catalogue.upcast(VisitedTwo(seconds=600, channel="shop"))
    assert newest is catalogue.upcast(newest)


def test_a_type_without_upcaster_stays_what_it_is() -> None:
    purchase = CATALOGUE.decode(PURCHASE, encoded())
    assert purchase is CATALOGUE.upcast(purchase)


def test_versions_are_types_of_their_own_and_read_side_by_side() -> None:
    names = [type_name(kind) for kind in (Visited, VisitedTwo, VisitedThree)]
    assert ["vinculo.visited.v1", "vinculo.visited_two.v2", "vinculo.visited_three.v3"] == names


def test_a_catalogue_cannot_be_changed_through_the_upcasters_it_was_given() -> None:
    upcasters: dict[Any, Any] = {
        VisitedTwo: lambda old: VisitedThree(seconds=old.seconds, long=False)
    }
    catalogue = Catalogue((Visited, VisitedTwo, VisitedThree), upcasters)
    upcasters[Visited] = lambda _old: VisitedTwo(seconds=0)
    assert Visited(minutes=1) == catalogue.upcast(Visited(minutes=1))
