"""Judging: what a touchpoint earns by a version, and why.

Integers only; a rule's points are reckoned as one fraction and rounded once. ``judge`` depends on
its three arguments and nothing else: it is asked again, with the standing of the first time, when
something was returned or corrected. ``explain`` walks through the same steps in words.
"""

from __future__ import annotations

from domain.ledger.terms import Share, Standing
from domain.programmes.compiling import CompiledRule, CompiledVersion, DayCaps
from domain.programmes.explaining import RuleAnswer, Verdict, answers
from domain.programmes.measures import Measure
from domain.programmes.occasion import Award, Occasion
from domain.programmes.rounding import rounded

__all__ = ["Award", "Occasion", "RuleAnswer", "cap_keys", "explain", "judge"]

_NO_TIER_FACTOR = 100


def judge(version: CompiledVersion, occasion: Occasion, standing: Standing) -> tuple[Award, ...]:
    """Return what an occasion earns, by currency of points in the order of the rules.

    Args:
        version: in force when it happened.
        occasion: what happened, less what was returned of it.
        standing: of the account when it was judged first. ``used`` holds the points given before
            under the keys of :func:`cap_keys`, without those of this occasion.

    Returns:
        Nothing at all if no rule gives points, or the authority is upstream.

    """
    rules = version.rules.get(type(occasion.touchpoint))
    if rules is None:
        return ()
    given: dict[str, list[Share]] = {}
    counted: dict[Measure, tuple[int, int]] = {}
    drawn: dict[str, int] = {}
    taken: set[str] = set()
    day = occasion.day
    for rule in rules:
        if rule.group is not None and rule.group in taken:
            continue
        points = _entitled(rule, occasion, standing, counted)
        if not points:
            continue
        if rule.group is not None:
            taken.add(rule.group)
        keys: tuple[str, ...] = ()
        if rule.caps is not None:
            caps = rule.caps.on(day)
            points, keys = _within_caps(caps, points, standing.used, drawn), caps.kept
            if not points:
                continue
        share = Share(rule.code, points, rule.lots.terms(day, occasion.occurred_at), keys)
        if rule.currency in given:
            given[rule.currency].append(share)
        else:
            given[rule.currency] = [share]
    return tuple([Award(currency, tuple(shares)) for currency, shares in given.items()])


def explain(
    version: CompiledVersion, occasion: Occasion, standing: Standing
) -> tuple[RuleAnswer, ...]:
    """Return of every rule of a version, as written, whether it gave points, and why.

    The points of the answers that fired are those of :func:`judge`.
    """
    verdicts: dict[str, Verdict] = {}
    drawn: dict[str, int] = {}
    taken: dict[str, str] = {}
    for rule in version.rules.get(type(occasion.touchpoint), ()):
        verdict = verdicts[rule.code] = Verdict(rule, _entitled(rule, occasion, standing, {}))
        if not verdict.entitled:
            continue
        winner = rule.code if rule.group is None else taken.setdefault(rule.group, rule.code)
        if winner == rule.code:
            _draw(verdict, occasion.day, standing.used, drawn)
        else:
            verdict.given_way_to = winner
    return answers(version, occasion, standing, verdicts)


def cap_keys(version: CompiledVersion, occasion: Occasion) -> tuple[str, ...]:
    """Return the keys under which the standing must say what was given before, each once."""
    rules = version.rules.get(type(occasion.touchpoint), ())
    drawn_on = [rule.caps.on(occasion.day) for rule in rules if rule.caps is not None]
    return tuple(dict.fromkeys(key for caps in drawn_on for key in caps.kept))


def _entitled(
    rule: CompiledRule,
    occasion: Occasion,
    standing: Standing,
    counted: dict[Measure, tuple[int, int]],
) -> int:
    """Return the points of a rule before its further caps; 0 if it does not fire.

    Args:
        rule: to be judged.
        occasion: what happened.
        standing: of the account.
        counted: by measure, what it found on this occasion; added to.

    """
    for test in rule.tests:
        if not test(occasion, standing):
            return 0
    measure = rule.measure
    found = counted.get(measure)
    if found is None:
        found = counted[measure] = measure(occasion.touchpoint)
    number, whole = found
    if rule.tiers:
        number *= rule.tiers.get(standing.tier, _NO_TIER_FACTOR)
    else:
        number *= _NO_TIER_FACTOR
    above, below = rule.points * number, rule.per * whole
    # Down is the commonest, and needs no call.
    points = above // below if rule.down else rounded(above, below, rule.rule.rounding)
    return points if points <= rule.most else rule.most  # noqa: FURB136 - min() is a call


def _within_caps(caps: DayCaps, points: int, used: dict[str, int], drawn: dict[str, int]) -> int:
    """Return what caps leave of points.

    Args:
        caps: that the rule draws on.
        points: that it would give.
        used: by key what was given before.
        drawn: by key what this occasion's earlier rules gave; added to.

    """
    for key, most in caps.limits:
        room = most - used.get(key, 0) - drawn.get(key, 0)
        if room < points:
            points = max(0, room)
    for key in caps.shared:
        drawn[key] = drawn.get(key, 0) + points
    return points


def _draw(verdict: Verdict, day: int, used: dict[str, int], drawn: dict[str, int]) -> None:
    """Note in a verdict what caps leave, and how much room each of them had."""
    verdict.points = verdict.entitled
    if verdict.rule.caps is None:
        return
    caps = verdict.rule.caps.on(day)
    for key, most in caps.limits:
        verdict.rooms[key] = max(0, most - used.get(key, 0) - drawn.get(key, 0))
    verdict.points = _within_caps(caps, verdict.entitled, used, drawn)
