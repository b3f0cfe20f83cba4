"""Verifying the ledger: the decisions log read again, and every row compared with it.

Two passes. One follows the log by position and holds all books together at zero; the other folds
every account's stream and compares it with its row and with what may be reversed of its
redemptions. Each batch is read from a snapshot of its own, so the writers go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from uuid import UUID

import msgspec
import psycopg

from domain.decisions.base import Recorded
from domain.errors import VinculoError
from domain.ledger.account import Account, Redemption, check_book, check_lots
from domain.ledger.decisions import AccountDecision, LedgerAccountOpened, Posting
from domain.ledger.projecting import account_id as id_of_account
from domain.ledger.projecting import project_account
from domain.ledger.terms import NEVER
from domain.ledger.timers import next_timer
from domain.ledger.totals import BookName, Totals
from journal.connecting import Uuid, UuidArray, binary_cursor
from journal.decisions.mapper import DecisionMapper
from journal.ledger.reading import AccountRow, StoredRow, account_of_row
from journal.ledger.states import decode_redemption
from journal.queries import queries
from journal.reading import HoleError, head_of

ACCOUNTS_BATCH = 200
DECISIONS_BATCH = 5_000
FAULTS_MAX = 1_000
STREAM_BATCH = 1_000

_SQL = queries("journal.ledger", "reading.sql")
_decision = DecisionMapper().decision

StreamRow = tuple[bytes, int, int, str, bytes]
"""stream_id, stream_version, position, type, body."""


class Fault(msgspec.Struct, frozen=True):
    """Something that is not as the log has it.

    Args:
        account_id: of the account, empty if it is none's.
        detail: what was expected and found.

    """

    account_id: bytes
    detail: str


class Verified(msgspec.Struct):
    """What was found.

    Args:
        accounts: how many rows were compared.
        decisions: how many entries of the log were read by position.
        redemptions: how many redemptions were compared.
        books: all accounts together, by currency; see :class:`~domain.ledger.totals.Totals`.
        faults: the first 1,000.

    """

    accounts: int = 0
    decisions: int = 0
    redemptions: int = 0
    books: dict[str, dict[BookName, int]] = {}
    faults: list[Fault] = []

    @property
    def sound(self) -> bool:
        """Say whether all is as the log has it."""
        return not self.faults

    def fault(self, account_id: bytes, detail: str) -> None:
        """Note a fault."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(account_id, detail))


def verify(connection: psycopg.Connection, log_id: int) -> Verified:
    """Read a decisions log again and compare every row of the ledger with it.

    Args:
        connection: in autocommit.
        log_id: of the decisions log.

    Returns:
        What was found; a ledger with a fault is to be stopped and looked into.

    Raises:
        HoleError: if the log misses a position.
        UnreadableEntryError: if the log holds what this version does not understand.

    """
    verified = Verified()
    _verify_totals(connection, log_id, verified)
    after = bytes(16)
    while rows := _verify_accounts(connection, log_id, after, verified):
        after = rows[-1][0]
    _compare_counts(connection, log_id, verified)
    return verified


def _verify_totals(connection: psycopg.Connection, log_id: int, verified: Verified) -> None:
    """Follow the log by position, up to where it reaches now."""
    head, after = head_of(connection, log_id), 0
    totals, sound = Totals(), True
    while after < head:
        rows = _entries(connection, log_id, after, min(DECISIONS_BATCH, head - after))
        opened: list[bytes] = []
        for position, stream_id, topic, body in rows:
            decision = _decision(topic, body)
            if isinstance(decision, LedgerAccountOpened):
                opened.append(stream_id)
            elif isinstance(decision, Posting) and sound:
                try:
                    totals.book(decision)
                except VinculoError as error:
                    sound = False  # and so is every sum behind it
                    verified.fault(stream_id, f"position {position}: {error}")
        _report_missing(connection, log_id, opened, verified)
        after += len(rows)
    verified.decisions, verified.books = head, totals.books


def _entries(
    connection: psycopg.Connection, log_id: int, after: int, expected: int
) -> list[tuple[int, bytes, str, bytes]]:
    cursor = binary_cursor(connection)
    rows: list[tuple[int, bytes, str, bytes]] = cursor.execute(
        _SQL["decisions_after"], (log_id, after, expected)
    ).fetchall()
    if [row[0] for row in rows] != list(range(after + 1, after + expected + 1)):
        message = (
            f"log {log_id}: expected {expected} entries behind position {after}, found a hole; "
            "compare with a backup: an entry was removed"
        )
        raise HoleError(message)
    return rows


