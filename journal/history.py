"""Histories: the effective touchpoints of some personas, as known at a position.

This is what refolds read: merges, unlinks, corrections, rebuilds, explanations. It costs a few
queries for any number of personas, never one for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import psycopg

from domain.correcting import CORRECTIONS, Naming, effective
from domain.fact import Fact
from domain.touchpoints import CATALOGUE, Touchpoint
from journal.connecting import Uuid, UuidArray, binary_cursor
from journal.queries import queries
from journal.reading import FactReader, Row

_SQL = queries("journal", "reading.sql")
_CORRECTION_NAMES = frozenset(CATALOGUE.names[kind] for kind in CORRECTIONS)


class PersonaRange(msgspec.Struct, frozen=True):
    """All personas from one id to another, both included; 16 bytes each."""

    low: bytes
    high: bytes


class History(msgspec.Struct):
    """What is known of some personas.

    Args:
        facts: effective touchpoints, in no order; their persona is the effective subject.
        naming: the corrections and voids that made them so, by the entry they name.

    """

    facts: list[Fact]
    naming: dict[bytes, list[Naming]]


class RangeHistory(msgspec.Struct):
    """What is known of the personas of a range.

    Args:
        alone: rows of touchpoints that concern their subject alone and were never corrected;
            :meth:`FactReader.facts` decodes them.
        facts: all others that are effective, in no order, those of other ranges' personas that
            touch this one's among them; each under its effective subject.

    """

    alone: list[Row]
    facts: list[Fact]


class Histories:
    """Read histories from one facts log.

    Args:
        log_id: of the facts log.
        reader: turns rows into facts.
        touching: of the touchpoints that touch a persona without being theirs, only these types
            (and corrections, always) are read; None reads all, links among them.

    """

    def __init__(
        self,
        log_id: int,
        reader: FactReader,
        touching: Collection[type[Touchpoint]] | None = None,
    ) -> None:
        self._log_id = log_id
        self._reader = reader
        self._types: list[str] | None = None
        if touching is not None:
            self._types = sorted(CATALOGUE.names[kind] for kind in {*touching, *CORRECTIONS})

    def of_personas(
        self, connection: psycopg.Connection, personas: Collection[bytes], up_to: int
    ) -> History:
        """Return every effective touchpoint that is, or touches, one of these personas'.

        One that a correction moved here is among them; one that was moved away is too, under its
        right persona: callers sort out by subject.

        Args:
            connection: to the journal.
            personas: 16 bytes each.
            up_to: as known at this position.

        """
        wanted = UuidArray(personas)
        rows = self._rows(connection, "by_personas", (self._log_id, wanted, up_to))
        values = {
            "log_id": self._log_id, "personas": wanted, "up_to": up_to, "types": self._types,
        }  # fmt: skip
        touching = self._rows(connection, "touching_personas", values)
        return self._resolve(connection, _once(rows, touching), up_to)

    def of_range(
        self,
        connection: psycopg.Connection,
        personas: PersonaRange,
        up_to: int,
        apart: Collection[type[Touchpoint]],
    ) -> RangeHistory:
        """Return the same for all personas of a range, most of it not decoded yet.

        Args:
            connection: to the journal.
            personas: the range.
            up_to: as known at this position.
            apart: touchpoints that may concern others than their subject.

        """
        low, high = Uuid(personas.low), Uuid(personas.high)
        rows = self._rows(connection, "by_persona_range", (self._log_id, low, high, up_to))
        values = {
            "log_id": self._log_id, "low": low, "high": high, "up_to": up_to,
            "types": self._types,
        }  # fmt: skip
        touching = self._rows(connection, "touching_persona_range", values)
        naming: dict[bytes, list[Naming]] = {}
        if rows and self._anything_corrected(connection):
            naming = self.naming(connection, [row[1] for row in rows], up_to)
        names = {*(CATALOGUE.names[kind] for kind in apart), *_CORRECTION_NAMES}
        alone: list[Row] = []
        others: list[Row] = []
        for row in rows:
            (others if row[5] in names or row[1] in naming else alone).append(row)
        return RangeHistory(alone, self._resolve(connection, _once(others, touching), up_to).facts)

    def linking(
        self, connection: psycopg.Connection, after: int, up_to: int, known_at: int
    ) -> History:
        """Return every effective touchpoint between two positions that touches several personas.

        Args:
            connection: to the journal.
            after: behind this position.
            up_to: up to and with this one.
            known_at: corrections count up to this one.

        """
        values = {"log_id": self._log_id, "after": after, "up_to": up_to}
        rows = self._rows(connection, "linking_after", values)
        return self._resolve(connection, rows, known_at)

    def by_ids(
        self, connection: psycopg.Connection, entry_ids: Collection[bytes], up_to: int
    ) -> list[Fact]:
        """Return touchpoints as stated, by entry id; those that are not there are left out."""
        values = (self._log_id, UuidArray(entry_ids), up_to)
        return [self._reader.stated(row) for row in self._rows(connection, "by_ids", values)]

    def with_targets(
        self, connection: psycopg.Connection, entry_ids: Collection[bytes], up_to: int
    ) -> list[tuple[Fact, bytes | None]]:
        """Return entries as stated, each with the entry that it names if it names one."""
        values = (self._log_id, UuidArray(entry_ids), up_to)
        rows = self._rows(connection, "by_ids", values)
        return [(self._reader.fact(row), row[3]) for row in rows]

    def naming(
        self, connection: psycopg.Connection, entry_ids: Collection[bytes], up_to: int
    ) -> dict[bytes, list[Naming]]:
        """Return corrections and voids of some entries, and those of the corrections themselves."""
        found: dict[bytes, list[Naming]] = defaultdict(list)
        asked = list(entry_ids)
        while asked:
            values = (self._log_id, UuidArray(asked), up_to)
            asked = []
            for row in self._rows(connection, "naming", values):
                naming = self._reader.naming(row)
                if naming is not None:
                    found[naming.target].append(naming)
                    asked.append(naming.fact.entry_id)
        return dict(found)

    def _resolve(self, connection: psycopg.Connection, rows: list[Row], up_to: int) -> History:
        stated = self._stated(connection, rows, up_to)
        naming: dict[bytes, list[Naming]] = {}
        if stated and self._anything_corrected(connection):
            naming = self.naming(connection, [fact.entry_id for fact in stated], up_to)
        catalogue = self._reader.catalogue
        if not naming and not catalogue.upcasters:
            return History(stated, naming)
        resolved = (effective(fact, naming, catalogue) for fact in stated)
        return History([fact for fact in resolved if fact is not None], naming)

    def _stated(self, connection: psycopg.Connection, rows: list[Row], up_to: int) -> list[Fact]:
        """Return touchpoints, each once, those that corrections among the rows name included."""
        corrections = [row for row in rows if row[5] in _CORRECTION_NAMES]
        if not corrections:
            return self._reader.all_stated(rows)
        stated = self._reader.all_stated(row for row in rows if row[5] not in _CORRECTION_NAMES)
        named = {row[3] for row in corrections if row[3] is not None}
        missing = named - {fact.entry_id for fact in stated}
        if missing:
            found = self.by_ids(connection, missing, up_to)
            stated += [fact for fact in found if type(fact.touchpoint) not in CORRECTIONS]
        return stated

    def _anything_corrected(self, connection: psycopg.Connection) -> bool:
        found = connection.execute(_SQL["any_naming"], (self._log_id,)).fetchone()
        return bool(found and found[0])

    def _rows(self, connection: psycopg.Connection, name: str, values: Any) -> list[Row]:  # noqa: ANN401 - psycopg's own
        return binary_cursor(connection).execute(_SQL[name], values).fetchall()


def _once(rows: list[Row], more: list[Row]) -> list[Row]:
    """Return two lists of entries in one, each entry once."""
    if not more:
        return rows
    known = {row[1] for row in rows}
    return rows + [row for row in more if row[1] not in known]


def by_subject(facts: Iterable[Fact]) -> dict[bytes, list[Fact]]:
    """Return facts by the persona they belong to."""
    grouped: dict[bytes, list[Fact]] = defaultdict(list)
    for fact in facts:
        grouped[fact.persona.persona_id].append(fact)
    return grouped
