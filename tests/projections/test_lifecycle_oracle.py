"""The live lifecycle against an oracle that lives through every day, over random years of a party.

Touchpoints reach the part in batches, some of them late; time advances to random days in between,
and the state is stored and read again each time. After every tick the part must stand where the
oracle stands that is told the same touchpoints afresh.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from domain.fact import Fact
from domain.instants import HOUR, date_of
from domain.lifecycle.inputs import Kind
from domain.lifecycle.rules import LifecycleRulebook, LifecycleRules
from domain.touchpoints import (
    CampaignSent,
    CancelIntentDeclared,
    CompetitorOfferSeen,
    CustomerRegistered,
    IncidentClosed,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    Line,
    PurchaseMade,
    PurchaseReturned,
    RelationshipEnded,
    Touchpoint,
)
from projections.customer.part import Context
from projections.customer.parts.lifecycle import PART, LifecycleState, settle
from tests.domain.lifecycle_histories import (
    BOUGHT,
    CALENDAR,
    SEEN,
    START,
    Told,
    entry,
    for_the_oracle,
    oracle_rules,
)
from tests.folding import ANA, CANONICAL
from tests.oracle import lifecycle

ZONE = ZoneInfo("Europe/Madrid")
RULES = LifecycleRules(renewal_window_days=5)
DAYS = 900
LIVES = 200
TICKS = 6
LINES = (Line(product="tea", quantity=1_000, amount=500),)
LATE_DAYS = (0, 0, 0, 3, 40, 200)
PURCHASE = PurchaseMade(number="1", currency="EUR", lines=LINES)
RETURN = PurchaseReturned(number="2", currency="EUR", lines=LINES)


class Happened(NamedTuple):
    """One touchpoint, as the part and as the oracle are told of it, and the day it arrives."""

    fact: Fact
    told: Told
    arrives_on: int


def draw(random: Random) -> tuple[Touchpoint, int, str, int]:
    """Return a touchpoint, and the kind, code and number by which the oracle is told of it."""
    if random.random() < 0.6:
        return PURCHASE, BOUGHT, "", -1
    incident, severity = random.choice(("A", "B")), random.randint(1, 4)
    days = random.choice((None, 0, 1, 30, 200))
    lives = -1 if days is None else days
    match random.randrange(10):
        case 0:
            return RETURN, SEEN, "", -1
        case 1:
            return CampaignSent(campaign="spring"), SEEN, "", -1
        case 2:
            return CustomerRegistered(), Kind.REGISTERED, "", -1
        case 3 | 4:
            opened = IncidentOpened(incident=incident, severity=severity)
            return opened, Kind.INCIDENT_OPENED, incident, severity
        case 5:
            return IncidentReopened(incident=incident), Kind.INCIDENT_REOPENED, incident, -1
        case 6:
            end = random.choice((IncidentResolved, IncidentClosed))
            return end(incident=incident), Kind.INCIDENT_ENDED, incident, -1
        case 7:
            return CompetitorOfferSeen(lives_days=days), Kind.COMPETITOR_OFFER, "", lives
        case 8:
            return CancelIntentDeclared(lives_days=days), Kind.CANCEL_INTENT, "", lives
        case _:
            ended = RelationshipEnded(reason=random.choice(("request", "company", "death")))
            return ended, Kind.RELATIONSHIP_ENDED, ended.reason, -1


def days(random: Random) -> Iterator[int]:
    """Yield the days on which something happens: a cadence, kept, broken, and lost for long."""
    day, gap = random.randrange(60), random.choice((4, 11, 27, 60))
    while day < DAYS:
        yield day
        pause = random.choice((0, 1, gap, gap, gap, 2 * gap, 5 * gap, 9 * gap))
        day += random.choice((pause, random.randint(0, pause)))


def life(random: Random) -> list[Happened]:
    """Return what happens to one party in some years; no two things at one instant."""
    happened = []
    for number, day in enumerate(days(random), 1):
        touchpoint, kind, code, extra = draw(random)
        at = CALENDAR.start(START + day) + random.randrange(23) * HOUR + number
        fact = Fact(entry(number), "crm", f"e{number}", -1, ANA, at, touchpoint)
        told = Told(at, kind, entry(number), code, extra)
        happened.append(Happened(fact, told, day + random.choice(LATE_DAYS)))
    return happened


def stage_of_the_oracle(story: list[Told], day: int, rules: LifecycleRules) -> str | None:
    told = for_the_oracle(story, rules)
    found = lifecycle.stage(told, date_of(START + day), ZONE, oracle_rules(rules))
    return None if found is None else found.value


def disagreements(seed: int, rules: LifecycleRules) -> list[tuple[int, str | None, str | None]]:
    """Return where part and oracle stand apart after a tick: day, expected, found.

    Args:
        seed: of the life and of its ticks.
        rules: by which the part judges; the oracle judges by ``RULES``.

    """
    random = Random(seed)
    happened = life(random)
    context = Context(CALENDAR, LifecycleRulebook((rules,)))
    stored, apart, yesterday = CANONICAL.encode(LifecycleState()), [], -1
    for day in sorted(random.sample(range(DAYS + 400), TICKS)):
        state = msgspec.msgpack.decode(stored, type=LifecycleState)
        arrived = [one for one in happened if yesterday < one.arrives_on <= day]
        for one in random.sample(arrived, len(arrived)):
            touchpoint = one.fact.touchpoint
            PART.handlers[type(touchpoint)](state, one.fact, touchpoint, context)
        settle(state, CALENDAR.end(START + day), context)
        stored, yesterday = CANONICAL.encode(state), day
        story = [one.told for one in happened if one.arrives_on <= day]
        expected = stage_of_the_oracle(story, day, RULES)
        found = None if state.stage is None else state.stage.value
        if expected != found:
            apart.append((day, expected, found))
    return apart


def test_the_live_part_stands_where_the_oracle_stands_after_every_tick() -> None:
    assert {} == {seed: apart for seed in range(LIVES) if (apart := disagreements(seed, RULES))}


def test_every_stage_is_reached_by_these_lives() -> None:
    reached = set()
    for seed in range(40):
        story = [one.told for one in life(Random(seed))]
        moves = lifecycle.moves(
            for_the_oracle(story, RULES), date_of(START + DAYS), ZONE, oracle_rules(RULES)
        )
        reached |= {move.after.value for move in moves}
    assert {one.value for one in lifecycle.Stage} == reached


def test_a_machine_with_a_threshold_of_another_tenth_is_found_out() -> None:
    for wrong in (
        {"risk_tenths": RULES.risk_tenths + 3},
        {"lapse_tenths": RULES.lapse_tenths - 3},
        {"loyal_days": RULES.loyal_days + 1},
        {"won_back_days": RULES.won_back_days + 1},
        {"incident_hours": RULES.incident_hours * 4},
        {"signal_days": RULES.signal_days - 30},
        {"renewal_window_days": RULES.renewal_window_days + 2},
    ):
        rules = msgspec.structs.replace(RULES, **wrong)
        assert any(disagreements(seed, rules) for seed in range(LIVES)), wrong
