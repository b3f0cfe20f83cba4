"""What a worker has done and how far it is behind, for health and metrics."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

import msgspec
import structlog

from consumers.kafka.ownership import Ownership
from consumers.kafka.topic_watch import TopicReading
from journal.intake.message import Outcome

_log = structlog.get_logger(__name__)
_KIND = attrgetter("kind")
PartitionCondition = Literal["reading", "waiting", "paused", "refused"]


class PartitionMetrics(msgspec.Struct, frozen=True):
    """One partition that the group has given to this worker.

    Args:
        topic: Kafka topic.
        partition: its partition.
        condition: read; waiting to be claimed; paused; refused until an operator decides.
        lag: messages not yet read, None if unknown.
        stalled: there is lag and has been no progress for the set time.
        last_progress_at: seconds since 1970.
        because: why it is paused or refused.

    """

    topic: str
    partition: int
    condition: PartitionCondition
    lag: int | None
    stalled: bool
    last_progress_at: float
    because: str


class IntakeMetrics(msgspec.Struct, frozen=True):
    """A worker's counts since it was started. The journal's accounts are the truth.

    A batch whose COMMIT was not answered is not counted, though it may stand in the journal.

    Args:
        received: the sum of the next four.
        stored: new facts.
        duplicate: repetitions that were removed.
        rejected: kept with a reason.
        suppressed: of erased or blocked subjects.
        batches: transactions.
        fenced: batches given up because somebody else owned a partition.
        rebuilds: how often the consumer was built anew after a failure.
        journal_away: whether the journal does not answer.
        last_stored_at: seconds since 1970, 0 if never.
        partitions: those of this worker.

    """

    received: int
    stored: int
    duplicate: int
    rejected: int
    suppressed: int
    batches: int
    fenced: int
    rebuilds: int
    journal_away: bool
    last_stored_at: float
    partitions: tuple[PartitionMetrics, ...]


class _Seen(msgspec.Struct):
    offset: int
    changed_at: float
    changed_at_clock: float
    lag: int | None = None
    stalled: bool = False


class Progress:
    """Counts for one worker; written by its loop, read by anybody.

    Args:
        stall_seconds: without progress for so long, while there is lag, a partition is stalled.

    """

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._seen: dict[tuple[str, int], _Seen] = {}
        self._partitions: tuple[PartitionMetrics, ...] = ()
        self._last_stored_at = 0.0
        self.journal_away = False

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Count a batch that is in the journal."""
        with self._lock:
            self._counts.update(map(_KIND, outcomes))
            self._counts["batches"] += 1
            self._last_stored_at = time.time()

    def count_one(self, what: Literal["fenced", "rebuilds"]) -> None:
        """Count something that went wrong."""
        with self._lock:
            self._counts[what] += 1

    @property
    def batches(self) -> int:
        """Return how many batches were written."""
        return self._counts["batches"]

    def look(self, ownership: Ownership, reading: TopicReading | None) -> None:
        """Compare where the partitions stand with where they end, and tell stalls."""
        now, clock = time.monotonic(), time.time()
        found = []
        for partition, owned in ownership.owned.items():
            seen = self._see(partition, ownership.position(partition), now, clock)
            if reading is not None and partition in reading.ends:
                seen.lag = max(0, reading.ends[partition] - seen.offset)
            self._tell_stall(partition, seen, now, reading=not owned.paused_because)
            condition: PartitionCondition = "paused" if owned.paused_because else "reading"
            found.append(_metrics(partition, condition, seen, owned.paused_because))
        for partition in ownership.waiting:
            seen = self._see(partition, -1, now, clock)
            seen.stalled = now - seen.changed_at > self._stall_seconds
            found.append(_metrics(partition, "waiting", seen, ""))
        for partition, because in ownership.refused.items():
            seen = self._see(partition, -1, now, clock)
            found.append(_metrics(partition, "refused", seen, because))
        self._partitions = tuple(sorted(found, key=lambda one: (one.topic, one.partition)))
        gone = self._seen.keys() - {(one.topic, one.partition) for one in found}
        for key in gone:
            del self._seen[key]

    def snapshot(self) -> IntakeMetrics:
        """Return the counts as they are."""
        with self._lock:
            counts = self._counts.copy()
            last_stored_at = self._last_stored_at
        kinds = ("stored", "duplicate", "rejected", "suppressed")
        return IntakeMetrics(
            received=sum(counts[kind] for kind in kinds),
            stored=counts["stored"], duplicate=counts["duplicate"], rejected=counts["rejected"],
            suppressed=counts["suppressed"], batches=counts["batches"], fenced=counts["fenced"],
            rebuilds=counts["rebuilds"], journal_away=self.journal_away,
            last_stored_at=last_stored_at, partitions=self._partitions,
        )  # fmt: skip

    def _see(self, key: tuple[str, int], offset: int, now: float, clock: float) -> _Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen(offset, now, clock)
        if offset not in {-1, seen.offset}:
            seen.offset, seen.changed_at, seen.changed_at_clock = offset, now, clock
        return seen

    def _tell_stall(self, key: tuple[str, int], seen: _Seen, now: float, *, reading: bool) -> None:
        if not seen.lag:
            seen.changed_at = now
        stalled = reading and now - seen.changed_at > self._stall_seconds
        if stalled and not seen.stalled:
            _log.error(
                "intake_partition_stalled", topic=key[0], partition=key[1], lag=seen.lag,
                offset=seen.offset, seconds=round(now - seen.changed_at), alarm=True,
            )  # fmt: skip
        seen.stalled = stalled


def _metrics(
    key: tuple[str, int], condition: PartitionCondition, seen: _Seen, because: str
) -> PartitionMetrics:
    return PartitionMetrics(
        key[0], key[1], condition, seen.lag, seen.stalled, seen.changed_at_clock, because
    )
