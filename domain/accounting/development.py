"""How many points will be redeemed in the end: the chain-ladder method, and its back-test.

The points issued in one month are a *cohort*; what of them was redeemed by each age in months makes
a triangle, for young cohorts have lived through few ages. The chain-ladder method (T. Mack,
"Distribution-free Calculation of the Standard Error of Chain Ladder Reserve Estimates", ASTIN
Bulletin 23/2, 1993; J. Friedland, "Estimating Unpaid Claims Using Basic Techniques", Casualty
Actuarial Society, chapter 7) takes from the older ones how redemption grows from age to age,

    f(k) = sum of redeemed by age k+1 / sum of redeemed by age k, over the cohorts that reached k+1,

and lets each cohort grow on by the product of the factors of the ages before it. There is no tail:
at the oldest age known redemption is held to be complete. A cohort of which nothing has been
redeemed yet has nothing to grow from: it takes the rate of the others, as the Bornhuetter-Ferguson
method does at no development. All in exact fractions; points are rounded once, halves up.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Literal, TypeAlias

import msgspec

from domain.accounting.estimates import WHOLE
from domain.accounting.months import month_text
from domain.accounting.rounding import half_up
from domain.errors import VinculoError

Method: TypeAlias = Literal["chain_ladder", "pooled", "observed"]
"""Grown by factors; given the rate of the others; left as it is, for there is no history."""

_PER_MILLE = 1_000


class DevelopmentError(VinculoError):
    """A history of redemption that contradicts itself."""


class Cohort(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The points issued in one month, and what became of them month by month.

    Args:
        month: of issue, months since 1970-01.
        issued: points, less those clawed back; at least 0.
        redeemed: points redeemed at each age in months, the month of issue first; reversals are
            taken off where they happened.
        expired: points expired at each age in months.

    """

    month: int
    issued: int
    redeemed: tuple[int, ...]
    expired: tuple[int, ...]


