"""Benchmark ``late``: every touchpoint late for its party, against the same ones in order.

Two tenants get the same facts: one in the order in which they happened, one in the opposite order,
so that each fact is older than all that its party has. Measured is the second half of each, in
turns; at the end both views must have one digest.
"""

from __future__ import annotations

import argparse

from benchmarks.feeding import feed
from benchmarks.harness import (
    Goal,
    Measured,
    arguments,
    interleaved,
    middle,
    percentile,
    ratio,
    report,
)
from benchmarks.load import Business, Event
from benchmarks.projecting import LiveProjection, damage
from benchmarks.servers import Place, further_tenant, settle, tenant
from domain.instants import DAY
from journal.decisions.application import open_decisions
from projections.customer.live import VIEW, CustomerProjection
from projections.customer.rebuilding import snapshot, stored_digest
from projections.generations import live_generation

SIZES = {"parties": 30_000, "facts_each": 12, "rounds": 5, "span_days": 700}
CONTROLS = {
    "from-journal": "a late fact has its party folded anew from the journal",
    "damaged": "a row is taken away from one of the views",
}


class FromJournal(CustomerProjection):
    """A known-bad projection: whoever gets a fact that is late is read from the journal anew."""

    def _fold_batch(self, connection, facts, corrected, up_to) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - as the product's own
        late = {fact.persona.persona_id for fact in facts}
        corrected.personas.update(late)
        super()._fold_batch(connection, facts, corrected, up_to)


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    count = chosen.parties * chosen.facts_each
    base = count // 2
    share = (count - base) // chosen.rounds
    kind = FromJournal if chosen.control == "from-journal" else CustomerProjection
    with tenant() as punctual:
        late = further_tenant(punctual.conninfo, "late")
        events = _events(chosen, count)
        feed(punctual, events)
        feed(late, reversed(events))
        for place in (punctual, late):
            with open_decisions(place.conninfo, place.logs.decisions) as decisions:
                decisions.advance_time(events[-1].occurred_at + DAY)
        in_order, out_of_order = LiveProjection(punctual), LiveProjection(late, kind=kind)
        in_order.to(base)
        out_of_order.to(base)
        settle(punctual)
        rates = interleaved(
            chosen.rounds,
            {"late": lambda: out_of_order.rate(share), "live": lambda: in_order.rate(share)},
            warm_up=False,
        )
        for one in (in_order, out_of_order):
            one.to(count)
            one.close()
        return _measured(chosen, (punctual, late), rates)


def _events(chosen: argparse.Namespace, count: int) -> list[Event]:
    """Return all facts in the order in which they happened, spread over the days."""
    step = chosen.span_days * DAY // count
    business = Business(chosen.parties, step=step)
    events = list(business.one_each())  # so that every party is there in either half
    events += business.events(count - 2 * chosen.parties)
    events += business.one_each()
    return events


def _measured(
    chosen: argparse.Namespace, places: tuple[Place, Place], rates: dict[str, list[float]]
) -> Measured:
    if chosen.control == "damaged":
        damage(places[1])
    digests = [_digest(place) for place in places]
    return Measured(
        value=middle(rates["late"]),
        unit="events/s",
        reference=middle(rates["live"]),
        goals={
            "of_live": Goal(ratio(rates["late"], rates["live"]), 0.5),
            "same_digest": Goal(int(digests[0] == digests[1]), 1),
        },
        parts={
            "digests": digests,
            "slowest_late": percentile(rates["late"], 0),
            "rounds": rates,
        },
    )


def _digest(place: Place) -> str:
    with snapshot(place.conninfo) as still:
        live = live_generation(still, place.logs.facts, VIEW)
        assert live is not None
        return stored_digest(still, place.logs.facts, live.number)


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("late", _chosen, run(_chosen))
