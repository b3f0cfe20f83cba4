"""A source as plain data: what the registry of sources has to know of it."""

from __future__ import annotations

import msgspec


class SourceProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a source promises of its messages.

    Args:
        source: the CloudEvents ``source`` of every message.
        topic: the Kafka topic that carries this source and no other (ruling 1).
        namespaces: of the subjects and further identifiers that it names.
        zone: the time zone in which it states its times.
        stable_time: an id always comes with the same time, so that entry ids may contain it.
        currencies: ISO 4217, those in which its amounts are.

    """

    source: str
    topic: str
    namespaces: tuple[str, ...]
    zone: str
    stable_time: bool
    currencies: tuple[str, ...] = ()
