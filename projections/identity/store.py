"""The rows of links and memberships of one generation of the customer view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import psycopg

from domain.identifiers import Persona
from domain.links import LinkState, Pair
from journal.connecting import ByteaArray, FlagArray, TextArray, Uuid, UuidArray, binary_cursor
from journal.queries import queries
from projections.identity.clusters import Cluster

_SQL = queries("projections.identity", "store.sql")


class IdentityStore:
    """Read and write links and memberships.

    Args:
        log_id: of the facts log.
        generation: of the customer view.

    """

    def __init__(self, log_id: int, generation: int) -> None:
        self._key = (log_id, generation)

    def states(
        self, connection: psycopg.Connection, pairs: Collection[Pair]
    ) -> dict[Pair, LinkState]:
        """Return what is known of these pairs; unknown ones are absent."""
        by_ids = {(pair.one.persona_id, pair.other.persona_id): pair for pair in pairs}
        values = (*self._key, UuidArray({pair.one.persona_id for pair in pairs}))
        return {
            by_ids[one, other]: LinkState(implied, explicit, linked)
            for one, other, implied, explicit, linked in self._rows(connection, "links", values)
            if (one, other) in by_ids
        }

    def states_of_personas(
        self, connection: psycopg.Connection, personas: Collection[bytes]
    ) -> dict[Pair, LinkState]:
        """Return what is known of every pair that one of these personas is part of."""
        values = (*self._key, UuidArray(personas))
        return {
            Pair.of(Persona(namespace, one), Persona(other_namespace, other)): LinkState(
                implied, explicit, linked
            )
            for namespace, one, other_namespace, other, implied, explicit, linked in self._rows(
                connection, "links_named", values
            )
        }

    def keep_states(self, connection: psycopg.Connection, states: Mapping[Pair, LinkState]) -> None:
        """Write the states of pairs, from both sides."""
        both = list(
            chain.from_iterable(
                ((pair.one, pair.other, state), (pair.other, pair.one, state))
                for pair, state in states.items()
            )
        )
        values = (
            *self._key,
            UuidArray(one.persona_id for one, _, _ in both),
            UuidArray(other.persona_id for _, other, _ in both),
            TextArray(one.namespace for one, _, _ in both),
            TextArray(other.namespace for _, other, _ in both),
            FlagArray(state.implied for _, _, state in both),
            ByteaArray(state.explicit for _, _, state in both),
            FlagArray(state.linked for _, _, state in both),
            FlagArray(state.joined for _, _, state in both),
        )
        connection.execute(_SQL["keep_links"], values)

    def component(self, connection: psycopg.Connection, personas: Iterable[bytes]) -> list[Pair]:
        """Return all joined pairs of the components in which some personas lie."""
        log_id, generation = self._key
        values = {"log_id": log_id, "generation": generation, "personas": UuidArray(personas)}
        return self._pairs(self._rows(connection, "component", values))

    def joined(self, connection: psycopg.Connection) -> list[Pair]:
        """Return all joined pairs."""
        return self._pairs(self._rows(connection, "joined", self._key))

    def customers_of(
        self, connection: psycopg.Connection, personas: Iterable[bytes]
    ) -> dict[bytes, bytes]:
        """Return the customer_id of personas that share one; others are absent."""
        values = (*self._key, UuidArray(personas))
        return dict(self._rows(connection, "memberships", values))

    def customers_of_range(
        self, connection: psycopg.Connection, low: bytes, high: bytes
    ) -> dict[bytes, bytes]:
        """Return memberships whose persona or customer lies in a range."""
        log_id, generation = self._key
        values = {"log_id": log_id, "generation": generation, "low": Uuid(low), "high": Uuid(high)}
        return dict(self._rows(connection, "memberships_of_range", values))

    def members_of(
        self, connection: psycopg.Connection, customers: Iterable[bytes]
    ) -> dict[bytes, list[Persona]]:
        """Return the personas of customers that have several; others are absent."""
        members: dict[bytes, list[Persona]] = {}
        values = (*self._key, UuidArray(customers))
        for customer_id, persona_id, namespace in self._rows(connection, "members", values):
            members.setdefault(customer_id, []).append(Persona(namespace, persona_id))
        return members

    def keep_clusters(self, connection: psycopg.Connection, clusters: Iterable[Cluster]) -> None:
        """Write to whom personas belong."""
        rows = [(one, cluster.customer_id) for cluster in clusters for one in cluster.personas]
        values = (
            *self._key,
            UuidArray(persona.persona_id for persona, _ in rows),
            UuidArray(customer_id for _, customer_id in rows),
            TextArray(persona.namespace for persona, _ in rows),
        )
        connection.execute(_SQL["keep_memberships"], values)

    def drop_memberships(self, connection: psycopg.Connection, personas: Iterable[bytes]) -> None:
        """Make personas their own customers again."""
        connection.execute(_SQL["drop_memberships"], (*self._key, UuidArray(personas)))

    def all_memberships(self, connection: psycopg.Connection) -> list[tuple[bytes, bytes]]:
        """Return every (persona_id, customer_id), sorted."""
        return self._rows(connection, "all_memberships", self._key)

    def all_links(self, connection: psycopg.Connection) -> Iterator[tuple[bytes, ...]]:
        """Yield the fields of every pair of which anything is known, as bytes, sorted."""
        for one, other, implied, explicit, linked in self._rows(connection, "all_links", self._key):
            yield one, other, bytes((implied, linked)), explicit

    def _rows(self, connection: psycopg.Connection, name: str, values: Any) -> list[Any]:  # noqa: ANN401 - psycopg's own
        return binary_cursor(connection).execute(_SQL[name], values).fetchall()

    def _pairs(self, rows: Iterable[tuple[str, bytes, str, bytes]]) -> list[Pair]:
        return [
            Pair(Persona(namespace, one), Persona(other_namespace, other))
            for namespace, one, other_namespace, other in rows
        ]
