"""Building who is who from the whole journal, for a new generation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import psycopg
import structlog

from domain.links import LinkState, Pair, combine, judged
from journal.history import Histories
from journal.reading import FactReader
from projections.identity.clusters import cluster
from projections.identity.store import IdentityStore

T = TypeVar("T")
_POSITIONS_A_QUERY = 200_000
_ROWS_A_STATEMENT = 20_000
_log = structlog.get_logger(__name__)


def build_identity(
    connection: psycopg.Connection, log_id: int, generation: int, up_to: int, personas_max: int
) -> int:
    """Write links and memberships of a new generation; return how many links were refused.

    What is held in memory is one small object a pair, not the facts.

    Args:
        connection: to the journal and the view.
        log_id: of the facts log.
        generation: that is being built and has no rows yet.
        up_to: as known at this position.
        personas_max: beyond so many personas a party takes no more in.

    """
    states: dict[Pair, LinkState] = {}
    histories = Histories(log_id, FactReader())
    for after in range(0, up_to, _POSITIONS_A_QUERY):
        to = min(after + _POSITIONS_A_QUERY, up_to)
        facts = histories.linking(connection, after, to, up_to).facts
        for pair, state in judged(fact for fact in facts if fact.linked).items():
            states[pair] = combine(states[pair], state) if pair in states else state
    store = IdentityStore(log_id, generation)
    for some in _cut(sorted(states)):
        store.keep_states(connection, {pair: states[pair] for pair in some})
    clustering = cluster((pair for pair, state in states.items() if state.joined), personas_max)
    for pair in clustering.refused:
        _log.error(
            "identity.link_not_followed",
            persona=pair.one.persona_id.hex(),
            other=pair.other.persona_id.hex(),
            personas_max=personas_max,
        )
    for parties in _cut(list(clustering.clusters)):
        store.keep_clusters(connection, parties)
    return len(clustering.refused)


def _cut(items: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), _ROWS_A_STATEMENT):
        yield items[start : start + _ROWS_A_STATEMENT]
