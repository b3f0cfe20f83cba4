"""Benchmark ``project``: the live projection of the whole 360 against ``ProjectionRunner``.

Both follow the same facts log and fold by the same fold into one row a party, over all parties,
each of which has a row before the measuring begins.
"""

from __future__ import annotations

import argparse

from benchmarks.feeding import feed
from benchmarks.harness import Goal, Measured, arguments, interleaved, middle, ratio, report
from benchmarks.library import LibraryRunner
from benchmarks.load import Business
from benchmarks.projecting import LiveProjection, checked, damage
from benchmarks.servers import Place, settle, tenant
from projections.customer.live import ProjectionLimits

SIZES = {
    "parties": 200_000, "base": 200_000, "events": 60_000, "rounds": 5, "library_events": 5_000,
    "batch": 5_000,
}  # fmt: skip
CONTROLS = {
    "one-by-one": "a transaction for every fact",
    "damaged": "a row is taken away from the view",
}


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    slow = chosen.control == "one-by-one"
    events = chosen.events // (50 if slow else 1)
    with tenant() as place:
        business = Business(chosen.parties)
        feed(place, business.one_each())
        base = feed(place, business.events(chosen.base))
        feed(place, business.events(max(events, chosen.library_events) * (chosen.rounds + 1)))
        live = LiveProjection(place, ProjectionLimits(batch_events_max=chosen.batch))
        live.to(base)
        library = LibraryRunner(place, base)
        library.equal_rows()
        settle(place)
        if slow:
            live.limit(ProjectionLimits(batch_events_max=1))
        rates = interleaved(
            chosen.rounds,
            {
                "live": lambda: live.rate(events),
                "library": lambda: library.rate(chosen.library_events),
            },
        )
        live.close()
        return _measured(chosen, place, rates)


def _measured(chosen: argparse.Namespace, place: Place, rates: dict[str, list[float]]) -> Measured:
    if chosen.control == "damaged":
        damage(place)
    found = checked(place)
    return Measured(
        value=middle(rates["live"]),
        unit="events/s",
        reference=middle(rates["library"]),
        goals={
            "times_library": Goal(ratio(rates["live"], rates["library"]), 12),
            "parties": Goal(found.customers, chosen.parties),
            "view_equals_journal": Goal(int(found.same), 1),
        },
        parts={"facts": found.facts, "digest": found.digest, "rounds": rates},
    )


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("project", _chosen, run(_chosen))
