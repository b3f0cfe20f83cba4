"""How messages travel: mostly at once, some late, some twice; none before it happened."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from domain.instants import DAY, HOUR, SECOND, moment_of
from vinculo.importers.message import Envelope, structured
from vinculo.simulator.message import SimulatedMessage
from vinculo.simulator.sources import PROFILES, ZONES
from vinculo.simulator.story import Told

LATE_AFTER = HOUR
"""A message that takes this long (microseconds) or longer counts as late."""

_LATE_SHARE = 0.03
_LATE_MEAN_DAYS = 4.0
_DUPLICATE_SHARE = 0.01
_DUPLICATE_MEAN_HOURS = 9.0
_PUNCTUAL_MEAN_SECONDS = 6.0


def send(told: Sequence[Told], key: bytes, end: int, random: Random) -> list[SimulatedMessage]:
    """Return the messages of one story, repetitions included, in the order in which they happened.

    Args:
        told: what sources state.
        key: the person's Kafka key.
        end: the last instant of the simulation: whatever is late has arrived by then.
        random: decides on delays and repetitions.

    """
    messages = []
    for one in told:
        message = seal(one, key, _arrival(one.at, end, random))
        messages.append(message)
        if random.random() < _DUPLICATE_SHARE:
            messages.append(_repeat(message, end, random))
    return messages


def seal(told: Told, key: bytes, arrives_at: int) -> SimulatedMessage:
    """Return a touchpoint as a good message that arrives at an instant."""
    profile = PROFILES[told.source]
    envelope = Envelope(
        source=profile.source,
        id=told.id,
        subject=told.subject,
        time=moment_of(told.at).astimezone(ZONES[told.source]),
        sequence=told.sequence,
    )
    return SimulatedMessage(
        source=profile.source,
        topic=profile.topic,
        key=key,
        payload=structured(envelope, told.touchpoint),
        arrives_at=arrives_at,
        occurred_at=told.at,
        delivery="late" if arrives_at - told.at >= LATE_AFTER else "punctual",
        outcome="stored",
    )


def _arrival(happened_at: int, end: int, random: Random) -> int:
    if random.random() < _LATE_SHARE:
        delay = LATE_AFTER + int(random.expovariate(1 / _LATE_MEAN_DAYS) * DAY)
    else:
        delay = int(random.expovariate(1 / _PUNCTUAL_MEAN_SECONDS) * SECOND)
    return min(happened_at + delay, end)


def _repeat(message: SimulatedMessage, end: int, random: Random) -> SimulatedMessage:
    pause = int(random.expovariate(1 / _DUPLICATE_MEAN_HOURS) * HOUR)
    return SimulatedMessage(
        source=message.source,
        topic=message.topic,
        key=message.key,
        payload=message.payload,
        arrives_at=min(message.arrives_at + pause, end),
        occurred_at=message.occurred_at,
        delivery="duplicate",
        outcome="duplicate",
    )
