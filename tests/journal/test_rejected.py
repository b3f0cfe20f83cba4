"""Rejected messages: kept sealed, listed by what was wrong, read on record, forgotten in time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.errors import VinculoError
from domain.instants import DAY, instant_of, moment_of
from domain.touchpoints import PurchaseMade
from journal.connecting import Uuid
from journal.intake.message import Message, Outcome
from journal.intake.pipeline import Intake
from journal.rejected import (
    KEEP_DAYS,
    RejectedMessage,
    RejectedSeal,
    forget_rejected,
    list_rejected,
    read_rejected,
)
from journal.sealing import SealBrokenError, TenantSecret
from tests.engine import OPEN_SOURCES, SECRET, Engine
from tests.events import event, lines

NOON = instant_of(datetime(2024, 6, 1, 12, tzinfo=UTC))
BROKEN = b'{"source": "urn:test:one", "name": "Ana Maria"}'


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant without any facts."""
    made = Engine(database_url)
    yield made
    made.close()


def reject(engine: Engine, *messages: Message, at: int = NOON) -> list[Outcome]:
    """Take broken messages in at a moment."""
    intake = Intake(engine.logs.facts, OPEN_SOURCES, SECRET, now=lambda: at)
    return intake.take_in(engine.connection, "kafka", list(messages))


def receipt(outcome: Outcome) -> bytes:
    """The receipt of a rejection."""
    assert outcome.receipt_id is not None
    return outcome.receipt_id


def read(engine: Engine, receipt_id: bytes, secret: TenantSecret = SECRET) -> tuple[str, Message]:
    """Read a rejected message as a tester."""
    return read_rejected(engine.connection, engine.logs.facts, secret, receipt_id, "a tester")


def test_a_message_is_kept_with_where_it_came_from_and_why(engine: Engine) -> None:
    message = Message(BROKEN, topic="sales", partition=3, offset=17)
    (outcome,) = reject(engine, message)
    (kept,) = list_rejected(engine.connection, engine.logs.facts)
    assert ("kafka", "sales", 3, 17, "urn:test:one", "bad_envelope", outcome.detail, NOON) == (
        kept.channel, kept.topic, kept.partition, kept.offset, kept.source, kept.code, kept.detail,
        kept.received_at,
    )  # fmt: skip
    assert (None, None) == (kept.mends, kept.mended_by)


def test_what_has_no_partition_or_offset_says_so(engine: Engine) -> None:
    reject(engine, Message(BROKEN))
    (kept,) = list_rejected(engine.connection, engine.logs.facts)
    assert (None, None, "") == (kept.partition, kept.offset, kept.topic)


def test_a_message_is_read_as_it_came_in_either_mode(engine: Engine) -> None:
    binary = Message(b"\x00\xff", {"source": "urn:x", "ce": "ñ"}, topic="sales")
    structured, other = reject(engine, Message(BROKEN, topic="sales"), binary)
    assert ("kafka", Message(BROKEN, topic="sales", mends=receipt(structured))) == read(
        engine, receipt(structured)
    )
    channel, message = read(engine, receipt(other))
    assert ("kafka", binary.payload, binary.attributes) == (
        channel, message.payload, message.attributes,
    )  # fmt: skip


def test_what_a_message_held_does_not_stand_in_the_database(engine: Engine) -> None:
    reject(engine, Message(BROKEN))
    (text,) = engine.connection.execute(
        "SELECT string_agg(m::text, '') FROM journal.rejected_message m"
    ).fetchone() or ("",)
    assert "Ana" not in text
    assert b"Ana".hex() not in text


def test_every_reading_is_on_record_with_its_reader(engine: Engine) -> None:
    (outcome,) = reject(engine, Message(BROKEN))
    read(engine, receipt(outcome))
    read(engine, receipt(outcome))
    found = engine.connection.execute(
        "SELECT reader, receipt_id::text FROM journal.rejected_reading WHERE log_id = %s",
        (engine.logs.facts,),
    ).fetchall()
    assert ["a tester"] * 2 == [reader for reader, _ in found]


def test_another_tenants_secret_opens_nothing(engine: Engine) -> None:
    (outcome,) = reject(engine, Message(BROKEN))
    with pytest.raises(SealBrokenError):
        read(engine, receipt(outcome), TenantSecret(bytes(32)))


def test_a_sealed_message_opens_under_its_own_receipt_alone(engine: Engine) -> None:
    one, other = reject(engine, Message(BROKEN), Message(BROKEN))
    engine.connection.execute(
        "UPDATE journal.rejected_message SET sealed = (SELECT sealed FROM journal.rejected_message"
        " WHERE receipt_id = %s) WHERE receipt_id = %s",
        (Uuid(receipt(one)), Uuid(receipt(other))),
    )
    with pytest.raises(SealBrokenError):
        read(engine, receipt(other))


