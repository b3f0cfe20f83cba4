"""Programmes, purchases and occasions for tests: the worked example, and random sound rules."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from domain.calendar import Calendar
from domain.instants import day_of, instant_of
from domain.ledger.terms import Standing
from domain.programmes.checking import faults_of
from domain.programmes.compiling import CompiledVersion, compile_version
from domain.programmes.conditions import (
    AmountAtLeast,
    BetweenDays,
    ByChannel,
    Condition,
    FirstPurchase,
    OnWeekdays,
    TierAtLeast,
)
from domain.programmes.earn_rules import (
    Cap,
    EarnRule,
    Fixed,
    LineFilter,
    PerAmount,
    PerQuantity,
    SharedCap,
)
from domain.programmes.format import Burn, PointsCurrency, ProgrammeVersion, decode_version
from domain.programmes.judging import Award, judge
from domain.programmes.occasion import Occasion, weekday_of
from domain.programmes.tier_rules import (
    CalendarYear,
    HoldsForMonths,
    Level,
    PeriodMeasure,
    TierRules,
)
from domain.touchpoints import Line, PurchaseMade, SurveyAnswered, Tender, Touchpoint

MADRID = Calendar.in_zone("Europe/Madrid")
CLUB_FILE = Path(__file__).parents[2] / "vinculo" / "examples" / "programmes" / "club.json"
CLUB = decode_version(CLUB_FILE.read_bytes())
TUESDAY, SATURDAY = date(2026, 5, 12), date(2026, 5, 16)
NOBODY = Standing()
TIERS = ("", "silver", "gold")
CATEGORIES = ("tea", "bread", None)


def club() -> CompiledVersion:
    return compile_version(CLUB, MADRID)


def line(amount: int, **fields: Any) -> Line:
    stated: dict[str, Any] = {"product": "P", "quantity": 1_000, "amount": amount}
    return Line(**stated | fields)


def bought(*lines: Line, **fields: Any) -> PurchaseMade:
    stated: dict[str, Any] = {"number": "T-1", "currency": "EUR", "lines": lines}
    return PurchaseMade(**stated | fields)


def on(day: date, touchpoint: Touchpoint, source: str = "till") -> Occasion:
    """An occasion at eleven o'clock in Madrid in winter, noon in summer."""
    at = instant_of(datetime(day.year, day.month, day.day, 10, tzinfo=UTC))
    return Occasion(touchpoint, at, day_of(day), weekday_of(day_of(day)), source)


def version_of(*rules: EarnRule, **fields: Any) -> ProgrammeVersion:
    """A version with one currency of points, p, and the tiers silver and gold."""
    stated: dict[str, Any] = {
        "programme": "test",
        "version": "1",
        "effective_from": datetime(2026, 1, 1, tzinfo=UTC),
        "currencies": (PointsCurrency(code="p", burn=Burn()),),
        "rules": rules,
        "tiers": TierRules(
            measure=PeriodMeasure(currency="p", period=CalendarYear()),
            levels=(Level(code="silver", threshold=100), Level(code="gold", threshold=200)),
            validity=HoldsForMonths(months=12),
        ),
    }
    return ProgrammeVersion(**stated | fields)


def compiled(*rules: EarnRule, **fields: Any) -> CompiledVersion:
    return compile_version(version_of(*rules, **fields), MADRID)


def rule(code: str = "base", **fields: Any) -> EarnRule:
    """A rule of one point for each euro paid, with other fields."""
    stated: dict[str, Any] = {
        "code": code,
        "touchpoints": ("purchase_made",),
        "currency": "p",
        "earn": PerAmount(points=1, per=100, currency="EUR"),
    }
    return EarnRule(**stated | fields)


def points(awards: tuple[Award, ...]) -> dict[str, int]:
    """Points by rule."""
    return {share.rule: share.points for award in awards for share in award.shares}


def earned(
    touchpoint: Touchpoint, standing: Standing = NOBODY, day: date = TUESDAY, **fields: Any
) -> int:
    """What one rule of these fields gives."""
    awards = judge(compiled(rule(**fields)), on(day, touchpoint), standing)
    return sum(points(awards).values())


# ------------------------------------------------------------------ at random