class CohortDevelopment(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What became of a cohort, and what is expected of it.

    Args:
        month: of issue.
        issued: points.
        redeemed: points so far.
        expired: points so far.
        open: points that can still be redeemed.
        ultimate: points redeemed in the end, as estimated.
        method: how that was estimated.

    """

    month: int
    issued: int
    redeemed: int
    expired: int
    open: int
    ultimate: int
    method: Method

    @property
    def burn_rate(self) -> int:
        """Redeemed so far, in ten-thousandths of what was issued."""
        return _rate(self.redeemed, self.issued)

    @property
    def breakage_rate(self) -> int:
        """Never redeemed in the end, in ten-thousandths of what was issued."""
        return WHOLE - _rate(self.ultimate, self.issued) if self.issued else 0


class Development(msgspec.Struct, frozen=True, gc=False):
    """The estimate of a whole history.

    Args:
        known: the last month that was known.
        cohorts: the oldest first.
        factors: growth from each age to the next, numerator and denominator; (0, 0) where there is
            nothing to tell it from.

    """

    known: int
    cohorts: tuple[CohortDevelopment, ...]
    factors: tuple[tuple[int, int], ...]

    @property
    def ultimate(self) -> int:
        """Points redeemed in the end: the sum over cohorts."""
        return sum(cohort.ultimate for cohort in self.cohorts)

    @property
    def redemption(self) -> int:
        """Expected redemption in ten-thousandths of all points issued; what one may publish."""
        return _rate(self.ultimate, sum(cohort.issued for cohort in self.cohorts))


class BackTest(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The estimate made in a past month, against what came.

    Args:
        month: when it would have been made, with no later knowledge.
        redeemed: points of its cohorts that had been redeemed by then.
        estimated: points of its cohorts that were estimated to be redeemed by now.
        came: points of its cohorts that have been redeemed by now.
        error: ``(estimated − came) / came``, per mille; None if nothing came.
        error_to_come: the same of what was redeemed after the month alone, the harder test.

    """

    month: int
    redeemed: int
    estimated: int
    came: int
    error: int | None
    error_to_come: int | None


def develop(cohorts: Sequence[Cohort], known: int) -> Development:
    """Estimate what will be redeemed in the end.

    Args:
        cohorts: without holes or repetitions of months, in any order, each with an element for
            every month from its own to ``known``.
        known: the last month whose redemptions are complete.

    Raises:
        DevelopmentError: if a cohort has too few or too many ages, or stands there twice.

    """
    ordered = _checked(cohorts, known)
    pattern = _pattern(ordered)
    rate = _pooled_rate(ordered, pattern)
    return Development(
        known=known,
        cohorts=tuple(_developed(cohort, pattern, rate) for cohort in ordered),
        factors=pattern.factors,
    )


def back_test(cohorts: Sequence[Cohort], known: int) -> tuple[BackTest, ...]:
    """Return, for each past month, the estimate made with what was known then against what came.

    What came is known up to ``known`` only, so each cohort is estimated up to the age that it has
    now, not to its end. The oldest month first; it has a single cohort and nothing to learn from.

    Args:
        cohorts: as of :func:`develop`.
        known: the last month whose redemptions are complete.

    Raises:
        DevelopmentError: as :func:`develop`.

    """
    ordered = _checked(cohorts, known)
    if not ordered:
        return ()
    return tuple(_tested(ordered, month, known) for month in range(ordered[0].month, known))


class _Pattern(msgspec.Struct, frozen=True):
    """How redemption grows with age.

    Args:
        factors: from each age to the next.
        start: the first age from which growth can be told up to the oldest.
        growth: for each age from ``start`` on, growth from it to the oldest age.

    """

    factors: tuple[tuple[int, int], ...]
    start: int
    growth: tuple[Fraction, ...]

    def between(self, age: int, later: int) -> Fraction:
        """Return the growth from an age to a later one; there is none beyond the oldest."""
        return self._to_end(age) / self._to_end(later)

    def developed_by(self, age: int) -> Fraction:
        """Return the share of the ultimate that is redeemed by an age; none before ``start``."""
        return Fraction(0) if age < self.start else 1 / self._to_end(age)

    def _to_end(self, age: int) -> Fraction:
        place = age - self.start
        return self.growth[place] if place < len(self.growth) else Fraction(1)


def _pattern(cohorts: Sequence[Cohort]) -> _Pattern:
    oldest = max((len(cohort.redeemed) for cohort in cohorts), default=1) - 1
    before, after = [0] * oldest, [0] * oldest
    for cohort in cohorts:
        cumulative = tuple(accumulate(cohort.redeemed))
        for age in range(len(cumulative) - 1):
            before[age] += cumulative[age]
            after[age] += cumulative[age + 1]
    told = [b > 0 and a > 0 for b, a in zip(before, after, strict=True)]
    start = max((age + 1 for age in range(oldest) if not told[age]), default=0)
    growth = [Fraction(1)]
    for age in reversed(range(start, oldest)):
        growth.append(growth[-1] * Fraction(after[age], before[age]))
    factors = tuple(
        (a, b) if known else (0, 0) for a, b, known in zip(after, before, told, strict=True)
    )
    return _Pattern(factors, start, tuple(reversed(growth)))


def _grows(cohort: Cohort, pattern: _Pattern) -> bool:
    return len(cohort.redeemed) - 1 >= pattern.start and sum(cohort.redeemed) > 0


def _grown(cohort: Cohort, pattern: _Pattern, ages: int | None = None) -> Fraction:
    """Return the points redeemed so many months later; in the end if None."""
    age = len(cohort.redeemed) - 1
    later = age + ages if ages is not None else age + len(pattern.growth)
    return sum(cohort.redeemed) * pattern.between(age, later)


def _pooled_rate(cohorts: Sequence[Cohort], pattern: _Pattern) -> Fraction | None:
    """Return redeemed in the end / issued over the cohorts that grow; None if none does."""
    grow = [cohort for cohort in cohorts if _grows(cohort, pattern)]
    issued = sum(cohort.issued for cohort in grow)
    if not issued:
        return None
    return sum((_bounded(cohort, _grown(cohort, pattern)) for cohort in grow), Fraction(0)) / issued


def _bounded(cohort: Cohort, points: Fraction) -> Fraction:
    """Return an estimate that is neither less than what was redeemed nor more than can be."""
    redeemed = sum(cohort.redeemed)
    possible = max(redeemed, cohort.issued - sum(cohort.expired))
    return max(Fraction(redeemed), min(points, Fraction(possible)))


def _developed(cohort: Cohort, pattern: _Pattern, rate: Fraction | None) -> CohortDevelopment:
    redeemed, expired = sum(cohort.redeemed), sum(cohort.expired)
    method: Method
    if _grows(cohort, pattern):
        method, points = "chain_ladder", _grown(cohort, pattern)
    elif rate is not None:
        method, points = "pooled", cohort.issued * rate
    else:
        method, points = "observed", Fraction(redeemed)
    points = _bounded(cohort, points)
    return CohortDevelopment(
        cohort.month,
        cohort.issued,
        redeemed,
        expired,
        cohort.issued - redeemed - expired,
        half_up(points.numerator, points.denominator),
        method,
    )


def _tested(cohorts: Sequence[Cohort], month: int, known: int) -> BackTest:
    issued_by_then = [cohort for cohort in cohorts if cohort.month <= month]
    then = [_as_known(cohort, month) for cohort in issued_by_then]
    pattern = _pattern(then)
    rate = _pooled_rate(then, pattern)
    parts = [_expected_by(cohort, pattern, rate, known - month) for cohort in then]
    points = sum(parts, Fraction(0))
    estimated = half_up(points.numerator, points.denominator)
    redeemed = sum(sum(cohort.redeemed) for cohort in then)
    came = sum(sum(cohort.redeemed) for cohort in issued_by_then)
    return BackTest(
        month,
        redeemed,
        estimated,
        came,
        _error(estimated, came),
        _error(estimated - redeemed, came - redeemed),
    )


def _as_known(cohort: Cohort, month: int) -> Cohort:
    """Return a cohort as it was known in an earlier month."""
    ages = month - cohort.month + 1
    return Cohort(cohort.month, cohort.issued, cohort.redeemed[:ages], cohort.expired[:ages])


def _expected_by(cohort: Cohort, pattern: _Pattern, rate: Fraction | None, later: int) -> Fraction:
    """Return the points expected to be redeemed so many months after what is known."""
    if _grows(cohort, pattern):
        return _bounded(cohort, _grown(cohort, pattern, later))
    age = len(cohort.redeemed) - 1 + later
    pooled = Fraction(0) if rate is None else rate * pattern.developed_by(age)
    return _bounded(cohort, cohort.issued * pooled)


def _error(estimated: int, came: int) -> int | None:
    return half_up(_PER_MILLE * (estimated - came), came) if came > 0 else None


def _rate(part: int, whole: int) -> int:
    return half_up(WHOLE * part, whole) if whole > 0 else 0


def _checked(cohorts: Sequence[Cohort], known: int) -> list[Cohort]:
    """Return cohorts, the oldest first; each as long as it has lived."""
    ordered = sorted(cohorts, key=lambda cohort: cohort.month)
    for cohort in ordered:
        ages = known - cohort.month + 1
        if not ages == len(cohort.redeemed) == len(cohort.expired) or ages < 1:
            message = (
                f"points issued in {month_text(cohort.month)}: expected {ages} months of "
                f"redemptions and expiries up to {month_text(known)}, found {len(cohort.redeemed)} "
                f"and {len(cohort.expired)}; write 0 where nothing happened"
            )
            raise DevelopmentError(message)
    if len({cohort.month for cohort in ordered}) != len(ordered):
        message = "expected each month of issue once, found one twice; sum them up"
        raise DevelopmentError(message)
    return ordered
