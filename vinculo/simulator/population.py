"""The people: who they are, and how each of them buys.

Buying follows the family of models on which customer-base analysis rests (Schmittlein, Morrison
and Colombo's Pareto/NBD; Fader, Hardie and Lee's BG/NBD and Gamma-Gamma): everybody has a rate of
buying of their own, drawn from a gamma distribution; after every purchase they drop out with a
probability of their own, drawn from a beta distribution; and how much they spend is their own too.
"""

from __future__ import annotations

from datetime import date
from hashlib import blake2b
from random import Random

import msgspec

from domain.instants import moment_of
from vinculo.simulator.world import World

_RATE_SHAPE = 1.3
_MEAN_GAP_DAYS = 21.0
_DROPOUT_ALPHA, _DROPOUT_BETA = 1.1, 9.0
_BUYER_SHARE = 0.76
_MEMBER_SHARE = 0.72
_ENTRY_SKEW = 1.7
_LAST_ENTRY_DAYS = 20
_AGES_YEARS = (19, 84)
_GIVEN_NAMES = (
    "Ana", "Beatriz", "Carmen", "Diego", "Elena", "Filipe", "Gabriel", "Helena", "Inês", "Javier",
    "Karim", "Lucía", "Mateo", "Nuria", "Olga", "Pablo", "Quim", "Rita", "Sofía", "Tomás",
    "Úrsula", "Vera", "Xavier", "Yolanda", "Zoe",
)  # fmt: skip
_FAMILY_NAMES = (
    "Alves", "Blanco", "Costa", "Duarte", "Esteban", "Ferreira", "García", "Herrera", "Iglesias",
    "Jiménez", "Lopes", "Moreno", "Navarro", "Ortega", "Pereira", "Quintana", "Ramos", "Santos",
    "Torres", "Vidal",
)  # fmt: skip
_ASCII = str.maketrans("áéíóúêÚ", "aeioueU")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, as they are before anything happens.

    Args:
        ordinal: their number in the simulation, from 0.
        name: invented.
        email: under a domain that can never receive mail.
        crm: their number in the CRM, should they ever be registered.
        card: their loyalty card's number, should they ever have one.
        account: their points account, should they ever have one.
        cookie: of the browser they use.
        key: for Kafka: stable, and tells nothing of them.
        buys: whether they would ever buy.
        member: whether they take a loyalty card.
        entry_day: when they are first heard of, counted from the first day.
        purchases_per_day: their rate while they stay.
        dropout: the probability that a purchase is the last of its run.
        web_share: how much of it they buy on-line.
        favourites: the categories they like.
        thrift: 1 spends evenly; above 1, on the cheap.
        born_on: their birthday; they are of age when the simulation begins.

    """

    ordinal: int
    name: str
    email: str
    crm: str
    card: str
    account: str
    cookie: str
    key: bytes
    buys: bool
    member: bool
    entry_day: int
    purchases_per_day: float
    dropout: float
    web_share: float
    favourites: tuple[int, ...]
    thrift: float
    born_on: date

    def age(self, today: date) -> int:
        """Return how many years old they are on a day."""
        birthday_to_come = (today.month, today.day) < (self.born_on.month, self.born_on.day)
        return today.year - self.born_on.year - birthday_to_come


def person_of(world: World, ordinal: int) -> Person:
    """Return the person with this number; everybody is drawn independently of everybody else."""
    random = world.random(f"person:{ordinal}")
    given, family = random.choice(_GIVEN_NAMES), random.choice(_FAMILY_NAMES)
    address = f"{given}.{family}.{ordinal}@example.test".translate(_ASCII).lower()
    days = max(1, world.days - _LAST_ENTRY_DAYS)
    return Person(
        ordinal=ordinal,
        name=f"{given} {family}",
        email=f"email:{address}",
        crm=f"crm:{100_000 + ordinal}",
        card=f"card:6001{ordinal:08d}",
        account=f"A{ordinal:07d}",
        cookie=f"cookie:{_opaque(world.seed, ordinal, 'cookie')}",
        key=_opaque(world.seed, ordinal, "key").encode(),
        buys=random.random() < _BUYER_SHARE,
        member=random.random() < _MEMBER_SHARE,
        entry_day=int(days * random.random() ** _ENTRY_SKEW),
        purchases_per_day=random.gammavariate(_RATE_SHAPE, 1 / (_MEAN_GAP_DAYS * _RATE_SHAPE)),
        dropout=random.betavariate(_DROPOUT_ALPHA, _DROPOUT_BETA),
        web_share=random.betavariate(0.8, 1.4),
        favourites=tuple(random.sample(range(8), 2)),
        thrift=0.6 + random.gammavariate(3.0, 0.4),
        born_on=_birthday(world, random),
    )


def _birthday(world: World, random: Random) -> date:
    year = moment_of(world.start).year - random.randint(*_AGES_YEARS)
    return date(year, random.randint(1, 12), random.randint(1, 28))


def _opaque(seed: int, ordinal: int, purpose: str) -> str:
    return blake2b(
        f"{purpose}:{ordinal}".encode(), digest_size=8, key=str(seed).encode()
    ).hexdigest()
