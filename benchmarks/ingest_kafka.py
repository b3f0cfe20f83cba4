"""Benchmark ``ingest_kafka``: from a real broker into the journal, one worker and two.

The workers are the product's, each in a process of its own; broker, workers and database share the
machine. References, in turns with them: raw binary COPY of equal rows into the same table, and a
bare ``poll`` loop of the same client over the same messages.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import msgspec
import psycopg

from benchmarks.copying import RawCopy, stored_rows
from benchmarks.harness import (
    Goal,
    Measured,
    arguments,
    interleaved,
    middle,
    quiet_collector,
    ratio,
    report,
    say,
)
from benchmarks.kafka_reading import bare_poll_rate, intake_workers, publish_events
from benchmarks.load import Business
from benchmarks.preload import make_personas, make_rows
from benchmarks.servers import Place, broker, settle, tenant
from consumers.kafka.settings import KafkaIntakeSettings
from tests.servers import Topics

SIZES = {
    "present": 4_000_000, "personas": 1_000_000, "events": 120_000, "batch": 5_000, "rounds": 3,
    "partitions": 4, "structured": 0, "wait_seconds": 60.0,
}  # fmt: skip
CONTROLS = {
    "one-by-one": "a transaction for every message",
    "lossy": "every tenth message is lost, though its offset is swapped",
}
_SAMPLE_SECONDS = 0.02
_SETTLED_SHARE = 0.97  # beyond, the last partitions run out and workers idle
_PARTITIONS = (
    "SELECT owner, sum(next_offset)::bigint FROM journal.intake_partition "
    "WHERE log_id = %s AND topic = %s GROUP BY owner"
)


class Sample(msgspec.Struct, frozen=True):
    """How far each owner's partitions were read at a moment."""

    at: float
    read: Counter[str]

    @property
    def total(self) -> int:
        """Return how many messages were read in all."""
        return self.read.total()


class Workers:
    """Measures workers over topics that were filled before.

    Args:
        place: the tenant; its topics are those of the rounds.
        servers: of the broker.
        chosen: sizes and control.

    """

    def __init__(self, place: Place, servers: str, chosen: argparse.Namespace) -> None:
        self.slowest: list[float] = []
        self.taken: list[str] = []
        self._place = place
        self._servers = servers
        self._chosen = chosen
        self._connection = place.owner()

    def settings(self, topic: str) -> KafkaIntakeSettings:
        """Return the settings of workers that read one topic."""
        batch = 1 if self._chosen.control == "one-by-one" else self._chosen.batch
        return KafkaIntakeSettings(
            bootstrap_servers=self._servers, topics=(topic,), group=f"bench-{topic}",
            batch_messages_max=batch, session_seconds=6,
        )  # fmt: skip

    def rate(self, topic: str, count: int) -> float:
        """Return how many messages a second so many workers take in together."""
        self.taken.append(topic)
        settings = self.settings(topic)
        with intake_workers(settings, self._place, count, self._chosen.control):
            samples = self._watch(topic)
        began, ended = _window(samples, self._chosen.events, count)
        seconds = max(ended.at - began.at, _SAMPLE_SECONDS)
        each = [(ended.read[one] - began.read[one]) / seconds for one in ended.read]
        self.slowest.append(min(each, default=0.0))
        return (ended.total - began.total) / seconds

    def poll_rate(self, topic: str) -> float:
        """Return how many messages a second a bare poll loop reads."""
        quiet_collector()
        settings = msgspec.structs.replace(self.settings(topic), batch_messages_max=5_000)
        return bare_poll_rate(settings, topic, self._chosen.partitions, self._chosen.events)

    def _watch(self, topic: str) -> list[Sample]:
        """Look at the offsets until all was read, or nothing more comes in time."""
        samples = [self._sample(topic)]
        moved_at = samples[0].at
        give_up = 8.0 if self._chosen.control == "one-by-one" else self._chosen.wait_seconds
        first_at = samples[0].at
        while samples[-1].total < self._chosen.events:
            time.sleep(_SAMPLE_SECONDS)
            sample = self._sample(topic)
            if sample.total > samples[-1].total or sample.read.keys() != samples[-1].read.keys():
                moved_at = sample.at
                samples.append(sample)
            slow = sample.at > first_at + give_up and samples[-1].total > 0
            if slow or sample.at > moved_at + self._chosen.wait_seconds:
                say(
                    f"{topic}: {samples[-1].total:,} of {self._chosen.events:,} read, enough waited"
                )
                break
        return samples

    def _sample(self, topic: str) -> Sample:
        rows = self._connection.execute(_PARTITIONS, (self._place.logs.facts, topic)).fetchall()
        return Sample(time.perf_counter(), Counter(dict(rows)))


