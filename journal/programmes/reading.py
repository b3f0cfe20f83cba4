"""Programmes as the decisions log has them, read once and then only what is new."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec
import psycopg

from domain.decisions import Recorded
from domain.programmes.decisions import ProgrammeDecision
from domain.programmes.versions import Programme, project_programme
from journal.connecting import binary_cursor
from journal.decisions.mapper import DecisionMapper, UnreadableDecisionError
from journal.queries import queries

_SQL = queries("journal.programmes", "reading.sql")
_LAST = 2**63 - 1
_decision = DecisionMapper().decision

Row = tuple[int, bytes, int, str, bytes]
"""position, stream_id, stream_version, type, body."""


class KnownProgrammes(msgspec.Struct, frozen=True):
    """Every programme as the log has it up to a position.

    Args:
        position: of the last decision about a programme that is in here, 0 if there is none.
        streams: programmes by their streams.

    """

    position: int = 0
    streams: dict[UUID, Programme] = {}

    def programmes(self) -> tuple[Programme, ...]:
        """Return all programmes, sorted by their codes."""
        return tuple(sorted(self.streams.values(), key=lambda programme: programme.code))

    def programme(self, code: str) -> Programme | None:
        """Return a programme by its code, None if there is none."""
        return next((one for one in self.streams.values() if one.code == code), None)


_NOTHING = KnownProgrammes()


def read_programmes(
    connection: psycopg.Connection, log_id: int, known: KnownProgrammes = _NOTHING
) -> KnownProgrammes:
    """Return all programmes; one query.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        known: what was read before: only what stands behind it is read, and it is returned itself
            if nothing does.

    Raises:
        UnreadableDecisionError: if an entry is not understood.
        ProgrammeRefusedError: if the log holds what could not have been decided.
        StreamBrokenError: if a decision does not continue its stream.

    """
    return _follow(known, _rows(connection, log_id, known.position, _LAST))


def programmes_at(connection: psycopg.Connection, log_id: int, position: int) -> KnownProgrammes:
    """Return all programmes as they were known at a position of the decisions log.

    Raises:
        VinculoError: as :func:`read_programmes`.

    """
    return _follow(_NOTHING, _rows(connection, log_id, 0, position))


class HeardProgrammes:
    """The programmes, for a process that lives longer than one answer; threads may share it.

    Args:
        log_id: of the decisions log.

    """

    def __init__(self, log_id: int) -> None:
        self._log_id = log_id
        self._known = _NOTHING

    def __call__(self, connection: psycopg.Connection) -> KnownProgrammes:
        """Return all programmes as they are now; the same object as before if nothing is new.

        Raises:
            VinculoError: as :func:`read_programmes`.

        """
        known = read_programmes(connection, self._log_id, self._known)
        self._known = known  # of two threads the slower one may put less here: it is read again
        return known


def _rows(connection: psycopg.Connection, log_id: int, after: int, until: int) -> list[Row]:
    values = {"log_id": log_id, "after": after, "until": until}
    return binary_cursor(connection).execute(_SQL["after"], values).fetchall()


def _follow(known: KnownProgrammes, rows: Iterable[Row]) -> KnownProgrammes:
    position, streams = known.position, dict(known.streams)
    for position, stream, version, topic, body in rows:
        stream_id = UUID(bytes=stream)
        event = Recorded(stream_id, version, _read(position, topic, body))
        programme = project_programme(streams.get(stream_id), [event])
        assert programme is not None, "an event makes a programme"  # noqa: S101 - for the type checker
        streams[stream_id] = programme
    return known if position == known.position else KnownProgrammes(position, streams)


def _read(position: int, topic: str, body: bytes) -> ProgrammeDecision:
    decision = _decision(topic, body)
    if not isinstance(decision, ProgrammeDecision):
        message = f"position {position}: expected a decision about a programme, found {topic}"
        raise UnreadableDecisionError(message)
    return decision
