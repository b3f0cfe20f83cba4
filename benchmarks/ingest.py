"""Benchmark ``ingest``: message bytes become committed facts, against raw COPY and the library.

Measured: structured CloudEvents are validated, named, 30 % sealed, hashed, deduplicated, and
committed with the swap of their partition's offset. One thread prepares while another appends, the
product's own writer of the Kafka worker, in an interpreter set up like that worker's. References,
in turns with it: raw binary COPY of equal rows into the same table, and the eventsourcing library's
stock insert.
"""

from __future__ import annotations

import argparse
import time
import uuid

from benchmarks.copying import RawCopy, stored_rows
from benchmarks.harness import (
    Goal,
    Measured,
    arguments,
    interleaved,
    middle,
    ratio,
    report,
    say,
)
from benchmarks.load import Business, messages
from benchmarks.preload import make_personas, make_rows
from benchmarks.servers import Place, settle, tenant
from benchmarks.stock import StockRecorder
from consumers.kafka.process import tune_interpreter
from consumers.kafka.writing import Work, Writer
from journal.intake.appending import Advance
from journal.intake.batch import Batch
from journal.intake.claims import Wanted, claim_partitions
from journal.intake.message import Message
from journal.reading import head_of

TOPIC = "bench"
SIZES = {
    "present": 5_000_000, "personas": 1_000_000, "events": 100_000, "batch": 5_000, "rounds": 5,
    "stock_events": 20_000, "stock_batch": 500, "stock_ordered": 0,
}  # fmt: skip
# Batches of the library's recorder above some 1 MB hang for ever in the pipeline of psycopg 3.
CONTROLS = {
    "one-by-one": "a transaction for every message",
    "lossy": "every tenth message is forgotten between preparing and appending",
}
_REPEATED = 100  # one message in so many is sent twice


class Pipeline:
    """Takes messages in, one batch prepared while the last is written.

    Args:
        place: into which log.
        business: makes events.
        batch: messages a transaction.
        control: the defect that is switched on.

    """

    def __init__(self, place: Place, business: Business, batch: int, control: str | None) -> None:
        self.sent = 0
        self._place = place
        self._business = business
        self._batch = 1 if control == "one-by-one" else batch
        self._lossy = control == "lossy"
        self._intake = place.intake()
        self._connection = place.connect()
        self._writer = Writer(self._intake, place.conninfo)
        wanted = Wanted(TOPIC, 0, str(uuid.uuid4()), 0)
        [self._claim] = claim_partitions(self._connection, place.logs.facts, "bench", [wanted])
        self._offset = self._claim.next_offset
        self._writer.start()

    def rate(self, count: int) -> float:
        """Take so many messages in and return how many that is a second."""
        made = messages(list(self._business.events(count)), topic=TOPIC, first_offset=self._offset)
        made[_REPEATED::_REPEATED] = made[:-_REPEATED:_REPEATED]
        self.sent += len({message.payload for message in made})
        tune_interpreter()
        began = time.perf_counter()
        for first in range(0, count, self._batch):
            some = made[first : first + self._batch]
            batch = self._prepare(some)
            self._collect()
            self._writer.submit(Work(some, batch, [self._advance(len(some))]))
        self._collect()
        return count / (time.perf_counter() - began)

    def close(self) -> None:
        """End the writer's thread."""
        self._writer.stop()
        self._connection.close()

    def _prepare(self, some: list[Message]) -> Batch:
        batch = self._intake.prepare(self._connection, some)
        if self._lossy:
            batch.suppressed += [(one.index, one.source) for one in batch.prepared[::10]]
            del batch.prepared[::10]
        return batch

    def _advance(self, count: int) -> Advance:
        expected, self._offset = self._offset, self._offset + count
        return Advance(TOPIC, 0, expected, self._offset, self._claim.epoch)

    def _collect(self) -> None:
        if self._writer.busy:
            work = self._writer.result(600)
            assert work is not None, "expected a batch to be written within ten minutes"
            if work.error is not None:
                raise work.error


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    with tenant(TOPIC) as place:
        make_personas(place, chosen.personas)
        make_rows(place, chosen.present, chosen.personas)
        business = Business(chosen.personas)
        copying = RawCopy(place, business, chosen.batch)
        stock = StockRecorder(
            place, business, chosen.stock_batch, ordered=bool(chosen.stock_ordered)
        )
        stock.fill()
        settle(place)
        pipeline = Pipeline(place, business, chosen.batch, chosen.control)
        events = chosen.events // (100 if chosen.control == "one-by-one" else 1)
        rates = interleaved(
            chosen.rounds,
            {
                "copy": lambda: copying.rate(chosen.events),
                "intake": lambda: pipeline.rate(events),
                "stock": lambda: stock.rate(chosen.stock_events),
            },
        )
        rounds = chosen.rounds + 1
        found = _stored(place, chosen, rounds)
        for one in (pipeline, copying, stock):
            one.close()
        return _measured(rates, pipeline.sent, found, place)


def _stored(place: Place, chosen: argparse.Namespace, rounds: int) -> tuple[int, float]:
    """Return how many rows intake has added, and which share of all new rows is sealed."""
    with place.connect() as connection:
        count, sealed = stored_rows(connection, place.logs.facts, chosen.present)
        head = head_of(connection, place.logs.facts)
    assert head == chosen.present + count, "positions are gapless"
    say(f"{count:,} rows were added, {sealed:,} with a sealed block")
    return count - rounds * chosen.events, sealed / count


def _measured(
    rates: dict[str, list[float]], sent: int, found: tuple[int, float], place: Place
) -> Measured:
    stored, sealed = found
    with place.owner() as owner:
        swapped = owner.execute("SELECT sum(next_offset) FROM journal.intake_partition").fetchone()
    return Measured(
        value=middle(rates["intake"]),
        unit="messages/s",
        reference=middle(rates["copy"]),
        goals={
            "of_raw_copy": Goal(ratio(rates["intake"], rates["copy"]), 0.45),
            "times_stock": Goal(ratio(rates["intake"], rates["stock"]), 2),
            "share_stored": Goal(stored / sent, 1),
            "share_sealed": Goal(sealed, 0.28),
        },
        parts={
            "stock": middle(rates["stock"]),
            "stock_of_raw_copy": ratio(rates["stock"], rates["copy"]),
            "sent": sent,
            "stored": stored,
            "offset": int(swapped[0]) if swapped else 0,
            "rounds": rates,
        },
    )


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("ingest", _chosen, run(_chosen))
