"""Which partitions this worker may read, as the group assigns them and as it has claimed them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Literal

import msgspec
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import IllegalStateError

from consumers.kafka.parked import drop_parked
from journal.intake.appending import Advance
from journal.intake.claims import Claim


class RebalanceNotes(ConsumerRebalanceListener):  # type: ignore[misc] # no annotations
    """Notes what the group does, on the client's IO thread, where nothing may take time.

    A partition that is assigned stands still until the loop has claimed it.

    Args:
        consumer: whose assignment changes.

    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._notes: deque[tuple[Literal["assigned", "gone"], TopicPartition]] = deque()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Give each partition a position, so that the client asks nobody for one, and stop it."""
        for partition in assigned:
            self._consumer.seek(partition, 0)
            self._consumer.pause(partition)
            self._notes.append(("assigned", partition))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Note it; nothing has to be handed over, the next owner's claim fences us."""
        self._notes.extend(("gone", partition) for partition in revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        """Note it; others may own these already."""
        self._notes.extend(("gone", partition) for partition in lost)

    def take(self) -> list[tuple[Literal["assigned", "gone"], TopicPartition]]:
        """Return what was noted since the last time."""
        taken = []
        while self._notes:
            taken.append(self._notes.popleft())
        return taken


class Owned(msgspec.Struct):
    """A partition that was claimed.

    Args:
        claim: as the journal granted it.
        next_offset: where the next batch has to begin: its swap expects this.
        written_offset: up to where the journal has it for certain.
        paused_because: ``code: sentence``, empty while it is read.

    """

    claim: Claim
    next_offset: int
    written_offset: int
    paused_because: str


class Ownership:
    """Every partition is either waiting to be claimed, owned, or refused with a reason.

    Args:
        consumer: whose partitions these are.

    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self.notes = RebalanceNotes(consumer)
        self.waiting: set[TopicPartition] = set()
        self.owned: dict[TopicPartition, Owned] = {}
        self.refused: dict[TopicPartition, str] = {}

    def follow_rebalances(self) -> bool:
        """Take over what the group has decided; return whether that changed anything."""
        notes = self.notes.take()
        for what, partition in notes:
            self.owned.pop(partition, None)
            self.refused.pop(partition, None)
            self.waiting.discard(partition)
            if what == "assigned":
                self.waiting.add(partition)
        return bool(notes)

    def grant(self, claim: Claim) -> None:
        """Read a claimed partition from where the journal says, unless it is paused."""
        partition = TopicPartition(claim.topic, claim.partition)
        self.waiting.discard(partition)
        self.owned[partition] = Owned(
            claim, claim.next_offset, claim.next_offset, claim.paused_because
        )
        with suppress(KeyError, IllegalStateError, ValueError):  # gone: a note will follow
            drop_parked(self._consumer, partition)
            self._consumer.seek(partition, claim.next_offset)
            if not claim.paused_because:
                self._consumer.resume(partition)

    def refuse(self, partition: TopicPartition, because: str) -> None:
        """Do not read a partition until somebody has decided about it."""
        self.stop(partition)
        self.owned.pop(partition, None)
        self.waiting.discard(partition)
        self.refused[partition] = because

    def release(self, partitions: Iterable[TopicPartition]) -> None:
        """Give up owned partitions whose messages were not written; they are claimed again."""
        for partition in list(partitions):
            if self.owned.pop(partition, None) is not None:
                self.stop(partition)
                self.waiting.add(partition)

    def wait_again(self, partition: TopicPartition) -> None:
        """Claim a refused partition again."""
        if self.refused.pop(partition, None) is not None:
            self.waiting.add(partition)

    def stop(self, partition: TopicPartition) -> None:
        """Get no more messages of a partition."""
        with suppress(KeyError, IllegalStateError, ValueError):  # gone: a note will follow
            self._consumer.pause(partition)

    def go_on(self, partition: TopicPartition) -> None:
        """Get messages of a partition again, from where it stopped."""
        with suppress(KeyError, IllegalStateError, ValueError):  # gone: a note will follow
            drop_parked(self._consumer, partition)
            self._consumer.resume(partition)

    def still_ours(self, advance: Advance) -> bool:
        """Return whether a partition is owned under the epoch of this advance."""
        owned = self.owned.get(TopicPartition(advance.topic, advance.partition))
        return owned is not None and owned.claim.epoch == advance.epoch

    def release_those_of(self, advances: Iterable[Advance]) -> int:
        """Release what these advances were to move, as far as it is still ours; count it."""
        ours = [
            TopicPartition(one.topic, one.partition) for one in advances if self.still_ours(one)
        ]
        self.release(ours)
        return len(ours)

    def position(self, partition: TopicPartition) -> int:
        """Return where the client stands in a partition, -1 if it does not say.

        Counts control records, which occupy offsets and never come to us.
        """
        with suppress(KeyError, IllegalStateError, ValueError):
            position: Any = self._consumer.position(partition, timeout_ms=100)
            return -1 if position is None else int(position)
        return -1
