"""The stage on which customers live: the calendar, the shops, the shelves and the campaigns."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Literal

import msgspec

from domain.calendar import Calendar
from domain.instants import SECOND, date_of, day_of
from vinculo.simulator.assortment import Product, stock_shelves
from vinculo.simulator.season import appetite
from vinculo.simulator.sources import BUSINESS_ZONE

_CAMPAIGN_EVERY_DAYS = 13
_PURPOSES = ("newsletter", "new arrivals", "seasonal offer", "we miss you", "members only")


class Campaign(msgspec.Struct, frozen=True):
    """A campaign: its code, the day (counted from the first) and the share it is sent to."""

    code: str
    day: int
    purpose: str
    channel: Literal["email", "push"]
    audience: float


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same for every customer of a simulation.

    Args:
        seed: from which everything is drawn.
        customers: how many people there are, leads included.
        days: how many days the simulation covers.
        midnights: the first instant of each of these days, and of the one after.
        appetites: by day, how likely people are to buy.
        mean_appetite: their mean.
        shelves: the articles, by category.
        campaigns: by day.

    """

    seed: int
    customers: int
    days: int
    midnights: tuple[int, ...]
    appetites: tuple[float, ...]
    mean_appetite: float
    shelves: tuple[tuple[Product, ...], ...]
    campaigns: tuple[Campaign, ...]

    @property
    def start(self) -> int:
        """Return the first instant that is simulated."""
        return self.midnights[0]

    @property
    def end(self) -> int:
        """Return the last instant that is simulated."""
        return self.midnights[-1] - 1

    def instant(self, day: int, second: int) -> int:
        """Return the instant of a local time: a day counted from the first, seconds into it."""
        return self.midnights[day] + second * SECOND

    def random(self, purpose: str) -> Random:
        """Return randomness of its own for a purpose: the same seed gives the same draws."""
        return Random(f"{self.seed}:{purpose}")


def make_world(customers: int, seed: int, until: date, days: int) -> World:
    """Return the world whose last day is ``until``."""
    calendar = Calendar.in_zone(BUSINESS_ZONE)
    first = day_of(until) - days + 1
    appetites = tuple(appetite(date_of(first + day)) for day in range(days))
    random = Random(f"{seed}:world")
    return World(
        seed=seed,
        customers=customers,
        days=days,
        midnights=tuple(calendar.start(first + day) for day in range(days + 1)),
        appetites=appetites,
        mean_appetite=sum(appetites) / days,
        shelves=stock_shelves(random),
        campaigns=_plan_campaigns(days, random),
    )


def _plan_campaigns(days: int, random: Random) -> tuple[Campaign, ...]:
    planned = []
    for number, day in enumerate(range(3, days, _CAMPAIGN_EVERY_DAYS), start=1):
        planned.append(
            Campaign(
                code=f"C{number:03d}",
                day=min(days - 1, day + random.randrange(_CAMPAIGN_EVERY_DAYS - 2)),
                purpose=_PURPOSES[number % len(_PURPOSES)],
                channel="push" if number % 6 == 0 else "email",
                audience=0.35 + 0.4 * random.random(),
            )
        )
    return tuple(planned)
