"""One person's story: an agenda of what is going to happen, and what sources tell of it.

An *action* is a function ``action(story, *details)`` that happens at the moment for which it was
put on the agenda. It may tell touchpoints of that moment and put further actions on the agenda.
Actions run in order of time, so no story ever looks ahead of its own clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random

import msgspec

from domain.instants import DAY, HOUR, moment_of
from domain.touchpoints import CATALOGUE, Reference, Touchpoint
from vinculo.simulator.event_ids import ulid, uuid7
from vinculo.simulator.population import Person
from vinculo.simulator.season import Hours, second_of_day
from vinculo.simulator.sources import PROFILES, ZONES, Source
from vinculo.simulator.truth import CustomerTruth, Sale, total_sales
from vinculo.simulator.world import World

Action = Callable[..., None]


class Told(msgspec.Struct, frozen=True):
    """A touchpoint as its source states it, before it is sent."""

    source: Source
    id: str
    subject: str
    at: int
    touchpoint: Touchpoint
    sequence: int | None = None


class Lot(msgspec.Struct):
    """Points earned together: when they become active and when they are gone."""

    expires_at: int
    active_from: int
    points: int


class Story:
    """What happens to a person, and how they stand at the present moment of the story.

    Attributes:
        now: the present moment; microseconds since 1970-01-01T00:00Z.
        registered: the CRM knows them.
        has_card: they hold a loyalty card, and so a points account.
        reachable: they agreed to marketing and their mailbox exists.
        gone: they stopped buying, though nobody may have told.
        ended: the relationship was ended; nothing but corrections follows.
        gift_balance: what is left on their gift cards; minor units.
        sales: purchases that stand.
        lots: points on the account.
        identifiers: those that lead to them.

    """

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person
        self.random: Random = world.random(f"story:{person.ordinal}")
        self.now = world.start
        self.registered = False
        self.has_card = False
        self.reachable = False
        self.gone = False
        self.ended = False
        self.gift_balance = 0
        self.sales: list[Sale] = []
        self.lots: list[Lot] = []
        self.identifiers = {person.email}
        self.told: list[Told] = []
        self.counts: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()
        self.scores: Counter[str] = Counter()
        self._agenda: list[tuple[int, int, Action, tuple[object, ...]]] = []
        self._entries = count()
        self._numbers: Counter[str] = Counter()

    @property
    def subject(self) -> str:
        """Return how the company's systems call this person at the moment."""
        return self.person.crm if self.registered else self.person.email

    def at(self, instant: int, action: Action, *details: object) -> None:
        """Put an action on the agenda."""
        heappush(self._agenda, (max(instant, self.now), next(self._entries), action, details))

    def live(self) -> None:
        """Let everything on the agenda happen, in order, until the simulation ends."""
        while self._agenda:
            instant, _, action, details = heappop(self._agenda)
            if instant > self.world.end:
                return
            self.now = instant
            action(self, *details)

    def tell(self, source: Source, subject: str, touchpoint: Touchpoint) -> Told:
        """Let a source state a touchpoint of the present moment."""
        sequence = self.number("statement") if source is Source.LOYALTY else None
        told = Told(source, self._event_id(source), subject, self.now, touchpoint, sequence)
        self.told.append(told)
        self.counts[CATALOGUE.names[type(touchpoint)]] += 1
        return told

    def number(self, series: str) -> int:
        """Return the next number of a series of this person's own, from 1."""
        self._numbers[series] += 1
        return self._numbers[series]

    def chance(self, probability: float) -> bool:
        """Draw yes or no."""
        return self.random.random() < probability

    def after_hours(self, mean_hours: float) -> int:
        """Return a moment after the present one, exponentially distributed."""
        return self.now + 1 + int(self.random.expovariate(1 / mean_hours) * HOUR)

    def on_later_day(self, mean_days: float, hours: Hours) -> int:
        """Return a moment at least a day later, at a believable hour."""
        day = self.today + 1 + int(self.random.expovariate(1 / mean_days))
        if day >= self.world.days:
            return self.world.end + 1
        return self.world.instant(day, second_of_day(hours, self.random))

    @property
    def today(self) -> int:
        """Return the present day, counted from the first one (an hour off near midnight)."""
        return (self.now - self.world.start) // DAY

    def truth(self) -> CustomerTruth:
        """Return the totals of the story so far."""
        return CustomerTruth(
            ordinal=self.person.ordinal,
            subject=self.subject,
            identifiers=tuple(sorted(self.identifiers)),
            sales=total_sales(sale for sale in self.sales if sale.known),
            unclaimed=total_sales(sale for sale in self.sales if not sale.known),
            touchpoints=dict(self.counts),
            cost_to_serve=self.sums["cost_to_serve"],
            points_earned=self.sums["points_earned"],
            points_redeemed=self.sums["points_redeemed"],
            points_expired=self.sums["points_expired"],
            points_adjusted=self.sums["points_adjusted"],
            incidents_open=self.sums["incidents_open"],
            survey_scores=dict(self.scores),
        )

    def _event_id(self, source: Source) -> str:
        if source in {Source.TILL, Source.LOYALTY}:
            return uuid7(self.now, self.random)
        if source is Source.WEBSHOP:
            return ulid(self.now, self.random)
        number = self.number(source.name)
        return f"{source.name}-{self.person.ordinal:07d}-{number:04d}"


def refer_to(told: Told) -> Reference:
    """Return a reference to what was told, as its own source would write it."""
    source = told.source
    return Reference(PROFILES[source].source, told.id, moment_of(told.at).astimezone(ZONES[source]))
