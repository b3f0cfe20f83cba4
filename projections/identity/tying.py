"""Tying: what a batch of facts changes in who is who."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
import psycopg
import structlog

from domain.fact import Fact
from domain.links import IMPLIED, LinkState, Pair, combine, judged
from projections.identity.clusters import Cluster, cluster
from projections.identity.store import IdentityStore

_SETTLED_MAX = 500_000
_log = structlog.get_logger(__name__)


class Moves(msgspec.Struct):
    """Personas that belong to another customer than before.

    Args:
        before: customer_id of each persona of an affected party, before.
        after: the same, after.

    """

    before: dict[bytes, bytes] = msgspec.field(default_factory=dict)
    after: dict[bytes, bytes] = msgspec.field(default_factory=dict)


class Tying:
    """Judge links and keep memberships of one generation.

    Args:
        store: the rows.
        personas_max: beyond so many personas a party takes no more in (ruling 16).

    """

    def __init__(self, store: IdentityStore, personas_max: int) -> None:
        self._store = store
        self._personas_max = personas_max
        # Pairs that are implied and nothing else: most touchpoints only repeat those.
        self._settled: set[Pair] = set()

    def forget(self) -> None:
        """Drop what was remembered, after a transaction that failed."""
        self._settled.clear()

    def tie(self, connection: psycopg.Connection, facts: Iterable[Fact]) -> Moves:
        """Take in what new facts say of links, and return who moved."""
        stated = {
            pair: state
            for pair, state in judged(fact for fact in facts if fact.linked).items()
            if not (state == IMPLIED and pair in self._settled)
        }
        if not stated:
            return Moves()
        known = self._store.states(connection, stated.keys())
        combined = {
            pair: combine(known.get(pair, LinkState()), state) for pair, state in stated.items()
        }
        return self._keep(connection, known, combined)

    def judge_anew(
        self, connection: psycopg.Connection, personas: Collection[bytes], facts: Iterable[Fact]
    ) -> Moves:
        """Judge all pairs among some personas from their whole history, after a correction.

        Args:
            connection: in the transaction of the batch.
            personas: 16 bytes each.
            facts: every effective fact that touches them.

        """
        everything = judged(fact for fact in facts if fact.linked)
        wanted = set(personas)
        pairs = {
            pair for pair in everything if {pair.one.persona_id, pair.other.persona_id} & wanted
        }
        known = self._store.states_of_personas(connection, wanted)
        combined = {pair: everything.get(pair, LinkState()) for pair in pairs | known.keys()}
        self._settled -= combined.keys()
        return self._keep(connection, known, combined)

    def _keep(
        self,
        connection: psycopg.Connection,
        known: dict[Pair, LinkState],
        combined: dict[Pair, LinkState],
    ) -> Moves:
        changed = {pair: state for pair, state in combined.items() if known.get(pair) != state}
        if len(self._settled) > _SETTLED_MAX:
            self._settled.clear()
        self._settled.update(pair for pair, state in combined.items() if state == IMPLIED)
        if not changed:
            return Moves()
        self._store.keep_states(connection, changed)
        flipped = [
            pair
            for pair, state in changed.items()
            if state.joined != known.get(pair, LinkState()).joined
        ]
        return self._retie(connection, flipped) if flipped else Moves()

    def _retie(self, connection: psycopg.Connection, flipped: Collection[Pair]) -> Moves:
        ends = {one.persona_id for pair in flipped for one in (pair.one, pair.other)}
        # Whoever shared a customer with them may be parted from them now.
        old = self._store.customers_of(connection, ends)
        members = self._store.members_of(connection, set(old.values()))
        reached = ends | {one.persona_id for group in members.values() for one in group}
        pairs = self._store.component(connection, reached)
        # At the limit, whoever loses a partner to another party belongs to what is judged too.
        reached |= {one.persona_id for pair in pairs for one in (pair.one, pair.other)}
        clustering = cluster(pairs, self._personas_max)
        for pair in set(clustering.refused) & set(flipped):
            _log.error(
                "identity.link_not_followed",
                persona=pair.one.persona_id.hex(),
                other=pair.other.persona_id.hex(),
                personas_max=self._personas_max,
            )
        return self._rewrite(connection, reached, clustering.clusters)

    def _rewrite(
        self, connection: psycopg.Connection, reached: set[bytes], clusters: tuple[Cluster, ...]
    ) -> Moves:
        after = {
            persona.persona_id: party.customer_id
            for party in clusters
            for persona in party.personas
        }
        everybody = reached | after.keys()
        stored = self._store.customers_of(connection, everybody)
        before = {one: stored.get(one, one) for one in everybody}
        for one in everybody:
            after.setdefault(one, one)
        moved = {one for one in everybody if before[one] != after[one]}
        if not moved:
            return Moves()
        if clusters:
            self._store.keep_clusters(connection, clusters)
        tied = {persona.persona_id for party in clusters for persona in party.personas}
        alone = [one for one in stored if one not in tied]
        if alone:
            self._store.drop_memberships(connection, alone)
        touched = {before[one] for one in moved} | {after[one] for one in moved}
        return Moves(
            {
                one: before[one]
                for one in everybody
                if before[one] in touched or after[one] in touched
            },
            {
                one: after[one]
                for one in everybody
                if before[one] in touched or after[one] in touched
            },
        )
