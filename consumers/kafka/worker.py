"""The Kafka intake worker: reads until it is stopped, whatever goes away and comes back."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable

import structlog
from kafka.errors import KafkaError

from consumers.kafka.journal_link import JournalLink
from consumers.kafka.progress import IntakeMetrics, Progress
from consumers.kafka.session import Equipment, PollError, Session
from consumers.kafka.settings import KafkaIntakeSettings
from consumers.kafka.topic_watch import TopicWatch
from consumers.kafka.watchdog import Watchdog
from consumers.kafka.writing import Writer
from journal.intake.appending import FencedError
from journal.intake.pipeline import Intake

_log = structlog.get_logger(__name__)


class IntakeWorker:
    """Reads the topics of one tenant's sources into its journal.

    Several workers, in processes of their own, share the partitions. One worker runs once.

    Args:
        settings: broker, topics and limits.
        conninfo: of the journal; two connections are kept, one to prepare and one to write.
        intake_factory: makes the pipeline of the tenant's facts log.
        watchdog: ends the process whose poll overstays; none by default, because that is for a
            process of the worker's own (:mod:`consumers.kafka.process`).
        owner: for people, who looks at ``intake_partition``: host and process by default.

    """

    def __init__(
        self,
        settings: KafkaIntakeSettings,
        conninfo: str,
        intake_factory: Callable[[], Intake],
        *,
        watchdog: Watchdog | None = None,
        owner: str | None = None,
    ) -> None:
        self._settings = settings
        self._conninfo = conninfo
        self._intake_factory = intake_factory
        self._watchdog = watchdog or Watchdog()
        self._member = f"intake-{uuid.uuid4().hex}"
        self._owner = owner or f"{socket.gethostname()}:{os.getpid()}"
        self._progress = Progress(settings.stall_seconds)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Read until :meth:`stop` is called; then finish the batch in flight and leave the group.

        Broker and journal may go away and come back at any time. What is not foreseen is raised:
        the process should end and be started anew.
        """
        intake = self._intake_factory()
        writer = Writer(intake, self._conninfo)
        watch = TopicWatch(self._settings)
        link = JournalLink(self._conninfo, self._settings, self._progress)
        equipment = Equipment(
            intake, link, writer, watch, self._progress, self._watchdog, self._owner, self._member
        )
        writer.start()
        watch.start()
        _log.info("intake_started", owner=self._owner, topics=self._settings.topics)
        try:
            self._run_sessions(equipment)
        finally:
            self._leave_group(watch)
            writer.stop()
            watch.stop()
            link.close()
            _log.info("intake_stopped", owner=self._owner)

    def stop(self) -> None:
        """Ask the worker to finish; returns at once, from any thread or signal handler."""
        self._stopping.set()

    def metrics(self) -> IntakeMetrics:
        """Return what was done so far and how far it is behind; from any thread."""
        return self._progress.snapshot()

    def _leave_group(self, watch: TopicWatch) -> None:
        """Let others take over at once."""
        try:
            watch.leave_group(self._member)
        except KafkaError as error:
            _log.info("intake_left_without_notice", error=str(error))

    def _run_sessions(self, equipment: Equipment) -> None:
        wait_seconds = self._settings.retry_seconds_min
        while not self._stopping.is_set():
            batches = self._progress.batches
            try:
                session = Session(self._settings, equipment)
                try:
                    session.run(self._stopping)
                finally:
                    session.close()
            except (PollError, FencedError, KafkaError) as error:
                self._progress.count_one("rebuilds")
                if self._progress.batches > batches:
                    wait_seconds = self._settings.retry_seconds_min
                _log.warning("intake_rebuilding", error=str(error), wait_seconds=wait_seconds)
                self._stopping.wait(wait_seconds)
                wait_seconds = min(2 * wait_seconds, self._settings.retry_seconds_max)
