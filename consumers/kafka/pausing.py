"""Stops what must not be read on: topics full of rejects, topics made anew, lost offsets."""

from __future__ import annotations

import time

import psycopg
import structlog
from kafka import TopicPartition

from consumers.kafka.claiming import NOT_TO_BE_READ, Refusal, Verdict, recreated
from consumers.kafka.ownership import Ownership
from consumers.kafka.rejects import RejectWatch
from consumers.kafka.settings import KafkaIntakeSettings
from consumers.kafka.topic_watch import TopicReading
from journal.intake.claims import (
    PauseCode,
    pause_partition,
    pause_topic,
    paused_partitions,
    resume_topic,
)

_log = structlog.get_logger(__name__)
_REPEATED_REJECTS: PauseCode = "repeated_rejects"


class Pausing:
    """Keeps the partitions of one consumer in step with ``paused_because`` in the journal.

    Args:
        settings: limits and intervals.
        log_id: of the facts log.
        ownership: whose partitions are stopped and let go on.

    """

    def __init__(self, settings: KafkaIntakeSettings, log_id: int, ownership: Ownership) -> None:
        self._settings = settings
        self._log_id = log_id
        self._ownership = ownership
        self._rejects = RejectWatch(settings)
        self._followed_at = 0.0
        self._resume_at: dict[str, float] = {}

    def judge(self, connection: psycopg.Connection, verdict: Verdict) -> None:
        """Refuse what a claim found not to be readable, with an alarm where that is news."""
        for refusal in verdict.refused:
            self._refuse(connection, refusal)
        for claim in verdict.kept_refused:
            partition = TopicPartition(claim.topic, claim.partition)
            self._ownership.refuse(partition, claim.paused_because)

    def note(
        self, connection: psycopg.Connection, topic: str, received: int, rejected: int
    ) -> None:
        """Count what became of a batch, and pause its topic if that is too bad."""
        detail = self._rejects.note(topic, received, rejected, time.monotonic())
        if detail is None:
            return
        self._rejects.forget(topic)
        if pause_topic(connection, self._log_id, topic, _REPEATED_REJECTS, detail):
            _log.error("intake_topic_paused", topic=topic, detail=detail, alarm=True)
        self._apply(paused_partitions(connection, self._log_id))

    def compare_topics(self, connection: psycopg.Connection, reading: TopicReading) -> None:
        """Refuse the partitions of topics that were made anew under our eyes."""
        for partition, owned in list(self._ownership.owned.items()):
            topic_id = reading.ids.get(partition.topic, owned.claim.topic_id)
            if topic_id != owned.claim.topic_id:
                detail = recreated(owned.claim, topic_id)
                self._refuse(connection, Refusal(owned.claim, "topic_recreated", detail))

    def follow(self, connection: psycopg.Connection) -> None:
        """Look into the journal, now and then, for what was paused or resumed by others."""
        now = time.monotonic()
        if now < self._followed_at + self._settings.pause_check_seconds:
            return
        self._followed_at = now
        for topic, resume_at in list(self._resume_at.items()):
            if now >= resume_at:
                resume_topic(connection, self._log_id, topic, _REPEATED_REJECTS)
        self._apply(paused_partitions(connection, self._log_id))

    def _apply(self, paused: dict[tuple[str, int], str]) -> None:
        for partition, owned in list(self._ownership.owned.items()):
            because = paused.get(partition, "")
            if because.startswith(NOT_TO_BE_READ):
                self._ownership.refuse(partition, because)
            elif because and not owned.paused_because:
                self._ownership.stop(partition)
            elif owned.paused_because and not because:
                _log.info("intake_partition_resumed", topic=partition[0], partition=partition[1])
                self._ownership.go_on(partition)
            owned.paused_because = because
        for partition in list(self._ownership.refused):
            if partition not in paused:
                self._ownership.wait_again(partition)
        self._set_times({topic for (topic, _), why in paused.items() if _is_of_rejects(why)})

    def _set_times(self, topics: set[str]) -> None:
        """Give each topic that is paused for its rejects a time at which it is tried again."""
        wait = self._settings.rejects_pause_seconds
        if wait:
            now = time.monotonic()
            self._resume_at = {topic: self._resume_at.get(topic, now + wait) for topic in topics}

    def _refuse(self, connection: psycopg.Connection, refusal: Refusal) -> None:
        claim = refusal.claim
        partition = TopicPartition(claim.topic, claim.partition)
        self._ownership.refuse(partition, f"{refusal.code}: {refusal.detail}")
        _log.error(
            "intake_partition_refused", topic=claim.topic, partition=claim.partition,
            code=refusal.code, detail=refusal.detail, alarm=True,
        )  # fmt: skip
        if not pause_partition(connection, self._log_id, claim, refusal.code, refusal.detail):
            self._ownership.wait_again(partition)


def _is_of_rejects(because: str) -> bool:
    return because.startswith(_REPEATED_REJECTS)
