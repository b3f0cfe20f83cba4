"""Folding a range of customers from the journal: what rebuild and verify share."""

from __future__ import annotations

import psycopg

from journal.history import Histories, PersonaRange
from journal.reading import FactReader
from projections.customer.columns import row_of
from projections.customer.digest import bounds
from projections.customer.fold import Fold
from projections.customer.refolding import named_personas, sort_out
from projections.customer.registry import SHARED
from projections.customer.store import CustomerRow
from projections.identity.store import IdentityStore


class RangeFolding:
    """Fold ranges of customers, one at a time, so that memory stays flat.

    Args:
        fold: the fold.
        log_id: of the facts log.
        generation: whose memberships say who is who.

    """

    def __init__(self, fold: Fold, log_id: int, generation: int) -> None:
        self._fold = fold
        self._histories = Histories(log_id, FactReader(), SHARED)
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
        history = self._histories.of_range(connection, PersonaRange(low, high), up_to)
        facts = {fact.entry_id: fact for fact in history.facts}
        outside = [
            one for one, customer in customer_of.items()
            if low <= customer <= high and not low <= one <= high
        ]  # fmt: skip
        if outside:
            more = self._histories.of_personas(connection, outside, up_to).facts
            facts.update((fact.entry_id, fact) for fact in more)
        strangers = [
            one for one in named_personas(facts.values())
            if one not in customer_of and not low <= one <= high
        ]  # fmt: skip
        if strangers:
            customer_of.update(self._identity.customers_of(connection, strangers))
        delivered = sort_out(facts.values(), lambda one: customer_of.get(one, one))
        fold = self._fold
        return [
            row_of(fold, customer, fold.fold(delivered[customer]), horizon)
            for customer in sorted(delivered)
            if low <= customer <= high
        ]
