"""A producer for the simulator and the importers: everything acknowledged, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Protocol

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata

from consumers.kafka.settings import KafkaSecurity
from domain.cloudevent import STRUCTURED_TYPE
from domain.errors import VinculoError

Headers = tuple[tuple[str, bytes], ...]

STRUCTURED_HEADERS: Headers = (("content-type", STRUCTURED_TYPE.encode()),)
_JSON = ("content-type", b"application/json")
_FLUSH_SECONDS_MAX = 120


class Publishable(Protocol):
    """A message that can be published."""

    @property
    def topic(self) -> str:
        """Return its topic."""

    @property
    def key(self) -> bytes | None:
        """Return a stable value without personal data (ruling 30), or None."""

    @property
    def value(self) -> bytes | None:
        """Return the event in structured mode, its data in binary mode."""

    @property
    def headers(self) -> Headers:
        """Return its Kafka headers; see :func:`binary_headers`."""


class KafkaMessage(msgspec.Struct, frozen=True, gc=False):
    """A message for a topic.

    Args:
        topic: of its source.
        value: the event in structured mode, its data in binary mode.
        key: a stable value without personal data (ruling 30).
        headers: :data:`STRUCTURED_HEADERS` or what :func:`binary_headers` returns.

    """

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: Headers = STRUCTURED_HEADERS


class PublishError(VinculoError):
    """Some messages were not acknowledged by the broker."""


def binary_headers(attributes: Mapping[str, str]) -> Headers:
    """Return the headers of binary mode for CloudEvents attributes (names without prefix)."""
    return (_JSON, *((f"ce_{name}", value.encode()) for name, value in attributes.items()))


def publish(
    messages: Iterable[Publishable],
    bootstrap_servers: str,
    *,
    security: KafkaSecurity = KafkaSecurity(),  # noqa: B008 - frozen
    progress: Callable[[int], None] | None = None,
) -> int:
    """Publish messages and return how many were acknowledged: all of them.

    Idempotent and acknowledged by all replicas; a key falls on the same partition as with Java
    (murmur2). Reads the messages as fast as the broker takes them.

    Args:
        messages: in the order in which they are to stand in their partitions.
        bootstrap_servers: ``host:port`` of some brokers, separated by commas.
        security: how to reach them.
        progress: told the number sent so far, every thousand messages.

    Raises:
        PublishError: how many were acknowledged, and why the first of the others was not.

    """
    producer = _producer(bootstrap_servers, security)
    answers = _Answers()
    sent = 0
    try:
        for message in messages:
            answers.follow(_send(producer, message))
            sent += 1
            if progress is not None and sent % 1_000 == 0:
                progress(sent)
        producer.flush(timeout=_FLUSH_SECONDS_MAX)
    except KafkaError as error:
        answers.refuse(error)
    finally:
        with suppress(KafkaError):  # flushes again, and what that says we know
            producer.close(timeout=_FLUSH_SECONDS_MAX)
    answers.expect(sent)
    return sent


def _send(producer: KafkaProducer, message: Publishable) -> FutureRecordMetadata:
    headers = list(message.headers)
    return producer.send(message.topic, value=message.value, key=message.key, headers=headers)


def _producer(bootstrap_servers: str, security: KafkaSecurity) -> KafkaProducer:
    return KafkaProducer(
        bootstrap_servers=bootstrap_servers.split(","),
        enable_idempotence=True,
        acks="all",
        linger_ms=20,
        batch_size=256 * 1024,
        compression_type="lz4",
        max_block_ms=_FLUSH_SECONDS_MAX * 1_000,
        **security.options(),
    )


class _Answers:
    """What the broker has said so far; told on the client's one IO thread."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.refusal: BaseException | None = None

    def follow(self, future: FutureRecordMetadata) -> None:
        """Hear what the broker says of a message."""
        future.add_callback(self.acknowledge).add_errback(self.refuse)

    def acknowledge(self, _: object) -> None:
        self.acknowledged += 1

    def refuse(self, error: BaseException) -> None:
        if self.refusal is None:
            self.refusal = error

    def expect(self, sent: int) -> None:
        """Raise unless every message was acknowledged."""
        if self.acknowledged != sent or self.refusal is not None:
            text = (
                f"expected {sent} messages to be acknowledged, {self.acknowledged} were: "
                f"{self.refusal!r}; publish them again, repetitions are removed"
            )
            raise PublishError(text) from self.refusal
