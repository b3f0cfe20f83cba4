"""Settings of the Kafka intake: every limit, with its unit in its name."""

from __future__ import annotations

from typing import Any

import msgspec
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from domain.errors import VinculoError

_MILLISECONDS = 1_000
_SESSION_SECONDS_MIN = 6
_POLL_INTERVAL_SECONDS = (60, 120)
_BATCH_MESSAGES = (1, 100_000)
_POLL_WAIT_SECONDS = (0.01, 5)
_GATHER_SECONDS = (0, 0.5)


class KafkaSecurity(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a broker that does not let everybody in.

    Args:
        protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        ca_file: certificates to trust.
        certificate_file: our own certificate.
        key_file: its private key.
        mechanism: such as SCRAM-SHA-512, where the protocol is one of SASL.
        username: for SASL.
        password: for SASL.

    """

    protocol: str = "PLAINTEXT"
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    mechanism: str | None = None
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"KafkaSecurity({self.protocol}, mechanism={self.mechanism})"

    def options(self) -> dict[str, Any]:
        """Return these as options of any client."""
        return {
            "security_protocol": self.protocol,
            "ssl_cafile": self.ca_file,
            "ssl_certfile": self.certificate_file,
            "ssl_keyfile": self.key_file,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }


class KafkaIntakeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one intake worker.

    Args:
        bootstrap_servers: ``host:port`` of some brokers, separated by commas.
        topics: to read, as the sources are registered for them.
        group: the consumer group; all workers of a tenant share it.
        security: how to reach the broker.
        batch_messages_max: at most so many messages in one transaction.
        poll_wait_seconds: how long a poll waits for messages, and a stop for the poll.
        gather_seconds: how long a broker may gather messages for one answer, 0 to 0.5. Every answer
            becomes a transaction: gathering adds this to the latency at the most, and at some
            thousand messages a second halves the processor time of workers, database and broker.
        gather_bytes: an answer that reaches this size waits no longer; a backlog waits not at all.
        fetch_bytes_max: of one answer of a broker; bounds memory, with two such answers a broker.
        partition_fetch_bytes_max: of one partition in it; as large as the largest message at least.
        session_seconds: without a heartbeat for so long, others take over (6 at least).
        poll_interval_seconds_max: also the time that a rebalance may take (60 to 120).
        poll_overstay_seconds_max: a poll longer than this ends the process (see ``process``).
        reconnect_seconds_max: between two tries to reach a broker that is away.
        metadata_seconds_max: between two looks for new partitions.
        topic_check_seconds: between two looks at topic ids and end offsets.
        pause_check_seconds: between two looks for what was paused or resumed.
        advisory_commit_seconds: between two commits to Kafka, for lag tools.
        stall_seconds: without progress for so long, while there is lag, a partition is stalled.
        rejects_window_seconds: over which rejects are counted, topic by topic.
        rejects_count: so many of them in the window pause the topic, if also
        rejects_share: this part of what came in the window was rejected (0 to 1).
        rejects_pause_seconds: until a paused topic is tried again; 0 waits for the command.
        retry_seconds_min: the first wait after a failure; doubled each time up to
        retry_seconds_max: the longest wait after a failure.

    Raises:
        VinculoError: if a value lies outside of its limits.

    """

    bootstrap_servers: str
    topics: tuple[str, ...]
    group: str = "vinculo-intake"
    security: KafkaSecurity = KafkaSecurity()
    batch_messages_max: int = 5_000
    poll_wait_seconds: float = 0.2
    gather_seconds: float = 0.025
    gather_bytes: int = 64 * 1024
    fetch_bytes_max: int = 16 * 1024 * 1024
    partition_fetch_bytes_max: int = 4 * 1024 * 1024
    session_seconds: float = 10
    poll_interval_seconds_max: float = 90
    poll_overstay_seconds_max: float = 30
    reconnect_seconds_max: float = 1
    metadata_seconds_max: float = 30
    topic_check_seconds: float = 2
    pause_check_seconds: float = 1
    advisory_commit_seconds: float = 5
    stall_seconds: float = 60
    rejects_window_seconds: float = 60
    rejects_count: int = 100
    rejects_share: float = 0.5
    rejects_pause_seconds: float = 900
    retry_seconds_min: float = 0.1
    retry_seconds_max: float = 2

    def __post_init__(self) -> None:
        """Refuse what the broker or the protocol would not bear."""
        never = float("inf")
        limits: dict[str, tuple[float, float]] = {
            "batch_messages_max": _BATCH_MESSAGES,
            "poll_wait_seconds": _POLL_WAIT_SECONDS,
            "gather_seconds": _GATHER_SECONDS,
            "gather_bytes": (1, self.fetch_bytes_max),
            "session_seconds": (_SESSION_SECONDS_MIN, never),
            "poll_interval_seconds_max": _POLL_INTERVAL_SECONDS,
            "poll_overstay_seconds_max": (1, self.poll_interval_seconds_max),
            "rejects_share": (0, 1),
            "rejects_count": (1, never),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                message = (
                    f"Kafka intake, {name}: expected {low:g} to {high:g}, "
                    f"found {getattr(self, name)!r}"
                )
                raise VinculoError(message)
        if not self.topics:
            message = "Kafka intake, topics: expected one at least; register sources with topics"
            raise VinculoError(message)

    def connection_options(self) -> dict[str, Any]:
        """Return what every client of the broker needs."""
        return {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "reconnect_backoff_max_ms": int(self.reconnect_seconds_max * _MILLISECONDS),
            "bootstrap_timeout_ms": 5 * _MILLISECONDS,
            **self.security.options(),
        }

    def consumer_options(self, member: str) -> dict[str, Any]:
        """Return the consumer's options.

        Args:
            member: a name of the worker's own. Under it the worker comes back into the group at
                once after an outage or a rebuild; a member without a name would wait until the
                broker gives up its former self.

        """
        session = int(self.session_seconds * _MILLISECONDS)
        return {
            **self.connection_options(),
            "group_id": self.group,
            "group_instance_id": member,
            "partition_assignment_strategy": [CooperativeStickyAssignor],
            # The journal knows where to read on. Kafka may neither guess it nor remember it.
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "isolation_level": "read_committed",
            "allow_auto_create_topics": False,
            "max_poll_interval_ms": int(self.poll_interval_seconds_max * _MILLISECONDS),
            "session_timeout_ms": session,
            "heartbeat_interval_ms": session // 4,
            "metadata_max_age_ms": int(self.metadata_seconds_max * _MILLISECONDS),
            "fetch_min_bytes": self.gather_bytes,
            "fetch_max_wait_ms": int(self.gather_seconds * _MILLISECONDS),
            "fetch_max_bytes": self.fetch_bytes_max,
            "max_partition_fetch_bytes": self.partition_fetch_bytes_max,
            "metrics_enabled": False,
        }
