"""Intake: every message is accounted for, nothing is lost, nothing is stored twice."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from domain.identifiers import parse_identifier
from domain.touchpoints import CustomerRegistered, PurchaseMade, TouchpointVoided
from journal.connecting import ROLE, connect
from journal.intake.message import Message
from journal.rejected import list_rejected, read_rejected
from journal.subject_keys import identifiers_of, set_blocked
from tests.engine import DEMO_SOURCES, SECRET, Engine, simulated
from tests.events import event, lines, reference


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant without any facts."""
    made = Engine(database_url)
    yield made
    made.close()


NUL_FIELD: dict[str, Any] = {"a\0b": 1}


def purchase(subject: str = "crm:1", time: str = "2024-01-01", **more: Any) -> bytes:
    """A purchase of one line."""
    return event(PurchaseMade, subject, time, number="T1", currency="EUR", lines=lines(5), **more)


def accounts(engine: Engine) -> dict[str, int]:
    """Messages by outcome, as booked."""
    return dict(
        engine.connection.execute(
            "SELECT outcome, sum(messages)::int FROM journal.intake_account"
            " WHERE log_id = %s GROUP BY outcome",
            (engine.logs.facts,),
        ).fetchall()
    )


def test_what_a_simulated_business_sends_becomes_of_it_what_the_simulator_says(
    database_url: str,
) -> None:
    engine = Engine(database_url, DEMO_SOURCES)
    messages = simulated(60)
    outcomes = engine.take_in((one.payload for one in messages), batch=97)
    wrong = [
        (one.defect, outcome)
        for one, outcome in zip(messages, outcomes, strict=True)
        if one.outcome != outcome.kind
    ]
    assert [] == wrong
    assert Counter(one.outcome for one in messages) == accounts(engine)
    engine.close()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"{", "bad_json"),
        (b"[]", "bad_envelope"),
        (b"\xff\xfe", "bad_json"),
        (purchase(source="urn:nobody"), "unknown_source"),
        (purchase("no-colon"), "bad_identifier"),
        (purchase("crm:-1"), "blocked_subject"),
        (purchase("crm:0000"), "blocked_subject"),
        (purchase(time="2199-01-01", source="urn:test:two"), "time_ahead"),
        (purchase(surprise=1), "bad_data"),
        (purchase(time="0001-01-01T00:00:00+14:00"), "time_out_of_range"),
        (purchase(source="a\0b"), "unknown_source"),
        (purchase(**NUL_FIELD), "bad_data"),
        (
            event(
                TouchpointVoided, "crm:1", "2024-01-01", reason="x",
                reference=reference("a", "2024-01-01", "urn:test:two"),
            ),
            "not_your_own",
        ),
    ],
)  # fmt: skip
def test_what_cannot_become_a_fact_is_kept_with_its_reason(
    engine: Engine, message: bytes, code: str
) -> None:
    (outcome,) = engine.take_in([message])
    assert ("rejected", code) == (outcome.kind, outcome.code)
    (kept,) = list_rejected(engine.connection, engine.logs.facts)
    assert (outcome.receipt_id, code, outcome.detail) == (kept.receipt_id, kept.code, kept.detail)
    _, read = read_rejected(
        engine.connection, engine.logs.facts, SECRET, kept.receipt_id, "a tester"
    )
    assert message == read.payload


def test_a_repetition_is_a_duplicate_and_other_content_under_one_id_is_refused(
    engine: Engine,
) -> None:
    first = purchase(id="x")
    kinds = [one.kind for one in engine.take_in([first, first])]
    assert ["stored", "duplicate"] == kinds
    (again,) = engine.take_in([first])
    assert ("duplicate", 1) == (again.kind, again.position)
    (other,) = engine.take_in([purchase(id="x", store="another")])
    assert ("rejected", "conflicting_content") == (other.kind, other.code)
    assert {"stored": 1, "duplicate": 2, "rejected": 1} == accounts(engine)


def test_a_difference_in_a_sealed_field_is_a_conflict_too(engine: Engine) -> None:
    def registered(name: str) -> bytes:
        return event(CustomerRegistered, "crm:1", "2024-01-01", id="r", name=name)

    kinds = [
        one.kind
        for one in engine.take_in([registered("Ana"), registered("Ana"), registered("Eva")])
    ]
    assert ["stored", "duplicate", "rejected"] == kinds


