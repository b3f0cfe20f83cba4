"""A version made ready for judging: rules by type of touchpoint, conditions as predicates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import msgspec

from domain.calendar import Calendar
from domain.instants import instant_of
from domain.money import QUANTITY_MAX
from domain.programmes.checking import require_sound
from domain.programmes.earn_rules import EarnRule, Fixed, PerAmount, PerQuantity
from domain.programmes.expiring import LotMaker
from domain.programmes.format import PointsCurrency, ProgrammeVersion
from domain.programmes.measures import Measure, measure_of, same_measure
from domain.programmes.periods import cap_periods
from domain.programmes.predicates import Predicate, Test, predicate
from domain.programmes.rule_types import TYPES
from domain.touchpoints.base import Touchpoint

_HUNDREDTHS = 100


class CapDrawn(msgspec.Struct, frozen=True, gc=False):
    """A cap that a rule draws on.

    Args:
        code: of the rule, or of the shared cap: what its keys begin with.
        period: as in the format; ``touchpoint`` leaves no key behind.
        points: the most.
        shared: whether other rules draw on it too.

    """

    code: str
    period: str
    points: int
    shared: bool


class DayCaps(msgspec.Struct, frozen=True):
    """The caps of a rule on one business day.

    Args:
        limits: key and the most points of each.
        shared: keys on which other rules draw too.
        kept: keys that outlive the touchpoint.

    """

    limits: tuple[tuple[str, int], ...]
    shared: tuple[str, ...]
    kept: tuple[str, ...]


class CapsDrawn:
    """The caps of a rule, but those that limit it on one touchpoint.

    Args:
        caps: at least one.

    """

    __slots__ = ("_days", "caps")

    _DAYS_MAX = 4_096

    def __init__(self, caps: tuple[CapDrawn, ...]) -> None:
        self.caps = caps
        self._days: dict[int, DayCaps] = {}

    def on(self, day: int) -> DayCaps:
        """Return the caps as they stand on a business day."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= self._DAYS_MAX:
                self._days.clear()
            found = self._days[day] = self._reckon(day)
        return found

    def _reckon(self, day: int) -> DayCaps:
        keyed = [(_key(cap, day), cap) for cap in self.caps]
        return DayCaps(
            limits=tuple((key, cap.points) for key, cap in keyed),
            shared=tuple(key for key, cap in keyed if cap.shared),
            kept=tuple(key for key, cap in keyed if cap.period != "touchpoint"),
        )


class CompiledRule(msgspec.Struct, frozen=True):
    """A rule ready to be judged on one type of touchpoint.

    Args:
        rule: as written.
        code: of the rule.
        currency: code of the currency of points.
        tests: all must hold.
        predicates: the same, with words.
        measure: what is counted; rules that count the same have the same one.
        points: for each ``per``.
        per: times 100, for the factor of the tier is in hundredths.
        down: whether what is not a whole point is left out.
        tiers: factor by tier in hundredths; empty if there is none.
        most: points of one touchpoint at most.
        caps: all others that it draws on, or None.
        group: of which only one rule gives points, or None.
        lots: makes the terms of its lots.

    """

    rule: EarnRule
    code: str
    currency: str
    tests: tuple[Test, ...]
    predicates: tuple[Predicate, ...]
    measure: Measure
    points: int
    per: int
    down: bool
    tiers: dict[str, int]
    most: int
    caps: CapsDrawn | None
    group: str | None
    lots: LotMaker


class CompiledVersion(msgspec.Struct, frozen=True):
    """A version in the tenant's calendar.

    Args:
        written: the version as written.
        programme: its code.
        version: its name.
        effective_from: microseconds since 1970.
        calendar: of the tenant.
        rules: by type of touchpoint those that may fire, in the order of judging: as written, but
            the rules of a group stand together where the first of them stands, by priority. Empty
            while the authority is upstream.
        ranks: of the tiers by code, from 1.
        currencies: by code.

    """

    written: ProgrammeVersion
    programme: str
    version: str
    effective_from: int
    calendar: Calendar
    rules: dict[type[Touchpoint], tuple[CompiledRule, ...]]
    ranks: dict[str, int]
    currencies: dict[str, PointsCurrency]


