"""Reading the ledger, and verifying it: whatever is not as the log has it is found."""

from collections.abc import Iterator

import msgspec
import psycopg
import pytest

from domain.ledger.account import Account, UnbalancedLedgerError
from domain.ledger.decisions import Balance
from journal.connecting import ROLE, connect
from journal.ledger import LedgerWriter, open_order
from journal.ledger.reading import (
    accounts_of_personas,
    due_accounts,
    read_account,
    read_accounts,
    read_request,
)
from journal.ledger.states import decode_account, encode_account
from journal.ledger.verifying import Verified, verify
from journal.reading import HoleError
from tests.journal.ledger_orders import (
    SECOND,
    START,
    Clock,
    account_of,
    connecting,
    endowment,
    one,
    opening,
    redeeming,
    reserving,
    rid,
    running,
    tenant_log,
    told,
    transferring,
)


@pytest.fixture
def log_id(database_url: str) -> int:
    return tenant_log(database_url)


@pytest.fixture
def writer(database_url: str, log_id: int) -> Iterator[LedgerWriter]:
    with running(LedgerWriter(log_id, connecting(database_url), now=Clock())) as made:
        yield made


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, name="test") as opened:
        yield opened


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def busy(writer: LedgerWriter) -> LedgerWriter:
    """Three accounts with something of everything in them."""
    told(writer, *(opening(number) for number in range(3)))
    told(writer, *(endowment(number, (50, START + SECOND), (50, None)) for number in range(3)))
    told(writer, redeeming(0, 60, "a"), reserving(1, 20, "b"), transferring(2, 0, 10, "c"))
    return writer


