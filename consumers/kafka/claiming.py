"""Claims partitions in the journal and checks that they are still what was read before."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import psycopg
from kafka import TopicPartition

from consumers.kafka.topic_watch import TopicWatch, sorted_partitions
from journal.intake.claims import Claim, PauseCode, Wanted, claim_partitions

NOT_TO_BE_READ: tuple[PauseCode, ...] = ("topic_recreated", "offset_out_of_range")
"""Reasons of a pause that only an operator's decision ends."""


class Refusal(msgspec.Struct, frozen=True):
    """A claimed partition that may not be read.

    Args:
        claim: the claim.
        code: why, for machines.
        detail: why, for the operator.

    """

    claim: Claim
    code: PauseCode
    detail: str


class Verdict(msgspec.Struct, frozen=True):
    """What became of a claim for some partitions; those in neither list are to be asked for again.

    Args:
        granted: may be read.
        refused: may not be read, which is news.
        kept_refused: may not be read, which was known before.

    """

    granted: list[Claim]
    refused: list[Refusal]
    kept_refused: list[Claim]


def claim_and_check(
    connection: psycopg.Connection,
    watch: TopicWatch,
    log_id: int,
    owner: str,
    partitions: Collection[TopicPartition],
) -> Verdict:
    """Claim partitions, then compare topic ids and offsets with the broker's.

    Raises:
        KafkaError: the broker does not answer; claim again later.
        psycopg.Error: the journal does not answer; claim again later.

    """
    ids = watch.topic_ids()
    there = [one for one in sorted_partitions(partitions) if one.topic in ids]
    if not there:
        return Verdict([], [], [])
    beginnings = watch.beginnings(there)
    wanted = [Wanted(one.topic, one.partition, ids[one.topic], beginnings[one]) for one in there]
    claims = claim_partitions(connection, log_id, owner, wanted)
    # Read after the claim: until then the former owner moved on.
    return _judge(claims, ids, watch.beginnings(there), watch.ends(there))


def _judge(
    claims: list[Claim],
    ids: dict[str, str],
    beginnings: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> Verdict:
    verdict = Verdict([], [], [])
    for claim in claims:
        partition = TopicPartition(claim.topic, claim.partition)
        beginning, end = beginnings[partition], ends[partition]
        if claim.paused_because.startswith(NOT_TO_BE_READ):
            verdict.kept_refused.append(claim)
        elif claim.topic_id != ids[claim.topic]:
            verdict.refused.append(
                Refusal(claim, "topic_recreated", recreated(claim, ids[claim.topic]))
            )
        elif not beginning <= claim.next_offset <= end:
            detail = (
                f"expected offset {claim.next_offset} between {beginning} and {end}, the "
                "broker's first and last: messages were lost before we read them, or the topic "
                "was cut; read it anew to accept that"
            )
            verdict.refused.append(Refusal(claim, "offset_out_of_range", detail))
        else:
            verdict.granted.append(claim)
    return verdict


def recreated(claim: Claim, topic_id: str) -> str:
    """Return what to tell an operator of a topic with another id than before."""
    return (
        f"expected the topic with id {claim.topic_id} read up to offset {claim.next_offset}, found "
        f"id {topic_id}: it was deleted and made anew; read it anew to accept that"
    )
