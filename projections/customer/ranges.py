"""Folding a range of customers from the journal: what rebuild and verify share."""

from __future__ import annotations

from collections import defaultdict

import psycopg

from domain.fact import Fact
from journal.history import Histories, PersonaRange
from journal.reading import FactReader
from projections.customer.columns import row_of
from projections.customer.digest import bounds
from projections.customer.fold import Fold
from projections.customer.refolding import Deliveries, named_personas, sort_out
from projections.customer.registry import SHARED, TIES
from projections.customer.store import CustomerRow
from projections.identity.store import IdentityStore

_APART = SHARED | TIES


class RangeFolding:
    """Fold ranges of customers, one at a time, so that memory stays flat.

    Args:
        fold: the fold.
        log_id: of the facts log.
        generation: whose memberships say who is who.

    """

    def __init__(self, fold: Fold, log_id: int, generation: int) -> None:
        self._fold = fold
        self._reader = FactReader()
        self._histories = Histories(log_id, self._reader, SHARED)
        self._identity = IdentityStore(log_id, generation)

    def rows(
        self, connection: psycopg.Connection, number: int, up_to: int, horizon: int
    ) -> list[CustomerRow]:
        """Return the rows of a range's customers, sorted by customer_id.

        Args:
            connection: to the journal and the memberships.
            number: of the range, 0 to 255.
            up_to: as known at this position.
            horizon: the common horizon, microseconds since 1970.

        """
        low, high = bounds(number)
        customer_of = self._identity.customers_of_range(connection, low, high)
        history = self._histories.of_range(connection, PersonaRange(low, high), up_to, _APART)
        others = self._others(connection, history.facts, customer_of, number, up_to)
        alone = defaultdict(list)
        for row in history.alone:
            alone[customer_of.get(row[2], row[2])].append(row)
        own, shared, decode = others.own, others.shared, self._reader.facts
        rows: list[CustomerRow] = []
        # One party after the other, from bytes to bytes: its facts stay in the processor's cache.
        for customer in sorted(alone.keys() | others.customers):
            if low <= customer <= high:
                facts = decode(alone.get(customer, ()))
                facts += own.get(customer, ())
                state = self._fold.fold(facts, shared.get(customer, ()))
                rows.append(row_of(self._fold, customer, state, horizon))
        return rows

    def _others(
        self,
        connection: psycopg.Connection,
        facts: list[Fact],
        customer_of: dict[bytes, bytes],
        number: int,
        up_to: int,
    ) -> Deliveries:
        """Return what is delivered besides the facts that concern their subject alone.

        Args:
            connection: to the journal and the memberships.
            facts: of the range.
            customer_of: memberships with either end in the range; more are added.
            number: of the range.
            up_to: as known at this position.

        """
        low, high = bounds(number)
        outside = [
            one for one, customer in customer_of.items()
            if low <= customer <= high and not low <= one <= high
        ]  # fmt: skip
        if outside:
            more = self._histories.of_personas(connection, outside, up_to).facts
            facts = list({fact.entry_id: fact for fact in (*facts, *more)}.values())
        strangers = [
            one for one in named_personas(facts)
            if not low <= one <= high and one not in customer_of
        ]  # fmt: skip
        if strangers:
            customer_of.update(self._identity.customers_of(connection, strangers))
        return sort_out(facts, lambda one: customer_of.get(one, one))
