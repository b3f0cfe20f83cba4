"""Tenants: each has a log of facts and a log of decisions."""

from __future__ import annotations

import msgspec
import psycopg

from domain.errors import VinculoError

_FIND = "SELECT kind, log_id FROM journal.log WHERE tenant = %s AND shard = 0"
_LOCK = "LOCK TABLE journal.log IN SHARE ROW EXCLUSIVE MODE"


class Logs(msgspec.Struct, frozen=True):
    """The logs of a tenant.

    Args:
        facts: log_id of what sources state; views carry it too.
        decisions: log_id of what this engine decides.

    """

    facts: int
    decisions: int


def create_tenant(connection: psycopg.Connection, tenant: str) -> Logs:
    """Return the logs of a tenant, made if there are none. Wants the owner's rights."""
    with connection.transaction():
        connection.execute(_LOCK)
        if not connection.execute(_FIND, (tenant,)).fetchall():
            base = connection.execute(
                "SELECT coalesce(max(log_id), 0)::int FROM journal.log"
            ).fetchone()
            first = base[0] + 1 if base else 1
            for log_id, kind in ((first, "facts"), (first + 1, "decisions")):
                connection.execute(
                    "INSERT INTO journal.log (log_id, tenant, kind) VALUES (%s, %s, %s)",
                    (log_id, tenant, kind),
                )
                connection.execute("INSERT INTO journal.log_head (log_id) VALUES (%s)", (log_id,))
        return find_tenant(connection, tenant)


def find_tenant(connection: psycopg.Connection, tenant: str) -> Logs:
    """Return the logs of a tenant.

    Raises:
        VinculoError: if there is no such tenant.

    """
    found: dict[str, int] = dict(connection.execute(_FIND, (tenant,)).fetchall())
    if not found:
        message = f"expected a tenant {tenant!r}, found none of that name; run 'vinculo migrate'"
        raise VinculoError(message)
    return Logs(facts=found["facts"], decisions=found["decisions"])
