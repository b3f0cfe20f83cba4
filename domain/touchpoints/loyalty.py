"""Loyalty, as an upstream system states it (ruling 23): mirrored accounts."""

from __future__ import annotations

from domain.money import Points, PointsDifference
from domain.touchpoints.base import Code, Instant, Label, Touchpoint


class _AccountStatement(Touchpoint, frozen=True, kw_only=True):
    """A statement about one account: key is (programme, source, account)."""

    programme: Code
    account: Code


class AccountOpened(_AccountStatement, frozen=True, kw_only=True):
    """An account was opened."""


class AccountClosed(_AccountStatement, frozen=True, kw_only=True):
    """An account was closed; what is left on it is no longer available."""

    reason: Label | None = None


class PointsEarned(_AccountStatement, frozen=True, kw_only=True):
    """Points were credited; they make a lot of their own.

    Args:
        points: how many.
        active_from: pending before this moment; absent means at once.
        expires_at: gone from this moment on; absent means never.
        currency: the programme's points currency.
        reason: what they were earned for.
        purchase_number: the business number of the purchase that earned them.

    """

    points: Points
    active_from: Instant | None = None
    expires_at: Instant | None = None
    currency: Code = "points"
    reason: Label | None = None
    purchase_number: Code | None = None


class PointsRedeemed(_AccountStatement, frozen=True, kw_only=True):
    """Points were spent: the earliest expiry first, then the oldest."""

    points: Points
    currency: Code = "points"
    reward: Label | None = None


class PointsExpired(_AccountStatement, frozen=True, kw_only=True):
    """The upstream system let points expire."""

    points: Points
    currency: Code = "points"


class PointsAdjusted(_AccountStatement, frozen=True, kw_only=True):
    """The upstream system corrected a balance; positive makes a lot, negative takes from lots."""

    points: PointsDifference
    currency: Code = "points"
    expires_at: Instant | None = None
    reason: Label | None = None
