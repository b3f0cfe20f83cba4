"""Reading the ledger: accounts as they stand, those that are due, and answers given before."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import psycopg

from domain.ledger.account import Account, Redemption
from journal.connecting import Uuid, UuidArray, binary_cursor
from journal.ledger.heads import RequestRow
from journal.ledger.orders import Answer
from journal.ledger.states import decode_account, decode_answer, decode_redemption
from journal.queries import queries

_SQL = queries("journal.ledger", "reading.sql")

StoredRow = tuple[bytes, bytes, str, int, int, int | None, bytes]
"""account_id, persona_id, programme, version, position, next_timer, state."""


class AccountRow(msgspec.Struct, frozen=True, gc=False):
    """An account as it stands.

    Args:
        account: its books, tier and counters; no redemptions.
        position: of its last decision in the decisions log.
        next_timer: the instant at which time next changes it, microseconds since 1970, or None.

    """

    account: Account
    position: int
    next_timer: int | None


class GivenRequest(msgspec.Struct, frozen=True, gc=False):
    """A request that was answered.

    Args:
        answer: as it was given.
        redemption: what of it may be reversed; None if nothing was redeemed under its id.

    """

    answer: Answer
    redemption: Redemption | None


def read_account(
    connection: psycopg.Connection, log_id: int, account_id: bytes
) -> AccountRow | None:
    """Return an account by its id, None if there is none."""
    found = read_accounts(connection, log_id, (account_id,))
    return found[0] if found else None


def read_accounts(
    connection: psycopg.Connection, log_id: int, account_ids: Iterable[bytes]
) -> list[AccountRow]:
    """Return those of some accounts that exist, in the order of their ids."""
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["accounts"], (log_id, UuidArray(account_ids)))
    return [account_of_row(row) for row in cursor]


def accounts_of_personas(
    connection: psycopg.Connection, log_id: int, persona_ids: Iterable[bytes]
) -> list[AccountRow]:
    """Return all accounts of some personas, in the order of their ids.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        persona_ids: 16 bytes each; a customer may have several (accounts never merge).

    """
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["accounts_of_personas"], (log_id, UuidArray(persona_ids)))
    return [account_of_row(row) for row in cursor]


def due_accounts(
    connection: psycopg.Connection, log_id: int, instant: int, limit: int
) -> list[bytes]:
    """Return the ids of accounts whose next timer is due at an instant or before.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        instant: microseconds since 1970.
        limit: at most so many, the ones that have been due for longest; run their timers, ask
            again for more.

    """
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["due"], (log_id, instant, limit))
    return [row[0] for row in cursor]


def read_request(
    connection: psycopg.Connection, log_id: int, request_id: bytes
) -> GivenRequest | None:
    """Return what was answered under a key; for a redemption its id is that key.

    Points that are still reserved stand in the account's reservations, not here.
    """
    cursor = binary_cursor(connection)
    row = cursor.execute(_SQL["request"], (log_id, Uuid(request_id))).fetchone()
    if row is None:
        return None
    found = RequestRow(*row)
    answer = msgspec.structs.replace(
        decode_answer(found.answer), position=found.position, repeated=True
    )
    redemption = None if found.redemption is None else decode_redemption(found.redemption)
    return GivenRequest(answer, redemption)


def account_of_row(row: StoredRow) -> AccountRow:
    """Return the account of a row of the queries ``accounts…``.

    Raises:
        UnbalancedLedgerError: if the row contradicts itself.

    """
    account_id, _persona_id, _programme, version, position, next_timer, state = row
    return AccountRow(decode_account(account_id, version, state), position, next_timer)
