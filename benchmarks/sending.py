"""A process that sends touchpoints: as fast as they become visible, or at a fixed rate."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Protocol

import msgspec
from kafka import KafkaProducer

from benchmarks.harness import quiet_collector
from benchmarks.kafka_reading import stop
from benchmarks.load import Business, Event
from benchmarks.servers import SOURCE, Place
from consumers.kafka.publisher import binary_headers
from journal.connecting import connect
from journal.entry_ids import entry_id_of
from journal.intake.message import Message
from journal.intake.writer import IntakeWriter
from vinculo.logging import configure_logging

_SPAWN = get_context("spawn")
_TICK_SECONDS = 0.002
_NANOSECONDS = 1_000_000_000
_FLUSH_SECONDS = 60
_CHUNK = 200


class Sent(msgspec.Struct, frozen=True):
    """What was sent.

    Args:
        count: how many.
        entry_ids: at a fixed rate: 16 bytes each, joined.
        due_at: when each was to be sent, nanoseconds of the monotonic clock; as ``array("q")``.

    """

    count: int
    entry_ids: bytes = b""
    due_at: bytes = b""

    def each(self) -> Iterator[tuple[bytes, int]]:
        """Yield entry id and time of every touchpoint."""
        times = array("q")
        times.frombytes(self.due_at)
        for number, due_at in enumerate(times):
            yield self.entry_ids[16 * number : 16 * number + 16], due_at


class _Outlet(Protocol):
    def send(self, event: Event) -> None:
        """Send one event, without waiting."""

    def flush(self) -> None:
        """Wait until all are taken."""


class _ToKafka:
    def __init__(self, servers: str, topic: str) -> None:
        self._topic = topic
        self._producer = KafkaProducer(
            bootstrap_servers=servers.split(","), enable_idempotence=True, acks="all",
            linger_ms=2, batch_size=64 * 1024, compression_type="lz4",
        )  # fmt: skip

    def send(self, event: Event) -> None:
        headers = list(binary_headers(event.attributes()))
        key = str(event.party).encode()
        self._producer.send(self._topic, value=event.data, key=key, headers=headers)

    def flush(self) -> None:
        self._producer.flush(timeout=_FLUSH_SECONDS)


class _ToJournal:
    """The way of HTTP without HTTP: the micro-batching writer that all requests share."""

    def __init__(self, place: Place) -> None:
        connecting = lambda: connect(place.conninfo, name="vinculo bench sender")  # noqa: E731
        self._writer = IntakeWriter(place.intake(), connecting)
        self._writer.start()

    def send(self, event: Event) -> None:
        while self._writer.waiting > self._writer.limits.queue_events_max // 2:
            time.sleep(_TICK_SECONDS)
        self._writer.submit([Message(event.structured())])

    def flush(self) -> None:
        while self._writer.waiting:
            time.sleep(_TICK_SECONDS)


class Sender:
    """The sending process, seen from the benchmark.

    Args:
        place: the tenant.
        servers: of the broker; None sends to the journal.
        business: makes the events; what it makes here it makes there.

    """

    def __init__(self, place: Place, servers: str | None, business: Business) -> None:
        self.visible: Synchronized[int] = _SPAWN.Value("q", 0)
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve, args=(theirs, self.visible, place, servers, business), daemon=True
        )
        self._process.start()

    def keep_ahead(self, seconds: float, window: int) -> None:
        """Begin to send for so long, never more than a window ahead of what is visible."""
        self._pipe.send((seconds, window, 0.0))

    def at_rate(self, seconds: float, rate: float) -> None:
        """Begin to send so many a second for so long."""
        self._pipe.send((seconds, 0, rate))

    def sent(self) -> Sent:
        """Wait until what was begun is done, and return what was sent."""
        found = self._pipe.recv()
        assert isinstance(found, Sent)
        return found

    def close(self) -> None:
        """End the process."""
        stop([self._process])


def _serve(
    pipe: Connection,
    visible: Synchronized[int],
    place: Place,
    servers: str | None,
    business: Business,
) -> None:
    configure_logging("console", "error")
    outlet: _Outlet = _ToJournal(place) if servers is None else _ToKafka(servers, place.topics[0])
    while True:
        seconds, window, rate = pipe.recv()
        quiet_collector()
        if window:
            pipe.send(Sent(_keep_ahead(outlet, business, visible, seconds, window)))
        else:
            pipe.send(_at_rate(outlet, business, seconds, rate))


def _keep_ahead(
    outlet: _Outlet, business: Business, visible: Synchronized[int], seconds: float, window: int
) -> int:
    ends_at = time.monotonic() + seconds
    sent, before = 0, visible.value
    while time.monotonic() < ends_at:
        if sent - (visible.value - before) > window:
            time.sleep(_TICK_SECONDS)
            continue
        for event in business.events(_CHUNK):
            outlet.send(event)
        sent += _CHUNK
    outlet.flush()
    return sent


def _at_rate(outlet: _Outlet, business: Business, seconds: float, rate: float) -> Sent:
    events = list(business.events(int(seconds * rate)))
    ids = b"".join(entry_id_of(SOURCE, one.id, one.occurred_at, stable_time=True) for one in events)
    began = time.monotonic_ns()
    due_at = array("q", (began + int(n * _NANOSECONDS / rate) for n in range(len(events))))
    number = 0
    while number < len(events):
        now = time.monotonic_ns()
        while number < len(events) and due_at[number] <= now:
            outlet.send(events[number])
            number += 1
        time.sleep(_TICK_SECONDS)
    outlet.flush()
    return Sent(len(events), ids, due_at.tobytes())
