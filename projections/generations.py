"""Generations of views: how far each has read, who writes it, which one is read.

A writer claims a generation (epoch + 1) and advances it by compare-and-swap in the transaction
that writes its rows; whoever was overtaken writes nothing. Readers follow the live generation; a
switch is one row, so it waits behind no open reader.
"""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from domain.errors import VinculoError
from domain.instants import moment_of
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, binary_cursor
from journal.queries import queries

_SQL = queries("projections", "generations.sql")
# The server's -infinity and infinity, as its binary form has them.
_MINUS_INFINITY = -(2**63)
BEFORE_TIME = -(2**62)


class OvertakenError(VinculoError):
    """Another process writes this generation now, or it was retired. Drop caches, claim anew."""


class Generation(msgspec.Struct, frozen=True):
    """One generation of a view.

    Args:
        log_id: of the facts log.
        view: its name.
        number: counts generations.
        fold: what folded it: parts, versions, rules.
        facts: position in the facts log up to which it has read.
        decisions: the same of the decisions log.
        horizon: the common horizon, microseconds since 1970.
        epoch: counts the claims.

    """

    log_id: int
    view: str
    number: int
    fold: str
    facts: int
    decisions: int
    horizon: int
    epoch: int


def live_generation(connection: psycopg.Connection, log_id: int, view: str) -> Generation | None:
    """Return the generation that is read, None before the view was first written."""
    found = binary_cursor(connection).execute(_SQL["live"], (log_id, view)).fetchone()
    return None if found is None else _generation(log_id, view, found)


def ensure_live(connection: psycopg.Connection, log_id: int, view: str, fold: str) -> Generation:
    """Return the generation that is read, made if the view is new."""
    found = live_generation(connection, log_id, view)
    if found is None:
        connection.execute(_SQL["begin_live"], {"log_id": log_id, "view": view, "fold": fold})
        found = live_generation(connection, log_id, view)
    assert found is not None, "it was made a moment ago"  # noqa: S101 - pair of begin_live
    return found


def begin_generation(connection: psycopg.Connection, log_id: int, view: str, fold: str) -> int:
    """Return the number of a new generation, to be built beside the live one."""
    values = {"log_id": log_id, "view": view, "fold": fold, "state": "building"}
    found = connection.execute(_SQL["begin"], values).fetchone()
    assert found is not None, "an insert returns its row"  # noqa: S101
    return int(found[0])


def claim(
    connection: psycopg.Connection, log_id: int, view: str, number: int, owner: str
) -> Generation:
    """Become the only writer of a generation.

    Raises:
        OvertakenError: if it was retired.

    """
    values = {"log_id": log_id, "view": view, "generation": number, "owner": owner}
    found = binary_cursor(connection).execute(_SQL["claim"], values).fetchone()
    if found is None:
        message = f"view {view}: expected generation {number} to claim, found it retired"
        raise OvertakenError(message)
    return _generation(log_id, view, found)


def advance(
    connection: psycopg.Connection,
    generation: Generation,
    *,
    facts: int,
    decisions: int,
    horizon: int,
) -> Generation:
    """Move a claimed generation on; the caller's transaction writes its rows.

    Raises:
        OvertakenError: if somebody else claimed it, or it was retired; roll back.

    """
    values = {
        "log_id": generation.log_id, "view": generation.view, "generation": generation.number,
        "epoch": generation.epoch, "expected": generation.facts, "facts": facts,
        "decisions": decisions, "horizon": _timestamp(horizon),
    }  # fmt: skip
    if connection.execute(_SQL["advance"], values).rowcount != 1:
        message = (
            f"view {generation.view}: expected to own generation {generation.number} at position "
            f"{generation.facts} in epoch {generation.epoch}; another process took it over"
        )
        raise OvertakenError(message)
    return msgspec.structs.replace(generation, facts=facts, decisions=decisions, horizon=horizon)


def retire(connection: psycopg.Connection, log_id: int, view: str, number: int) -> None:
    """Give a generation up; nobody reads or writes it from now on."""
    connection.execute(_SQL["retire_one"], (log_id, view, number))


def switch(connection: psycopg.Connection, log_id: int, view: str, number: int) -> None:
    """Read this generation from now on, and retire the one that was read."""
    with connection.transaction():
        connection.execute(_SQL["retire"], (log_id, view))
        connection.execute(_SQL["make_live"], (log_id, view, number))


def _generation(log_id: int, view: str, row: tuple[Any, ...]) -> Generation:
    number, fold, facts, decisions, horizon, epoch = row
    instant = BEFORE_TIME if horizon == _MINUS_INFINITY else horizon + POSTGRES_EPOCH_MICROSECONDS
    return Generation(log_id, view, number, fold, facts, decisions, instant, epoch)


def _timestamp(instant: int) -> str:
    if instant <= BEFORE_TIME:
        return "-infinity"
    return moment_of(instant).isoformat()
