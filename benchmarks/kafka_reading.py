"""Kafka for the benchmarks: publishing load, a bare poll loop, and workers in their processes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import psycopg
from kafka import KafkaConsumer, TopicPartition

from benchmarks.harness import say, timed
from benchmarks.load import Event
from benchmarks.servers import Place
from consumers.kafka.process import run_intake_process
from consumers.kafka.publisher import KafkaMessage, binary_headers, publish
from consumers.kafka.settings import KafkaIntakeSettings
from journal.intake.batch import Batch
from journal.intake.message import Message
from journal.intake.pipeline import Intake
from vinculo.logging import configure_logging

_STOP_SECONDS = 20
_POLL_SECONDS_MAX = 120
_SPAWN = get_context("spawn")


def publish_events(servers: str, topic: str, events: Iterable[Event], *, binary: bool) -> None:
    """Publish events, keyed by party, and wait until all of them are acknowledged."""
    seconds = timed(lambda: publish(_kafka_messages(topic, events, binary=binary), servers))
    say(f"published to {topic} in {seconds:.1f} s")


def _kafka_messages(topic: str, events: Iterable[Event], *, binary: bool) -> Iterator[KafkaMessage]:
    for event in events:
        key = str(event.party).encode()
        if binary:
            yield KafkaMessage(topic, event.data, key, binary_headers(event.attributes()))
        else:
            yield KafkaMessage(topic, event.structured(), key)


def bare_poll_rate(settings: KafkaIntakeSettings, topic: str, partitions: int, count: int) -> float:
    """Poll a topic from its beginning with the client as it comes, and return messages a second."""
    consumer = KafkaConsumer(
        **settings.connection_options(),
        group_id=None, enable_auto_commit=False, isolation_level="read_committed",
        auto_offset_reset="none", fetch_max_bytes=settings.fetch_bytes_max,
        max_partition_fetch_bytes=settings.partition_fetch_bytes_max, metrics_enabled=False,
    )  # fmt: skip
    try:
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(assigned)
        consumer.seek_to_beginning(*assigned)
        first = _polled(consumer, settings.batch_messages_max)
        seen, began = first, time.perf_counter()
        while seen < count and time.perf_counter() < began + _POLL_SECONDS_MAX:
            seen += _polled(consumer, settings.batch_messages_max)
        seconds = time.perf_counter() - began
    finally:
        consumer.close(timeout_ms=2_000)
    return (seen - first) / seconds if seen > first else float(seen)


def _polled(consumer: KafkaConsumer, most: int) -> int:
    return sum(map(len, consumer.poll(timeout_ms=1_000, max_records=most).values()))


class Forgetful(Intake):
    """A known-bad pipeline: every tenth message is lost, though its offset is swapped."""

    def prepare(self, connection: psycopg.Connection, messages: list[Message]) -> Batch:  # type: ignore[override] # the worker passes lists
        """Prepare, and forget some."""
        batch = super().prepare(connection, messages)
        batch.suppressed += [(one.index, one.source) for one in batch.prepared[::10]]
        del batch.prepared[::10]
        return batch


def _work(settings: KafkaIntakeSettings, place: Place, control: str | None) -> None:
    configure_logging("console", "error")

    def make() -> Intake:
        intake = place.intake()
        if control == "lossy":
            intake.__class__ = Forgetful
        return intake

    run_intake_process(settings, place.conninfo, make)


@contextmanager
def intake_workers(
    settings: KafkaIntakeSettings, place: Place, count: int, control: str | None = None
) -> Iterator[list[BaseProcess]]:
    """Run intake workers, each in a process of its own; stopped afterwards.

    Args:
        settings: of the workers.
        place: into whose journal.
        count: how many.
        control: the defect that is switched on.

    """
    workers: list[BaseProcess] = [
        _SPAWN.Process(target=_work, args=(settings, place, control), daemon=True)
        for _ in range(count)
    ]
    for worker in workers:
        worker.start()
    try:
        yield workers
    finally:
        stop(workers)


def stop(workers: Iterable[BaseProcess]) -> None:
    """Ask processes of ours to end, and end those that do not."""
    workers = list(workers)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(_STOP_SECONDS)
        if worker.is_alive():
            worker.kill()
            worker.join()
