"""Rounding of exact fractions to whole points."""

from __future__ import annotations

from domain.programmes.earn_rules import Rounding


def rounded(above: int, below: int, rounding: Rounding) -> int:
    """Return a fraction of two integers as a whole number.

    Args:
        above: numerator, at least 0.
        below: denominator, at least 1.
        rounding: down; up; or to the nearest, a half up.

    """
    if rounding == "down":
        return above // below
    if rounding == "up":
        return -(-above // below)
    return (2 * above + below) // (2 * below)
