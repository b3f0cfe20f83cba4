"""Redeeming: reserve, capture, release, redeem at once, reverse.

Whoever asks does so at an instant; the account's timers run up to it first, so a lot that has
expired by then is never taken, whatever the timekeeper did. What cannot be done is refused before
anything has changed: an account that refuses is the account it was.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from domain.errors import Refused
from domain.instants import SECOND
from domain.ledger.account import Account, Book, Redemption, Reservation
from domain.ledger.booking import as_it_is, find_reservation, part_of, settle_by
from domain.ledger.commands import Capture, Redeem, Release, Reserve, Reverse
from domain.ledger.decisions import (
    Balance,
    RedemptionCaptured,
    RedemptionMade,
    RedemptionReserved,
    RedemptionReversed,
)
from domain.ledger.desk import Desk
from domain.ledger.lots import Allocation, allocate, points_of
from domain.ledger.timers import (
    available_at,
    expire_all,
    put_back,
    run_timers,
    take_forgiven,
)

POINTS_MAX: Final = 10**12


class RedemptionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the programme says of redeeming.

    Args:
        minimum: least points of a redemption.
        step: points are redeemed in multiples of this.
        reservation_seconds: how long points stay reserved where nobody says otherwise.
        expired_lots: what becomes of points that come back when their lot has expired.
        reissue_seconds: how long points live that are given back anew.

    """

    minimum: int = 1
    step: int = 1
    reservation_seconds: int = 900
    expired_lots: Literal["forfeit", "reissue"] = "forfeit"
    reissue_seconds: int = 30 * 86_400


DEFAULT_TERMS: Final = RedemptionTerms()


def reserve(desk: Desk, command: Reserve, at: int, terms: RedemptionTerms = DEFAULT_TERMS) -> None:
    """Set points aside.

    Args:
        desk: the account.
        command: what is asked.
        at: now, microseconds since 1970.
        terms: of the programme.

    Raises:
        Refused: ``account_closed``, ``points_invalid``, ``redemption_known``, ``until_passed`` or
            ``insufficient_points``.

    """
    account = desk.account
    at = max(at, account.through)
    points = command.points
    until = command.until
    if until is None:
        until = at + terms.reservation_seconds * SECOND
    check_open(account)
    _check_points(points, terms)
    _check_new(account, command.redemption_id)
    if until <= at:
        raise Refused("until_passed", f"until: expected an instant after {at}, found {until}")
    check_covered(account.book(command.currency), points, at)
    run_timers(desk, at)
    book = account.book(command.currency)
    allocations, _ = allocate(book.lots, points)
    before = book.balance()
    desk.post(
        RedemptionReserved(
            currency=book.currency,
            at=at,
            before=before,
            after=Balance(before.available - points, before.pending, before.reserved + points),
            redemption_id=command.redemption_id,
            points=points,
            until=until,
            allocations=allocations,
            reward=command.reward,
            reference=command.reference,
            by=command.by,
        )
    )


def capture(desk: Desk, command: Capture, at: int) -> None:
    """Redeem points that were reserved.

    Raises:
        Refused: ``not_reserved`` or ``points_invalid``.

    """
    account = desk.account
    at = max(at, account.through)
    book, reservation = _reservation(account, command.redemption_id, at)
    held = points_of(reservation.allocations)
    wanted = held if command.points is None else command.points
    _check_part(wanted, held, "reserved")
    run_timers(desk, at)
    before = book.balance()
    desk.post(
        RedemptionCaptured(
            currency=book.currency,
            at=at,
            before=before,
            after=Balance(before.available, before.pending, before.reserved - wanted),
            redemption_id=command.redemption_id,
            points=wanted,
            allocations=part_of(reservation.allocations, wanted),
            by=command.by,
        )
    )
    rest = find_reservation(book, command.redemption_id)
    if command.final and rest is not None:
        put_back(desk, book, rest, at, "rest", command.by)


def release(desk: Desk, command: Release, at: int) -> None:
    """Let reserved points go back.

    Raises:
        Refused: ``not_reserved``.

    """
    account = desk.account
    at = max(at, account.through)
    book, reservation = _reservation(account, command.redemption_id, at)
    run_timers(desk, at)
    put_back(desk, book, reservation, at, "released", command.by)


def redeem(desk: Desk, command: Redeem, at: int, terms: RedemptionTerms = DEFAULT_TERMS) -> int:
    """Redeem points at once: never more than there are, unless it has happened already.

    Returns:
        The points that nothing covered: raise an alarm if there are any.

    Raises:
        Refused: ``account_unknown``, ``points_invalid``, ``redemption_known``; unless it happened
            elsewhere ``account_closed`` or ``insufficient_points``.

    """
    account = desk.account
    at = max(at, account.through)
    points = command.points
    _check_points(points, DEFAULT_TERMS if command.elsewhere else terms)
    _check_new(account, command.redemption_id)
    if not command.elsewhere or not account.programme:
        check_open(account)
        check_covered(account.book(command.currency), points, at)
    run_timers(desk, at)
    book = account.book(command.currency)
    allocations, uncovered = allocate(book.lots, points)
    before = book.balance()
    desk.post(
        RedemptionMade(
            currency=book.currency,
            at=at,
            before=before,
            after=Balance(before.available - points, before.pending, before.reserved),
            redemption_id=command.redemption_id,
            points=points,
            allocations=allocations,
            uncovered=uncovered,
            elsewhere=command.elsewhere,
            reward=command.reward,
            reference=command.reference,
            by=command.by,
        )
    )
    return uncovered


