"""What rules and ledger tell each other: terms of lots, shares of rules, standing of an account.

These types stand in decisions for ever, so their fields are only added to, at the end.
"""

from __future__ import annotations

from typing import Literal

import msgspec

NEVER = 2**62
"""The instant of what does not happen by time alone."""

LotKind = Literal["earned", "promotional", "paid"]
"""Earned with a sale, given without one (a cost, ruling 28), or bought."""


class LotTerms(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a lot is, apart from how much is left of it.

    Args:
        active_from: pending before this instant (microseconds since 1970).
        expires_at: gone from this instant on, or NEVER.
        kind: earned, promotional or paid.
        issuer: legal entity that owes the points; empty for the programme's own.
        funder: partner who pays for the points; empty for nobody.

    """

    active_from: int
    expires_at: int
    kind: LotKind = "earned"
    issuer: str = ""
    funder: str = ""


class Share(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One rule's part of an award; it becomes one lot.

    Args:
        rule: code of the rule.
        points: at least 1.
        terms: of the lot.
        caps: keys of the caps that these points draw on, such as ``base|month|2026-03``.

    """

    rule: str
    points: int
    terms: LotTerms
    caps: tuple[str, ...] = ()


class Standing(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All that rules may know of an account. It is stored with the first award of a touchpoint.

    Args:
        tier: the tier held when the touchpoint happened; empty for none.
        first: whether the touchpoint is the account's first purchase.
        used: by cap key, the points given so far in that period; 0 where a key is absent.

    """

    tier: str = ""
    first: bool = False
    used: dict[str, int] = {}