def test_a_personas_accounts_are_found_in_every_programme(
    writer: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    rival = open_order(rid("rival"), "rival", (1).to_bytes(16))
    told(writer, opening(1), opening(2), opening(3), rival)
    found = accounts_of_personas(connection, log_id, [(1).to_bytes(16), (2).to_bytes(16)])
    expected = sorted([account_of(1), account_of(2), rival.account_id])
    assert expected == [row.account.id for row in found]
    assert [account_of(3)] == [
        row.account.id for row in read_accounts(connection, log_id, [account_of(3), rid("none")])
    ]
    assert [] == accounts_of_personas(connection, log_id + 7, [(1).to_bytes(16)])


def test_due_accounts_are_those_that_have_waited_longest(
    writer: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    told(writer, *(opening(number) for number in range(4)))
    told(
        writer, endowment(0, (5, None)), endowment(1, (5, START + 9)), endowment(2, (5, START + 3)),
        endowment(3, (5, START + 3), (6, START + 1)),
    )  # fmt: skip
    order = [account_of(number) for number in (3, 2, 1)]
    assert order == due_accounts(connection, log_id, START + 9, 10)
    assert order[:2] == due_accounts(connection, log_id, START + 8, 10)
    assert order[:1] == due_accounts(connection, log_id, START + 9, 1)
    assert [] == due_accounts(connection, log_id, START, 10)
    found = read_account(connection, log_id, account_of(0))
    assert found is not None
    assert None is found.next_timer


def test_an_answer_is_read_as_it_was_given(
    busy: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    answer = one(busy, redeeming(0, 60, "a"))
    given = read_request(connection, log_id, rid("a"))
    assert given is not None
    assert answer == given.answer
    assert given.redemption is not None
    assert [50, 10] == [part.points for part in given.redemption.redeemed]
    reserved = read_request(connection, log_id, rid("b"))
    assert reserved is not None
    assert None is reserved.redemption
    assert None is read_request(connection, log_id, rid("nothing"))


def test_a_sound_ledger_is_found_to_be_sound(
    busy: LedgerWriter, connection: psycopg.Connection, log_id: int
) -> None:
    assert busy.alive
    verified = verify(connection, log_id)
    assert [] == verified.faults
    assert (3, 13, 1) == (verified.accounts, verified.decisions, verified.redemptions)
    books = verified.books["points"]
    expected = {
        "available": 220, "reserved": 20, "pending": 0, "redeemed": 60, "adjusted": -300,
        "transferred": 0,
    }  # fmt: skip
    assert expected == books
    assert 0 == sum(books.values())
    assert Verified() == verify(connection, log_id - 1)


def test_accounts_beyond_one_batch_are_all_verified(
    writer: LedgerWriter, connection: psycopg.Connection, log_id: int, owner: psycopg.Connection
) -> None:
    told(writer, *(opening(number) for number in range(450)))
    assert 450 == verify(connection, log_id).accounts
    owner.execute(
        "UPDATE ledger.account SET position = position + 1 WHERE account_id = ("
        " SELECT account_id FROM ledger.account ORDER BY account_id DESC LIMIT 1)"
    )
    assert 1 == len(verify(connection, log_id).faults)


TAMPERED = {
    "a row's position": "UPDATE ledger.account SET position = 1 WHERE account_id = %(id)s",
    "a row's timer": "UPDATE ledger.account SET next_timer = 5 WHERE account_id = %(id)s",
    "a row's version": "UPDATE ledger.account SET version = 2 WHERE account_id = %(id)s",
    "a row's persona": (
        "UPDATE ledger.account SET persona_id = account_id WHERE account_id = %(id)s"
    ),
    "a row's programme": "UPDATE ledger.account SET programme = 'x' WHERE account_id = %(id)s",
    "a row that is gone": "DELETE FROM ledger.account WHERE account_id = %(id)s",
    "a row of nobody": (
        "INSERT INTO ledger.account SELECT log_id, version, position, next_timer,"
        " gen_random_uuid(), persona_id, programme, state FROM ledger.account"
        " WHERE account_id = %(id)s"
    ),
    "a redemption that is gone": (
        "UPDATE ledger.request SET redemption = NULL WHERE request_id = %(request)s"
    ),
    "a redemption of another account": (
        "UPDATE ledger.request SET account_id = %(other)s WHERE request_id = %(request)s"
    ),
    "a redemption of nobody": (
        "UPDATE ledger.request SET redemption = '\\x94b0000000' WHERE redemption IS NULL"
    ),
    "an entry's points": (
        "UPDATE journal.entry SET body ="
        """ replace(convert_from(body, 'UTF8'), '"points":60', '"points":6')::bytea"""
        " WHERE type = 'vinculo.redemption_made.v1'"
    ),
    "an entry's balance": (
        "UPDATE journal.entry SET body ="
        " replace(convert_from(body, 'UTF8'), '[40,0,0]', '[41,0,0]')::bytea"
        " WHERE type = 'vinculo.redemption_made.v1'"
    ),
    "an entry's version": (
        "UPDATE journal.entry SET stream_version = 9 WHERE type = 'vinculo.redemption_made.v1'"
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_is_found(
    busy: LedgerWriter,
    connection: psycopg.Connection,
    owner: psycopg.Connection,
    log_id: int,
    what: str,
) -> None:
    assert busy.alive
    values = {"id": _uuid(account_of(1)), "request": _uuid(rid("a")), "other": _uuid(account_of(2))}
    changed = owner.execute(TAMPERED[what].encode(), values)
    assert changed.rowcount >= 1
    assert verify(connection, log_id).faults


def test_a_changed_state_is_found_and_never_used(
    busy: LedgerWriter, connection: psycopg.Connection, owner: psycopg.Connection, log_id: int
) -> None:
    found = read_account(connection, log_id, account_of(1))
    assert found is not None
    book = found.account.books[0]
    book.available += 1
    forged = msgspec.msgpack.encode(found.account)
    change = "UPDATE ledger.account SET state = %s WHERE account_id = %s"
    owner.execute(change, (forged, _uuid(account_of(1))))
    with pytest.raises(UnbalancedLedgerError, match="expected what it holds to equal what was"):
        read_account(connection, log_id, account_of(1))
    assert [account_of(1)] == [fault.account_id for fault in verify(connection, log_id).faults]
    with pytest.raises(UnbalancedLedgerError):
        busy.submit(redeeming(1, 1, "z")).result(20)
    book.adjusted += 1  # a forger who knows double entry
    forged = msgspec.msgpack.encode(found.account)
    owner.execute(change, (forged, _uuid(account_of(1))))
    assert [account_of(1)] == [fault.account_id for fault in verify(connection, log_id).faults]


def test_a_hole_in_the_log_is_found(
    busy: LedgerWriter, connection: psycopg.Connection, owner: psycopg.Connection, log_id: int
) -> None:
    assert busy.alive
    owner.execute("DELETE FROM journal.entry WHERE log_id = %s AND position = 5", (log_id,))
    with pytest.raises(HoleError):
        verify(connection, log_id)


def test_a_state_that_contradicts_itself_is_not_stored() -> None:
    account = Account(b"a" * 16, programme="club")
    book = account.book("points")
    account.keep(book)
    book.available = book.adjusted = 5
    with pytest.raises(UnbalancedLedgerError, match="expected sorted lots"):
        encode_account(account)
    with pytest.raises(UnbalancedLedgerError, match="a state that cannot be read"):
        decode_account(account.id, 1, b"\xc1")
    assert Balance(5) == book.balance()


def test_the_application_may_not_remove_what_stands_in_the_ledger(
    database_url: str, busy: LedgerWriter
) -> None:
    assert busy.alive
    with connect(database_url, name="test") as connection:
        assert (ROLE,) == connection.execute("SELECT current_user::text").fetchone()
        for table in ("ledger.account", "ledger.request"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - names of ours


def _uuid(value: bytes) -> str:
    return value.hex()
