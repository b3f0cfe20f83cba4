"""The micro-batching writer: each caller hears of its commit; few transactions, bounded waits."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing

import msgspec
import psycopg
import pytest

from journal.connecting import connect
from journal.intake.message import Message, Outcome
from journal.intake.pipeline import Intake
from journal.intake.writer import (
    IntakeWriter,
    WriterClosedError,
    WriterFullError,
    WriterLimits,
)
from journal.reading import head_of
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import create_tenant

SOURCES = SourceRegister((Source(name="urn:test:crm"),))
Make = Callable[..., IntakeWriter]


def message(number: int) -> Message:
    plain = {
        "specversion": "1.0", "id": f"e{number}", "source": "urn:test:crm",
        "type": "vinculo.lead_qualified.v1", "subject": f"crm:1{number}",
        "time": "2024-03-01T10:00:00Z", "data": {},
    }  # fmt: skip
    return Message(msgspec.json.encode(plain))


class Held:
    """A gate before the database: what is submitted while it is closed waits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.opened = threading.Event()
        self.connections = 0

    def connect(self) -> psycopg.Connection:
        self.connections += 1
        assert self.opened.wait(20)
        return connect(self._url, name="test writer")


@pytest.fixture
def held(database_url: str) -> Held:
    return Held(database_url)


@pytest.fixture
def log_id(database_url: str) -> int:
    with closing(psycopg.connect(database_url, autocommit=True)) as owner:
        return create_tenant(owner, "shop").facts


@pytest.fixture
def make(held: Held, log_id: int) -> Iterator[Make]:
    made: list[IntakeWriter] = []

    def writer(intake: Intake | None = None, **limits: float) -> IntakeWriter:
        pipeline = intake or Intake(log_id, SOURCES, TenantSecret(bytes(32)))
        one = IntakeWriter(pipeline, held.connect, limits=WriterLimits(**limits))  # type: ignore[arg-type]
        made.append(one)
        return one

    yield writer
    held.opened.set()
    for one in made:
        one.close()


def kinds(future: Future[list[Outcome]]) -> list[str]:
    return [outcome.kind for outcome in future.result(20)]


def test_callers_share_transactions_and_each_hears_of_its_own(make: Make, held: Held) -> None:
    writer = make()
    writer.start()
    first = writer.submit([message(0)])
    futures = [writer.submit([message(number)]) for number in range(1, 101)]
    held.opened.set()
    assert ["stored"] == kinds(first)
    assert [["stored"]] * 100 == [kinds(future) for future in futures]
    assert list(range(2, 102)) == [future.result()[0].position for future in futures]
    assert writer.batches <= 4
    assert 101 == writer.events


def test_a_transaction_holds_no_more_than_its_limit(make: Make, held: Held, log_id: int) -> None:
    sizes: list[int] = []

    class Counting(Intake):
        def take_in(self, connection, channel, messages, advances=()):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            sizes.append(len(messages))
            return super().take_in(connection, channel, messages, advances)

    writer = make(Counting(log_id, SOURCES, TenantSecret(bytes(32))), batch_events_max=10)
    writer.start()
    small = [writer.submit([message(number)]) for number in range(25)]
    large = writer.submit([message(number) for number in range(100, 135)])
    held.opened.set()
    assert [["stored"]] * 25 == [kinds(one) for one in small]
    assert ["stored"] * 35 == kinds(large)
    assert 60 == sum(sizes)
    assert 10 == max(sizes)


def test_too_much_is_turned_away_at_once_and_nothing_of_it_is_kept(make: Make, held: Held) -> None:
    writer = make(queue_events_max=5, batch_events_max=1)
    writer.start()
    taken = [writer.submit([message(0)])]
    with pytest.raises(WriterFullError, match="expected room for 6 events"):
        writer.submit([message(number) for number in range(10, 16)])
    turned = 0
    for number in range(1, 20):
        try:
            taken.append(writer.submit([message(number)]))
        except WriterFullError:
            turned += 1
    assert turned >= 13
    held.opened.set()
    assert [["stored"]] * len(taken) == [kinds(one) for one in taken]
    assert 0 == writer.waiting


def test_closing_writes_what_is_queued_and_takes_no_more(
    make: Make, held: Held, database_url: str, log_id: int
) -> None:
    writer = make()
    writer.start()
    futures = [writer.submit([message(number)]) for number in range(50)]
    held.opened.set()
    writer.close()
    assert all(future.done() for future in futures)
    assert [["stored"]] * 50 == [kinds(future) for future in futures]
    with connect(database_url, name="test") as connection:
        assert 50 == head_of(connection, log_id)
    with pytest.raises(WriterClosedError):
        writer.submit([message(99)])


def test_one_message_that_fails_takes_no_other_with_it(make: Make, held: Held, log_id: int) -> None:
    class Poisoned(Intake):
        def take_in(self, connection, channel, messages, advances=()):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            if any(b"e7" in one.payload for one in messages):
                raise ZeroDivisionError
            return super().take_in(connection, channel, messages, advances)

    writer = make(Poisoned(log_id, SOURCES, TenantSecret(bytes(32))))
    writer.start()
    futures = [writer.submit([message(number)]) for number in range(10)]
    held.opened.set()
    assert isinstance(futures[7].exception(20), ZeroDivisionError)
    others = [future for number, future in enumerate(futures) if number != 7]
    assert [["stored"]] * 9 == [kinds(future) for future in others]
    assert ["stored"] == kinds(writer.submit([message(20)]))


def test_a_lost_connection_is_opened_anew(make: Make, held: Held, database_url: str) -> None:
    held.opened.set()
    writer = make()
    writer.start()
    assert ["stored"] == kinds(writer.submit([message(1)]))
    with closing(psycopg.connect(database_url, autocommit=True)) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'test writer'"
        )
    assert ["duplicate", "stored"] == kinds(writer.submit([message(1), message(2)]))
    assert 2 == held.connections


def test_a_database_that_is_away_fails_the_submission_and_not_the_writer(
    log_id: int, database_url: str
) -> None:
    away = [True]

    def opening() -> psycopg.Connection:
        if away[0]:
            raise psycopg.OperationalError
        return connect(database_url, name="test writer")

    writer = IntakeWriter(Intake(log_id, SOURCES, TenantSecret(bytes(32))), opening)
    writer.start()
    try:
        future = writer.submit([message(1)])
        assert isinstance(future.exception(20), psycopg.OperationalError)
        away[0] = False
        assert ["stored"] == kinds(writer.submit([message(1)]))
    finally:
        writer.close()


def test_messages_too_deep_or_with_nul_are_rejected_and_kept(make: Make, held: Held) -> None:
    deep = b'{"specversion":"1.0","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    nul = b'{"specversion":"1.0","source":"a\\u0000b","id":"1"}'
    held.opened.set()
    writer = make()
    writer.start()
    outcomes: Sequence[Outcome] = writer.submit([Message(deep), Message(nul)]).result(20)
    assert ["rejected", "rejected"] == [outcome.kind for outcome in outcomes]
    assert ["too_deep", "bad_envelope"] == [outcome.code for outcome in outcomes]
    assert "a\ufffdb" == outcomes[1].source
