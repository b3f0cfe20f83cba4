"""Finding customers: by any of their personas, with the coordinate at which they were read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, LiteralString

import msgspec
import psycopg

from domain.errors import VinculoError
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, ByteaArray, UuidArray, binary_cursor
from journal.queries import queries
from projections.generations import Generation, live_generation

_SQL = queries("projections.customer.reading", "reading.sql")
DOCUMENTS: LiteralString = _SQL["documents"]
VIEW = "customer"
"""The view that is read; readers import nothing of those who write it."""

_VALID_UNTIL_AT = 12  # behind the generation and the position
UNSEEN = b""
"""The version of a row that was not read yet."""


class NotProjectedError(VinculoError):
    """The customer view was never begun: start the projecting worker."""


class FoundRow(msgspec.Struct, frozen=True, gc=False):
    """What was found of one persona.

    Args:
        asked: the persona that was asked for, 16 bytes.
        customer_id: whose it is, None if nobody's.
        facts: position in the facts log up to which the view has read.
        decisions: the same of the decisions log.
        version: of the row; equal versions mean equal rows.
        state: encoded; None if the version is the one that was known.
        members: ``namespace persona_id`` of all personas, joined by commas; None if the customer
            has but one, or if the version is the one that was known.

    """

    asked: bytes
    customer_id: bytes | None
    facts: int
    decisions: int
    version: bytes | None
    state: bytes | None
    members: str | None


def valid_until_of(version: bytes) -> int | None:
    """Return the instant that a row's version holds: when its next timer is due, None for never."""
    stamp = version[_VALID_UNTIL_AT:]
    return int.from_bytes(stamp, signed=True) + POSTGRES_EPOCH_MICROSECONDS if stamp else None


def documents_values(log_id: int, asked: Iterable[tuple[bytes, bytes]]) -> tuple[Any, ...]:
    """Return the values of :data:`DOCUMENTS`, whose rows are those of :class:`FoundRow`.

    Args:
        log_id: of the facts log.
        asked: personas, and the version of the row that is known, or :data:`UNSEEN`.

    """
    pairs = list(asked)
    return (
        UuidArray(persona_id for persona_id, _ in pairs),
        ByteaArray(version for _, version in pairs),
        log_id,
    )


def find_customer(connection: psycopg.Connection, log_id: int, persona_id: bytes) -> FoundRow:
    """Return the row of a persona's customer.

    Raises:
        NotProjectedError: if there is no live view.

    """
    values = documents_values(log_id, [(persona_id, UNSEEN)])
    found = binary_cursor(connection).execute(DOCUMENTS, values).fetchone()
    if found is None:
        raise NotProjectedError(not_projected(log_id))
    return FoundRow(*found)


def customers_of(
    connection: psycopg.Connection, live: Generation, personas: Collection[bytes]
) -> dict[bytes, bytes]:
    """Return the customers of personas, in one query; those of whom nothing is known are absent."""
    values = {
        "log_id": live.log_id, "generation": live.number, "personas": UuidArray(personas),
    }  # fmt: skip
    return dict(binary_cursor(connection).execute(_SQL["customers_of"], values).fetchall())


def live_view(connection: psycopg.Connection, log_id: int) -> Generation:
    """Return the generation that is read.

    Raises:
        NotProjectedError: if there is none.

    """
    live = live_generation(connection, log_id, VIEW)
    if live is None:
        raise NotProjectedError(not_projected(log_id))
    return live


def not_projected(log_id: int) -> str:
    """Say that there is no view to read."""
    return (
        f"expected a live customer view of log {log_id}, found none; start the projecting worker "
        "and ask again"
    )
