"""The rule format: JSON both ways, strict types, and every fault of sense named at once."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from domain.errors import VinculoError
from domain.programmes.checking import faults_of, require_sound
from domain.programmes.compiling import compile_version
from domain.programmes.faults import UnsoundRulesError
from domain.programmes.format import (
    FormatError,
    ProgrammeVersion,
    decode_version,
    encode_version,
    may_enrol,
    version_digest,
)
from tests.domain.programme_cases import CLUB, CLUB_FILE, MADRID, versions

PURCHASE_RULE, SURVEY_RULE = 0, 5


def changed(*changes: tuple[str, Any]) -> ProgrammeVersion:
    """The club's rules with values at dotted places replaced; -1 in a list appends."""
    document = json.loads(encode_version(CLUB))
    for place, value in changes:
        *path, last = place.split(".")
        node = document
        for step in path:
            node = node[int(step)] if isinstance(node, list) else node[step]
        if isinstance(node, list):
            node.append(value) if last == "-1" else node.__setitem__(int(last), value)
        else:
            node[last] = value
    return decode_version(json.dumps(document))


# ------------------------------------------------------------------ encoding


def test_the_worked_example_is_sound_and_says_what_it_means_in_full() -> None:
    assert () == faults_of(CLUB)
    written = json.loads(encode_version(CLUB))
    assert "down" == written["rules"][0]["rounding"]
    assert ["points"] == written["rules"][0]["earn"]["tenders_except"]
    assert 7 == len(CLUB.rules)


@given(versions())
def test_a_version_goes_to_json_and_back(version: ProgrammeVersion) -> None:
    encoded = encode_version(version)
    assert version == decode_version(encoded)
    assert encoded == encode_version(decode_version(encoded))