def test_a_receipt_that_nobody_gave_is_an_error(engine: Engine) -> None:
    with pytest.raises(VinculoError, match="none with this receipt"):
        read(engine, bytes(16))


def test_another_tenant_sees_nothing_of_it(engine: Engine) -> None:
    (outcome,) = reject(engine, Message(BROKEN))
    other = Engine(engine.conninfo)
    assert [] == list_rejected(other.connection, other.logs.facts)
    with pytest.raises(VinculoError, match="none with this receipt"):
        read(other, receipt(outcome))
    other.close()


def test_the_list_is_the_newest_first_and_goes_on_from_any_place(engine: Engine) -> None:
    receipts = [
        receipt(one)
        for hour in range(3)
        for one in reject(engine, *[Message(BROKEN)] * 3, at=NOON + hour)
    ]
    everything = list_rejected(engine.connection, engine.logs.facts)
    assert [NOON + 2] * 3 + [NOON + 1] * 3 + [NOON] * 3 == [one.received_at for one in everything]
    assert set(receipts) == {one.receipt_id for one in everything}
    paged: list[RejectedMessage] = []
    for _ in range(5):
        before = paged[-1].receipt_id if paged else None
        paged += list_rejected(engine.connection, engine.logs.facts, before=before, limit=2)
    assert everything == paged


def test_the_list_is_narrowed_by_source_and_reason(engine: Engine) -> None:
    good = event(PurchaseMade, "crm:1", "2024-01-01", number="T", currency="EUR", lines=lines(1))
    odd = good.replace(b"urn:test:one", b"urn:nobody")
    reject(engine, Message(BROKEN), Message(b"{"), Message(odd), Message(good))
    log_id = engine.logs.facts

    def sources(**narrow: str) -> list[str]:
        found = list_rejected(engine.connection, log_id, **narrow)  # type: ignore[arg-type]
        return sorted(one.source for one in found)

    assert ["unknown", "urn:nobody", "urn:test:one"] == sources()
    assert ["urn:test:one"] == sources(source="urn:test:one")
    assert ["urn:nobody"] == sources(code="unknown_source")
    assert [] == sources(source="urn:test:one", code="unknown_source")


def test_a_key_is_made_once_a_day_and_shared_by_all_processes(engine: Engine) -> None:
    log_id, connection = engine.logs.facts, engine.connection
    first, second = RejectedSeal(log_id, SECRET), RejectedSeal(log_id, SECRET)
    today = first.provide(connection, NOON)
    assert 32 == len(today)
    assert (
        today == second.provide(connection, NOON + DAY // 2 - 1) == first.provide(connection, NOON)
    )
    tomorrow = first.provide(connection, NOON + DAY // 2)
    assert today != tomorrow
    assert tomorrow == second.provide(connection, NOON + DAY)
    assert today == first.provide(connection, NOON)


def test_days_over_their_time_are_forgotten_and_the_reasons_stay(engine: Engine) -> None:
    today = moment_of(NOON).date()
    oldest, kept, new = (
        reject(engine, Message(BROKEN), at=NOON - days * DAY)[0]
        for days in (KEEP_DAYS + 1, KEEP_DAYS, 0)
    )
    assert 1 == forget_rejected(engine.connection, engine.logs.facts, today)
    assert 0 == forget_rejected(engine.connection, engine.logs.facts, today)
    with pytest.raises(VinculoError, match="older than 30 days"):
        read(engine, receipt(oldest))
    assert BROKEN == read(engine, receipt(kept))[1].payload
    assert BROKEN == read(engine, receipt(new))[1].payload
    assert 3 == len(list_rejected(engine.connection, engine.logs.facts))


def test_forgetting_one_tenants_days_leaves_the_others(engine: Engine) -> None:
    (outcome,) = reject(engine, Message(BROKEN))
    other = Engine(engine.conninfo)
    reject(other, Message(BROKEN))
    far = date(2024, 6, 1) + timedelta(days=99)
    assert 1 == forget_rejected(other.connection, other.logs.facts, far)
    assert BROKEN == read(engine, receipt(outcome))[1].payload
    other.close()


def test_a_receipt_that_nobody_gave_leaves_no_reading_on_record(engine: Engine) -> None:
    with pytest.raises(VinculoError):
        read(engine, bytes(16))
    found = engine.connection.execute("SELECT count(*) FROM journal.rejected_reading").fetchone()
    assert (0,) == found
