"""Refolding: states of parties from their whole histories; for merges, unlinks and corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

import msgspec
import psycopg

from domain.fact import Fact
from journal.history import Histories
from projections.customer.fold import Fold, State, deliveries
from projections.customer.routing import Routes
from projections.identity.store import IdentityStore


class Deliveries(msgspec.Struct):
    """What is told to customers.

    Args:
        own: facts of their own histories, by customer.
        shared: statements about them that stand in others' histories, by customer.

    """

    own: defaultdict[bytes, list[Fact]]
    shared: defaultdict[bytes, list[Fact]]

    @property
    def customers(self) -> set[bytes]:
        """Return everybody to whom anything is told."""
        return self.own.keys() | self.shared.keys()

    def leave_out(self, customers: Iterable[bytes]) -> None:
        """Tell these customers nothing."""
        for customer in customers:
            self.own.pop(customer, None)
            self.shared.pop(customer, None)


class Refolding:
    """Fold parties anew from the journal.

    Args:
        fold: the fold.
        histories: of the facts log; besides a persona's own, shared statements are enough.
        store: memberships of the generation.
        routes: customers of personas.

    """

    def __init__(
        self, fold: Fold, histories: Histories, store: IdentityStore, routes: Routes
    ) -> None:
        self._fold = fold
        self._histories = histories
        self._store = store
        self._routes = routes

    def refold(
        self, connection: psycopg.Connection, customers: Collection[bytes], up_to: int
    ) -> dict[bytes, State]:
        """Return the states of customers as known at a position, not yet settled.

        A customer of whom nothing effective is known is absent.
        """
        members = self._store.members_of(connection, customers)
        personas = set(customers) | {one.persona_id for group in members.values() for one in group}
        facts = self._histories.of_personas(connection, personas, up_to).facts
        self._routes.load(connection, named_personas(facts))
        delivered = sort_out(facts, self._routes.customer_of, customers)
        fold, own, shared = self._fold.fold, delivered.own, delivered.shared
        return {one: fold(own.get(one, ()), shared.get(one, ())) for one in delivered.customers}


def named_personas(facts: Iterable[Fact]) -> set[bytes]:
    """Return every persona that some facts name."""
    personas: set[bytes] = set()
    know = personas.add
    for fact in facts:
        know(fact.persona.persona_id)
        if fact.linked:
            personas.update(persona.persona_id for persona in fact.linked)
    return personas


def sort_out(
    facts: Iterable[Fact],
    customer_of: Callable[[bytes], bytes],
    wanted: Collection[bytes] | None = None,
) -> Deliveries:
    """Return what is delivered to each customer.

    Args:
        facts: effective touchpoints.
        customer_of: the customer of a persona.
        wanted: only these customers; None for all.

    """
    own: defaultdict[bytes, list[Fact]] = defaultdict(list)
    shared: defaultdict[bytes, list[Fact]] = defaultdict(list)
    for fact in facts:
        if not fact.linked:  # most facts, and most of the time
            customer = customer_of(fact.persona.persona_id)
            if wanted is None or customer in wanted:
                own[customer].append(fact)
            continue
        for customer, told, is_shared in deliveries(fact, customer_of):
            if wanted is None or customer in wanted:
                (shared if is_shared else own)[customer].append(told)
    return Deliveries(own, shared)
