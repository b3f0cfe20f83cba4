"""Random links, unlinks, corrections and voids, in any order: live = refolded = any other order."""

import random
from typing import Any

import msgspec
import pytest

from domain.touchpoints import (
    ConsentGiven,
    ConsentWithdrawn,
    IdentifierLinked,
    IdentifierUnlinked,
    IncidentOpened,
    IncidentResolved,
    PurchaseMade,
    TouchpointCorrected,
    TouchpointVoided,
)
from projections.customer.live import ProjectionLimits
from tests.engine import Engine
from tests.events import event, lines, reference

PERSONAS = ["crm:1", "crm:2", "card:1", "card:2", "email:a@example.test", "receipt:9"]
LIMITS = ProjectionLimits(batch_events_max=9, party_personas_max=4, cached_customers_max=3)


@pytest.mark.parametrize("seed", range(12))
def test_random_histories_fold_the_same_live_refolded_and_in_another_order(
    database_url: str, seed: int
) -> None:
    events = _events(random.Random(seed), 60)
    digests = set()
    limits = msgspec.structs.replace(LIMITS, party_personas_max=2 + seed % 5)
    for order in range(3):
        chance = random.Random(order)
        engine = Engine(database_url, limits=limits)
        shuffled = list(events)
        if order:
            chance.shuffle(shuffled)
        while shuffled:
            size = chance.randrange(1, 12)
            engine.take_in(shuffled[:size])
            shuffled = shuffled[size:]
            engine.project()
        digests |= {engine.digest(), engine.refolded_digest()}
        engine.close()
    assert 1 == len(digests)


def _events(chance: random.Random, count: int) -> list[bytes]:
    stated: list[tuple[str, str, str, bool]] = []
    events = []
    for number in range(count):
        subject = chance.choice(PERSONAS)
        day = f"2024-{chance.randrange(1, 13):02}-{chance.randrange(1, 4):02}"
        name = f"e{number}"
        kind = chance.random()
        if stated and kind < 0.15:
            events.append(_correction(chance, *chance.choice(stated)[:3], name))
            stated.append((name, subject, "2024-12-05", True))
        elif stated and kind < 0.25:
            target, _, when, _ = chance.choice(stated)
            events.append(
                event(
                    TouchpointVoided, subject, "2024-12-06", id=name, reason="wrong",
                    reference=reference(target, when),
                )
            )  # fmt: skip
        else:
            events.append(_statement(chance, subject, day, name))
            stated.append((name, subject, day, False))
    return events


def _correction(chance: random.Random, target: str, subject: str, when: str, name: str) -> bytes:
    changes: dict[str, Any] = chance.choice((
        {"fields": {"lines": lines(chance.randrange(1, 99))}},
        {"subject": chance.choice(PERSONAS)},
        {"occurred_at": "2024-07-07T07:07:07Z"},
    ))  # fmt: skip
    return event(
        TouchpointCorrected, subject, "2024-12-05", id=name, reason="mended",
        reference=reference(target, when), corrected_type="vinculo.purchase_made.v1",
        **changes,
    )  # fmt: skip


def _statement(chance: random.Random, subject: str, day: str, name: str) -> bytes:
    others = chance.sample([one for one in PERSONAS if one != subject], chance.randrange(1, 3))
    kind = chance.randrange(10)
    if kind == 0:
        return event(IdentifierLinked, subject, day, id=name, identifiers=others)
    if kind == 1:
        return event(IdentifierUnlinked, subject, day, id=name, identifiers=others[:1])
    if kind == 2:
        return event(ConsentGiven, subject, day, id=name, purpose="news", identifiers=others[:1])
    if kind == 3:
        return event(ConsentWithdrawn, subject, day, id=name, purpose="news", identifiers=others)
    if kind == 4:
        return event(IncidentOpened, subject, day, id=name, incident="i", severity=3)
    if kind == 5:
        return event(IncidentResolved, subject, day, id=name, incident="i")
    return event(
        PurchaseMade, subject, day, id=name, number=name, currency="EUR",
        lines=lines(chance.randrange(1, 99)), identifiers=others[:1] if kind == 6 else [],
    )  # fmt: skip