lines = st.builds(
    Line,
    product=st.sampled_from(["A", "B"]),
    quantity=st.sampled_from([0, 500, 1_000, 3_000]),
    amount=st.integers(0, 20_000),
    category=st.sampled_from(CATEGORIES),
    tax=st.integers(0, 500),
    kind=st.sampled_from(["goods", "service", "stored_value", "shipping"]),
)
tenders = st.builds(
    Tender, kind=st.sampled_from(["card", "points", "gift_card"]), amount=st.integers(0, 9_000)
)
purchases = st.builds(
    PurchaseMade,
    number=st.just("T-1"),
    currency=st.sampled_from(["EUR", "EUR", "EUR", "GBP"]),
    lines=st.lists(lines, min_size=1, max_size=4).map(tuple),
    tenders=st.lists(tenders, max_size=2).map(tuple),
    shipping=st.sampled_from([0, 495]),
    channel=st.sampled_from([None, "web", "shop"]),
)
days = st.dates(date(2026, 2, 20), date(2026, 3, 20))
surveys = st.builds(SurveyAnswered, survey=st.just("nps"), score=st.integers(0, 10))
occasions = st.builds(on, days, purchases | purchases | surveys)
standings = st.builds(
    Standing,
    tier=st.sampled_from(TIERS),
    first=st.booleans(),
    used=st.dictionaries(
        st.sampled_from(
            ["r0|month|2026-03", "r1|ever|", "r0|ever|", "s|month|2026-03", "r1|year|2026"]
        ),
        st.integers(0, 300),
        max_size=4,
    ),
)
conditions: st.SearchStrategy[Condition] = st.one_of(
    st.just(OnWeekdays(days=(1, 2, 3, 4))),
    st.just(BetweenDays(first=date(2026, 3, 1))),
    st.just(BetweenDays(last=date(2026, 3, 5))),
    st.just(ByChannel(any_of=("web",))),
    st.just(ByChannel(none_of=("web",))),
    st.just(AmountAtLeast(currency="EUR", amount=3_000)),
    st.just(TierAtLeast(tier="silver")),
    st.just(FirstPurchase()),
)
filters = st.sampled_from(
    [
        LineFilter(),
        LineFilter(categories=("tea",)),
        LineFilter(categories_except=("tea",)),
        LineFilter(products=("A",)),
        LineFilter(products_except=("A",), kinds=("goods", "stored_value")),
    ]
)
earnings: st.SearchStrategy[Any] = st.one_of(
    st.builds(Fixed, points=st.integers(1, 500)),
    st.builds(PerQuantity, points=st.integers(1, 9), per=st.sampled_from([1_000, 700])),
    st.builds(
        PerAmount,
        points=st.integers(1, 9),
        per=st.sampled_from([1, 100, 333]),
        currency=st.just("EUR"),
        basis=st.sampled_from(["paid", "net_of_tax"]),
        tenders_except=st.sampled_from([(), ("points",), ("points", "gift_card")]),
    ),
)
caps = st.lists(
    st.builds(
        Cap,
        period=st.sampled_from(["touchpoint", "day", "week", "month", "year", "ever"]),
        points=st.integers(1, 400),
    ),
    max_size=3,
    unique_by=lambda cap: cap.period,
).map(tuple)


@st.composite
def earn_rules(draw: st.DrawFn, code: str) -> EarnRule:
    return EarnRule(
        code=code,
        touchpoints=("purchase_made",),
        currency=draw(st.sampled_from(["p", "p", "q"])),
        earn=draw(earnings),
        lines=draw(filters),
        when=draw(st.lists(conditions, max_size=2).map(tuple)),
        rounding=draw(st.sampled_from(["down", "half_up", "up"])),
        tiers=draw(
            st.dictionaries(st.sampled_from(["silver", "gold"]), st.integers(0, 300), max_size=2)
        ),
        caps=draw(caps),
        pending_days=draw(st.sampled_from([None, 0, 14])),
    )


@st.composite
def versions(draw: st.DrawFn) -> ProgrammeVersion:
    """Sound versions of up to four rules, some of them in a group, with a shared cap at times."""
    rules = [draw(earn_rules(f"r{index}")) for index in range(draw(st.integers(1, 4)))]
    same = [index for index, one in enumerate(rules) if one.currency == "p"]
    if draw(st.booleans()):
        order = draw(st.permutations(same))
        for index, priority in zip(same[:2], order, strict=False):
            rules[index] = msgspec.structs.replace(rules[index], group="g", priority=priority)
    shared = SharedCap(
        code="s",
        period=draw(st.sampled_from(["touchpoint", "month"])),
        points=draw(st.integers(1, 300)),
        rules=tuple(rules[index].code for index in same) or ("r0",),
    )
    version = version_of(
        *rules,
        currencies=(
            PointsCurrency(code="p", burn=Burn()),
            PointsCurrency(code="q", kind="qualifying"),
        ),
        caps=(shared,) if draw(st.booleans()) else (),
    )
    assert () == faults_of(version)
    return version
