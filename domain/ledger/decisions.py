"""What can happen to an owned account: the decisions of its stream, each with its topic.

Instants are microseconds since 1970-01-01T00:00Z, points are integers, ids 16 bytes. ``at`` is the
value date; when it was recorded stands in the journal. ``before`` and ``after`` are the balance of
the book of ``currency``.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from domain.decisions.base import Decision
from domain.ledger.lots import Allocation
from domain.ledger.postings import Balance, Posting
from domain.ledger.redemption_decisions import (
    RedemptionCaptured,
    RedemptionMade,
    RedemptionReleased,
    RedemptionReserved,
    RedemptionReversed,
    ReleaseReason,
)
from domain.ledger.terms import Share, Standing

__all__ = [
    "AccountDecision",
    "Balance",
    "BalanceAdjusted",
    "ExpiryExtended",
    "ExpiryReason",
    "FirstPurchaseRecognised",
    "ForgivenPointsTaken",
    "LedgerAccountClosed",
    "LedgerAccountOpened",
    "LotsExpired",
    "OpeningBalanceSet",
    "PointsAccrued",
    "PointsClawedBack",
    "PointsMatured",
    "PointsReinstated",
    "PointsTransferredIn",
    "PointsTransferredOut",
    "Posting",
    "RedemptionCaptured",
    "RedemptionMade",
    "RedemptionReleased",
    "RedemptionReserved",
    "RedemptionReversed",
    "ReleaseReason",
    "TierChanged",
]

ExpiryReason = Literal["date", "inactivity", "account_closed", "programme_closed"]


class LedgerAccountOpened(Decision, frozen=True, kw_only=True):
    """An owned account was opened.

    Args:
        at: from when on.
        programme: its code.
        persona: whose it is.
        cause: entry of the fact that made it necessary, empty if it was asked for.

    """

    topic: ClassVar[str] = "vinculo.ledger_account_opened.v1"

    at: int
    programme: str
    persona: bytes
    cause: bytes = b""


class LedgerAccountClosed(Decision, frozen=True, kw_only=True):
    """An owned account was closed; what was left in it has expired before.

    Args:
        at: from when on.
        reason: in the words of who asked for it.
        by: who asked.

    """

    topic: ClassVar[str] = "vinculo.ledger_account_closed.v1"

    at: int
    reason: str
    by: str = ""


class PointsAccrued(Posting, frozen=True, kw_only=True):
    """Points were earned: issued → pending or available.

    Args:
        posting_id: of ruling 24.
        touchpoint: entry of what they are earned by.
        cause: entry that made the posting necessary: the touchpoint, a correction, a link.
        version: name of the programme's version whose rules gave them.
        day: business day of the touchpoint, days since 1970-01-01.
        shares: one lot each, numbered on from ``first_lot``.
        first_lot: number of the first lot.
        standing: what the rules were told of the account.
        qualifying: whether the points count towards a tier.
        repaid: points of these lots that paid off what was overdrawn.

    """

    topic: ClassVar[str] = "vinculo.points_accrued.v1"

    posting_id: bytes
    touchpoint: bytes
    cause: bytes
    version: str
    day: int
    shares: tuple[Share, ...]
    first_lot: int
    standing: Standing = Standing()
    qualifying: bool = False
    repaid: tuple[Allocation, ...] = ()


class OpeningBalanceSet(Posting, frozen=True, kw_only=True):
    """Points were brought over from another system: adjusted → pending or available.

    Args:
        shares: one lot each; ``rule`` names where it comes from.
        first_lot: number of the first lot.
        reference: of the statement they were taken from.
        by: who entered them.
        repaid: points of these lots that paid off what was overdrawn.

    """

    topic: ClassVar[str] = "vinculo.opening_balance_set.v1"

    shares: tuple[Share, ...]
    first_lot: int
    reference: str
    by: str
    repaid: tuple[Allocation, ...] = ()


class PointsMatured(Posting, frozen=True, kw_only=True):
    """Pending points became active: pending → available.

    Args:
        allocations: the lots, whole.
        repaid: points of these lots that paid off what was overdrawn.

    """

    topic: ClassVar[str] = "vinculo.points_matured.v1"

    allocations: tuple[Allocation, ...]
    repaid: tuple[Allocation, ...] = ()


class LotsExpired(Posting, frozen=True, kw_only=True):
    """Lots came to their end: available or pending → expired.

    Args:
        allocations: what was left in them.
        reason: why.

    """

    topic: ClassVar[str] = "vinculo.lots_expired.v1"

    allocations: tuple[Allocation, ...]
    reason: ExpiryReason = "date"


class ExpiryExtended(Decision, frozen=True, kw_only=True):
    """Activity moved the expiry of every lot that was to expire earlier; paid lots stay.

    Points that are pending or reserved move as well; what was earned later or had expired by then
    does not.

    Args:
        currency: of the book.
        at: when the activity was.
        expires_at: the new expiry.
        cause: entry of the activity.

    """

    topic: ClassVar[str] = "vinculo.expiry_extended.v1"

    currency: str
    at: int
    expires_at: int
    cause: bytes


class PointsClawedBack(Posting, frozen=True, kw_only=True):
    """An earn was undone, all or part: pending or available → clawed back.

    Args:
        posting_id: of ruling 24.
        touchpoint: entry of what the points had been earned by.
        cause: entry that made the posting necessary: a return, a correction, an unlink.
        day: business day of the touchpoint.
        due: points that were to be taken; the policy may forgive some.
        allocations: the lots they were taken from, pending and active.
        uncovered: points that no lot covered and that are owed now.
        forgiven: points that were not there, and are taken should points of ``lots`` come back.
        lots: numbers of the lots that the touchpoint had brought, if points were forgiven so.
        qualifying: whether the points count towards a tier.

    """

    topic: ClassVar[str] = "vinculo.points_clawed_back.v1"

    posting_id: bytes
    touchpoint: bytes
    cause: bytes
    day: int
    due: int
    allocations: tuple[Allocation, ...]
    uncovered: int = 0
    forgiven: int = 0
    lots: tuple[int, ...] = ()
    qualifying: bool = False


class ForgivenPointsTaken(Posting, frozen=True, kw_only=True):
    """Undeserved points came back and were taken: available → clawed back.

    A claw-back within the balance had found them set aside, spent or expired.

    Args:
        redemption_id: what they came back from, empty if they were reinstated.
        allocations: the lot they were taken from.
        lot: number of the lot that had been redeemed from; another one than theirs where points
            of an expired lot were given back anew.

    """

    topic: ClassVar[str] = "vinculo.forgiven_points_taken.v1"

    redemption_id: bytes
    allocations: tuple[Allocation, ...]
    lot: int


class BalanceAdjusted(Posting, frozen=True, kw_only=True):
    """Points were given or taken by a person's decision: adjusted ↔ available or pending.

    Args:
        adjustment_id: of the request.
        share: the lot that was given, if points were given.
        first_lot: number of that lot, 0 if points were taken.
        allocations: the lots they were taken from, if points were taken.
        uncovered: points that no lot covered and that are owed now.
        repaid: points given that paid off what was overdrawn.
        reason: in the words of who asked.
        by: who asked.
        approved_by: who approved, another person.
        cause: entry or correction that made it necessary, empty for none.

    """

    topic: ClassVar[str] = "vinculo.balance_adjusted.v1"

    adjustment_id: bytes
    reason: str
    by: str
    approved_by: str = ""
    share: Share | None = None
    first_lot: int = 0
    allocations: tuple[Allocation, ...] = ()
    uncovered: int = 0
    repaid: tuple[Allocation, ...] = ()
    cause: bytes = b""


class PointsTransferredOut(Posting, frozen=True, kw_only=True):
    """Points left for another account: available → transferred.

    Args:
        transfer_id: the same in both accounts.
        to_account: where they went.
        allocations: the lots they come from.
        by: who asked.

    """

    topic: ClassVar[str] = "vinculo.points_transferred_out.v1"

    transfer_id: bytes
    to_account: bytes
    allocations: tuple[Allocation, ...]
    by: str = ""


class PointsTransferredIn(Posting, frozen=True, kw_only=True):
    """Points came from another account, each with the terms it had: transferred → available.

    Args:
        transfer_id: the same in both accounts.
        from_account: where they came from.
        allocations: the lots they became, numbered in this book.
        repaid: points that paid off what was overdrawn.
        by: who asked.

    """

    topic: ClassVar[str] = "vinculo.points_transferred_in.v1"

    transfer_id: bytes
    from_account: bytes
    allocations: tuple[Allocation, ...]
    repaid: tuple[Allocation, ...] = ()
    by: str = ""


class PointsReinstated(Posting, frozen=True, kw_only=True):
    """Lots had expired before an activity was known that prevented it: expired → available.

    Args:
        posting_id: of ruling 24.
        cause: entry of the activity.
        allocations: the lots as they are again, each with its new expiry.
        repaid: points that paid off what was overdrawn.

    """

    topic: ClassVar[str] = "vinculo.points_reinstated.v1"

    posting_id: bytes
    cause: bytes
    allocations: tuple[Allocation, ...]
    repaid: tuple[Allocation, ...] = ()


class FirstPurchaseRecognised(Decision, frozen=True, kw_only=True):
    """The first purchase of an account was judged, whatever it earned.

    Args:
        at: when it was made.
        touchpoint: its entry.

    """

    topic: ClassVar[str] = "vinculo.first_purchase_recognised.v1"

    at: int
    touchpoint: bytes


class TierChanged(Decision, frozen=True, kw_only=True):
    """An account's tier began, was extended, or ended.

    Args:
        at: from when on it holds.
        tier: its code, empty for none.
        was: the tier before.
        until: from this instant on it is judged anew, NEVER if it holds for ever.
        points: that qualified.
        reason: ``reached``, ``kept``, ``downgraded`` or ``rules``.
        cause: entry that brought it about, empty where time did.

    """

    topic: ClassVar[str] = "vinculo.tier_changed.v1"

    at: int
    tier: str
    was: str
    until: int
    points: int = 0
    reason: Literal["reached", "kept", "downgraded", "rules"] = "reached"
    cause: bytes = b""


AccountDecision = (
    LedgerAccountOpened
    | LedgerAccountClosed
    | PointsAccrued
    | OpeningBalanceSet
    | PointsMatured
    | LotsExpired
    | ExpiryExtended
    | RedemptionReserved
    | RedemptionCaptured
    | RedemptionReleased
    | RedemptionMade
    | RedemptionReversed
    | PointsClawedBack
    | ForgivenPointsTaken
    | PointsReinstated
    | BalanceAdjusted
    | PointsTransferredOut
    | PointsTransferredIn
    | FirstPurchaseRecognised
    | TierChanged
)
"""Every decision in the stream of an owned account."""