def reverse(desk: Desk, command: Reverse, at: int, terms: RedemptionTerms = DEFAULT_TERMS) -> None:
    """Undo a redemption, all or part: points go back to their lots, the last taken first.

    What no lot had covered is taken off what is owed. Points of lots that have expired meanwhile
    are forfeited, or given back in a new lot, as the programme says. What a claw-back had found
    spent is taken from what comes back. Nothing stays in an account that is closed.

    Args:
        desk: the account, its ``redemptions`` holding the one that is asked about.
        command: what is asked.
        at: now, microseconds since 1970.
        terms: of the programme.

    Raises:
        Refused: ``not_redeemed`` or ``points_invalid``.

    """
    account = desk.account
    at = max(at, account.through)
    redemption = account.redemptions.get(command.redemption_id)
    left = 0 if redemption is None else points_of(redemption.redeemed) + redemption.uncovered
    if redemption is None or not left:
        detail = "redemption: expected one that was captured and not reversed, found none"
        raise Refused("not_redeemed", detail)
    wanted = left if command.points is None else command.points
    _check_part(wanted, left, "left of it")
    run_timers(desk, at)
    _reverse(desk, redemption, wanted, at, command.by, terms)


def _reverse(
    desk: Desk, redemption: Redemption, points: int, at: int, by: str, terms: RedemptionTerms
) -> None:
    book = desk.account.book(redemption.currency)
    unowed = min(points, redemption.uncovered, book.overdrawn)
    repaid_since = min(points, redemption.uncovered) - unowed
    chosen = [
        as_it_is(book, one, redemption.redeemed)
        for one in part_of(reversed(redemption.redeemed), points - unowed - repaid_since)
    ]
    back = [one for one in chosen if one.expires_at > at]
    gone = [one for one in chosen if one.expires_at <= at]
    origins = [one.lot for one in back]
    forfeited: tuple[Allocation, ...] = ()
    fresh = book.next_lot
    until = at + terms.reissue_seconds * SECOND
    if terms.expired_lots == "forfeit":
        forfeited = tuple(gone)
    else:
        for one in gone:
            back.append(msgspec.structs.replace(one, lot=fresh, expires_at=until))
            origins.append(one.lot)
            fresh += 1
    if repaid_since:
        # Later points have paid this debt; they come back as points of their own.
        back.append(Allocation(fresh, repaid_since, until, at))
        origins.append(fresh)
    before = book.balance()
    after = before.available + points - points_of(forfeited)
    desk.post(
        RedemptionReversed(
            currency=book.currency,
            at=at,
            before=before,
            after=Balance(after, before.pending, before.reserved),
            redemption_id=redemption.redemption_id,
            points=points,
            allocations=tuple(back),
            forfeited=forfeited,
            uncovered=unowed,
            repaid=settle_by(back, book.overdrawn - unowed),
            by=by,
        )
    )
    take_forgiven(desk, book, at, redemption.redemption_id, back, origins)
    if not desk.account.is_open:
        expire_all(desk, book, at, "account_closed")


def _reservation(account: Account, redemption_id: bytes, at: int) -> tuple[Book, Reservation]:
    for book in account.books:
        reservation = find_reservation(book, redemption_id)
        if reservation is not None and reservation.until > at:
            return book, reservation
    detail = (
        "redemption: expected points that are reserved under this id, found none; they were "
        "captured, released or timed out, or never reserved"
    )
    raise Refused("not_reserved", detail)


def check_open(account: Account) -> None:
    """Refuse ``account_closed`` or ``account_unknown`` unless postings may be asked of it."""
    if not account.is_open:
        state = "closed" if account.programme else "unknown"
        raise Refused(f"account_{state}", f"account: expected an open one, found it {state}")


def _check_points(points: int, terms: RedemptionTerms) -> None:
    least = max(1, terms.minimum)
    if not least <= points <= POINTS_MAX or points % terms.step:
        detail = (
            f"points: expected {least} to {POINTS_MAX} in steps of {terms.step}, found {points}"
        )
        raise Refused("points_invalid", detail)


def _check_part(points: int, held: int, what: str) -> None:
    if not 1 <= points <= held:
        detail = f"points: expected 1 to {held}, which are {what}, found {points}"
        raise Refused("points_invalid", detail)


def _check_new(account: Account, redemption_id: bytes) -> None:
    known = redemption_id in account.redemptions or any(
        find_reservation(book, redemption_id) for book in account.books
    )
    if known:
        detail = "redemption: expected an id of its own, found it taken; repeat with the same key"
        raise Refused("redemption_known", detail)


def check_covered(book: Book, points: int, at: int) -> None:
    """Refuse ``insufficient_points`` unless so many will be available at an instant."""
    available = available_at(book, at)
    if available < points:
        detail = (
            f"points: expected at most {max(available, 0)}, which are available, found {points}"
        )
        raise Refused("insufficient_points", detail)
