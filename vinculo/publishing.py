"""Publishing what the simulator and the importers make to Kafka, topics made where missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from consumers.kafka.publisher import KafkaMessage, publish
from consumers.kafka.topics import make_topics
from vinculo.composition import Composition
from vinculo.importers import Message, SourceProfile


def publish_all(
    made: Composition,
    profiles: Iterable[SourceProfile],
    messages: Iterable[Message],
    progress: Callable[[int], None] | None = None,
) -> int:
    """Publish messages and return how many the broker acknowledged: all of them.

    Args:
        made: knows the broker.
        profiles: the sources that publish; their topics are made where missing.
        messages: in the order in which they are to stand in their partitions.
        progress: told how many were sent since.

    Raises:
        VinculoError: there is no broker, or it did not acknowledge everything.

    """
    topics = [profile.topic for profile in profiles]
    make_topics(topics, made.kafka_servers, security=made.kafka_security)
    records = (
        KafkaMessage(message.topic, message.payload, message.key)
        for message in _counted(messages, progress)
    )
    return publish(records, made.kafka_servers, security=made.kafka_security)


def _counted(
    messages: Iterable[Message], progress: Callable[[int], None] | None
) -> Iterator[Message]:
    for message in messages:
        yield message
        if progress is not None:
            progress(1)