def compile_version(version: ProgrammeVersion, calendar: Calendar) -> CompiledVersion:
    """Return a version ready for judging.

    Raises:
        UnsoundRulesError: if the version is not sound; it names every fault.

    """
    require_sound(version)
    currencies = {currency.code: currency for currency in version.currencies}
    levels = version.tiers.levels if version.tiers else ()
    ranks = {level.code: rank for rank, level in enumerate(levels, 1)}
    return CompiledVersion(
        written=version,
        programme=version.programme,
        version=version.version,
        effective_from=instant_of(version.effective_from),
        calendar=calendar,
        rules=_by_type(version, currencies, ranks, calendar),
        ranks=ranks,
        currencies=currencies,
    )


def in_order(rules: tuple[EarnRule, ...]) -> list[EarnRule]:
    """Return rules in the order of judging: a group stands where its first does, by priority."""
    place: dict[str, int] = {}
    for index, rule in enumerate(rules):
        if rule.group is not None:
            place.setdefault(rule.group, index)
    keyed = [
        ((place[rule.group], rule.priority) if rule.group is not None else (index, 0), rule)
        for index, rule in enumerate(rules)
    ]
    return [rule for _, rule in sorted(keyed, key=lambda one: one[0])]


def _by_type(
    version: ProgrammeVersion,
    currencies: Mapping[str, PointsCurrency],
    ranks: Mapping[str, int],
    calendar: Calendar,
) -> dict[type[Touchpoint], tuple[CompiledRule, ...]]:
    if version.authority == "upstream":
        return {}
    found: dict[type[Touchpoint], list[CompiledRule]] = {}
    measures: dict[object, Measure] = {}
    for rule in in_order(version.rules):
        lots = _lots(rule, currencies[rule.currency], calendar)
        for name in dict.fromkeys(rule.touchpoints):
            kind = TYPES[name]
            measure = measures.setdefault(same_measure(rule, kind), measure_of(rule, kind))
            predicates = tuple(predicate(one, rule, kind, ranks) for one in rule.when)
            compiled = _compile(rule, predicates, measure, caps_of(version, rule), lots)
            found.setdefault(kind, []).append(compiled)
    return {kind: tuple(rules) for kind, rules in found.items()}


def _compile(
    rule: EarnRule,
    predicates: tuple[Predicate, ...],
    measure: Measure,
    caps: tuple[CapDrawn, ...],
    lots: LotMaker,
) -> CompiledRule:
    points, per = _rate(rule)
    further = tuple(cap for cap in caps if not _of_one(cap))
    return CompiledRule(
        rule=rule,
        code=rule.code,
        currency=rule.currency,
        tests=tuple(one.test for one in predicates),
        predicates=predicates,
        measure=measure,
        points=points,
        per=per * _HUNDREDTHS,
        down=rule.rounding == "down",
        tiers=dict(rule.tiers),
        most=min([QUANTITY_MAX, *(cap.points for cap in caps if _of_one(cap))]),
        caps=CapsDrawn(further) if further else None,
        group=rule.group,
        lots=lots,
    )


def caps_of(version: ProgrammeVersion, rule: EarnRule) -> tuple[CapDrawn, ...]:
    """Return every cap that a rule draws on: its own, then the shared ones."""
    own = [CapDrawn(rule.code, cap.period, cap.points, shared=False) for cap in rule.caps]
    shared = [
        CapDrawn(cap.code, cap.period, cap.points, shared=True)
        for cap in version.caps
        if rule.code in cap.rules
    ]
    return (*own, *shared)


def _of_one(cap: CapDrawn) -> bool:
    """Say whether a cap limits one rule on one touchpoint."""
    return cap.period == "touchpoint" and not cap.shared


def _key(cap: CapDrawn, day: int) -> str:
    """Return the key under which points are remembered, such as ``base|month|2026-03``."""
    return cap.code + cap_periods(day)[cap.period]


def _rate(rule: EarnRule) -> tuple[int, int]:
    match rule.earn:
        case PerAmount(points=points, per=per) | PerQuantity(points=points, per=per):
            return points, per
        case Fixed(points=points):
            return points, 1
        case _:
            assert_never(rule.earn)


def _lots(rule: EarnRule, currency: PointsCurrency, calendar: Calendar) -> LotMaker:
    return LotMaker(
        currency.pending_days if rule.pending_days is None else rule.pending_days,
        currency.expiry if rule.expiry is None else rule.expiry,
        rule.kind,
        (rule.issuer or "", rule.funder or ""),
        calendar,
    )
