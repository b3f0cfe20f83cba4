"""Mapping: one message becomes one statement, or a refusal that names what is wrong."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from domain.errors import Refused
from domain.identifiers import Persona, parse_identifier
from domain.instants import DAY, instant_of
from domain.money import AMOUNT_MAX
from domain.touchpoints import (
    CATALOGUE,
    ConsentGiven,
    CustomerRegistered,
    IdentifierLinked,
    PurchaseMade,
    SurveyAnswered,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)
from journal.entry_ids import entry_id_of
from journal.intake.mapping import Mapping, Statement
from journal.intake.message import Message
from journal.personas import PersonaNames
from journal.sources import Source, SourceRegister
from tests.events import event, lines, reference

NOW = instant_of(datetime(2024, 6, 1, 12, tzinfo=UTC))
NAMES = PersonaNames(bytes(32))
SOURCES = SourceRegister(
    (
        Source(name="urn:test:one"),
        Source(name="urn:test:cards", namespaces=("card", "receipt"), stable_time=True),
        Source(name="urn:test:future", simulated_time=True),
        Source(name="urn:test:kafka", topics=("sales",)),
    )
)
MAPPING = Mapping(CATALOGUE, SOURCES, NAMES)
LINE = {"product": "p", "quantity": 1, "amount": 1}
PURCHASE = "vinculo.purchase_made.v1"


def read(payload: bytes, **more: Any) -> Statement:
    """The statement of a structured event."""
    return MAPPING.read(Message(payload, **more), NOW)


def refusal(payload: bytes, **more: Any) -> Refused:
    """The refusal of a structured event."""
    with pytest.raises(Refused) as caught:
        read(payload, **more)
    return caught.value


def purchase(subject: str = "crm:1", time: str = "2024-01-01", **more: Any) -> bytes:
    """A purchase of one line."""
    return event(PurchaseMade, subject, time, number="T1", currency="EUR", lines=lines(5), **more)


def corrected(**changes: Any) -> bytes:
    """A correction of the purchase ``p1``."""
    values: dict[str, Any] = {
        "reference": reference("p1", "2024-01-01"), "corrected_type": PURCHASE, "reason": "x",
    }  # fmt: skip
    return event(TouchpointCorrected, "crm:1", "2024-01-02", **{**values, **changes})


def persona(text: str) -> Persona:
    """The persona of an identifier."""
    return NAMES.name(parse_identifier(text))


def test_a_statement_says_who_what_and_when() -> None:
    statement = read(purchase(id="p1", time="2024-01-01T13:00:00+02:00", sequence=4))
    assert ("urn:test:one", PURCHASE, persona("crm:1")) == (
        statement.accepted.source.name, statement.accepted.type, statement.subject.persona,
    )  # fmt: skip
    assert instant_of(datetime(2024, 1, 1, 11, tzinfo=UTC)) == statement.occurred_at
    body = statement.body
    assert ("p1", "crm", 120, 4) == (body.id, body.namespace, body.offset_minutes, body.sequence)
    assert (parse_identifier("crm:1"), {}) == (statement.subject.identifier, statement.further)
    assert (None, None) == (statement.personal, statement.refers_to)


@pytest.mark.parametrize(
    ("time", "minutes"),
    [("12:00:00Z", 0), ("12:00:00-09:30", -570), ("12:00:00+05:45", 345), ("00:30:00+14:00", 840)],
)
def test_the_offset_that_was_stated_is_kept_in_minutes(time: str, minutes: int) -> None:
    assert minutes == read(purchase(time=f"2024-01-01T{time}")).body.offset_minutes


def test_binary_and_structured_mode_make_the_same_statement() -> None:
    attributes = {**msgspec.json.decode(purchase(id="p1")), "traceparent": "00-1-1-00"}
    structured = msgspec.json.encode(attributes)
    data = msgspec.json.encode(attributes.pop("data"))
    assert read(structured) == read(data, attributes=attributes)


def test_entry_ids_follow_what_the_source_promised() -> None:
    plain = read(purchase(id="p1"))
    stable = read(purchase("card:1", id="p1", source="urn:test:cards"))
    at = plain.occurred_at
    assert entry_id_of("urn:test:one", "p1", at, stable_time=False) == plain.entry_id
    assert entry_id_of("urn:test:cards", "p1", at, stable_time=True) == stable.entry_id


def test_further_identifiers_become_personas_once_each_in_stated_order() -> None:
    named = ["email:a@x.test", "card:7", "email:A@X.test ", "crm:1", "phone:unknown", "card:0"]
    statement = read(purchase("crm:1", identifiers=named))
    assert (persona("email:a@x.test"), persona("card:7")) == statement.body.linked
    assert ("phone", "card") == statement.body.blocked
    assert {
        persona(text).persona_id: parse_identifier(text) for text in ("email:a@x.test", "card:7")
    } == statement.further
    assert () == statement.body.data.identifiers


def test_a_further_identifier_that_is_none_is_refused() -> None:
    assert "bad_identifier" == refusal(purchase(identifiers=["no colon"])).code


def test_what_identifies_a_person_is_parted_from_what_may_stand_in_the_clear() -> None:
    statement = read(
        event(
            CustomerRegistered, "crm:1", "2024-01-01", name="Ana", born_on="1990-02-03",
            country="ES",
        )
    )  # fmt: skip
    assert statement.personal is not None
    assert {"name", "born_on"} == statement.personal.keys()
    assert CustomerRegistered(country="ES") == statement.body.data
    assert b"Ana" not in msgspec.json.encode(statement.body)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (purchase(source="urn:nobody"), "unknown_source"),
        (purchase(topic_of="x"), "bad_data"),
        (purchase("crm:1", source="urn:test:cards"), "namespace_not_allowed"),
        (purchase("receipt:0", source="urn:test:cards"), "blocked_subject"),
        (purchase("email:test@example.test"), "blocked_subject"),
        (purchase("CRM:1"), "bad_identifier"),
        (purchase(sequence="x"), "bad_envelope"),
        (event(IdentifierLinked, "crm:1", "2024-01-01"), "bad_data"),
        (event(IdentifierLinked, "crm:1", "2024-01-01", identifiers=[]), "bad_data"),
        (event(SurveyAnswered, "crm:1", "2024-01-01", survey="csat", score=6), "bad_data"),
        (b"[]", "bad_envelope"),
        (b"", "bad_json"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_statement_is_refused_with_a_code(payload: bytes, code: str) -> None:
    assert code == refusal(payload).code


def test_a_topic_of_another_source_is_refused_and_its_own_is_not() -> None:
    own = purchase(source="urn:test:kafka")
    assert "wrong_topic" == refusal(own, topic="other").code
    assert "wrong_topic" == refusal(purchase(), topic="sales").code
    assert "urn:test:kafka" == read(own, topic="sales").accepted.source.name


def test_a_time_may_lie_a_day_ahead_of_our_clock_and_no_microsecond_more() -> None:
    limit = datetime(2024, 6, 2, 12, tzinfo=UTC)
    assert NOW + DAY == read(purchase(time=limit.isoformat())).occurred_at
    refused = refusal(purchase(time="2024-06-02T12:00:00.000001Z"))
    assert "time_ahead" == refused.code


def test_only_a_source_of_simulated_time_may_speak_of_the_future() -> None:
    future = "2030-01-01T00:00:00Z"
    assert "time_ahead" == refusal(purchase(time=future)).code
    statement = read(purchase(time=future, source="urn:test:future"))
    assert instant_of(datetime(2030, 1, 1, tzinfo=UTC)) == statement.occurred_at


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00+14:00", "1066-10-14T09:00:00Z", "1899-12-31T23:59:59Z",
     "9999-12-31T23:59:59-10:00"],
)  # fmt: skip
def test_a_time_for_which_no_calendar_is_made_is_refused(time: str) -> None:
    assert "time_out_of_range" == refusal(purchase(time=time, source="urn:test:future")).code


@pytest.mark.parametrize("kind", [TouchpointCorrected, TouchpointVoided])
def test_a_correction_refers_to_the_entry_that_it_names(kind: type[Touchpoint]) -> None:
    first = read(purchase("card:1", id="p1", source="urn:test:cards"))
    values: dict[str, Any] = {
        "reference": reference("p1", "2024-01-01", "urn:test:cards"), "reason": "x",
    }  # fmt: skip
    if kind is TouchpointCorrected:
        values["corrected_type"] = PURCHASE
    naming = read(event(kind, "card:1", "2024-01-02", source="urn:test:cards", **values))
    assert first.entry_id == naming.refers_to


@pytest.mark.parametrize("kind", [TouchpointCorrected, TouchpointVoided])
def test_a_source_corrects_only_its_own(kind: type[Touchpoint]) -> None:
    values: dict[str, Any] = {
        "reference": reference("p1", "2024-01-01", "urn:test:cards"), "reason": "x",
    }  # fmt: skip
    if kind is TouchpointCorrected:
        values["corrected_type"] = PURCHASE
    assert "not_your_own" == refusal(event(kind, "crm:1", "2024-01-02", **values)).code


def test_a_correction_that_names_the_subject_it_had_touches_nobody_else() -> None:
    statement = read(corrected(subject="crm:1"))
    assert (persona("crm:1"), {}) == (statement.body.subject, statement.further)


def test_the_right_subject_is_kept_as_a_persona_and_touched() -> None:
    statement = read(corrected(subject="card:2"))
    assert persona("card:2") == statement.body.subject
    assert {persona("card:2").persona_id: parse_identifier("card:2")} == statement.further
    assert b"card:2" not in msgspec.json.encode(statement.body)


@pytest.mark.parametrize(
    ("subject", "code"), [("card:0", "blocked_subject"), ("card", "bad_identifier")]
)
def test_the_right_subject_must_be_somebody(subject: str, code: str) -> None:
    assert code == refusal(corrected(subject=subject)).code


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"corrected_type": "vinculo.nothing.v1"}, "unknown_type", "vinculo.nothing.v1"),
        ({"corrected_type": "vinculo.touchpoint_voided.v1"}, "unknown_type", "voided"),
        ({"corrected_type": "vinculo.touchpoint_corrected.v1"}, "unknown_type", "corrected"),
        ({"fields": {"surprise": 1}}, "bad_data", "surprise"),
        ({"fields": {"identifiers": ["crm:2"]}}, "bad_data", "identifiers"),
        ({"fields": {"number": None}}, "bad_data", "number"),
        ({"fields": {"number": 5}}, "bad_data", "number"),
        ({"fields": {"lines": []}}, "bad_data", "lines"),
        ({"fields": {"lines": [{**LINE, "amount": 1.5}]}}, "bad_data", "lines"),
        ({"fields": {"lines": [{**LINE, "surprise": 1}]}}, "bad_data", "`surprise`"),
        ({"fields": {"shipping": -1}}, "bad_data", "shipping"),
        ({"occurred_at": "2024-01-01T00:00:00"}, "bad_data", "occurred_at"),
    ],
)  # fmt: skip
def test_new_values_are_checked_when_they_arrive(
    changes: dict[str, Any], code: str, word: str
) -> None:
    refused = refusal(corrected(**changes))
    assert code == refused.code
    assert word in refused.detail


def test_a_field_that_may_be_absent_may_be_taken_away() -> None:
    statement = read(corrected(fields={"store": None, "shipping": 3}))
    assert isinstance(statement.body.data, TouchpointCorrected)
    assert {"store": None, "shipping": 3} == statement.body.data.fields


def test_new_personal_values_are_parted_from_plain_ones() -> None:
    statement = read(
        corrected(
            corrected_type="vinculo.customer_registered.v1",
            fields={"name": "Eva", "email": None, "country": "PT"},
        )
    )
    assert {"name": "Eva", "email": None} == statement.personal
    assert isinstance(statement.body.data, TouchpointCorrected)
    assert {"country": "PT"} == statement.body.data.fields


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (PURCHASE, {"lines": [{**LINE, "amount": AMOUNT_MAX}] * 200}),
        (PURCHASE, {"currency": "XXX"}),
        ("vinculo.survey_answered.v1", {"survey": "csat", "score": 9}),
    ],
)
def test_a_correction_cannot_state_what_its_touchpoint_could_not(
    kind: str, fields: dict[str, Any]
) -> None:
    assert "bad_data" == refusal(corrected(corrected_type=kind, fields=fields)).code


@pytest.mark.parametrize(
    "time",
    ["2030-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"],
)
def test_a_correction_cannot_move_a_touchpoint_where_no_publisher_could_put_it(time: str) -> None:
    assert refusal(corrected(occurred_at=time)).code in {"time_ahead", "time_out_of_range"}


def test_expiry_may_lie_as_far_ahead_as_it_likes() -> None:
    far = event(ConsentGiven, "crm:1", "2024-01-01", purpose="a", expires_at="2099-01-01T00:00:00Z")
    assert isinstance(read(far).body.data, ConsentGiven)
