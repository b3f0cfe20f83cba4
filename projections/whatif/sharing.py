"""Sharing a replay among processes: each judges and runs the accounts of some personas.

Accounts touch each other only where points were transferred; those go to one share. A fact that
another one brings back into question is learnt in every share, and judged in one.
"""

from __future__ import annotations

import msgspec
import psycopg

from domain.ledger.decisions import PointsTransferredOut
from journal.connecting import UuidArray, binary_cursor
from journal.queries import queries
from journal.tenants import Logs

_SQL = queries("projections.whatif", "sharing.sql")


class _Sent(msgspec.Struct, gc=False):
    to_account: bytes


_sent = msgspec.json.Decoder(_Sent).decode


class Share(msgspec.Struct, frozen=True):
    """One share of a replay.

    Args:
        number: from 0.
        count: how many there are.
        moved: shares of personas that are not where their id says.

    """

    number: int = 0
    count: int = 1
    moved: dict[bytes, int] = {}

    def mine(self, persona_id: bytes) -> bool:
        """Say whether the account of a persona is in this share."""
        if self.count == 1:
            return True
        return self.moved.get(persona_id, persona_id[-1] % self.count) == self.number


WHOLE = Share()
"""All accounts."""


def shares(connection: psycopg.Connection, logs: Logs, count: int) -> list[Share]:
    """Return so many shares, accounts that gave each other points in the same one."""
    moved = _moved(connection, logs, count) if count > 1 else {}
    return [Share(number, count, moved) for number in range(count)]


def _moved(connection: psycopg.Connection, logs: Logs, count: int) -> dict[bytes, int]:
    leader: dict[bytes, bytes] = {}

    def find(account: bytes) -> bytes:
        while (above := leader.setdefault(account, account)) != account:
            leader[account] = leader[above]
            account = above
        return account

    cursor = binary_cursor(connection)
    cursor.execute(_SQL["transfers"], (logs.decisions, PointsTransferredOut.topic))
    for giver, body in cursor:
        one, other = sorted((find(giver), find(_sent(body).to_account)))
        leader[other] = one
    cursor.execute(_SQL["personas"], (logs.decisions, UuidArray(leader)))
    personas: dict[bytes, bytes] = dict(cursor.fetchall())
    return {persona: personas[find(account)][-1] % count for account, persona in personas.items()}
