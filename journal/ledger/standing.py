"""How accounts stand, read by the thousand: one statement, for whichever kind of connection."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, LiteralString

import msgspec

from domain.errors import VinculoError
from journal.connecting import UuidArray
from journal.ledger.reading import AccountRow, account_of_row
from journal.queries import queries

STANDING: LiteralString = queries("journal.ledger", "standing.sql")["standing"]


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Accounts at one moment.

    Args:
        facts: position of the last fact that was judged.
        decisions: position of the last decision.
        rows: accounts, in no order.

    """

    facts: int
    decisions: int
    rows: list[AccountRow]


def standing_values(
    log_id: int, account_ids: Collection[bytes], personas: Collection[bytes]
) -> dict[str, Any]:
    """Return the values of :data:`STANDING`.

    Args:
        log_id: of the decisions log.
        account_ids: 16 bytes each.
        personas: 16 bytes each; all accounts of theirs are wanted.

    """
    return {
        "log_id": log_id,
        "accounts": UuidArray(account_ids),
        "personas": UuidArray(personas),
    }


def standing_of(log_id: int, rows: Iterable[tuple[Any, ...]]) -> Standing:
    """Return what the rows of :data:`STANDING` tell.

    Raises:
        VinculoError: if there is no such log.
        UnbalancedLedgerError: if a row contradicts itself.

    """
    found = list(rows)
    if not found:
        message = f"expected a head row of log {log_id}, found none; create the tenant"
        raise VinculoError(message)
    facts, decisions = found[0][:2]
    return Standing(
        facts,
        decisions,
        [account_of_row(row[2:]) for row in found if row[2] is not None],
    )
