"""A message as a source publishes it: CloudEvents 1.0, structured mode, with its Kafka key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from zlib import crc32

import msgspec

from domain.cloudevent import CloudEvent
from domain.touchpoints import CATALOGUE, Touchpoint

_KEY_BUCKETS = 4_096
_encode = msgspec.json.Encoder().encode


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What goes onto a topic, or into a file as one line.

    Args:
        source: who publishes it. A broken payload may say something else, or nothing.
        topic: the Kafka topic of that source.
        key: the Kafka key: stable per customer and without personal data (ruling 30).
        payload: one JSON object without a line break, or, if broken, what was meant to be one.

    """

    source: str
    topic: str
    key: bytes
    payload: bytes


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What surrounds a touchpoint.

    Args:
        source: CloudEvents ``source``.
        id: unique in the source.
        subject: ``namespace:value``.
        time: when it happened, aware.
        sequence: the source's own count, absent if it has none.

    """

    source: str
    id: str
    subject: str
    time: datetime
    sequence: int | None = None


def structured(envelope: Envelope, touchpoint: Touchpoint) -> bytes:
    """Return a touchpoint as a CloudEvent in structured mode: one line of JSON."""
    return _encode(
        CloudEvent(
            specversion="1.0",
            id=envelope.id,
            source=envelope.source,
            type=CATALOGUE.names[type(touchpoint)],
            subject=envelope.subject,
            time=envelope.time,
            data=msgspec.Raw(_encode(touchpoint)),
            datacontenttype="application/json",
            sequence=envelope.sequence,
        )
    )


def bucket_key(subject: str) -> bytes:
    """Return a Kafka key that keeps a subject's messages together and names nobody.

    It is one of 4,096 buckets: many subjects share each, and none can be told from it.
    """
    return b"%03x" % (crc32(subject.encode()) % _KEY_BUCKETS)


def json_lines(messages: Iterable[Message]) -> Iterator[bytes]:
    """Yield each message as a line of a JSON lines file, line break included."""
    for message in messages:
        yield message.payload + b"\n"
