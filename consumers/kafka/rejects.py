"""Judges when a topic brings so many rejects that it is better not read on."""

from __future__ import annotations

from collections import deque

import msgspec

from consumers.kafka.settings import KafkaIntakeSettings


class _Topic(msgspec.Struct):
    seen: deque[tuple[float, int, int]]
    received: int = 0
    rejected: int = 0


class RejectWatch:
    """Counts what came and what was rejected, topic by topic, over a sliding window.

    Args:
        settings: the window, and how many rejects in it are too many.

    """

    def __init__(self, settings: KafkaIntakeSettings) -> None:
        self._settings = settings
        self._topics: dict[str, _Topic] = {}

    def note(self, topic: str, received: int, rejected: int, now: float) -> str | None:
        """Count a batch; return a sentence if the topic should be paused.

        Args:
            topic: of the messages.
            received: how many came.
            rejected: how many of them were rejected.
            now: seconds of a clock that never goes back.

        """
        settings = self._settings
        counted = self._topics.setdefault(topic, _Topic(deque()))
        counted.seen.append((now, received, rejected))
        counted.received += received
        counted.rejected += rejected
        while counted.seen[0][0] < now - settings.rejects_window_seconds:
            _, old_received, old_rejected = counted.seen.popleft()
            counted.received -= old_received
            counted.rejected -= old_rejected
        share = counted.rejected / counted.received if counted.received else 0.0
        if counted.rejected < settings.rejects_count or share < settings.rejects_share:
            return None
        return (
            f"{counted.rejected} of {counted.received} messages were rejected within "
            f"{settings.rejects_window_seconds:g} s, the limit is {settings.rejects_count} and "
            f"{settings.rejects_share:.0%}; mend the source, then resume the topic"
        )

    def forget(self, topic: str) -> None:
        """Begin to count anew, after a pause."""
        self._topics.pop(topic, None)
