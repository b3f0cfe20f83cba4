"""What is asked of the ledger: exactly once under a key, all or nothing, and the answer."""

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from domain.errors import Refused
from domain.ledger.commands import Redeem
from domain.ledger.decisions import Balance
from domain.ledger.redeeming import RedemptionTerms
from journal.connecting import connect
from journal.decisions import open_decisions
from journal.decisions.preparing import prepare
from journal.ledger import Answer, LedgerWriter, Order, TransferPoints, open_order, request_id_of
from journal.ledger.deciding import Deciding
from journal.ledger.orders import OrderError
from journal.ledger.reading import read_account, read_request
from journal.ledger.spending import PlainSpending, plain_rules
from journal.ledger.verifying import verify
from journal.reading import head_of
from tests.journal.ledger_orders import (
    SECOND,
    START,
    Clock,
    account_of,
    adjusting,
    capturing,
    connecting,
    endowment,
    one,
    opening,
    redeeming,
    releasing,
    reserving,
    reversing,
    rid,
    running,
    tenant_log,
    told,
    transferring,
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


def test_an_answer_says_what_was_done_and_where_it_stands(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    answer = one(rich, redeeming(1, 30, "r"))
    expected = Answer(
        rid("r"), account_of(1), "redeem", START, 3, "points", 30, Balance(70), position=3
    )
    assert expected == answer
    assert 3 == head_of(connection, log_id)
    found = read_account(connection, log_id, account_of(1))
    assert found is not None
    assert (3, 3) == (found.position, found.account.version)


def test_the_same_key_and_content_hears_the_same_answer_and_nothing_happens_twice(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    first = one(rich, redeeming(1, 30, "r"))
    one(rich, redeeming(1, 5, "other"))
    again = one(rich, redeeming(1, 30, "r"))
    assert not first.repeated
    assert again.repeated
    assert first == Answer(*[getattr(again, name) for name in Answer.__struct_fields__[:-1]])
    assert 65 == available(connection, log_id)


def test_the_same_key_with_other_content_is_refused(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    one(rich, redeeming(1, 30, "r"))
    one(rich, opening(2))
    assert ["idempotency_conflict"] * 3 == told(
        rich, redeeming(1, 31, "r"), reserving(1, 30, "r"), redeeming(2, 30, "r")
    )
    assert 70 == available(connection, log_id)


def test_a_key_that_comes_twice_in_one_batch_is_used_once(
    log_id: int, clock: Clock, connection: psycopg.Connection
) -> None:
    deciding = Deciding(log_id, plain_rules, clock)
    orders = [
        opening(1), endowment(1, (100, None)), redeeming(1, 30, "r"), redeeming(1, 30, "r"),
        redeeming(1, 31, "r"), redeeming(1, 200, "s"), redeeming(1, 20, "s"),
    ]  # fmt: skip
    with connection.transaction():
        found = deciding.decide(connection, orders)
    assert [1, 2, 3, 3, "idempotency_conflict", "insufficient_points", 4] == [
        answer.code if isinstance(answer, Refused) else answer.position for answer in found
    ]
    again = found[3]
    assert isinstance(again, Answer)
    assert again.repeated
    assert 50 == available(connection, log_id)


def test_a_refusal_says_why_changes_nothing_and_is_not_remembered(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    with pytest.raises(Refused, match="at most 100, which are available, found 101") as caught:
        rich.submit(redeeming(1, 101, "r")).result(20)
    assert "insufficient_points" == caught.value.code
    assert 2 == head_of(connection, log_id)
    assert None is read_request(connection, log_id, rid("r"))
    one(rich, adjusting(1, 1, "more"))
    assert 0 == one(rich, redeeming(1, 101, "r")).balance.available


def test_a_redemption_is_reserved_captured_in_parts_and_reversed(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    reserved = one(rich, reserving(1, 80, "r"))
    assert (80, START + 900 * SECOND) == (reserved.points, reserved.until)
    assert Balance(20, 0, 80) == reserved.balance
    assert Balance(20, 0, 50) == one(rich, capturing(1, "r", "c1", 30, final=False)).balance
    captured = one(rich, capturing(1, "r", "c2", 40))
    assert (40, 10, Balance(30)) == (captured.points, captured.returned, captured.balance)
    assert (25, Balance(55)) == (
        (answer := one(rich, reversing(1, "r", "v1", 25))).points, answer.balance
    )  # fmt: skip
    given = read_request(connection, log_id, rid("r"))
    assert given is not None
    assert given.redemption is not None
    assert 45 == sum(part.points for part in given.redemption.redeemed)
    assert Balance(100) == one(rich, reversing(1, "r", "v2")).balance
    assert ["not_redeemed"] == told(rich, reversing(1, "r", "v3"))
    assert verify(connection, log_id).sound


def test_a_redemption_of_another_account_is_nobodys_to_reverse(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    told(rich, opening(2), endowment(2, (50, None)), redeeming(2, 50, "theirs"))
    assert ["not_redeemed"] == told(rich, reversing(1, "theirs", "v"))
    assert [Balance(50)] == [one(rich, reversing(2, "theirs", "v")).balance]
    assert verify(connection, log_id).sound


def test_reservations_are_released_or_time_out(rich: LedgerWriter, clock: Clock) -> None:
    told(rich, reserving(1, 30, "a"), reserving(1, 30, "b"))
    released = one(rich, releasing(1, "a", "x"))
    assert (30, Balance(70, 0, 30)) == (released.points, released.balance)
    clock.wait(900)
    assert ["not_reserved"] == told(rich, capturing(1, "b", "y"))
    assert 0 == one(rich, redeeming(1, 100, "all")).balance.available


def test_points_go_to_another_account_and_all_of_them_arrive(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    told(rich, opening(2))
    sent = one(rich, transferring(1, 2, 40, "t"))
    assert (40, Balance(60), 5) == (sent.points, sent.balance, sent.position)
    assert sent.position == one(rich, transferring(1, 2, 40, "t")).position
    assert [60, 40] == [available(connection, log_id, number) for number in (1, 2)]
    other = open_order(rid("elsewhere"), "rival", (2).to_bytes(16))
    one(rich, other)
    away = Order(
        request_id=rid("away"), account_id=account_of(1),
        command=TransferPoints(to_account=other.account_id, currency="points", points=1),
    )  # fmt: skip
    assert ["other_programme", "account_unknown", "same_account", "insufficient_points"] == told(
        rich, away, transferring(1, 9, 1, "u"), transferring(1, 1, 1, "v"),
        transferring(2, 1, 41, "w"),
    )  # fmt: skip
    verified = verify(connection, log_id)
    assert verified.sound
    assert 0 == verified.books["points"]["transferred"]


def test_an_account_is_opened_once(rich: LedgerWriter) -> None:
    assert one(rich, opening(1)).repeated
    assert ["account_exists", "account_unknown", "programme_unknown"] == told(
        rich, opening(1, "again"), redeeming(7, 1, "r"), opening(3, programme="")
    )


def test_terms_are_those_of_the_accounts_programme(
    database_url: str, log_id: int, clock: Clock
) -> None:
    terms = {"club": RedemptionTerms(minimum=10, step=5, reservation_seconds=60)}
    rules = PlainSpending(terms.__getitem__)
    made = LedgerWriter(log_id, connecting(database_url), now=clock, rules=lambda _: rules)
    with running(made) as writer:
        told(writer, opening(1), endowment(1, (100, None)))
        assert ["points_invalid", "points_invalid"] == told(
            writer, redeeming(1, 5, "r"), redeeming(1, 12, "s")
        )
        assert START + 60 * SECOND == one(writer, reserving(1, 15, "t")).until


def test_time_never_goes_back_for_an_account(
    rich: LedgerWriter, clock: Clock, connection: psycopg.Connection, log_id: int
) -> None:
    one(rich, redeeming(1, 1, "a"))
    clock.wait(-100)
    assert START == one(rich, redeeming(1, 1, "b")).at
    assert verify(connection, log_id).sound


def test_what_expired_meanwhile_is_never_redeemed(
    writer: LedgerWriter, clock: Clock, connection: psycopg.Connection, log_id: int
) -> None:
    told(writer, opening(1), endowment(1, (100, START + 10 * SECOND), (7, None)))
    clock.wait(10)
    assert ["insufficient_points"] == told(writer, redeeming(1, 8, "a"))
    answer = one(writer, redeeming(1, 7, "b"))
    assert (7, 0, "points") == (answer.points, answer.balance.available, answer.currency)
    assert -107 == (books := verify(connection, log_id).books["points"])["adjusted"]
    assert (100, 7) == (books["expired"], books["redeemed"])


def test_what_happened_elsewhere_is_booked_and_says_what_nothing_covered(
    rich: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    answer = one(rich, redeeming(1, 130, "r", elsewhere=True))
    assert (130, 30, -30) == (answer.points, answer.uncovered, answer.balance.available)
    assert -10 == one(rich, adjusting(1, 20, "up")).balance.available
    down = one(rich, adjusting(1, -5, "down", overdraw=True))
    assert (-5, 5, -15) == (down.points, down.uncovered, down.balance.available)
    assert verify(connection, log_id).sound


def test_orders_that_contradict_themselves_are_not_made() -> None:
    with pytest.raises(OrderError, match="expected the redemption to bear the request's id"):
        Order(
            request_id=rid("a"), account_id=account_of(1),
            command=Redeem(redemption_id=rid("b"), currency="points", points=1),
        )  # fmt: skip
    with pytest.raises(OrderError, match="expected ids of 16 bytes"):
        Order(request_id=b"a", account_id=account_of(1), command=releasing(1, "a", "b").command)
    with pytest.raises(OrderError, match="use open_order"):
        Order(request_id=rid("a"), account_id=account_of(2), command=opening(1).command)


def test_two_holders_never_share_a_key() -> None:
    assert request_id_of("ab", "c") != request_id_of("a", "bc")
    assert request_id_of("ab", "c") == request_id_of("ab", "c")


def test_rows_are_those_that_the_librarys_recorder_writes(
    rich: LedgerWriter, database_url: str, connection: psycopg.Connection, log_id: int
) -> None:
    told(rich, reserving(1, 30, "a"), capturing(1, "a", "b", 10))
    with open_decisions(database_url, log_id) as decisions:
        stored = decisions.recorder.select_events(UUID(bytes=account_of(1)))
    rows = prepare(log_id, [StoredEvent(*event) for event in map(_parts, stored)], START)
    found = connection.execute(
        "SELECT entry_id, content_digest, leaf, source FROM journal.entry WHERE log_id = %s"
        " ORDER BY position", (log_id,),
    ).fetchall()  # fmt: skip
    assert 5 == len(found)
    assert rows.leaves == [row[2] for row in found]
    assert rows.content_digests == [row[1] for row in found]
    assert {"vinculo"} == {row[3] for row in found}


def _parts(event: StoredEvent) -> tuple[UUID | str, int, str, bytes]:
    return event.originator_id, event.originator_version, event.topic, event.state
