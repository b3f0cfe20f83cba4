"""Crediting: points come in as lots, by a rule, from another system, or by a person's decision.

A lot whose time begins after the account's own time is pending; the account's time is the instant
up to which its timers have run, so what a credit does hangs on the log alone, on no clock. Points
that become available pay off first what is overdrawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.errors import Refused
from domain.ledger.account import Book
from domain.ledger.booking import settle_by
from domain.ledger.commands import Adjust, SetOpeningBalance
from domain.ledger.decisions import (
    Balance,
    BalanceAdjusted,
    OpeningBalanceSet,
    PointsAccrued,
)
from domain.ledger.desk import Desk
from domain.ledger.lots import Allocation, OpenLot, allocate, lot_of
from domain.ledger.redeeming import POINTS_MAX, check_covered, check_open
from domain.ledger.terms import NEVER, LotTerms, Share, Standing
from domain.ledger.timers import run_timers

LOTS_MAX = 1_000


class Accrual(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Points that rules award.

    Args:
        posting_id: of ruling 24.
        touchpoint: entry of what they are earned by.
        cause: entry that makes the posting necessary.
        currency: of the points.
        at: value date, the touchpoint's instant.
        day: its business day.
        version: name of the programme's version whose rules give them.
        shares: one lot each.
        standing: what the rules were told.
        qualifying: whether the points count towards a tier.

    """

    posting_id: bytes
    touchpoint: bytes
    cause: bytes
    currency: str
    at: int
    day: int
    version: str
    shares: tuple[Share, ...]
    standing: Standing = Standing()
    qualifying: bool = False


def accrue(desk: Desk, accrual: Accrual) -> None:
    """Credit points that rules award.

    No timer runs beyond the account's own time, but what has expired by then expires at once; it
    pays off first what is owed, as it would have done had it been known earlier.
    """
    book = desk.account.book(accrual.currency)
    credit = _Credit(book, accrual.shares, accrual.at, desk.account.through)
    desk.post(
        PointsAccrued(
            currency=accrual.currency,
            at=accrual.at,
            before=credit.before,
            after=credit.after,
            posting_id=accrual.posting_id,
            touchpoint=accrual.touchpoint,
            cause=accrual.cause,
            version=accrual.version,
            day=accrual.day,
            shares=accrual.shares,
            first_lot=book.next_lot,
            standing=accrual.standing,
            qualifying=accrual.qualifying,
            repaid=credit.repaid,
        )
    )
    run_timers(desk, desk.account.through)


def set_opening_balance(desk: Desk, command: SetOpeningBalance, at: int) -> None:
    """Enter what another system held, before anything else is booked in that currency.

    Raises:
        Refused: ``account_closed``, ``not_opening`` or ``points_invalid``.

    """
    account = desk.account
    check_open(account)
    book = account.book(command.currency)
    if book.next_lot > 1 or book.overdrawn:
        detail = f"opening balance: expected no posting in {command.currency} yet, found some"
        raise Refused("not_opening", detail)
    if not 1 <= len(command.lots) <= LOTS_MAX:
        raise Refused(
            "points_invalid", f"lots: expected 1 to {LOTS_MAX}, found {len(command.lots)}"
        )
    for place, lot in enumerate(command.lots):
        if not 1 <= lot.points <= POINTS_MAX:
            detail = f"lots[{place}].points: expected 1 to {POINTS_MAX}, found {lot.points}"
            raise Refused("points_invalid", detail)
    at = max(at, account.through)
    run_timers(desk, at)
    for lot in command.lots:
        terms = LotTerms(
            lot.earned_at if lot.active_from is None else lot.active_from,
            NEVER if lot.expires_at is None else lot.expires_at,
            lot.kind,
            lot.issuer,
        )
        _open_lot(
            desk, command.currency, Share("opening", lot.points, terms), lot.earned_at,
            command.reference, command.by,
        )  # fmt: skip
    run_timers(desk, at)


