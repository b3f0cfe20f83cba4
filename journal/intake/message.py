"""A message as it came, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Channel = Literal["kafka", "http", "file"]
OutcomeKind = Literal["stored", "duplicate", "rejected", "suppressed"]


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as it was received.

    Args:
        payload: structured mode: the whole event; binary mode: its data.
        attributes: binary mode: the CloudEvents attributes without prefix; else None.
        topic: Kafka topic, empty on other channels.
        partition: Kafka partition, -1 on other channels.
        offset: Kafka offset or line of the file, -1 if there is none.
        mends: 16 bytes, the receipt of the rejected message that this one replaces.

    """

    payload: bytes
    attributes: Mapping[str, str] | None = None
    topic: str = ""
    partition: int = -1
    offset: int = -1
    mends: bytes | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one message.

    Args:
        kind: stored, duplicate, rejected or suppressed.
        source: who sent it, ``unknown`` if that could not be read.
        entry_id: of the fact, 16 bytes, if there is one (for a duplicate the one kept).
        position: of the fact in the facts log, 0 if there is none.
        code: of a rejection.
        detail: of a rejection: expected, found, what to do.
        receipt_id: of a rejection, 16 bytes: by which it is listed and mended.

    """

    kind: OutcomeKind
    source: str
    entry_id: bytes | None = None
    position: int = 0
    code: str = ""
    detail: str = ""
    receipt_id: bytes | None = None
