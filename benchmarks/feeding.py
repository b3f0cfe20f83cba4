"""Filling a journal through the real pipeline, before the measuring begins."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.harness import say, timed
from benchmarks.load import Event
from benchmarks.servers import Place
from journal.connecting import connect
from journal.intake.message import Message
from journal.reading import head_of
from vinculo.ingesting import Ingesting


def feed(place: Place, events: Iterable[Event]) -> int:
    """Take events in, in their order, and return the position of the facts log afterwards."""
    made = (Message(event.structured()) for event in events)
    ingestion = Ingesting(place.intake(), lambda name: connect(place.conninfo, name=name))
    seconds = timed(lambda: expect_all_stored(ingestion.run(made).outcomes))
    with place.connect() as connection:
        position = head_of(connection, place.logs.facts)
    say(f"fed up to position {position:,} in {seconds:.1f} s")
    return position


def expect_all_stored(outcomes: dict[str, int]) -> None:
    """Stop the benchmark if its own load is not what intake takes in."""
    if set(outcomes) - {"stored"}:
        message = f"expected every event to be stored, found {dict(outcomes)}; mend the load"
        raise SystemExit(message)
