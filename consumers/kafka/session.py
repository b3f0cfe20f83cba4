"""One consumer's life: from joining the group until it is stopped or has to be built anew.

A step of the loop: follow what the group decided, claim, poll, prepare, wait for the writer, hand
over. So one batch is written while the next is prepared, and not more: that is the back-pressure.
Whatever is dropped on the way, its partitions are released and claimed again, and a claim seeks to
where the journal is.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from operator import attrgetter
from typing import Any

import msgspec
import psycopg
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from consumers.kafka.claiming import claim_and_check
from consumers.kafka.decoding import message_of
from consumers.kafka.journal_link import JournalLink
from consumers.kafka.lazy_headers import leave_headers_unread
from consumers.kafka.ownership import Owned, Ownership
from consumers.kafka.pausing import Pausing
from consumers.kafka.progress import Progress
from consumers.kafka.settings import KafkaIntakeSettings
from consumers.kafka.topic_watch import TopicWatch, expect_broker
from consumers.kafka.watchdog import Watchdog
from consumers.kafka.writing import Work, Writer
from domain.errors import VinculoError
from journal.intake.appending import Advance, FencedError, StaleKeysError
from journal.intake.message import Message
from journal.intake.pipeline import STALE_TRIES_MAX, Intake

_log = structlog.get_logger(__name__)
_TOPIC = attrgetter("topic")
_STAY_SECONDS = 1.0
_CLOSE_SECONDS = 5
_IDLE_SECONDS = 1.0
_MISSING_TOPICS_SECONDS = 60.0


class PollError(VinculoError):
    """The client failed in a poll; it has to be closed and built anew."""


class Equipment(msgspec.Struct, frozen=True):
    """What a worker has for all of its sessions.

    Args:
        intake: the pipeline; prepared in the loop, appended by the writer.
        link: the loop's connection to the journal.
        writer: writes batches.
        watch: looks at the topics.
        progress: counts.
        watchdog: ends the process whose poll overstays.
        owner: for people, who looks at ``intake_partition``.
        member: its name in the group.

    """

    intake: Intake
    link: JournalLink
    writer: Writer
    watch: TopicWatch
    progress: Progress
    watchdog: Watchdog
    owner: str
    member: str


class Session:
    """One consumer and what it owns.

    Args:
        settings: of the worker.
        equipment: of the worker.

    Raises:
        KafkaError: there is no broker.

    """

    def __init__(self, settings: KafkaIntakeSettings, equipment: Equipment) -> None:
        self._settings = settings
        self._intake = equipment.intake
        self._link = equipment.link
        self._writer = equipment.writer
        self._owner = equipment.owner
        self._watch = equipment.watch
        self._progress = equipment.progress
        self._watchdog = equipment.watchdog
        expect_broker(settings.bootstrap_servers)
        self._consumer = KafkaConsumer(**settings.consumer_options(equipment.member))
        if not leave_headers_unread(self._consumer):
            _log.warning("intake_headers_parsed_slowly", expected="a proven version of the client")
        self._ownership = Ownership(self._consumer)
        self._pausing = Pausing(settings, self._intake.log_id, self._ownership)
        self._looked_at = 0.0
        self._claim_not_before = 0.0
        self._idle_at = 0.0
        self._advised: dict[TopicPartition, int] = {}
        self._advised_at = 0.0
        self._missing_told_at = -_MISSING_TOPICS_SECONDS

    def run(self, stopping: threading.Event) -> None:
        """Read until told to stop; then finish the batch in flight.

        Raises:
            PollError: the client failed.
            FencedError: somebody else owns what the group has given to us.

        """
        self._consumer.subscribe(topics=list(self._settings.topics), listener=self._ownership.notes)
        self._know_topics()
        while not stopping.is_set():
            self._step()
        try:
            self._collect(block=True)
        except (psycopg.Error, FencedError) as error:
            # Not written, or nobody knows: the next owner's claim says which.
            _log.warning("intake_last_batch_not_confirmed", error=str(error).strip())
        self._advise(at_once=True)

    def close(self) -> None:
        """Wait for what is being written and end the consumer; its place in the group is kept."""
        while self._writer.busy:
            work = self._writer.result(_STAY_SECONDS)
            if work is not None and work.error is None:
                self._progress.count(work.outcomes)
        try:
            with self._watchdog.watch("close", 4 * _CLOSE_SECONDS):
                self._consumer.close(timeout_ms=_CLOSE_SECONDS * 1_000)
        except Exception as error:  # noqa: BLE001 - it is thrown away in any case
            _log.info("intake_consumer_close_failed", error=str(error))

    def _know_topics(self) -> None:
        """Learn the partitions before joining.

        A leader that assigns while its first metadata arrive may give nothing to anybody, and see
        no reason afterwards to assign again.
        """
        known = self._consumer.partitions_for_topic
        self._tell_missing([topic for topic in self._settings.topics if not known(topic)])

    def _tell_missing(self, topics: list[str]) -> None:
        """Tell at times which topics are registered and do not exist; they are read once they do.

        The client would tell of each with every look, many times a second, as an error.
        """
        now = time.monotonic()
        if topics and now >= self._missing_told_at + _MISSING_TOPICS_SECONDS:
            self._missing_told_at = now
            advice = "make these topics, or take them out of the register of sources"
            _log.warning("intake_topics_missing", topics=topics, advice=advice)

    def _step(self) -> None:
        try:
            self._ownership.follow_rebalances()
            if self._link.connected():
                self._collect(block=False)
                self._claim()
                self._pausing.follow(self._link.connection)
            self._look()
            records = self._poll(self._settings.poll_wait_seconds)
            if records:
                self._take(records)
            else:
                self._note_position()
        except psycopg.Error as error:
            # The outcome of what was under way is unknown: claiming again will tell.
            self._link.lost(error)
            self._ownership.release(self._ownership.owned)
        self._advise()

    def _poll(self, wait_seconds: float) -> dict[TopicPartition, list[Any]]:
        try:
            with self._watchdog.watch("poll", self._settings.poll_overstay_seconds_max):
                found: dict[TopicPartition, list[Any]] = self._consumer.poll(
                    timeout_ms=int(wait_seconds * 1_000),
                    max_records=self._settings.batch_messages_max,
                )
        except Exception as error:
            message = f"expected messages or none, found {error!r}; building the consumer anew"
            raise PollError(message) from error
        return found

    def _claim(self) -> None:
        waiting = self._ownership.waiting
        if not waiting or time.monotonic() < self._claim_not_before:
            return
        # What is still being written moves offsets that the claim is about to read.
        self._collect(block=True)
        try:
            verdict = claim_and_check(
                self._link.connection, self._watch, self._intake.log_id, self._owner, set(waiting)
            )
        except (KafkaError, KeyError) as error:
            _log.warning("intake_claim_postponed", error=str(error))
            self._claim_not_before = time.monotonic() + self._settings.retry_seconds_max / 2
            return
        self._link.proven()
        for claim in verdict.granted:
            self._ownership.grant(claim)
            _log.info(
                "intake_partition_claimed", topic=claim.topic, partition=claim.partition,
                offset=claim.next_offset, epoch=claim.epoch, paused=claim.paused_because,
            )  # fmt: skip
        self._pausing.judge(self._link.connection, verdict)
        if self._ownership.waiting:  # topics that do not exist, for now
            self._claim_not_before = time.monotonic() + self._settings.retry_seconds_max

    def _take(self, records: dict[TopicPartition, list[Any]]) -> None:
        """Prepare what was polled while the last batch is written, then hand it over."""
        if not self._link.connected():
            self._ownership.release(records)
            return
        messages: list[Message] = []
        advances: list[Advance] = []
        for partition, polled in records.items():
            owned = self._ownership.owned.get(partition)
            if owned is None:
                continue  # not claimed; a claim will seek to where the journal is
            if polled[0].offset < owned.next_offset:
                self._ownership.release([partition])
                continue
            messages.extend(map(message_of, polled))
            # The position counts control records; a rebalance since the poll has set it to 0.
            after = max(self._ownership.position(partition), polled[-1].offset + 1)
            advances.append(_advance(owned, after))
        if messages:
            self._hand_over(messages, advances)

    def _hand_over(self, messages: list[Message], advances: list[Advance]) -> None:
        batch = self._intake.prepare(self._link.connection, messages)
        self._collect(block=True)
        self._ownership.follow_rebalances()
        if not all(map(self._ownership.still_ours, advances)):
            self._ownership.release_those_of(advances)
            return
        for advance in advances:
            owned = self._ownership.owned[TopicPartition(advance.topic, advance.partition)]
            owned.next_offset = advance.next
        self._writer.submit(Work(messages, batch, advances))

    def _note_position(self) -> None:
        """Write down offsets that moved without messages, over control records.

        Else an idle partition would seem to have lost messages once retention passes its end.
        """
        now = time.monotonic()
        if self._writer.busy or now < self._idle_at + _IDLE_SECONDS or not self._link.connected():
            return
        self._idle_at = now
        advances = [
            _advance(owned, position)
            for partition, owned in self._ownership.owned.items()
            if (position := self._ownership.position(partition)) > owned.next_offset
        ]
        if advances:
            self._hand_over([], advances)

    def _collect(self, *, block: bool) -> None:
        """Take the result of the batch being written, waiting for it if told to."""
        while self._writer.busy:
            work = self._writer.result(_STAY_SECONDS if block else 0)
            if work is not None:
                self._settle(work)
            elif block:
                self._stay_in_group()
            else:
                return

    def _settle(self, work: Work) -> None:
        match work.error:
            case None:
                self._written(work)
            case FencedError():
                self._fenced(work, work.error)
            case StaleKeysError() if work.tries < STALE_TRIES_MAX:
                self._intake.forget_keys()
                batch = self._intake.prepare(self._link.connection, work.messages)
                again = Work(work.messages, batch, work.advances, tries=work.tries + 1)
                self._writer.submit(again)
            case error:
                raise error

    def _written(self, work: Work) -> None:
        self._progress.count(work.outcomes)
        self._link.proven()
        for advance in work.advances:
            if self._ownership.still_ours(advance):
                partition = TopicPartition(advance.topic, advance.partition)
                self._ownership.owned[partition].written_offset = advance.next
        received = Counter(map(_TOPIC, work.messages))
        rejected = Counter(work.messages[one.index].topic for one in work.batch.rejections)
        for topic, count in received.items():
            self._pausing.note(self._link.connection, topic, count, rejected[topic])

    def _fenced(self, work: Work, error: FencedError) -> None:
        """Tell a rebalance that overtook the batch from an owner who should not be there."""
        self._progress.count_one("fenced")
        self._ownership.follow_rebalances()
        ours = self._ownership.release_those_of(work.advances)
        _log.warning("intake_fenced", error=str(error), explained=ours < len(work.advances))
        if ours == len(work.advances):
            raise error

    def _stay_in_group(self) -> None:
        """Poll without taking anything, so that a slow write does not cost the membership."""
        running = [one for one, owned in self._ownership.owned.items() if not owned.paused_because]
        for partition in running:
            self._ownership.stop(partition)
        surprise = self._poll(0)
        self._ownership.release(surprise)
        for partition in running:
            if partition in self._ownership.owned:
                self._ownership.go_on(partition)
        self._look()

    def _look(self) -> None:
        """Compare the topics with the last look at them, and tell who is behind."""
        now = time.monotonic()
        if now < self._looked_at + self._settings.topic_check_seconds / 2:
            return
        self._looked_at = now
        reading = self._watch.latest
        if reading is not None and self._link.connected():
            self._pausing.compare_topics(self._link.connection, reading)
        if reading is not None:
            self._tell_missing([one for one in self._settings.topics if one not in reading.ids])
        self._progress.look(self._ownership, reading)

    def _advise(self, *, at_once: bool = False) -> None:
        """Commit written offsets to Kafka, for lag tools, and to hear whether we are a member."""
        now = time.monotonic()
        if not at_once and now < self._advised_at + self._settings.advisory_commit_seconds:
            return
        self._advised_at = now
        written = {
            partition: owned.written_offset for partition, owned in self._ownership.owned.items()
        }
        news = {
            partition: OffsetAndMetadata(offset, "", -1)
            for partition, offset in written.items()
            if self._advised.get(partition) != offset
        }
        self._advised = written
        try:
            if news and at_once:
                self._consumer.commit(news, timeout_ms=1_000)
            elif news:
                self._consumer.commit_async(news, callback=_hear)
        except KafkaError as error:
            _hear(news, error)


def _advance(owned: Owned, after: int) -> Advance:
    claim = owned.claim
    return Advance(claim.topic, claim.partition, owned.next_offset, after, claim.epoch)


def _hear(_: Any, answer: Any) -> None:  # noqa: ANN401 - no annotations
    """Note that the group does not take our commit: it may have given our partitions to others."""
    if isinstance(answer, Exception):
        _log.warning("intake_advisory_commit_refused", error=repr(answer))
