"""Open lots: points that came in together, and what is left of them.

Order of burning (DOMAIN §5): the earliest expiry first, then the oldest, then the lower number. A
lot compares by exactly that, so a sorted list is burnt from its front.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.ledger.terms import LotKind, LotTerms


class Allocation(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Points of one lot that a posting took or gave, with all that the lot can be made of again.

    Args:
        lot: number of the lot in its book.
        points: how many of it, at least 1.
        expires_at: of the lot.
        earned_at: of the lot.
        kind: of the lot.
        issuer: of the lot.
        funder: of the lot.

    """

    lot: int
    points: int
    expires_at: int
    earned_at: int
    kind: LotKind = "earned"
    issuer: str = ""
    funder: str = ""


class OpenLot(msgspec.Struct, array_like=True, order=True, gc=False):
    """An open lot. Compares by the order of burning; the number makes every two lots differ.

    Args:
        expires_at: gone from this instant on (microseconds since 1970), or NEVER.
        earned_at: value date of the points.
        number: of the lot in its book, from 1, never used again.
        remaining: points left in it, at least 1.
        kind: earned, promotional or paid.
        issuer: legal entity, empty for the programme's own.
        funder: partner who pays, empty for nobody.

    """

    expires_at: int
    earned_at: int
    number: int
    remaining: int
    kind: LotKind = "earned"
    issuer: str = ""
    funder: str = ""

    def allocate(self, points: int) -> Allocation:
        """Return the allocation of so many points of this lot; takes nothing."""
        return Allocation(
            self.number, points, self.expires_at, self.earned_at, self.kind, self.issuer,
            self.funder,
        )  # fmt: skip


class PendingLot(msgspec.Struct, array_like=True, order=True, gc=False):
    """A lot that is not active yet. Compares by the order of the timers.

    Args:
        due: when it becomes active or, if that is not later, when it expires.
        lot: the lot itself.
        active_from: when it becomes active, should it live that long.

    """

    due: int
    lot: OpenLot
    active_from: int


def waiting_lot(lot: OpenLot, active_from: int) -> PendingLot:
    """Return a lot that waits for its time."""
    return PendingLot(min(active_from, lot.expires_at), lot, active_from)


def lot_of(number: int, points: int, earned_at: int, terms: LotTerms) -> OpenLot:
    """Return a new lot."""
    return OpenLot(
        terms.expires_at, earned_at, number, points, terms.kind, terms.issuer, terms.funder
    )


def lot_again(allocation: Allocation) -> OpenLot:
    """Return the lot of an allocation with the allocated points in it."""
    return OpenLot(
        allocation.expires_at, allocation.earned_at, allocation.lot, allocation.points,
        allocation.kind, allocation.issuer, allocation.funder,
    )  # fmt: skip


def allocate(lots: Iterable[OpenLot], points: int) -> tuple[tuple[Allocation, ...], int]:
    """Return from which lots so many points are taken, and how many these lots do not cover.

    Args:
        lots: in the order in which they are to be taken; not changed.
        points: at least 0.

    """
    taken: list[Allocation] = []
    for lot in lots:
        if not points:
            break
        part = min(lot.remaining, points)
        taken.append(lot.allocate(part))
        points -= part
    return tuple(taken), points


def points_of(allocations: Iterable[Allocation]) -> int:
    """Return the points of allocations together."""
    return sum(allocation.points for allocation in allocations)
