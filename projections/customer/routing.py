"""Routing: which customer each persona of a batch belongs to."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import psycopg

from projections.identity.store import IdentityStore

_CACHE_MAX = 300_000


class Routes:
    """The customers of personas, remembered; valid as long as one process writes memberships.

    Args:
        store: memberships of a generation.

    """

    def __init__(self, store: IdentityStore) -> None:
        self._store = store
        self._customer: dict[bytes, bytes] = {}

    def load(self, connection: psycopg.Connection, personas: Collection[bytes]) -> None:
        """Look these personas up, all that are not known here in one query."""
        unknown = [one for one in personas if one not in self._customer]
        if not unknown:
            return
        if len(self._customer) > _CACHE_MAX:
            self._customer.clear()
            unknown = list(personas)
        self._customer.update(zip(unknown, unknown, strict=True))
        self._customer.update(self._store.customers_of(connection, unknown))

    def move(self, after: Mapping[bytes, bytes]) -> None:
        """Take in who belongs to whom now."""
        self._customer.update(after)

    def customer_of(self, persona_id: bytes) -> bytes:
        """Return the customer of a persona that was loaded."""
        return self._customer[persona_id]

    def forget(self) -> None:
        """Drop what was remembered, after a transaction that failed."""
        self._customer.clear()
