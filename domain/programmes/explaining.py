"""The words of an explanation: of every rule whether it gave points, why, and by which figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import msgspec

from domain.ledger.terms import Standing
from domain.programmes.compiling import CompiledRule, CompiledVersion
from domain.programmes.earn_rules import EarnRule, Fixed, PerAmount, PerQuantity
from domain.programmes.occasion import Occasion
from domain.programmes.predicates import Figure, Predicate
from domain.programmes.rounding import rounded
from domain.programmes.rule_types import rule_name


class RuleAnswer(msgspec.Struct, frozen=True):
    """What one rule said of an occasion.

    Args:
        rule: code of the rule.
        currency: code of the currency of points.
        fired: whether it gave points.
        code: why, for machines: ``fired``, ``capped`` (it gave less than it would),
            ``cap_used_up``, ``upstream``, ``other_type``, ``condition``, ``nothing_counted``,
            ``below_one_point``, ``group`` (another rule of its group gave points).
        sentence: the same for people.
        points: given.
        figures: what was compared, by name.

    """

    rule: str
    currency: str
    fired: bool
    code: str
    sentence: str
    points: int
    figures: dict[str, Figure]


class Verdict:
    """What judging found of one rule.

    Args:
        rule: the rule.
        entitled: points before caps that outlive the touchpoint.

    """

    __slots__ = ("entitled", "given_way_to", "points", "rooms", "rule")

    def __init__(self, rule: CompiledRule, entitled: int) -> None:
        self.rule = rule
        self.entitled = entitled
        self.points = 0
        self.given_way_to: str | None = None
        self.rooms: dict[str, int] = {}


def answers(
    version: CompiledVersion,
    occasion: Occasion,
    standing: Standing,
    verdicts: Mapping[str, Verdict],
) -> tuple[RuleAnswer, ...]:
    """Return an answer for every rule of a version, in the order in which they are written."""
    return tuple(
        _of_verdict(verdicts[rule.code], occasion, standing)
        if rule.code in verdicts
        else _not_judged(version, rule, occasion)
        for rule in version.written.rules
    )


def _not_judged(version: CompiledVersion, rule: EarnRule, occasion: Occasion) -> RuleAnswer:
    name = rule_name(type(occasion.touchpoint))
    if version.written.authority == "upstream":
        return _silent(rule, "upstream", "an upstream system states the points of this programme")
    listed = ", ".join(rule.touchpoints)
    return _silent(rule, "other_type", f"it fires on {listed}, this is {name}", touchpoint=name)


def _of_verdict(verdict: Verdict, occasion: Occasion, standing: Standing) -> RuleAnswer:
    rule = verdict.rule
    if verdict.given_way_to is not None:
        reason = f"rule {verdict.given_way_to} of group {rule.group} gave points already"
        return _silent(rule.rule, "group", reason, instead=verdict.given_way_to)
    if not verdict.entitled:
        return _not_entitled(rule, occasion, standing)
    figures = _figures(rule, occasion, standing) | {"entitled": verdict.entitled}
    figures |= {f"room {key}": room for key, room in verdict.rooms.items()}
    if not verdict.points:
        full = min(verdict.rooms, key=lambda key: verdict.rooms[key])
        return _silent(rule.rule, "cap_used_up", f"nothing is left under cap {full}", **figures)
    return _given(verdict, figures)


def _given(verdict: Verdict, figures: dict[str, Figure]) -> RuleAnswer:
    rule, points, due = verdict.rule, verdict.points, figures["before_limits"]
    capped = points != due
    reckoned = f"{_rate(rule.rule)}, {figures['counted']} counted, factor {figures['factor']}/100"
    cut = f", cut from {due} by a limit" if capped else ""
    return RuleAnswer(
        rule=rule.code,
        currency=rule.currency,
        fired=True,
        code="capped" if capped else "fired",
        sentence=f"{rule.code}: {points} {rule.currency}: {reckoned}{cut}",
        points=points,
        figures=figures,
    )


def _not_entitled(rule: CompiledRule, occasion: Occasion, standing: Standing) -> RuleAnswer:
    for predicate in rule.predicates:
        if not predicate.test(occasion, standing):
            return _condition(rule, predicate, occasion, standing)
    figures = _figures(rule, occasion, standing)
    if figures["counted"] == "0":
        counts = f"nothing of this touchpoint counts ({_rate(rule.rule)})"
        return _silent(rule.rule, "nothing_counted", counts, **figures)
    reckoned = f"{_rate(rule.rule)}, {figures['counted']} counted, factor {figures['factor']}/100"
    return _silent(rule.rule, "below_one_point", f"{reckoned}: less than one point", **figures)


def _condition(
    rule: CompiledRule, predicate: Predicate, occasion: Occasion, standing: Standing
) -> RuleAnswer:
    found = predicate.look(occasion, standing)
    reason = f"expected {predicate.expected}, found {'none' if found is None else found}"
    return _silent(
        rule.rule, "condition", reason,
        condition=predicate.code, expected=predicate.expected, found=found,
    )  # fmt: skip


def _silent(rule: EarnRule, code: str, reason: str, **figures: Figure) -> RuleAnswer:
    return RuleAnswer(
        rule=rule.code,
        currency=rule.currency,
        fired=False,
        code=code,
        sentence=f"{rule.code}: no points: {reason}",
        points=0,
        figures=figures,
    )


def _figures(rule: CompiledRule, occasion: Occasion, standing: Standing) -> dict[str, Figure]:
    number, whole = rule.measure(occasion.touchpoint)
    factor = rule.tiers.get(standing.tier, 100)
    return {
        "counted": str(number) if whole == 1 or not number else f"{number}/{whole}",
        "factor": factor,
        "rounding": rule.rule.rounding,
        "tier": standing.tier,
        "before_limits": rounded(
            rule.points * number * factor, rule.per * whole, rule.rule.rounding
        ),
    }


def _rate(rule: EarnRule) -> str:
    match rule.earn:
        case PerAmount(points=points, per=per, currency=currency, basis=basis):
            return f"{points} for {per} {currency} in minor units {basis.replace('_', ' ')}"
        case PerQuantity(points=points, per=per, field=field):
            return f"{points} for {per} {'thousandths of a unit' if field is None else field}"
        case Fixed(points=points):
            return f"{points} each time"
        case _:
            assert_never(rule.earn)
