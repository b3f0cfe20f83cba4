"""The live projection under measurement: slices of a facts log, and whether the view is right."""

from __future__ import annotations

import time

import psycopg

from benchmarks.harness import quiet_collector, say, timed
from benchmarks.servers import CONTEXT, Place
from projections.customer.fold import Fold
from projections.customer.live import VIEW, CustomerProjection, ProjectionLimits
from projections.customer.verifying import VerifyReport, verify
from projections.generations import live_generation


class LiveProjection:
    """Projects a facts log, a slice at a time.

    Args:
        place: whose facts.
        limits: of the projection.
        kind: of projection; the product's own but for controls.

    """

    def __init__(
        self,
        place: Place,
        limits: ProjectionLimits | None = None,
        kind: type[CustomerProjection] = CustomerProjection,
    ) -> None:
        self._place = place
        self._connection: psycopg.Connection = place.connect()
        self._kind = kind
        self.limit(limits or ProjectionLimits())

    def limit(self, limits: ProjectionLimits) -> None:
        """Go on with other limits, as a worker that was started anew."""
        fold = Fold(CONTEXT)
        self._projection = self._kind(self._place.logs, fold, owner="bench", limits=limits)
        self._projection.claim(self._connection)

    def to(self, position: int) -> None:
        """Project up to a position, without measuring."""
        quiet_collector()
        seconds = timed(lambda: self._projection.catch_up(self._connection, position))
        say(f"projected up to {position:,} in {seconds:.1f} s")

    def rate(self, count: int) -> float:
        """Project so many facts more and return how many that is a second."""
        quiet_collector()
        up_to = self._projection.position + count
        began = time.perf_counter()
        done = self._projection.catch_up(self._connection, up_to)
        seconds = time.perf_counter() - began
        assert done == count, f"expected {count} facts to project, found {done}"
        return count / seconds

    @property
    def position(self) -> int:
        """Return how far the view has read."""
        return self._projection.position

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()


def checked(place: Place) -> VerifyReport:
    """Compare the view with the journal, row by row."""
    found = verify(place.conninfo, place.logs, CONTEXT)
    say(f"view and journal {'agree' if found.same else 'differ'}: {found.customers:,} parties")
    return found


def damage(place: Place) -> None:
    """Take one party's row away, as a defect of a projection would."""
    with place.connect() as connection:
        live = live_generation(connection, place.logs.facts, VIEW)
        assert live is not None
        connection.execute(
            "DELETE FROM view.customer WHERE (log_id, generation, customer_id) = ("
            "SELECT log_id, generation, customer_id FROM view.customer "
            "WHERE log_id = %s AND generation = %s LIMIT 1)",
            (place.logs.facts, live.number),
        )
    say("one row of the view was taken away")
