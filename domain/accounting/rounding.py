"""Rounding, stated once: to the nearest, halves up; and parts that sum up to the whole."""

from __future__ import annotations

from collections.abc import Sequence

from domain.errors import VinculoError


class AllocationError(VinculoError):
    """A whole that cannot be divided as asked."""


def half_up(numerator: int, denominator: int) -> int:
    """Return a quotient to the nearest integer; a half goes up, towards plus infinity.

    Args:
        numerator: of any sign.
        denominator: greater than 0.

    """
    return (2 * numerator + denominator) // (2 * denominator)


def allocate(whole: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Divide a whole in proportion to weights by the method of largest remainders (Hamilton's).

    Each part is its exact share rounded down or up, and the parts sum up to the whole: what
    rounding down leaves over goes, one each, to the greatest remainders, at a tie to the earlier
    part. Of two parts each is therefore its exact share to the nearest.

    Args:
        whole: at least 0, in any unit; the parts have the same.
        weights: each at least 0; not all 0 unless the whole is 0.

    Raises:
        AllocationError: if the whole or a weight is negative, or there is nothing to divide by.

    """
    total = sum(weights)
    if whole < 0 or min(weights, default=0) < 0 or (whole and not total):
        message = (
            f"expected a whole of at least 0 and weights of at least 0 of which one is greater, "
            f"found {whole} over {list(weights)[:20]}; see to the prices it was computed from"
        )
        raise AllocationError(message)
    if not total:
        return (0,) * len(weights)
    shares = [divmod(whole * weight, total) for weight in weights]
    over = whole - sum(share for share, _ in shares)
    order = sorted(range(len(shares)), key=lambda part: -shares[part][1])
    raised = frozenset(order[:over])
    return tuple(share + (part in raised) for part, (share, _) in enumerate(shares))
