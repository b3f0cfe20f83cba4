"""What corrections and voids of a batch ask of the fold: whose histories to fold again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
import psycopg

from domain.correcting import CORRECTIONS, Naming, subjects
from domain.fact import Fact
from journal.history import Histories
from projections.customer.registry import SHARED
from projections.customer.store import CustomerStore


class Corrected(msgspec.Struct):
    """What has to be folded again.

    Args:
        personas: whose histories changed otherwise than by growing.
        linking: personas whose links have to be judged anew.
        entries: touchpoints that were corrected; nothing may fold them as stated.

    """

    personas: set[bytes] = msgspec.field(default_factory=set)
    linking: set[bytes] = msgspec.field(default_factory=set)
    entries: set[bytes] = msgspec.field(default_factory=set)


class Corrections:
    """Follow corrections to the touchpoints that they name, whichever came first.

    Args:
        histories: of the facts log.
        store: keeps what is awaited.

    """

    def __init__(self, histories: Histories, store: CustomerStore) -> None:
        self._histories = histories
        self._store = store
        self._awaited: set[bytes] | None = None

    def forget(self) -> None:
        """Drop what was remembered, after a transaction that failed."""
        self._awaited = None

    def follow(
        self,
        connection: psycopg.Connection,
        namings: Collection[Naming],
        facts: Iterable[Fact],
        up_to: int,
    ) -> Corrected:
        """Return what the corrections of a batch, and those that waited for it, change.

        Args:
            connection: in the transaction of the batch.
            namings: the batch's corrections and voids.
            facts: the batch's other touchpoints.
            up_to: the batch's last position.

        """
        awaited = self._load(connection)
        named = [*facts, *(naming.fact for naming in namings)] if awaited else []
        arrived = {fact.entry_id for fact in named if fact.entry_id in awaited}
        targets = {naming.target for naming in namings}
        if not targets and not arrived:
            return Corrected()
        roots, links = self._roots(connection, targets | arrived, up_to)
        if arrived:
            self._store.drop_awaited(connection, arrived)
            awaited -= arrived
        missing = targets - roots.keys() - links
        if missing:
            self._store.keep_awaited(connection, missing)
            awaited |= missing
        return self._tell(connection, roots, up_to)

    def _load(self, connection: psycopg.Connection) -> set[bytes]:
        if self._awaited is None:
            self._awaited = self._store.awaited(connection)
        return self._awaited

    def _roots(
        self, connection: psycopg.Connection, targets: set[bytes], up_to: int
    ) -> tuple[dict[bytes, Fact], set[bytes]]:
        """Follow chains such as void → correction → purchase to their ends.

        Returns the touchpoints at the ends by entry id, and the corrections on the way.
        """
        roots: dict[bytes, Fact] = {}
        links: set[bytes] = set()
        while targets:
            found = self._histories.with_targets(connection, targets, up_to)
            targets = set()
            for fact, target in found:
                if target is not None and type(fact.touchpoint) in CORRECTIONS:
                    links.add(fact.entry_id)
                    targets.add(target)
                else:
                    roots[fact.entry_id] = fact
        return roots, links

    def _tell(
        self, connection: psycopg.Connection, roots: dict[bytes, Fact], up_to: int
    ) -> Corrected:
        naming = self._histories.naming(connection, roots.keys(), up_to)
        corrected = Corrected(entries=set(roots))
        for entry_id, fact in roots.items():
            whose = subjects(fact, naming.get(entry_id, ()))
            corrected.personas |= whose
            if fact.linked:
                others = {persona.persona_id for persona in fact.linked}
                corrected.linking |= whose | others
                if type(fact.touchpoint) in SHARED:
                    corrected.personas |= others
        return corrected
