"""The reference of redeeming: an aggregate of the eventsourcing library, as it comes.

It knows a balance and nothing else: no lots, no double entry, no key under which a request is
answered once, no leaf. Two who redeem from one account at once collide; the later one tries again.
"""

from __future__ import annotations

import threading
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError
from psycopg.conninfo import conninfo_to_dict

from benchmarks.servers import Place

_CONNECTIONS = 16


class StockAccount(Aggregate):
    """An account as the library's tutorial would have it."""

    @event("Opened")
    def __init__(self, points: int) -> None:
        self.points = points

    @event("Redeemed")
    def redeem(self, points: int) -> None:
        """Redeem points, if there are as many."""
        if points > self.points:
            message = f"expected at most {self.points} points, found {points}"
            raise ValueError(message)
        self.points -= points


class StockLedger(Application[UUID]):
    """The library's application on the library's own recorder.

    Args:
        place: in whose database.

    """

    name = "stock"

    def __init__(self, place: Place) -> None:
        parts = conninfo_to_dict(place.conninfo)
        # The library opens more connections than the server allows, were it not told.
        self._room = threading.Semaphore(_CONNECTIONS)
        super().__init__(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": str(parts.get("dbname", "")),
                "POSTGRES_HOST": str(parts.get("host", "")),
                "POSTGRES_PORT": str(parts.get("port", "5432")),
                "POSTGRES_USER": str(parts.get("user", "")),
                "POSTGRES_PASSWORD": str(parts.get("password", "")) or "none",
                "POSTGRES_POOL_SIZE": str(_CONNECTIONS),
                "POSTGRES_IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "0",
            }
        )

    def endow(self, accounts: int, points: int) -> list[bytes]:
        """Open accounts with so many points and return their ids."""
        opened = [StockAccount(points) for _ in range(accounts)]
        for first in range(0, accounts, 500):
            self.save(*opened[first : first + 500])
        return [account.id.bytes for account in opened]

    def redeem(self, account_id: bytes, points: int) -> bool:
        """Redeem, again where somebody else was faster."""
        while True:
            with self._room:
                account: StockAccount = self.repository.get(UUID(bytes=account_id))
                try:
                    account.redeem(points)
                except ValueError:
                    return False
                try:
                    self.save(account)
                except IntegrityError:
                    continue
                return True
