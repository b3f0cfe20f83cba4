"""Reconciling: do the accounts of intake agree with what the journal holds?

Received is the sum over the outcomes by its nature. What can be wrong is that something was booked
and not kept, or kept and not booked; that is compared here, in one snapshot.
"""

from __future__ import annotations

import msgspec
import psycopg

from domain.errors import VinculoError
from journal.intake.inquiries import Account, AccountQuestion, list_accounts
from journal.queries import queries

_SQL = queries("vinculo", "reconciling.sql")
_PAGE = 1_000


class Reconciliation(msgspec.Struct, frozen=True):
    """All accounts of a tenant, beside what the journal holds.

    Args:
        accounts: by hour, channel, topic and source, the newest hour first.
        facts: entries of the facts log.
        rejected_kept: rejected messages that are listed.

    """

    accounts: tuple[Account, ...]
    facts: int
    rejected_kept: int

    @property
    def total(self) -> Account:
        """Return the sum of all accounts."""
        return sum_of(self.accounts)

    @property
    def reconciles(self) -> bool:
        """Say whether everything booked as stored is a fact, and every reject is kept."""
        total = self.total
        return (total.stored, total.rejected) == (self.facts, self.rejected_kept)


def reconcile(connection: psycopg.Connection, log_id: int) -> Reconciliation:
    """Return the accounts and what the journal holds, as of one moment.

    Args:
        connection: in autocommit, outside of a transaction.
        log_id: of the facts log.

    Raises:
        VinculoError: if there is no such log.

    """
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        found = connection.execute(_SQL["kept"], (log_id,)).fetchone()
        if found is None:
            message = f"expected a log {log_id}, found no head row; run 'vinculo migrate'"
            raise VinculoError(message)
        accounts: list[Account] = []
        after: tuple[int, str, str, str] | None = None
        while page := list_accounts(connection, log_id, AccountQuestion(after=after, limit=_PAGE)):
            accounts += page
            last = page[-1]
            after = (last.hour, last.channel, last.topic, last.source)
    return Reconciliation(tuple(accounts), facts=int(found[0]), rejected_kept=int(found[1]))


def sum_of(accounts: tuple[Account, ...]) -> Account:
    """Return the sum of some accounts, under no hour and no source."""
    return Account(
        0, "", "", "",
        *(sum(getattr(one, outcome) for one in accounts)
          for outcome in ("stored", "duplicate", "rejected", "suppressed")),
    )  # fmt: skip
