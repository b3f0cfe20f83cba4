"""The commands of this engine: load an aggregate, decide, record; again if somebody was faster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import Recording

from domain.decisions import (
    CLOCK_ID,
    Aggregate,
    Clock,
    Decision,
    Recorded,
    TimeAdvanced,
    advance,
    clock_at,
    record,
)
from journal.decisions.recorder import ConflictError

TRIES_MAX = 10

A = TypeVar("A", bound=Aggregate)


class Decisions(Application[UUID]):
    """The decisions of one tenant; see :mod:`journal.decisions.factory` for its settings.

    Aggregates are loaded by ``repository.get(id, projector_func=…)`` with the projector of their
    module, or from their last event where that says everything. There are no snapshots.
    """

    name = "decisions"
    env: ClassVar[dict[str, str]] = {"PERSISTENCE_MODULE": "journal.decisions.factory"}

    def advance_time(self, to: int) -> int | None:
        """Let time come to an instant.

        Args:
            to: microseconds since 1970.

        Returns:
            The position of the decision, None if time was there already.

        Raises:
            TimeWentBackError: if time has come further than that.
            ConflictError: if others were faster ten times.

        """
        recordings = self.decide(self.clock, lambda clock: advance(clock, to))
        return recordings[0].notification.id if recordings else None

    def clock(self) -> Clock:
        """Return the clock as it stands."""
        latest = next(self.events.get(CLOCK_ID, desc=True, limit=1), None)
        return clock_at(cast("Recorded[TimeAdvanced] | None", latest))

    def decide(
        self, load: Callable[[], A], decide: Callable[[A], Iterable[Decision]]
    ) -> list[Recording[UUID]]:
        """Record what is decided of an aggregate; load it and decide anew if others were faster.

        Args:
            load: returns the aggregate as it stands.
            decide: returns what follows from it, nothing if there is nothing to decide; may raise
                to refuse.

        Returns:
            What was recorded, with positions.

        Raises:
            ConflictError: if others were faster ten times.

        """
        for tries in range(1, TRIES_MAX + 1):
            state = load()
            try:
                return self.save(*record(state, decide(state)))
            except ConflictError:
                if tries == TRIES_MAX:
                    raise
        raise AssertionError


def open_decisions(conninfo: str, log_id: int) -> Decisions:
    """Return the decisions of a tenant; close it, or use it in a ``with`` block.

    Args:
        conninfo: libpq's connection string or URL.
        log_id: of the tenant's decisions log.

    """
    return Decisions({**Decisions.env, "DATABASE_URL": conninfo, "LOG_ID": str(log_id)})
