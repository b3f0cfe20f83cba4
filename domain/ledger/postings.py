"""What all decisions that move points share: the balance before and after."""

from __future__ import annotations

import msgspec

from domain.decisions.base import Decision


class Balance(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a book holds for its customer, in points.

    Args:
        available: in active lots, less what is overdrawn; may be negative.
        pending: in lots that are not active yet.
        reserved: set aside for redemptions that are not captured yet.

    """

    available: int = 0
    pending: int = 0
    reserved: int = 0


class Posting(Decision, frozen=True, kw_only=True):
    """What all decisions that move points share; no decision by itself."""

    currency: str
    at: int
    before: Balance
    after: Balance
