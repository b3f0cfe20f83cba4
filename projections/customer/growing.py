"""Growing: the states of a batch folded and written, the server at work meanwhile."""

from __future__ import annotations

from typing import Any

import psycopg

from projections.customer.columns import row_of
from projections.customer.fold import Fold, State
from projections.customer.refolding import Deliveries
from projections.customer.store import CustomerRow, CustomerStore

# So many rows, of half a kilobyte each, fit into the buffer of a socket: sending them never waits.
_SLICE_CUSTOMERS = 256


class Growing:
    """Fold what was delivered to customers and write them, a slice of them at a time.

    While one slice is folded here the server writes the one before and looks up the one behind it:
    a pipeline sends without waiting, and reading an answer awaits all that was sent.

    Args:
        fold: the fold.
        store: of the generation.
        cache: states by customer, kept between batches; what is grown is added.

    """

    def __init__(self, fold: Fold, store: CustomerStore, cache: dict[bytes, State]) -> None:
        self._fold = fold
        self._store = store
        self._cache = cache

    def grow(
        self,
        connection: psycopg.Connection,
        ready: dict[bytes, State],
        delivered: Deliveries,
        up_to: int,
        horizon: int,
    ) -> None:
        """Write everybody who is ready or to whom anything is delivered.

        Args:
            connection: in the transaction of the batch.
            ready: states at hand that are not those stored under their customers.
            delivered: what the batch tells.
            up_to: the batch's last position.
            horizon: the common horizon, microseconds since 1970.

        """
        customers = sorted(delivered.customers | ready.keys())
        slices = [
            customers[at : at + _SLICE_CUSTOMERS]
            for at in range(0, len(customers), _SLICE_CUSTOMERS)
        ]
        rows: list[CustomerRow] = []
        with connection.pipeline():
            asked = self._ask(connection, slices[0], ready) if slices else None
            for place, some in enumerate(slices, 1):
                states = self._answer(some, ready, asked)
                self._keep(connection, up_to, rows)
                asked = self._ask(connection, slices[place], ready) if place < len(slices) else None
                rows = self._folded(states, delivered, horizon)
            self._keep(connection, up_to, rows)

    def _ask(
        self, connection: psycopg.Connection, customers: list[bytes], ready: dict[bytes, State]
    ) -> psycopg.Cursor[Any] | None:
        """Ask for the states that are not at hand."""
        cache = self._cache
        missing = [one for one in customers if one not in cache and one not in ready]
        return self._store.ask_states(connection, missing) if missing else None

    def _answer(
        self,
        customers: list[bytes],
        ready: dict[bytes, State],
        asked: psycopg.Cursor[Any] | None,
    ) -> dict[bytes, State]:
        """Return the states of customers in their order; new ones where there are none."""
        stored = {} if asked is None else dict(asked.fetchall())
        cache, decode = self._cache, self._fold.decode
        states: dict[bytes, State] = {}
        for one in customers:
            state = ready.get(one) or cache.get(one)
            if state is None:
                state = decode(stored[one]) if one in stored else self._fold.new()
            states[one] = state
        return states

    def _folded(
        self, states: dict[bytes, State], delivered: Deliveries, horizon: int
    ) -> list[CustomerRow]:
        fold, own, shared = self._fold, delivered.own, delivered.shared
        rows: list[CustomerRow] = []
        for customer, state in states.items():
            fold.evolve(state, *own.get(customer, ()))
            for fact in shared.get(customer, ()):
                fold.evolve_shared(state, fact)
            rows.append(row_of(fold, customer, state, horizon))
        self._cache.update(states)
        return rows

    def _keep(self, connection: psycopg.Connection, up_to: int, rows: list[CustomerRow]) -> None:
        if rows:
            self._store.keep(connection, up_to, rows)