def test_a_digest_depends_on_content_and_not_on_the_way_it_was_written() -> None:
    plain = json.loads(CLUB_FILE.read_bytes())
    turned = json.dumps(dict(reversed(plain.items())), indent=1)
    assert version_digest(CLUB) == version_digest(decode_version(turned))
    assert version_digest(CLUB) != version_digest(changed(("claim_window_days", 31)))
    assert 64 == len(version_digest(CLUB))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b"{}", "programme"),
        (CLUB_FILE.read_bytes().replace(b'"authority"', b'"autority"'), "autority"),
        (CLUB_FILE.read_bytes().replace(b'"weekday"', b'"weekdays"'), "weekdays"),
        (CLUB_FILE.read_bytes().replace(b'"points": 1,', b'"points": 1.5,'), "int"),
        (CLUB_FILE.read_bytes().replace(b"00+01:00", b"00"), "timezone"),
        (CLUB_FILE.read_bytes().replace(b'"code": "base"', b'"code": "base\\n"'), "regex"),
        (CLUB_FILE.read_bytes().replace(b'"code": "base"', b'"code": "a|b"'), "regex"),
    ],
)
def test_what_is_not_of_the_format_is_refused_with_the_place(text: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        decode_version(text)


def test_a_receipt_has_no_account_and_a_card_has() -> None:
    assert [False, True, False] == [
        may_enrol(CLUB, namespace) for namespace in ("receipt", "card", "social")
    ]
    everybody = msgspec.structs.replace(CLUB.enrolment, namespaces=())
    version = msgspec.structs.replace(CLUB, enrolment=everybody)
    assert [False, True] == [may_enrol(version, one) for one in ("cookie", "social")]


# ------------------------------------------------------------------ faults


R, S = f"rules.{PURCHASE_RULE}", f"rules.{SURVEY_RULE}"
FAULTS: list[tuple[tuple[tuple[str, Any], ...], str]] = [
    ((("effective_from", "1850-01-01T00:00:00Z"),), "effective_from"),
    ((("enrolment.never", ["card"]),), "enrolment.never"),
    ((("currencies.-1", {"code": "points", "kind": "qualifying"}),), "currencies"),
    ((("currencies.0.burn", None),), "currencies[0].burn"),
    ((("currencies.1.burn", {}),), "currencies[1].burn"),
    ((("currencies.0.burn.minimum", 150),), "currencies[0].burn.minimum"),
    ((("currencies.0.burn.values.0.currency", "XXX"),), "currencies[0].burn.values[0].currency"),
    (
        (("currencies.0.burn.values.-1", {"currency": "EUR", "minor_units_per_1000": 1}),),
        "currencies[0].burn.values",
    ),
    ((("currencies.0.expiry", {"kind": "days", "days": 13}),), "currencies[0].expiry"),
    (
        (("currencies.0.expiry", {"kind": "fixed_date", "month_day": "12-31"}),),
        "currencies[0].expiry",
    ),
    (
        (("currencies.0.expiry", {"kind": "fixed_date", "month_day": "02-29", "after_months": 1}),),
        "currencies[0].expiry.month_day",
    ),
    (
        (("currencies.0.expiry", {"kind": "activity", "months": 12, "earning": False,
                                  "redeeming": False}),),
        "currencies[0].expiry",
    ),
    (
        (("currencies.0.expiry", {"kind": "activity", "months": 12, "touchpoints": ["visit"]}),),
        "currencies[0].expiry.touchpoints",
    ),
    (((f"{R}.code", "coffee"),), "rules"),
    (((f"{R}.code", "bonuses"),), "rules"),
    (((f"{R}.touchpoints", ["purchase_returned"]),), "rules[0].touchpoints"),
    (((f"{R}.touchpoints", ["points_earned"]),), "rules[0].touchpoints"),
    (((f"{R}.touchpoints", ["bought"]),), "rules[0].touchpoints"),
    (((f"{R}.touchpoints.-1", "purchase_made"),), "rules[0].touchpoints"),
    (((f"{R}.touchpoints.-1", "survey_answered"),), "rules[0].earn.currency"),
    (((f"{R}.currency", "miles"),), "rules[0].currency"),
    (((f"{R}.earn.currency", "XXX"),), "rules[0].earn.currency"),
    (
        ((f"{R}.earn.shipping", True), (f"{R}.earn.basis", "net_of_tax")),
        "rules[0].earn.shipping",
    ),
    (
        ((f"{R}.earn.shipping", True), (f"{R}.lines.products", ["A"])),
        "rules[0].earn.shipping",
    ),
    (((f"{R}.lines.kinds", ["goods", "goods"]),), "rules[0].lines.kinds"),
    (
        ((f"{R}.lines.products", ["A"]), (f"{R}.lines.products_except", ["A"])),
        "rules[0].lines.products_except",
    ),
    (((f"{S}.lines.categories", ["tea"]),), "rules[5].lines"),
    (((f"{S}.earn", {"kind": "per_quantity", "points": 1, "per": 1}),), "rules[5].earn.field"),
    (
        ((f"{S}.earn", {"kind": "per_quantity", "points": 1, "per": 1, "field": "stars"}),),
        "rules[5].earn.field",
    ),
    (
        ((f"{S}.earn", {"kind": "per_quantity", "points": 1, "per": 1, "field": "survey"}),),
        "rules[5].earn.field",
    ),
    (((f"{R}.tiers", {"bronze": 120}),), "rules[0].tiers"),
    (((f"{R}.caps.-1", {"period": "month", "points": 5}),), "rules[0].caps"),
    (((f"{R}.pending_days", 4_000),), "rules[0].expiry"),
    (((f"{R}.expiry", {"kind": "days", "days": 3}),), "rules[0].expiry"),
    (
        ((f"{R}.expiry", {"kind": "fixed_date", "month_day": "06-31", "after_months": 6}),),
        "rules[0].expiry.month_day",
    ),
    (((f"{R}.when.-1", {"kind": "weekday", "days": [1, 1]}),), "rules[0].when[0].days"),
    (((f"{R}.when.-1", {"kind": "days_between"}),), "rules[0].when[0]"),
    (
        ((f"{R}.when.-1",
          {"kind": "days_between", "first": "2026-02-01", "last": "2026-01-31"}),),
        "rules[0].when[0].last",
    ),
    (((f"{R}.when.-1", {"kind": "channel"}),), "rules[0].when[0]"),
    (
        ((f"{R}.when.-1", {"kind": "agent", "any_of": ["a"], "none_of": ["a"]}),),
        "rules[0].when[0].none_of",
    ),
    (
        ((f"{R}.when.-1", {"kind": "amount_at_least", "currency": "XXX", "amount": 1}),),
        "rules[0].when[0].currency",
    ),
    (
        ((f"{S}.when.-1", {"kind": "amount_at_least", "currency": "EUR", "amount": 1}),),
        "rules[5].when[0].currency",
    ),
    (((f"{S}.when.-1", {"kind": "first"}),), "rules[5].when[0]"),
    (
        ((f"{S}.when.-1", {"kind": "field_is", "field": "comment", "any_of": ["x"]}),),
        "rules[5].when[0].field",
    ),
    (
        ((f"{S}.when.-1", {"kind": "field_is", "field": "survey", "any_of": ["nqs"]}),),
        "rules[5].when[0].any_of",
    ),
    (
        ((f"{S}.when.-1", {"kind": "field_is", "field": "score", "any_of": [11]}),),
        "rules[5].when[0].any_of",
    ),
    (
        ((f"{S}.when.-1", {"kind": "field_is", "field": "score", "any_of": [True]}),),
        "rules[5].when[0].any_of",
    ),
    (
        ((f"{S}.when.-1", {"kind": "field_at_least", "field": "about", "least": 1}),),
        "rules[5].when[0].field",
    ),
    (((f"{R}.when.-1", {"kind": "tier_at_least", "tier": "bronze"}),), "rules[0].when[0].tier"),
    ((("rules.1.priority", 2),), "group event"),
    ((("rules.1.currency", "status"), ("caps.0.rules", ["spring"])), "group event"),
    ((("caps.0.rules", ["weekend", "winter"]),), "caps[0].rules"),
    ((("caps.0.rules", ["weekend", "weekend"]),), "caps[0].rules"),
    ((("caps.0.rules", ["weekend", "status"]),), "caps[0].rules"),
    ((("caps.0.code", "coffee"),), "rules"),
    ((("tiers.measure.currency", "miles"),), "tiers.measure.currency"),
    ((("tiers.levels.1.threshold", 1_000),), "tiers.levels[1].threshold"),
    ((("tiers.levels.1.code", "silver"), (f"{R}.tiers", {})), "tiers.levels"),
    (
        (("tiers.measure.period", {"kind": "rolling_months", "months": 12}),),
        "tiers.validity",
    ),
    ((("tiers.measure", {"kind": "balance", "currency": "points"}),), "tiers.validity"),
    (
        (("transfers", {"minimum": 100, "points_per_transfer": 99}),),
        "transfers.points_per_transfer",
    ),
    ((("transfers", {"minimum": 100, "points_per_year": 99}),), "transfers.points_per_year"),
    ((("rewards.0.code", "mug"),), "rewards"),
    ((("rewards.0.currency", "status"),), "rewards[0].currency"),
    ((("rewards.1.valid_until", "2025-01-01T00:00:00Z"),), "rewards[1].valid_until"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), FAULTS)
def test_a_fault_names_its_field_and_says_what_to_do(
    changes: tuple[tuple[str, Any], ...], field: str
) -> None:
    faults = faults_of(changed(*changes))
    assert [field] == [fault.field for fault in faults]
    assert "expected " in faults[0].message
    assert "found " in faults[0].message
    assert ";" in faults[0].message or ": take" in faults[0].message


def test_all_faults_are_named_at_once_and_nothing_unsound_is_compiled() -> None:
    version = changed(
        ("currencies.0.burn.minimum", 150), (f"{R}.currency", "miles"), ("rewards.0.code", "mug")
    )
    fields = ["currencies[0].burn.minimum", "rules[0].currency", "caps[0].rules", "rewards"]
    with pytest.raises(UnsoundRulesError, match="3 faults") as caught:
        compile_version(version, MADRID)
    assert set(fields) - {"caps[0].rules"} == {fault.field for fault in caught.value.faults}
    assert isinstance(caught.value, VinculoError)
    for fault in caught.value.faults:
        assert str(fault) in str(caught.value)
    require_sound(CLUB)


def test_a_condition_may_ask_for_any_field_that_identifies_no_person() -> None:
    for name, value in (("survey", "nps"), ("score", 9), ("about", "S1"), ("channel", "web")):
        when = {"kind": "field_is", "field": name, "any_of": [value]}
        assert () == faults_of(changed((f"{S}.when.-1", when)))
    least = {"kind": "field_at_least", "field": "score", "least": 9}
    assert () == faults_of(changed((f"{S}.when.-1", least)))
