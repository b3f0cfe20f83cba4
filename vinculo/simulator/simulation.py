"""The simulated business as a whole: everybody's messages in order of arrival, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from domain.errors import VinculoError
from vinculo.simulator import arrival, defects, delivery
from vinculo.simulator.message import Defect, SimulatedMessage
from vinculo.simulator.population import person_of
from vinculo.simulator.story import Story, Told
from vinculo.simulator.truth import CustomerTruth, Truth
from vinculo.simulator.world import World, make_world

DAYS = 730
"""How many days a simulation covers unless it is told otherwise."""

_DAYS_MIN = 30
_PEOPLE_PER_DEFECT = 5


class History(msgspec.Struct, frozen=True):
    """One person's messages, in the order in which things happened, and the truth about them."""

    messages: list[SimulatedMessage]
    truth: CustomerTruth


class Simulation(msgspec.Struct, frozen=True):
    """A simulated business.

    Args:
        messages: everybody's, in order of arrival.
        truth: what really happened.

    """

    messages: list[SimulatedMessage]
    truth: Truth


def simulate(*, customers: int, seed: int, until: date, days: int = DAYS) -> Simulation:
    """Return a simulated business: the same arguments give the same bytes, on every machine.

    Everything is held in memory, about a kilobyte a message; for sizes beyond that there is
    :func:`simulate_histories`.

    Args:
        customers: how many people there are, leads who never buy included; at least 1.
        seed: any integer.
        until: the last day, in the business zone. Everything has arrived by its end, so it
            should not lie in the future: intake refuses what lies more than a day ahead.
        days: how many days are simulated, ``until`` included; at least 30.

    Raises:
        VinculoError: too few customers or days.

    """
    arrivals: list[tuple[int, int, SimulatedMessage]] = []
    truths = []
    for history in simulate_histories(customers=customers, seed=seed, until=until, days=days):
        truths.append(history.truth)
        for message in history.messages:
            arrivals.append((message.arrives_at, len(arrivals), message))
    arrivals.sort()
    messages = [message for _, _, message in arrivals]
    return Simulation(messages, Truth(customers=tuple(truths)))


def simulate_histories(
    *, customers: int, seed: int, until: date, days: int = DAYS
) -> Iterator[History]:
    """Yield the same business one person after the other, in flat memory.

    Args:
        customers: as in :func:`simulate`.
        seed: as in :func:`simulate`.
        until: as in :func:`simulate`.
        days: as in :func:`simulate`.

    Raises:
        VinculoError: too few customers or days.

    """
    if customers < 1 or days < _DAYS_MIN:
        message = f"expected at least 1 customer and {_DAYS_MIN} days, "
        raise VinculoError(message + f"found {customers} and {days}")
    world = make_world(customers, seed, until, days)
    for ordinal in range(customers):
        yield _live(world, ordinal)


def _live(world: World, ordinal: int) -> History:
    story = Story(world, person_of(world, ordinal))
    arrival.begin(story)
    story.live()
    random = world.random(f"delivery:{ordinal}")
    messages = delivery.send(story.told, story.person.key, world.end, random)
    defect = _defect_of(ordinal, world.customers)
    if defect is not None and story.told:
        messages.append(_broken(story.told, messages, defect, ordinal))
    return History(messages, story.truth())


def _defect_of(ordinal: int, customers: int) -> Defect | None:
    """Return which broken message comes with a person: all kinds in turn, few in all."""
    every = max(1, min(_PEOPLE_PER_DEFECT, customers // len(defects.DEFECTS)))
    turn, remainder = divmod(ordinal, every)
    return None if remainder else defects.DEFECTS[turn % len(defects.DEFECTS)]


def _broken(
    told: list[Told], messages: list[SimulatedMessage], defect: Defect, ordinal: int
) -> SimulatedMessage:
    """Break the first thing that was ever told of somebody; it is never a correction."""
    return defects.break_message(told[0], messages[0], defect, f"broken-{ordinal:07d}")
