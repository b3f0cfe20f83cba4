"""Loading: the facts to judge next, and every older fact that they may bring back into question.

A few queries a batch, never one a fact, and all of them on the facts log: nothing is locked and
nothing of the ledger is read here but the index of business numbers, which only ever grows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec
import psycopg

from domain.correcting import Naming
from domain.earning.knowledge import Knowledge, SaleKey
from domain.fact import Fact
from domain.identifiers import Persona
from domain.touchpoints.commercial import PurchaseMade, PurchaseReturned
from journal.connecting import TextArray, UuidArray, binary_cursor
from journal.queries import queries
from journal.reading import FactReader, Row, rows_after
from journal.tenants import Logs

_SQL = queries("journal.earning", "loading.sql")


class FactBatch(msgspec.Struct):
    """Facts to judge.

    Args:
        after: behind this position.
        to: up to and with this one.
        facts: in order, each with what it names if it is a correction.
        knowledge: of the older facts that they may bring back into question.
        older: entries of those.

    """

    after: int
    to: int
    facts: list[tuple[Fact, Naming | None]]
    knowledge: Knowledge
    older: set[bytes]


class Loading:
    """Load batches of one tenant's facts.

    Args:
        logs: the tenant's.
        reader: turns rows into facts.
        claimable: whether somebody else may claim what a persona did.

    """

    def __init__(
        self, logs: Logs, reader: FactReader, claimable: Callable[[Persona, int], bool]
    ) -> None:
        self._logs = logs
        self._reader = reader
        self._claimable = claimable

    def load(self, connection: psycopg.Connection, after: int, limit: int) -> FactBatch | None:
        """Return the facts behind a position, None if there are none.

        Raises:
            HoleError: a position is missing.

        """
        rows = rows_after(connection, self._logs.facts, after, limit)
        if not rows:
            return None
        facts = [(self._reader.stated(row), self._reader.naming(row)) for row in rows]
        older = _Older(connection, self._logs, self._reader, after)
        older.targets(row[3] for row in rows if row[3] is not None)
        older.sales(key for fact, _ in facts for key in sale_keys(fact))
        personas = [
            (persona, fact.occurred_at)
            for fact, _ in facts
            for persona in (fact.persona, *fact.linked)
        ]
        # What is judged again may be of somebody whose touchpoints another has claimed.
        personas += [(fact.persona, fact.occurred_at) for fact, _ in older.found.values()]
        older.histories(self._claimable_ones(personas))
        older.corrections()
        moved = [
            (naming.subject, fact.occurred_at)
            for fact, naming in (*facts, *older.found.values())
            if naming is not None and naming.subject is not None
        ]
        older.histories(self._claimable_ones(moved))
        older.corrections()
        knowledge = Knowledge()
        for fact, naming in older.in_order():
            knowledge.learn(fact, naming)
        return FactBatch(after, rows[-1][0], facts, knowledge, set(older.found))

    def _claimable_ones(self, personas: Iterable[tuple[Persona, int]]) -> set[bytes]:
        return {
            persona.persona_id for persona, instant in personas if self._claimable(persona, instant)
        }


class _Older:
    """Facts up to a position, gathered until nothing is missing."""

    def __init__(
        self, connection: psycopg.Connection, logs: Logs, reader: FactReader, up_to: int
    ) -> None:
        self._connection = connection
        self._logs = logs
        self._reader = reader
        self._up_to = up_to
        self.found: dict[bytes, tuple[Fact, Naming | None]] = {}

    def targets(self, entry_ids: Iterable[bytes]) -> None:
        """Gather entries, what they name in turn, and the purchases of returns among them."""
        missing = set(entry_ids) - self.found.keys()
        while missing:
            rows = self._rows("by_ids", (self._logs.facts, UuidArray(missing), self._up_to))
            self._add(rows)
            missing = {row[3] for row in rows if row[3] is not None} - self.found.keys()
        returned = [key for fact, _ in self.found.values() for key in _returned_keys(fact)]
        if returned:
            self.sales(returned)

    def sales(self, keys: Iterable[SaleKey]) -> None:
        """Gather purchases and returns of business numbers."""
        asked = list(dict.fromkeys(keys))
        if not asked:
            return
        values = {
            "log_id": self._logs.decisions,
            "sources": TextArray(source for source, _ in asked),
            "numbers": TextArray(number for _, number in asked),
        }
        cursor = binary_cursor(self._connection).execute(_SQL["sales"], values)
        entry_ids = {row[0] for row in cursor} - self.found.keys()
        if entry_ids:
            self._add(self._rows("by_ids", (self._logs.facts, UuidArray(entry_ids), self._up_to)))

    def histories(self, personas: Collection[bytes]) -> None:
        """Gather all that personas did, and the links that touch them."""
        if not personas:
            return
        wanted = UuidArray(personas)
        self._add(self._rows("by_personas", (self._logs.facts, wanted, self._up_to)))
        values = {"log_id": self._logs.facts, "personas": wanted, "up_to": self._up_to}
        self._add(self._rows("touching_personas", values))
        purchases = [key for fact, _ in self.found.values() for key in sale_keys(fact)]
        self.sales(purchases)

    def corrections(self) -> None:
        """Gather corrections of all that was gathered, and corrections of those."""
        asked = list(self.found)
        while asked:
            rows = self._rows("naming", (self._logs.facts, UuidArray(asked), self._up_to))
            asked = [row[1] for row in rows if row[1] not in self.found]
            self._add(rows)

    def in_order(self) -> list[tuple[Fact, Naming | None]]:
        """Return what was gathered in the order of its log."""
        return sorted(self.found.values(), key=lambda one: one[0].position)

    def _rows(self, name: str, values: Any) -> list[Row]:  # noqa: ANN401 - psycopg's own
        return binary_cursor(self._connection).execute(_SQL[name], values).fetchall()

    def _add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if row[1] not in self.found:
                self.found[row[1]] = self._reader.stated(row), self._reader.naming(row)


def sale_keys(fact: Fact) -> list[SaleKey]:
    """Return the business number under which a purchase, or the purchase of a return, is found."""
    if isinstance(fact.touchpoint, PurchaseMade):
        return [(fact.source, fact.touchpoint.number)]
    return _returned_keys(fact)


def _returned_keys(fact: Fact) -> list[SaleKey]:
    touchpoint = fact.touchpoint
    if isinstance(touchpoint, PurchaseReturned) and touchpoint.purchase is not None:
        return [(touchpoint.purchase.source, touchpoint.purchase.number)]
    return []
