"""Conditions as small predicates, each with the words that explain it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never

import msgspec

from domain.instants import date_of, day_of
from domain.ledger.terms import Standing
from domain.programmes.conditions import (
    AmountAtLeast,
    BetweenDays,
    ByAgent,
    ByChannel,
    ByLocation,
    ByOffer,
    BySource,
    Condition,
    FieldAtLeast,
    FieldIs,
    FirstPurchase,
    ListCondition,
    OnWeekdays,
    TierAtLeast,
)
from domain.programmes.earn_rules import EarnRule
from domain.programmes.measures import Measure, paid_for
from domain.programmes.occasion import Occasion
from domain.touchpoints.base import Touchpoint

Figure = int | str | None
Test = Callable[[Occasion, Standing], bool]
Look = Callable[[Occasion, Standing], Figure]

_SHOWN_MAX = 5
_DAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Predicate(msgspec.Struct, frozen=True):
    """A condition ready to be asked.

    Args:
        code: of the condition, as the format tags it.
        test: whether it holds.
        expected: what it asks for, in words.
        look: what there was instead.

    """

    code: str
    test: Test
    expected: str
    look: Look


def predicate(
    condition: Condition, rule: EarnRule, kind: type[Touchpoint], ranks: Mapping[str, int]
) -> Predicate:
    """Return a condition of a rule as a predicate over one type of touchpoint.

    Args:
        condition: as written.
        rule: that it belongs to; a threshold counts what the rule counts.
        kind: type of the touchpoint.
        ranks: of the tiers by code, from 1; no tier has rank 0.

    """
    match condition:
        case OnWeekdays(days=days):
            return _weekday(frozenset(days))
        case BetweenDays():
            return _between(condition)
        case ByChannel() | ByLocation() | ByAgent() | ByOffer() | BySource():
            return _listed(condition)
        case AmountAtLeast(currency=currency, amount=amount):
            return _reached(currency, amount, paid_for(rule, kind, currency))
        case FieldIs(field=field, any_of=values):
            return _field_is(field, values)
        case FieldAtLeast(field=field, least=least):
            return _field_reaches(field, least)
        case TierAtLeast(tier=tier):
            return _tier(tier, ranks)
        case FirstPurchase():
            return Predicate(
                "first",
                lambda _, standing: standing.first,
                "the account's first purchase",
                lambda _, standing: "the first one" if standing.first else "a later one",
            )
        case _:
            assert_never(condition)


def _weekday(days: frozenset[int]) -> Predicate:
    return Predicate(
        "weekday",
        lambda occasion, _: occasion.weekday in days,
        " or ".join(_DAYS[day] for day in sorted(days)),
        lambda occasion, _: _DAYS[occasion.weekday],
    )


def _between(condition: BetweenDays) -> Predicate:
    first = -(2**62) if condition.first is None else day_of(condition.first)
    last = 2**62 if condition.last is None else day_of(condition.last)
    words = [
        f"{word} {day}" for word, day in (("from", condition.first), ("to", condition.last)) if day
    ]
    return Predicate(
        "days_between",
        lambda occasion, _: first <= occasion.day <= last,
        f"a day {' '.join(words)}",
        lambda occasion, _: date_of(occasion.day).isoformat(),
    )


def _listed(condition: ListCondition) -> Predicate:
    any_of: frozenset[str | None] = frozenset(condition.any_of)
    none_of: frozenset[str | None] = frozenset(condition.none_of)
    code, look = _looked_at(condition)
    if isinstance(condition, ByLocation):
        return Predicate(code, _location(any_of, none_of), _asked(code, any_of, none_of), look)

    def test(occasion: Occasion, standing: Standing) -> bool:
        found = look(occasion, standing)
        return (not any_of or found in any_of) and found not in none_of

    return Predicate(code, test, _asked(code, any_of, none_of), look)


def _looked_at(condition: ListCondition) -> tuple[str, Look]:
    match condition:
        case ByChannel():
            return "channel", lambda occasion, _: occasion.touchpoint.channel
        case ByAgent():
            return "agent", lambda occasion, _: occasion.touchpoint.agent
        case ByOffer():
            return "offer", lambda occasion, _: occasion.touchpoint.offer
        case BySource():
            return "source", lambda occasion, _: occasion.source
        case ByLocation():
            return "location", lambda occasion, _: " and ".join(sorted(_places(occasion))) or None
        case _:
            assert_never(condition)


def _location(any_of: frozenset[str | None], none_of: frozenset[str | None]) -> Test:
    def test(occasion: Occasion, _: Standing) -> bool:
        places = _places(occasion)
        return (not any_of or not any_of.isdisjoint(places)) and none_of.isdisjoint(places)

    return test


def _places(occasion: Occasion) -> set[str]:
    touchpoint: Any = occasion.touchpoint
    stated = (touchpoint.location, getattr(touchpoint, "store", None))
    return {place for place in stated if place is not None}


def _reached(currency: str, amount: int, measure: Measure) -> Predicate:
    def test(occasion: Occasion, _: Standing) -> bool:
        number, whole = measure(occasion.touchpoint)
        return number >= amount * whole and _in_currency(occasion, currency)

    def look(occasion: Occasion, _: Standing) -> Figure:
        touchpoint: Any = occasion.touchpoint
        number, whole = measure(touchpoint)
        same = touchpoint.currency == currency
        return f"{number // whole} {currency}" if same else f"{touchpoint.currency}"

    return Predicate("amount_at_least", test, f"at least {amount} {currency} in minor units", look)


def _in_currency(occasion: Occasion, currency: str) -> bool:
    touchpoint: Any = occasion.touchpoint
    return bool(touchpoint.currency == currency)


def _field_is(field: str, values: tuple[bool | int | str, ...]) -> Predicate:
    # True equals 1 in Python and not in JSON.
    wanted = frozenset((type(value), value) for value in values)

    def test(occasion: Occasion, _: Standing) -> bool:
        found = getattr(occasion.touchpoint, field)
        return (type(found), found) in wanted

    return Predicate("field_is", test, f"{field} to be {_some(map(str, values))}", _value_of(field))


def _field_reaches(field: str, least: int) -> Predicate:
    def test(occasion: Occasion, _: Standing) -> bool:
        found = getattr(occasion.touchpoint, field)
        return found is not None and found >= least

    return Predicate("field_at_least", test, f"{field} of at least {least}", _value_of(field))


def _value_of(field: str) -> Look:
    def look(occasion: Occasion, _: Standing) -> Figure:
        found = getattr(occasion.touchpoint, field)
        return found if found is None or type(found) is int else str(found)

    return look


def _tier(tier: str, ranks: Mapping[str, int]) -> Predicate:
    least = ranks[tier]
    return Predicate(
        "tier_at_least",
        lambda _, standing: ranks.get(standing.tier, 0) >= least,
        f"tier {tier} or higher",
        lambda _, standing: standing.tier or "no tier",
    )


def _asked(code: str, any_of: frozenset[str | None], none_of: frozenset[str | None]) -> str:
    words = [f"{code} one of {_some(sorted(map(str, any_of)))}"] if any_of else []
    words += [f"{code} none of {_some(sorted(map(str, none_of)))}"] if none_of else []
    return ", ".join(words)


def _some(values: Any) -> str:  # noqa: ANN401 - any iterable of texts
    listed = list(values)
    more = " …" if len(listed) > _SHOWN_MAX else ""
    return ", ".join(listed[:_SHOWN_MAX]) + more