def reopen(desk: Desk, recorded: OpeningBalanceSet) -> None:
    """Enter a recorded opening balance again, in a replay in which the account may stand otherwise.

    No timer runs: they had run before its first lot, and run again only behind its last one.
    """
    for share in recorded.shares:
        _open_lot(desk, recorded.currency, share, recorded.at, recorded.reference, recorded.by)


def adjust(desk: Desk, command: Adjust, at: int) -> None:
    """Give or take points by a person's decision.

    Raises:
        Refused: ``account_closed``, ``points_invalid``, ``four_eyes``, ``expiry_passed`` or
            ``insufficient_points``.

    """
    account = desk.account
    at = max(at, account.through)
    check_open(account)
    _check_adjustment(command, at)
    book = account.book(command.currency)
    if command.points < 0 and not command.overdraw:
        check_covered(book, -command.points, at)
    run_timers(desk, at)
    book = account.book(command.currency)
    if command.points > 0:
        _give(desk, book, command, at)
    else:
        _take(desk, book, command, at)


def _open_lot(
    desk: Desk, currency: str, share: Share, earned_at: int, reference: str, by: str
) -> None:
    book = desk.account.book(currency)
    shares = (share,)
    credit = _Credit(book, shares, earned_at, desk.account.through)
    desk.post(
        OpeningBalanceSet(
            currency=currency,
            at=earned_at,
            before=credit.before,
            after=credit.after,
            shares=shares,
            first_lot=book.next_lot,
            reference=reference,
            by=by,
            repaid=credit.repaid,
        )
    )


class _Credit:
    """The balance before and after lots are opened, and what they pay off."""

    def __init__(self, book: Book, shares: Sequence[Share], at: int, through: int) -> None:
        self.before = book.balance()
        active: list[OpenLot] = []
        pending = 0
        for number, share in enumerate(shares, book.next_lot):
            if share.terms.active_from > through:
                pending += share.points
            else:
                active.append(lot_of(number, share.points, at, share.terms))
        available = sum(lot.remaining for lot in active)
        before = self.before
        self.after = Balance(
            before.available + available, before.pending + pending, before.reserved
        )
        self.repaid: tuple[Allocation, ...] = settle_by(active, book.overdrawn)


def _give(desk: Desk, book: Book, command: Adjust, at: int) -> None:
    expires_at = NEVER if command.expires_at is None else command.expires_at
    share = Share("adjustment", command.points, LotTerms(at, expires_at, command.kind))
    credit = _Credit(book, (share,), at, at)
    desk.post(
        BalanceAdjusted(
            currency=command.currency,
            at=at,
            before=credit.before,
            after=credit.after,
            adjustment_id=command.adjustment_id,
            reason=command.reason,
            by=command.by,
            approved_by=command.approved_by,
            share=share,
            first_lot=book.next_lot,
            repaid=credit.repaid,
            cause=command.cause,
        )
    )


def _take(desk: Desk, book: Book, command: Adjust, at: int) -> None:
    points = -command.points
    allocations, uncovered = allocate(book.lots, points)
    before = book.balance()
    desk.post(
        BalanceAdjusted(
            currency=command.currency,
            at=at,
            before=before,
            after=Balance(before.available - points, before.pending, before.reserved),
            adjustment_id=command.adjustment_id,
            reason=command.reason,
            by=command.by,
            approved_by=command.approved_by,
            allocations=allocations,
            uncovered=uncovered,
            cause=command.cause,
        )
    )


def _check_adjustment(command: Adjust, at: int) -> None:
    if not 1 <= abs(command.points) <= POINTS_MAX:
        detail = f"points: expected 1 to {POINTS_MAX} to give or take, found {command.points}"
        raise Refused("points_invalid", detail)
    if not command.by or not command.approved_by or command.by == command.approved_by:
        detail = "adjustment: expected two different persons, one who asks and one who approves"
        raise Refused("four_eyes", detail)
    if command.expires_at is not None and command.expires_at <= at:
        detail = f"expires_at: expected an instant after {at}, found {command.expires_at}"
        raise Refused("expiry_passed", detail)