def _window(samples: list[Sample], count: int, workers: int) -> tuple[Sample, Sample]:
    """Return from where to where all workers were at work, as far as the samples show it."""
    last = next((one for one in samples if one.total >= _SETTLED_SHARE * count), samples[-1])
    owners = set(last.read)
    first_offsets: dict[str, int] = {}
    for sample in samples:
        for owner in sample.read:
            first_offsets.setdefault(owner, sample.read[owner])
        going = {one for one in owners if sample.read[one] > first_offsets.get(one, 0)}
        if len(going) >= min(workers, len(owners)) and sample.at < last.at:
            return sample, last
    return samples[0], last


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    rounds = range(chosen.rounds)
    one = [f"bench-one-{number}" for number in rounds]
    two = [f"bench-two-{number}" for number in rounds]
    with broker() as servers, tenant(*one, *two) as place:
        business = Business(chosen.personas)
        topics = Topics(servers)
        for topic in (*one, *two):
            topics(chosen.partitions, topic)
            some = business.events(chosen.events)
            publish_events(servers, topic, some, binary=not chosen.structured)
        make_personas(place, chosen.personas)
        make_rows(place, chosen.present, chosen.personas)
        settle(place)
        workers, copying = Workers(place, servers, chosen), RawCopy(place, business, chosen.batch)
        upcoming_one, upcoming_two, polled = iter(one), iter(two), iter(one)
        rates = interleaved(
            chosen.rounds,
            {
                "copy": lambda: copying.rate(chosen.events),
                "poll": lambda: workers.poll_rate(next(polled)),
                "one_worker": lambda: workers.rate(next(upcoming_one), 1),
                "two_workers": lambda: workers.rate(next(upcoming_two), 2),
            },
            warm_up=False,
        )
        copying.close()
        topics.close()
        with place.connect() as connection:
            return _measured(chosen, rates, workers, connection, place)


def _measured(
    chosen: argparse.Namespace,
    rates: dict[str, list[float]],
    workers: Workers,
    connection: psycopg.Connection,
    place: Place,
) -> Measured:
    count, _ = stored_rows(connection, place.logs.facts, chosen.present)
    stored = count - chosen.rounds * chosen.events
    sent = len(workers.taken) * chosen.events
    return Measured(
        value=middle(rates["one_worker"]),
        unit="messages/s",
        reference=middle(rates["copy"]),
        goals={
            "one_worker_of_raw_copy": Goal(ratio(rates["one_worker"], rates["copy"]), 0.5),
            "one_worker_of_poll": Goal(ratio(rates["one_worker"], rates["poll"]), 0.35),
            "two_workers_of_raw_copy": Goal(ratio(rates["two_workers"], rates["copy"]), 0.7),
            "slowest_worker": Goal(min(workers.slowest), 20_000),
            "share_stored": Goal(stored / sent, 1),
        },
        parts={
            "poll": middle(rates["poll"]),
            "two_workers": middle(rates["two_workers"]),
            "sent": sent,
            "stored": stored,
            "rounds": rates,
            "slowest": workers.slowest,
        },
    )


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("ingest_kafka", _chosen, run(_chosen))
