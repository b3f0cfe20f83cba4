"""Mirrored loyalty accounts for tests: facts about them, and what the part makes of them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from domain.calendar import UTC_CALENDAR
from domain.fact import Fact
from domain.identifiers import Persona
from domain.instants import HOUR, moment_of
from domain.lifecycle.rules import LifecycleRulebook
from domain.loyalty.programmes import Programme, ProgrammeRegister
from domain.touchpoints import loyalty as stated
from domain.touchpoints.base import Touchpoint
from projections.customer.part import Context, Reading
from projections.customer.parts.loyalty import (
    PART,
    LoyaltyAccount,
    LoyaltyState,
    render,
    settle,
)

encode = msgspec.msgpack.Encoder(order="deterministic").encode
T = TypeVar("T")
START = 1_700_000_000_000_000
SELF_EXPIRING = Programme(code="gold", upstream_states_expiry=False)
CONTEXT = Context(UTC_CALENDAR, LifecycleRulebook(), ProgrammeRegister((SELF_EXPIRING,)))


def hour(number: int) -> int:
    return START + number * HOUR


def moment(number: int) -> datetime:
    return moment_of(hour(number))


def fact(
    at: int, touchpoint: Touchpoint, source: str = "till", sequence: int = -1, event: str = "e"
) -> Fact:
    name = f"{source}/{event}/{at}/{touchpoint!r}"
    return Fact(
        hashlib.sha256(name.encode()).digest()[:16],
        source,
        name,
        sequence,
        Persona("card", b"\0" * 16),
        hour(at),
        touchpoint,
    )


def about(kind: str, programme: str = "gold", account: str = "A1", **details: Any) -> Any:
    return getattr(stated, kind)(programme=programme, account=account, **details)


def earned(
    points: int, active: int | None = None, expires: int | None = None, **details: Any
) -> Any:
    return about(
        "PointsEarned",
        points=points,
        active_from=None if active is None else moment(active),
        expires_at=None if expires is None else moment(expires),
        **details,
    )


def folded(facts: list[Fact], horizon: int, context: Context = CONTEXT) -> LoyaltyState:
    state = LoyaltyState()
    for one in facts:
        PART.handlers[type(one.touchpoint)](state, one, one.touchpoint, context)
    settle(state, hour(horizon), context)
    return state


def shown(state: LoyaltyState, now: int, context: Context = CONTEXT) -> list[LoyaltyAccount]:
    return render(state, Reading(context, hour(now))).accounts


def only(accounts: Sequence[T]) -> T:
    assert 1 == len(accounts)
    return accounts[0]