def _report_missing(
    connection: psycopg.Connection, log_id: int, opened: Sequence[bytes], verified: Verified
) -> None:
    if not opened:
        return
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["missing"], {"log_id": log_id, "ids": UuidArray(opened)})
    for (account_id,) in cursor:
        verified.fault(account_id, "expected a row of this account, found none")


def _verify_accounts(
    connection: psycopg.Connection, log_id: int, after: bytes, verified: Verified
) -> list[StoredRow]:
    """Compare the next accounts and return their rows."""
    with _snapshot(connection):
        cursor = binary_cursor(connection)
        rows: list[StoredRow] = cursor.execute(
            _SQL["accounts_after"], (log_id, Uuid(after), ACCOUNTS_BATCH)
        ).fetchall()
        ids = UuidArray(row[0] for row in rows)
        # Streams of any length are folded as they come, never held.
        entries = cursor.stream(_SQL["streams"], (log_id, ids), size=STREAM_BATCH)
        folded = {
            account_id: _refold(account_id, stream, verified)
            for account_id, stream in groupby(entries, key=lambda entry: entry[0])
        }
        asked = [one for account, _ in folded.values() if account for one in account.redemptions]
        cursor.execute(_SQL["redemptions"], (log_id, UuidArray(asked)))
        stored = {(row[1], row[0]): decode_redemption(row[2]) for row in cursor}
    for row in rows:
        account, position = folded.get(row[0], (None, 0))
        _compare(row, account, position, stored, verified)
    verified.accounts += len(rows)
    return rows


def _refold(
    account_id: bytes, stream: Iterable[StreamRow], verified: Verified
) -> tuple[Account | None, int]:
    """Return an account out of its stream and the position of its last decision.

    There is no account, but a fault, if the stream cannot be folded.
    """
    uuid, last = UUID(bytes=account_id), 0

    def events() -> Iterator[Recorded[AccountDecision]]:
        nonlocal last
        for _, version, position, topic, body in stream:
            last = position
            yield Recorded(uuid, version, _decision(topic, body))  # type: ignore[arg-type] # evolve refuses others

    try:
        account = project_account(None, events())
        for book in account.books if account else ():
            check_book(book)
            check_lots(book)
    except (VinculoError, KeyError) as error:
        verified.fault(account_id, f"expected a stream that can be folded, found: {error}")
        return None, last
    return account, last


def _compare(
    row: StoredRow,
    account: Account | None,
    position: int,
    stored: dict[tuple[bytes, bytes], Redemption],
    verified: Verified,
) -> None:
    account_id = row[0]
    try:
        found = account_of_row(row)
    except VinculoError as error:
        verified.fault(account_id, str(error))
        return
    if account is None:
        verified.fault(account_id, "expected a stream that makes this row, found none")
        return
    for redemption_id, expected in account.redemptions.items():
        verified.redemptions += 1
        standing = stored.get((account_id, redemption_id))
        if standing != expected:
            verified.fault(
                account_id,
                f"redemption {redemption_id.hex()}: expected {expected}, found {standing}",
            )
    account.redemptions = {}
    _compare_columns(row, account, verified)
    due = next_timer(account)
    expected_row = AccountRow(account, position, None if due >= NEVER else due)
    if found != expected_row:
        verified.fault(account_id, f"expected {expected_row}, found {found}")


def _compare_counts(connection: psycopg.Connection, log_id: int, verified: Verified) -> None:
    """Look for redemptions of which no stream knows; only possible while nobody writes."""
    with _snapshot(connection):
        still = head_of(connection, log_id) == verified.decisions
        found = connection.execute(_SQL["redemption_count"], (log_id,)).fetchone()
    count = int(found[0]) if found else 0
    if still and count != verified.redemptions:
        detail = f"expected {verified.redemptions} rows with a redemption, found {count}"
        verified.fault(b"", detail)


def _compare_columns(row: StoredRow, account: Account, verified: Verified) -> None:
    """Compare what the row says of itself beside its state."""
    account_id, persona_id, programme, *_ = row
    expected = (account.programme, account.persona, id_of_account(programme, persona_id))
    if (programme, persona_id, account_id) != expected:
        verified.fault(
            account_id,
            f"expected the account of {account.persona.hex()} in {account.programme!r}, found a "
            f"row of {persona_id.hex()} in {programme!r}",
        )


@contextmanager
def _snapshot(connection: psycopg.Connection) -> Iterator[None]:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
