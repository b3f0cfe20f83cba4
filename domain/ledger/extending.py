"""Expiry that activity moves: lots live on, and those lost before the activity was known return.

Activity at an instant moves every lot that was there, earned by then and not expired. A lot that
the account has let expire later than that, because nobody knew of the activity yet, is reinstated
(ruling 27) if it would still live.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from domain.ledger.account import Book
from domain.ledger.booking import find_lot, settle_by
from domain.ledger.decisions import Balance, ExpiryExtended, PointsReinstated
from domain.ledger.desk import Desk
from domain.ledger.lots import Allocation, OpenLot, points_of
from domain.ledger.timers import take_forgiven


class Activity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What moves the expiry of points.

    Args:
        posting_id: of ruling 24, for what it reinstates.
        cause: entry of the activity.
        currency: of the points.
        at: when it was.
        expires_at: until when points live on because of it.
        lost: what the account let expire by date after ``at`` and has not reinstated since.

    """

    posting_id: bytes
    cause: bytes
    currency: str
    at: int
    expires_at: int
    lost: tuple[Allocation, ...] = ()


def extend(desk: Desk, activity: Activity) -> None:
    """Move the expiry of the lots of a book, and reinstate what should not have expired.

    Decides nothing where nothing moves. No timer runs.
    """
    account = desk.account
    book = account.book(activity.currency)
    if any(moves(lot, activity) for lot in _points_held(book)):
        desk.post(
            ExpiryExtended(
                currency=activity.currency,
                at=activity.at,
                expires_at=activity.expires_at,
                cause=activity.cause,
            )
        )
    if activity.expires_at > account.through and account.is_open:
        _reinstate(desk, book, activity)


def moves(lot: OpenLot | Allocation, activity: Activity) -> bool:
    """Say whether an activity moves the expiry of points that were there; paid ones stay."""
    there = lot.earned_at <= activity.at < lot.expires_at
    return there and lot.kind != "paid" and lot.expires_at < activity.expires_at


def _points_held(book: Book) -> Iterator[OpenLot | Allocation]:
    yield from book.lots
    for waiting in book.pending_lots:
        yield waiting.lot
    for reservation in book.reservations:
        yield from reservation.allocations


def _reinstate(desk: Desk, book: Book, activity: Activity) -> None:
    back = _together(one for one in activity.lost if moves(one, activity))
    allocations = tuple(
        msgspec.structs.replace(one, expires_at=activity.expires_at)
        for one in back
        if find_lot(book, one.lot) is None
    )
    if not allocations:
        return
    before = book.balance()
    desk.post(
        PointsReinstated(
            currency=activity.currency,
            at=activity.at,
            before=before,
            after=Balance(
                before.available + points_of(allocations), before.pending, before.reserved
            ),
            posting_id=activity.posting_id,
            cause=activity.cause,
            allocations=allocations,
            repaid=settle_by(allocations, book.overdrawn),
        )
    )
    lots = [one.lot for one in allocations]
    take_forgiven(desk, book, desk.account.through, b"", allocations, lots)


def _together(lost: Iterable[Allocation]) -> list[Allocation]:
    """Return one allocation a lot."""
    lots: dict[int, Allocation] = {}
    for one in lost:
        known = lots.get(one.lot)
        points = one.points + (known.points if known else 0)
        lots[one.lot] = msgspec.structs.replace(one, points=points)
    return list(lots.values())
