"""What can happen to a redemption; part of :mod:`domain.ledger.decisions`, which tells units."""

from __future__ import annotations

from typing import ClassVar, Literal

from domain.ledger.lots import Allocation
from domain.ledger.postings import Posting

ReleaseReason = Literal["released", "timed_out", "rest"]


class RedemptionReserved(Posting, frozen=True, kw_only=True):
    """Points were set aside: available → reserved.

    Args:
        redemption_id: of the redemption.
        points: how many.
        until: from this instant on they go back by themselves.
        allocations: the lots they come from.
        reward: code in the catalogue, empty for none.
        reference: of who asked.
        by: who asked.

    """

    topic: ClassVar[str] = "vinculo.redemption_reserved.v1"

    redemption_id: bytes
    points: int
    until: int
    allocations: tuple[Allocation, ...]
    reward: str = ""
    reference: str = ""
    by: str = ""


class RedemptionCaptured(Posting, frozen=True, kw_only=True):
    """Reserved points were redeemed, all or part: reserved → redeemed.

    Args:
        redemption_id: of the redemption.
        points: how many.
        allocations: the lots they come from.
        by: who asked.

    """

    topic: ClassVar[str] = "vinculo.redemption_captured.v1"

    redemption_id: bytes
    points: int
    allocations: tuple[Allocation, ...]
    by: str = ""


class RedemptionReleased(Posting, frozen=True, kw_only=True):
    """Reserved points went back: reserved → available, or → expired past the date of their lot.

    Args:
        redemption_id: of the redemption.
        allocations: the lots they go back to.
        expired: of which lots they have expired meanwhile.
        reason: why.
        repaid: points that paid off what was overdrawn.
        by: who asked, empty where time did it.

    """

    topic: ClassVar[str] = "vinculo.redemption_released.v1"

    redemption_id: bytes
    allocations: tuple[Allocation, ...]
    expired: tuple[Allocation, ...] = ()
    reason: ReleaseReason = "released"
    repaid: tuple[Allocation, ...] = ()
    by: str = ""


class RedemptionMade(Posting, frozen=True, kw_only=True):
    """Points were redeemed at once: available → redeemed.

    Args:
        redemption_id: of the redemption.
        points: how many.
        allocations: the lots they come from.
        uncovered: points that no lot covered; only of what happened elsewhere already.
        elsewhere: whether it had happened before we were asked.
        reward: code in the catalogue, empty for none.
        reference: of who asked.
        by: who asked.

    """

    topic: ClassVar[str] = "vinculo.redemption_made.v1"

    redemption_id: bytes
    points: int
    allocations: tuple[Allocation, ...]
    uncovered: int = 0
    elsewhere: bool = False
    reward: str = ""
    reference: str = ""
    by: str = ""


class RedemptionReversed(Posting, frozen=True, kw_only=True):
    """A redemption was undone, all or part: redeemed → available.

    Args:
        redemption_id: of the redemption.
        points: how many.
        allocations: points that went back to lots, those that paid off what was overdrawn included.
        forfeited: points whose lots have expired and which the programme does not give back.
        uncovered: points that no lot had covered, and that are owed no more.
        repaid: points that paid off what was overdrawn.
        by: who asked.

    """

    topic: ClassVar[str] = "vinculo.redemption_reversed.v1"

    redemption_id: bytes
    points: int
    allocations: tuple[Allocation, ...]
    forfeited: tuple[Allocation, ...] = ()
    uncovered: int = 0
    repaid: tuple[Allocation, ...] = ()
    by: str = ""
