"""Claims: who owns a partition of a topic, up to where it was read, and why it is paused.

The protocol: a claim raises the partition's epoch and says where to read on; each append swaps the
offset under that epoch (:class:`journal.intake.appending.Advance`). Whoever was overtaken finds its
next swap refused, so nothing has to be handed over, and a COMMIT whose outcome is unknown is
answered by claiming again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import psycopg

from journal.queries import queries

_SQL = queries("journal.intake", "claims.sql")

PauseCode = Literal["repeated_rejects", "topic_recreated", "offset_out_of_range", "operator"]
"""Why a partition is paused; ``paused_because`` reads ``code: sentence``."""


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """A partition that somebody wants to own.

    Args:
        topic: Kafka topic.
        partition: its partition.
        topic_id: of the topic as it is now, a UUID; a topic made anew has another one.
        beginning: the first offset that is still there, where a new partition is begun.

    """

    topic: str
    partition: int
    topic_id: str
    beginning: int


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A partition that is owned from now on.

    Args:
        topic: Kafka topic.
        partition: its partition.
        topic_id: of the topic whose messages were read so far.
        next_offset: the offset to read next.
        epoch: under which offsets may be swapped.
        paused_because: ``code: sentence``, empty if it is not paused.

    """

    topic: str
    partition: int
    topic_id: str
    next_offset: int
    epoch: int
    paused_because: str


class PartitionState(msgspec.Struct, frozen=True, gc=False):
    """A partition as the journal knows it; see :class:`Claim`."""

    topic: str
    partition: int
    topic_id: str
    next_offset: int
    epoch: int
    owner: str
    paused_because: str


def claim_partitions(
    connection: psycopg.Connection, log_id: int, owner: str, wanted: Sequence[Wanted]
) -> list[Claim]:
    """Become the owner of some partitions, in one statement.

    Waits for a transaction of the former owner that is under way.

    Args:
        connection: in autocommit.
        log_id: of the facts log.
        owner: for people: host, process and worker.
        wanted: the partitions.

    """
    rows = connection.execute(
        _SQL["claim"],
        {
            "log_id": log_id,
            "owner": owner,
            "topics": [one.topic for one in wanted],
            "partitions": [one.partition for one in wanted],
            "topic_ids": [one.topic_id for one in wanted],
            "beginnings": [one.beginning for one in wanted],
        },
    )
    return [Claim(*row) for row in rows]


def pause_topic(
    connection: psycopg.Connection, log_id: int, topic: str, code: PauseCode, detail: str
) -> int:
    """Pause a topic's partitions, whoever owns them; return how many went on until now."""
    values = {"log_id": log_id, "topic": topic, "because": f"{code}: {detail}"}
    return connection.execute(_SQL["pause_topic"], values).rowcount


def pause_partition(
    connection: psycopg.Connection, log_id: int, claim: Claim, code: PauseCode, detail: str
) -> bool:
    """Pause one partition that was claimed; return whether it was still ours."""
    values = {
        "log_id": log_id, "topic": claim.topic, "partition": claim.partition,
        "epoch": claim.epoch, "because": f"{code}: {detail}",
    }  # fmt: skip
    return connection.execute(_SQL["pause_partition"], values).rowcount == 1


def resume_topic(
    connection: psycopg.Connection, log_id: int, topic: str, code: PauseCode | Literal[""] = ""
) -> int:
    """Let a topic's partitions go on where they stopped; return how many were paused.

    Args:
        connection: in autocommit.
        log_id: of the facts log.
        topic: Kafka topic.
        code: only those that were paused for this reason; empty means any.

    """
    values = {"log_id": log_id, "topic": topic, "code": code}
    return connection.execute(_SQL["resume_topic"], values).rowcount


def read_topic_anew(connection: psycopg.Connection, log_id: int, topic: str) -> int:
    """Accept a topic that was made anew or lost messages: read it from its present beginning.

    Repetitions are removed as always. Returns how many partitions that concerns.
    """
    values = {"log_id": log_id, "topic": topic}
    return connection.execute(_SQL["read_anew"], values).rowcount


def paused_partitions(
    connection: psycopg.Connection, log_id: int
) -> dict[tuple[str, int], str]:  # fmt: skip
    """Return (topic, partition) of those paused, and why."""
    rows = connection.execute(_SQL["paused"], {"log_id": log_id})
    return {(topic, partition): because for topic, partition, because in rows}


def list_partitions(connection: psycopg.Connection, log_id: int) -> list[PartitionState]:
    """Return every partition that was ever read, sorted by topic and number."""
    rows = connection.execute(_SQL["partitions"], {"log_id": log_id})
    return [PartitionState(*row) for row in rows]
