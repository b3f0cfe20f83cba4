"""Three customers worth looking at, and where all customers stand."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from domain.lifecycle.stages import Stage
from journal.connecting import binary_cursor
from journal.queries import queries
from projections.customer.fold import Fold, State
from projections.customer.shown import uuid_text

_SQL = queries("vinculo.demo", "choosing.sql")
_CANDIDATES_MAX = 400


class Chosen(msgspec.Struct, frozen=True):
    """A customer to look at.

    Args:
        customer_id: as the API takes it.
        why: what is interesting, for a marketer.

    """

    customer_id: str
    why: str


def choose(connection: psycopg.Connection, log_id: int, fold: Fold) -> list[Chosen]:
    """Return a loyal customer, one at risk, and one who was known under several names.

    Small businesses may lack some of them.
    """
    wanted = (
        (_best(connection, log_id, fold, Stage.LOYALTY), "loyal"),
        (_best(connection, log_id, fold, Stage.PREVENTION), "at risk of leaving"),
        (_first(connection, "most_joined", (log_id,)), "known under several names, merged"),
    )
    return [Chosen(uuid_text(found), why) for found, why in wanted if found is not None]


def stages(connection: psycopg.Connection, log_id: int) -> tuple[dict[str, int], int]:
    """Return how many known customers stand in each stage, and how many are mere receipts."""
    known: dict[str, int] = {}
    anonymous = 0
    for stage, is_anonymous, count in binary_cursor(connection).execute(_SQL["stages"], (log_id,)):
        if is_anonymous:
            anonymous += count
        else:
            known[stage or "none"] = known.get(stage or "none", 0) + count
    return known, anonymous


def _best(connection: psycopg.Connection, log_id: int, fold: Fold, stage: Stage) -> bytes | None:
    """Return who bought most often among those of a stage who bought last."""
    rows = _rows(connection, "by_stage", (log_id, str(stage), _CANDIDATES_MAX))
    ranked = [(_purchases(fold.decode(state)), customer) for customer, state in rows]
    return max(ranked)[1] if ranked else None


def _purchases(state: State) -> int:
    return sum(book.purchases for book in state.commercial.books.values())


def _first(connection: psycopg.Connection, name: str, values: tuple[Any, ...]) -> bytes | None:
    rows = _rows(connection, name, values)
    return rows[0][0] if rows else None


def _rows(
    connection: psycopg.Connection, name: str, values: tuple[Any, ...]
) -> list[tuple[bytes, bytes]]:
    return binary_cursor(connection).execute(_SQL[name], values).fetchall()
