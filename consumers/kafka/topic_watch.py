"""Looks at topics from aside: their ids, their first and last offsets.

A fetch carries no topic id, so a topic that was deleted and made anew looks like the old one to a
consumer. Only the administrator's client tells them apart.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import MemberToRemove, OffsetSpec
from kafka.errors import KafkaConnectionError, KafkaError
from kafka.protocol.consumer import IsolationLevel

from consumers.kafka.settings import KafkaIntakeSettings

_log = structlog.get_logger(__name__)
_REQUEST_SECONDS = 5
_CONNECT_SECONDS = 2.0


class TopicReading(msgspec.Struct, frozen=True):
    """What was seen of the topics at one moment.

    Args:
        taken_at: seconds of the monotonic clock.
        ids: topic ids by topic; one that does not exist is absent.
        ends: end offsets of every partition, open transactions left out.

    """

    taken_at: float
    ids: dict[str, str]
    ends: dict[TopicPartition, int]


def expect_broker(bootstrap_servers: str) -> None:
    """Return if one of the brokers accepts a connection.

    A client that cannot be built leaves its IO thread behind, so ask first.

    Raises:
        KafkaConnectionError: none does.

    """
    failure: OSError | None = None
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        except OSError as error:
            failure = error
        else:
            return
    message = f"expected a broker at {bootstrap_servers}, found {failure}"
    raise KafkaConnectionError(message)


class TopicWatch:
    """Watches topics in a thread of its own, and answers at once when asked.

    Args:
        settings: which broker and topics, and how often.

    """

    def __init__(self, settings: KafkaIntakeSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: KafkaAdminClient | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-topic-watch", daemon=True)
        self.latest: TopicReading | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch and its connection."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * _REQUEST_SECONDS)
        with self._lock:
            self._drop()

    def topic_ids(self) -> dict[str, str]:
        """Return the ids of the topics that exist, as of now.

        Raises:
            KafkaError: the broker does not answer.

        """
        with self._lock:
            return self._ids()[0]

    def beginnings(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the first offsets that are still there; raises as :meth:`topic_ids`."""
        with self._lock:
            return self._offsets(partitions, OffsetSpec.EARLIEST)

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offsets of the next messages, open transactions left out; raises as above."""
        with self._lock:
            return self._offsets(partitions, OffsetSpec.LATEST)

    def leave_group(self, member: str) -> None:
        """Take a named member out of the group; raises as above.

        The client does not do that for members with a name, and others would wait for it.
        """
        with self._lock:
            leaving = [MemberToRemove(group_instance_id=member, reason="stopped")]
            self._ask(lambda client: client.remove_group_members(self._settings.group, leaving))

    def _run(self) -> None:
        failing = False
        while not self._stopping.wait(self._settings.topic_check_seconds):
            try:
                with self._lock:
                    ids, partitions = self._ids()
                    ends = self._offsets(partitions, OffsetSpec.LATEST)
                self.latest = TopicReading(time.monotonic(), ids, ends)
                failing = False
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look may succeed
                if not failing:
                    _log.warning("topic_watch_failed", error=str(error))
                failing = True

    def _ids(self) -> tuple[dict[str, str], list[TopicPartition]]:
        described = self._ask(lambda client: client.describe_topics(list(self._settings.topics)))
        known = [topic for topic in described if topic["error_code"] == 0]
        partitions = [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in known
            for partition in topic["partitions"]
            if partition["leader_id"] >= 0
        ]
        return {topic["name"]: str(topic["topic_id"]) for topic in known}, partitions

    def _offsets(
        self, partitions: Iterable[TopicPartition], spec: OffsetSpec
    ) -> dict[TopicPartition, int]:
        wanted = dict.fromkeys(partitions, spec)
        if not wanted:
            return {}
        found = self._ask(
            lambda client: client.list_partition_offsets(wanted, IsolationLevel.READ_COMMITTED)
        )
        return {partition: int(answer.offset) for partition, answer in found.items()}

    def _ask(self, question: Callable[[KafkaAdminClient], Any]) -> Any:  # noqa: ANN401 - no annotations
        """Put a question to the client, made when there is none and dropped when it fails."""
        try:
            if self._client is None:
                expect_broker(self._settings.bootstrap_servers)
                self._client = KafkaAdminClient(
                    request_timeout_ms=_REQUEST_SECONDS * 1_000,
                    **self._settings.connection_options(),
                )
            return question(self._client)
        except KafkaError:
            self._drop()
            raise

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.close()


def sorted_partitions(partitions: Iterable[TopicPartition]) -> Sequence[TopicPartition]:
    """Return partitions in one order everywhere."""
    return sorted(partitions, key=lambda one: (one.topic, one.partition))
