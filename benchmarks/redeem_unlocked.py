"""The control of redeeming: read the balance, check it, insert; without a lock it overdraws."""

from __future__ import annotations

import threading

import psycopg

from benchmarks.servers import Place

_TABLE = "CREATE TABLE bench.movement (account_id uuid NOT NULL, points bigint NOT NULL)"
_INDEX = "CREATE INDEX movement_account_idx ON bench.movement (account_id)"
_BALANCE = "SELECT sum(points) FROM bench.movement WHERE account_id = %s"
_INSERT = "INSERT INTO bench.movement VALUES (%s, %s)"
_OVERDRAWN = (
    "SELECT count(*) FROM (SELECT FROM bench.movement GROUP BY account_id HAVING sum(points) < 0)"
    " AS overdrawn"
)


class Unlocked:
    """A table of movements, and redeeming as it is often written.

    Args:
        place: in whose database.

    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._own = threading.local()
        with place.owner() as owner:
            owner.execute("CREATE SCHEMA IF NOT EXISTS bench")
            owner.execute(_TABLE)
            owner.execute(_INDEX)

    def endow(self, accounts: int, points: int) -> list[bytes]:
        """Give accounts so many points and return their ids."""
        ids = [number.to_bytes(16) for number in range(accounts)]
        with self._place.owner() as owner:
            for one in ids:
                owner.execute(_INSERT, (one.hex(), points))
        return ids

    def redeem(self, account_id: bytes, points: int) -> bool:
        """Redeem on a connection of the calling thread's own."""
        if not hasattr(self._own, "connection"):
            self._own.connection = self._place.owner()
        connection: psycopg.Connection = self._own.connection
        with connection.transaction():
            found = connection.execute(_BALANCE, (account_id.hex(),)).fetchone()
            if found is None or found[0] < points:
                return False
            connection.execute(_INSERT, (account_id.hex(), -points))
        return True

    def overdrafts(self) -> int:
        """Count the accounts that have less than nothing."""
        with self._place.owner() as owner:
            found = owner.execute(_OVERDRAWN).fetchone()
        return int(found[0]) if found else 0
