"""The ledger's writer: few transactions, and nobody suffers for another, whatever fails."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from domain.errors import Refused
from domain.ledger.account import UnbalancedLedgerError
from domain.ledger.commands import Redeem
from domain.ledger.handling import handle
from journal.connecting import connect
from journal.decisions import open_decisions
from journal.intake.writer import WriterClosedError, WriterFullError, WriterLimits
from journal.ledger import Answer, LedgerWriter, open_order
from journal.ledger.deciding import Deciding
from journal.ledger.reading import read_account
from journal.ledger.verifying import verify
from journal.reading import head_of
from tests.journal.ledger_orders import (
    Clock,
    account_of,
    adjusting,
    connecting,
    endowment,
    one,
    opening,
    redeeming,
    rid,
    running,
    tenant_log,
    told,
)

Make = Callable[..., LedgerWriter]


@pytest.fixture
def log_id(database_url: str) -> int:
    return tenant_log(database_url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(database_url: str, log_id: int, clock: Clock) -> Iterator[LedgerWriter]:
    with running(LedgerWriter(log_id, connecting(database_url), now=clock)) as one_writer:
        yield one_writer


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, name="test") as opened:
        yield opened


@pytest.fixture
def rich(writer: LedgerWriter) -> LedgerWriter:
    """The writer, and account 1 with 100 points that never expire."""
    assert all(
        isinstance(answer, Answer) for answer in told(writer, opening(1), endowment(1, (100, None)))
    )
    return writer


def available(connection: psycopg.Connection, log_id: int, number: int = 1) -> int:
    found = read_account(connection, log_id, account_of(number))
    assert found is not None
    return found.account.book("points").available


class Held:
    """A gate before the database: what is submitted while it is closed waits."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.opened = threading.Event()

    def connect(self) -> psycopg.Connection:
        assert self.opened.wait(20)
        return connect(self._url, name="test ledger")


@pytest.fixture
def held(database_url: str) -> Iterator[Held]:
    gate = Held(database_url)
    yield gate
    gate.opened.set()


@pytest.fixture
def make(held: Held, log_id: int, clock: Clock) -> Iterator[Make]:
    made: list[LedgerWriter] = []

    def writer(**limits: float) -> LedgerWriter:
        one_writer = LedgerWriter(
            log_id, held.connect, now=clock, limits=WriterLimits(**limits),  # type: ignore[arg-type]
        )  # fmt: skip
        made.append(one_writer)
        one_writer.start()
        return one_writer

    yield writer
    held.opened.set()
    for one_writer in made:
        one_writer.close()


def test_callers_share_transactions_and_each_hears_of_its_own(make: Make, held: Held) -> None:
    writer = make()
    futures = [writer.submit(opening(number)) for number in range(101)]
    held.opened.set()
    assert [account_of(number) for number in range(101)] == [
        future.result(20).account_id for future in futures
    ]
    assert list(range(1, 102)) == [future.result().position for future in futures]
    assert writer.batches <= 3
    assert 101 == writer.orders


def test_a_transaction_holds_no_more_than_its_limit(make: Make, held: Held) -> None:
    writer = make(batch_events_max=10)
    futures = [writer.submit(opening(number)) for number in range(95)]
    held.opened.set()
    assert 95 == max(future.result(20).position for future in futures)
    assert 10 <= writer.batches <= 11


def test_too_much_is_turned_away_at_once(make: Make, held: Held) -> None:
    writer = make(queue_events_max=5, batch_events_max=1)
    taken = [writer.submit(opening(0))]
    while not taken[0].running():
        time.sleep(0.001)
    taken += [writer.submit(opening(number)) for number in range(1, 6)]
    with pytest.raises(WriterFullError, match="found 5 of 5 waiting"):
        writer.submit(opening(6))
    held.opened.set()
    assert 6 == max(future.result(20).position for future in taken)
    assert 0 == writer.waiting


def test_closing_carries_out_what_is_queued_and_takes_no_more(make: Make, held: Held) -> None:
    writer = make()
    futures = [writer.submit(opening(number)) for number in range(50)]
    held.opened.set()
    writer.close()
    assert 50 == max(future.result(0).position for future in futures)
    assert not writer.alive
    with pytest.raises(WriterClosedError):
        writer.submit(opening(99))


def test_a_writer_that_was_never_started_takes_nothing(database_url: str, log_id: int) -> None:
    with pytest.raises(WriterClosedError, match="expected a running writer"):
        LedgerWriter(log_id, connecting(database_url)).submit(opening(1))


def test_an_order_that_is_cancelled_in_time_is_not_carried_out(
    make: Make, held: Held, connection: psycopg.Connection, log_id: int
) -> None:
    writer = make(batch_events_max=1)
    futures = [writer.submit(opening(number)) for number in range(3)]
    assert futures[2].cancel()
    held.opened.set()
    assert [1, 2] == [future.result(20).position for future in futures[:2]]
    writer.close()
    assert 2 == head_of(connection, log_id)


