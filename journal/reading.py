"""Reading: contiguous batches of a log, and entries as facts."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import psycopg

from domain.correcting import CORRECTIONS, Naming, newest
from domain.errors import VinculoError
from domain.fact import Body, Fact
from domain.identifiers import Persona
from domain.touchpoints import CATALOGUE, Catalogue
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, binary_cursor
from journal.queries import queries

_SQL = queries("journal", "reading.sql")

Row = tuple[int, bytes, bytes, bytes | None, str, str, int, bytes]
"""position, entry_id, persona_id, refers_to, source, type, occurred_at (server's epoch), body."""


class HoleError(VinculoError):
    """A position is missing in a log: a defect, never a guess. Stop and raise the alarm."""


class UnreadableEntryError(VinculoError):
    """An entry was written by a newer version of this product. Update before reading on."""


def head_of(connection: psycopg.Connection, log_id: int) -> int:
    """Return the position of a log's last entry, 0 if it has none.

    Raises:
        VinculoError: if there is no such log.

    """
    found = connection.execute(_SQL["head"], (log_id,)).fetchone()
    if found is None:
        message = f"expected a log {log_id}, found no head row; create the tenant first"
        raise VinculoError(message)
    return int(found[0])


def rows_after(connection: psycopg.Connection, log_id: int, after: int, limit: int) -> list[Row]:
    """Return at most ``limit`` rows behind a position, in order and without a hole.

    Raises:
        HoleError: if a position is missing.

    """
    expected = min(limit, head_of(connection, log_id) - after)
    if expected <= 0:
        return []
    rows: list[Row] = (
        binary_cursor(connection).execute(_SQL["after"], (log_id, after, expected)).fetchall()
    )
    # Positions are unique and come sorted: no hole if there are as many as there must be, and the
    # last one is where it must be.
    if len(rows) != expected or rows[-1][0] != after + expected:
        found = {row[0] for row in rows}
        hole = next(at for at in range(after + 1, after + expected + 1) if at not in found)
        message = (
            f"log {log_id}: expected position {hole} behind {after}, found a hole; stop all "
            "projections and compare with a backup: an entry was removed"
        )
        raise HoleError(message)
    return rows


def require_whole(connection: psycopg.Connection, log_id: int, up_to: int) -> None:
    """Make sure that no position up to one is missing.

    Raises:
        HoleError: some are.

    """
    found = connection.execute(_SQL["count"], (log_id, up_to)).fetchone()
    count = found[0] if found else 0
    if count != up_to:
        message = (
            f"log {log_id}: expected {up_to} entries up to position {up_to}, found {count}; "
            "compare with a backup: entries were removed"
        )
        raise HoleError(message)


class FactReader:
    """Turn rows into facts, in the newest version of their types.

    Args:
        catalogue: the touchpoints that are understood.

    """

    def __init__(self, catalogue: Catalogue = CATALOGUE) -> None:
        self.catalogue = catalogue
        self._decoders = {
            name: msgspec.json.Decoder(Body[kind])  # type: ignore[valid-type]
            for name, kind in catalogue.types.items()
        }
        # As long as there is only one version of every type, nothing has to be turned.
        self.fact = self._newest if catalogue.upcasters else self.stated

    def stated(self, row: Row) -> Fact:
        """Return the fact of a row as stated: no corrections, its publisher's version.

        Raises:
            UnreadableEntryError: if its type or content is not understood.

        """
        position, entry_id, persona_id, _refers_to, source, kind, occurred_at, encoded = row
        try:
            body = self._decoders[kind].decode(encoded)
        except (KeyError, msgspec.MsgspecError) as error:
            message = f"position {position}: expected a known {kind!r}, found: {error}"
            raise UnreadableEntryError(message) from error
        return Fact(
            entry_id, source, body.id, body.sequence, Persona(body.namespace, persona_id),
            occurred_at + POSTGRES_EPOCH_MICROSECONDS, body.data, body.linked, position,
        )  # fmt: skip

    def all_stated(self, rows: Iterable[Row]) -> list[Fact]:
        """Return the same for many rows, sooner.

        Raises:
            UnreadableEntryError: if the type or content of one is not understood.

        """
        decoders, facts = self._decoders, []
        for row in rows:
            position, entry_id, persona_id, _refers_to, source, kind, occurred_at, encoded = row
            try:
                body = decoders[kind].decode(encoded)
            except (KeyError, msgspec.MsgspecError):
                self.stated(row)  # says what is wrong
                raise
            facts.append(
                Fact(
                    entry_id, source, body.id, body.sequence, Persona(body.namespace, persona_id),
                    occurred_at + POSTGRES_EPOCH_MICROSECONDS, body.data, body.linked, position,
                )
            )  # fmt: skip
        return facts

    def _newest(self, row: Row) -> Fact:
        """Return the fact of a row in the newest version of its type, corrections not applied."""
        return newest(self.stated(row), self.catalogue)

    def naming(self, row: Row) -> Naming | None:
        """Return a correction or void with what it names, None if the row is neither."""
        refers_to = row[3]
        if refers_to is None:
            return None
        fact = self.stated(row)
        if type(fact.touchpoint) not in CORRECTIONS:
            return None
        subject = self._decoders[row[5]].decode(row[7]).subject
        return Naming(fact, refers_to, subject)

    def facts(self, rows: Iterable[Row]) -> list[Fact]:
        """Return the facts of rows, in their order, in the newest versions of their types."""
        facts = self.all_stated(rows)
        if self.catalogue.upcasters:
            return [newest(fact, self.catalogue) for fact in facts]
        return facts
