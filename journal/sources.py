"""Sources: who may publish what, where. Registered in a TOML file for now.

A file holds one table a source::

    [[source]]
    name = "urn:shop:till"
    topics = ["shop.till"]
    namespaces = ["card", "receipt"]
    zone = "Europe/Madrid"
    stable_time = true
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from domain.errors import Refused, VinculoError

NAME_LENGTH_MAX = 200


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A registered source.

    Args:
        name: the CloudEvents ``source``.
        topics: Kafka topics it publishes to; each belongs to this source alone (ruling 1).
        namespaces: of the subjects that it may speak of; empty means any.
        types: touchpoint types that it may publish; empty means any.
        zone: its local time, for imports.
        stable_time: a repetition of an event bears the same time. Never changes (ruling 7).
        simulated_time: events may lie in the future (declared back-fill of simulated time).

    """

    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    topics: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    zone: str = "UTC"
    stable_time: bool = False
    simulated_time: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: tuple[Source, ...] = ()


class SourceRegister:
    """The registered sources of a tenant.

    Raises:
        VinculoError: if two sources share a name or a topic.

    """

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self.by_name = {source.name: source for source in sources}
        self.by_topic = {topic: source for source in sources for topic in source.topics}
        topics = sum(len(source.topics) for source in sources)
        if len(self.by_name) != len(sources) or len(self.by_topic) != topics:
            message = (
                f"expected each source and each topic once, found {len(sources)} sources with "
                f"{len(self.by_name)} names and {topics} topics with {len(self.by_topic)} names"
            )
            raise VinculoError(message)

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the topics to read, sorted."""
        return tuple(sorted(self.by_topic))

    def accept(self, name: str, kind: str, topic: str) -> Source:
        """Return the source that publishes an event.

        Args:
            name: the event's ``source``.
            kind: its type.
            topic: the Kafka topic on which it came, empty on other channels.

        Raises:
            Refused: ``unknown_source``, ``wrong_topic`` or ``type_not_allowed``.

        """
        source = self.by_name.get(name)
        if source is None:
            message = f"expected a registered source, found {name[:NAME_LENGTH_MAX]!r}; register it"
            raise Refused("unknown_source", message)
        if topic and self.by_topic.get(topic) is not source:
            message = f"source {name} publishes to {list(source.topics)}, found it on {topic!r}"
            raise Refused("wrong_topic", message)
        if source.types and kind not in source.types:
            message = f"source {name} is registered for {list(source.types)}, found {kind[:100]!r}"
            raise Refused("type_not_allowed", message)
        return source


def read_sources(path: Path) -> SourceRegister:
    """Return the sources registered in a TOML file.

    Raises:
        VinculoError: if the file cannot be read or does not hold what is expected.

    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
        sources = msgspec.convert(plain, _File).source
        for source in sources:
            ZoneInfo(source.zone)
    except (OSError, ValueError, msgspec.ValidationError, ZoneInfoNotFoundError) as e:
        message = f"sources: expected a TOML file of [[source]] tables at {path.name}, found: {e}"
        raise VinculoError(message) from e
    return SourceRegister(sources)