def test_a_mended_message_is_a_new_receipt_that_names_the_old_one(engine: Engine) -> None:
    (outcome,) = engine.take_in([purchase(surprise=1)])
    assert outcome.receipt_id is not None
    mended = Message(purchase(), mends=outcome.receipt_id)
    (stored,) = engine.intake.take_in(engine.connection, "http", [mended])
    assert "stored" == stored.kind
    assert [] == list_rejected(engine.connection, engine.logs.facts)
    (kept,) = list_rejected(engine.connection, engine.logs.facts, open_only=False)
    assert stored.entry_id == kept.mended_by


def test_touchpoints_of_a_blocked_subject_are_suppressed_even_from_a_warm_cache(
    engine: Engine,
) -> None:
    engine.take_in([purchase()])
    persona = engine.intake.personas.name(parse_identifier("crm:1"))
    assert set_blocked(engine.connection, engine.logs.facts, persona.persona_id, blocked=True)
    (outcome,) = engine.take_in([purchase()])
    assert "suppressed" == outcome.kind
    assert {"stored": 1, "suppressed": 1} == accounts(engine)


def test_no_personal_value_stands_in_the_clear_anywhere_in_the_database(engine: Engine) -> None:
    marker = "ZzyzxMarker"
    engine.take_in([
        event(
            CustomerRegistered, f"email:{marker}@example.test", "2024-01-01", name=marker,
            address=f"{marker} street", identifiers=[f"phone:{marker}", f"crm:{marker}"],
        ),
        event(PurchaseMade, f"crm:{marker}", "2024-01-02", surprise=marker),
    ])  # fmt: skip
    engine.project()
    with psycopg.connect(engine.conninfo) as owner:
        tables = owner.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname IN ('journal', 'subject', 'view')"
        ).fetchall()
        found = [
            table
            for (table,) in tables
            for (row,) in owner.execute(f"SELECT t::text FROM {table} t")  # noqa: S608
            if marker.casefold() in row.casefold() or marker.encode().hex() in row
        ]
    assert [] == found
    personas = [
        engine.intake.personas.name(parse_identifier(f"{namespace}:{marker}"))
        for namespace in ("crm", "phone")
    ]
    opened = identifiers_of(
        engine.connection, engine.logs.facts, SECRET, [one.persona_id for one in personas]
    )
    assert {marker} == {one.value for one in opened.values()}


@pytest.mark.parametrize(
    "verb",
    [
        "UPDATE journal.entry SET body = body",
        "DELETE FROM journal.entry",
        "TRUNCATE journal.entry",
        "DELETE FROM journal.entry_persona",
        "UPDATE journal.entry_persona SET position = 0",
    ],
)
def test_the_applications_role_may_not_change_or_remove_an_entry(engine: Engine, verb: str) -> None:
    engine.take_in([purchase()])
    with (
        connect(engine.conninfo, name="tamper") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(verb.encode())


def test_the_role_of_connections_is_the_applications(engine: Engine) -> None:
    found = engine.connection.execute("SELECT current_user").fetchone()
    assert (ROLE,) == found


def test_many_large_messages_that_cannot_be_read_are_kept_in_one_batch(engine: Engine) -> None:
    """The driver's pipeline mode would hang here for ever."""
    outcomes = engine.take_in([b"{" + b"x" * 3_000_000, b"[" + b"y" * 3_000_000, purchase()])
    assert ["rejected", "rejected", "stored"] == [one.kind for one in outcomes]
    assert 2 == len(list_rejected(engine.connection, engine.logs.facts))


def test_a_released_subject_is_let_in_again_by_an_intake_that_had_suppressed_it(
    engine: Engine,
) -> None:
    engine.take_in([purchase()])
    persona = engine.intake.personas.name(parse_identifier("crm:1")).persona_id
    for blocked, kind in ((True, "suppressed"), (False, "stored")):
        set_blocked(engine.connection, engine.logs.facts, persona, blocked=blocked)
        assert [kind] == [one.kind for one in engine.take_in([purchase()])]


def test_no_value_stands_in_the_reason_of_a_rejection(engine: Engine) -> None:
    (outcome,) = engine.take_in([purchase(channel="ana@example.test")])
    assert "bad_data" == outcome.code
    assert "ana" not in outcome.detail
    assert "channel: expected one of the values in the schema" in outcome.detail