def test_one_order_that_fails_takes_no_other_with_it(
    make: Make,
    held: Held,
    connection: psycopg.Connection,
    log_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def poisoned(desk, command, at, *terms):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        handle(desk, command, at, *terms)
        if isinstance(command, Redeem) and command.points == 7:
            raise ZeroDivisionError

    monkeypatch.setattr("journal.ledger.carrying.handle", poisoned)
    writer = make()
    futures = [writer.submit(opening(1)), writer.submit(endowment(1, (100, None)))]
    futures += [writer.submit(redeeming(1, points, f"r{points}")) for points in range(1, 11)]
    held.opened.set()
    assert isinstance(futures.pop(8).exception(20), ZeroDivisionError)
    assert 11 == max(future.result(20).position for future in futures)
    assert 100 - 55 + 7 == available(connection, log_id)
    assert ["account_exists"] == told(writer, opening(1, "again"))
    assert verify(connection, log_id).sound


def test_a_refusal_that_changed_something_is_a_defect_and_not_written(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def late(desk, command, at, *terms):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
        handle(desk, command, at, *terms)
        code = "too_late"
        raise Refused(code, "said after the deed")

    monkeypatch.setattr("journal.ledger.carrying.handle", late)
    with pytest.raises(UnbalancedLedgerError, match="expected a refusal to change nothing"):
        rich.submit(redeeming(1, 1, "r")).result(20)
    assert 100 == available(connection, log_id)


def test_what_the_database_refuses_takes_no_other_with_it(
    make: Make, held: Held, connection: psycopg.Connection, log_id: int
) -> None:
    writer = make()
    bad = open_order(rid("nul"), "cl\0ub", bytes(16))
    futures = [writer.submit(opening(number)) for number in range(5)]
    futures += [writer.submit(bad)]
    futures += [writer.submit(opening(number)) for number in range(5, 10)]
    held.opened.set()
    assert isinstance(futures.pop(5).exception(20), psycopg.DataError)
    assert list(range(1, 11)) == sorted(future.result(20).position for future in futures)
    assert 10 == head_of(connection, log_id)


def test_a_lost_connection_is_opened_anew(
    rich: LedgerWriter, database_url: str, connection: psycopg.Connection, log_id: int
) -> None:
    one(rich, redeeming(1, 10, "r"))
    _end_sessions(database_url)
    assert [True, False] == [
        answer.repeated
        for answer in told(rich, redeeming(1, 10, "r"), redeeming(1, 10, "s"))
        if isinstance(answer, Answer)
    ]
    assert 80 == available(connection, log_id)


def _end_sessions(database_url: str) -> None:
    with closing(psycopg.connect(database_url, autocommit=True)) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'test ledger'"
        )


class Lossy(psycopg.Connection):
    """Commits, and then loses the answer, as often as it is told."""

    losses = 0

    def wait(self, generator, *args, **options):  # type: ignore[no-untyped-def, override]  # noqa: ANN001, ANN002, ANN003, ANN201
        found = super().wait(generator, *args, **options)
        finished = self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if Lossy.losses and finished and self._committing:
            Lossy.losses -= 1
            self.close()
            message = "the answer was lost"
            raise psycopg.OperationalError(message)
        self._committing = self.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        return found

    _committing = False


@pytest.mark.parametrize("losses", [1, 2])
def test_a_lost_answer_to_commit_is_found_by_the_requests(
    database_url: str, log_id: int, clock: Clock, connection: psycopg.Connection, losses: int
) -> None:
    def opening_lossy() -> psycopg.Connection:
        plain = connect(database_url, name="test ledger")
        plain.__class__ = Lossy
        return plain

    Lossy.losses = 0
    with running(LedgerWriter(log_id, opening_lossy, now=clock)) as writer:
        told(writer, opening(1), endowment(1, (100, None)))
        Lossy.losses = losses
        answers = told(writer, redeeming(1, 60, "a"), redeeming(1, 60, "b"))
        assert 0 == Lossy.losses
    assert isinstance(answers[0], Answer)
    assert (40, 3, True) == (answers[0].balance.available, answers[0].position, answers[0].repeated)
    assert "insufficient_points" == answers[1]
    assert 40 == available(connection, log_id)
    assert verify(connection, log_id).sound


def test_a_database_that_is_away_fails_the_callers_and_not_the_writer(
    log_id: int, database_url: str, clock: Clock
) -> None:
    away = [True]

    def connecting_sometimes() -> psycopg.Connection:
        if away[0]:
            raise psycopg.OperationalError
        return connect(database_url, name="test ledger")

    with running(LedgerWriter(log_id, connecting_sometimes, now=clock)) as writer:
        assert isinstance(writer.submit(opening(1)).exception(20), psycopg.OperationalError)
        away[0] = False
        assert not one(writer, opening(1)).repeated
        assert writer.alive


def test_a_writer_whose_thread_dies_says_so_and_keeps_nobody_waiting(
    rich: LedgerWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying(BaseException):
        pass

    def die(*_: object) -> None:
        raise Dying

    hooked: list[object] = []
    monkeypatch.setattr(threading, "excepthook", hooked.append)
    monkeypatch.setattr(Deciding, "decide", die)
    assert isinstance(rich.submit(redeeming(1, 1, "r")).exception(20), Dying)
    rich.close()
    assert not rich.alive
    assert 1 == len(hooked)


def test_a_stream_that_was_continued_behind_the_rows_back_is_refused_and_found(
    rich: LedgerWriter, database_url: str, connection: psycopg.Connection, log_id: int
) -> None:
    told(rich, opening(2))
    with open_decisions(database_url, log_id) as decisions:
        behind = StoredEvent(UUID(bytes=account_of(1)), 3, "vinculo.first_purchase_recognised.v1",
            b'{"at":0,"touchpoint":"AAAAAAAAAAAAAAAAAAAAAA=="}')  # fmt: skip
        decisions.recorder.insert_events([behind])
    with pytest.raises(psycopg.errors.UniqueViolation):
        rich.submit(redeeming(1, 1, "r")).result(20)
    assert 2 == one(rich, adjusting(2, 1, "other")).version
    assert [account_of(1)] == [fault.account_id for fault in verify(connection, log_id).faults]
