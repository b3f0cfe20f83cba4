"""Taking points back: claw-back by policy, what is left when an account closes, transfers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from domain.errors import Refused
from domain.ledger.booking import settle_by
from domain.ledger.commands import CloseAccount
from domain.ledger.decisions import (
    Balance,
    ExpiryReason,
    LedgerAccountClosed,
    PointsClawedBack,
    PointsTransferredIn,
    PointsTransferredOut,
)
from domain.ledger.desk import Desk
from domain.ledger.lots import Allocation, OpenLot, allocate, points_of
from domain.ledger.redeeming import POINTS_MAX, check_covered, check_open
from domain.ledger.timers import expire_all, put_back, run_timers

ClawBackPolicy = Literal["only_pending", "within_balance", "unlimited"]


class ClawBack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Points that were earned and are not deserved any more.

    Args:
        posting_id: of ruling 24.
        touchpoint: entry of what they had been earned by.
        cause: entry that makes the posting necessary.
        currency: of the points.
        at: value date, the instant of the cause.
        day: business day of the touchpoint.
        due: points to take, at least 1.
        lots: numbers of the lots that the touchpoint brought; they are taken first.
        policy: only what is pending, only what is there, or all of it, into debt.
        qualifying: whether the points had counted towards a tier.

    """

    posting_id: bytes
    touchpoint: bytes
    cause: bytes
    currency: str
    at: int
    day: int
    due: int
    lots: frozenset[int]
    policy: ClawBackPolicy = "within_balance"
    qualifying: bool = False


class Transfer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Points that go from one account to another.

    Args:
        transfer_id: 16 bytes.
        currency: of the points.
        points: how many.
        by: who asks.

    """

    transfer_id: bytes
    currency: str
    points: int
    by: str = ""


def claw_back(desk: Desk, claw: ClawBack) -> int:
    """Take undeserved points back, pending ones first and their own lots first; no timer runs.

    Points that are set aside or spent cannot be taken. ``only_pending`` and ``within_balance``
    forgive what is missing, but under the latter it is taken should points of the same lots come
    back: else one who redeems, returns, and undoes the redemption had points for nothing.

    Returns:
        The points that the policy forgives.

    """
    book = desk.account.book(claw.currency)
    own = [one.lot for one in book.pending_lots if one.lot.number in claw.lots]
    pending, short = allocate(sorted(own), claw.due)
    active: tuple[Allocation, ...] = ()
    uncovered = forgiven = 0
    if claw.policy != "only_pending":
        active, short = allocate(_preferred(book.lots, claw.lots), short)
        if claw.policy == "unlimited":
            uncovered, short = short, 0
        elif claw.lots:
            forgiven = short
    taken = points_of(active) + uncovered
    before = book.balance()
    desk.post(
        PointsClawedBack(
            currency=claw.currency,
            at=claw.at,
            before=before,
            after=Balance(
                before.available - taken, before.pending - points_of(pending), before.reserved
            ),
            posting_id=claw.posting_id,
            touchpoint=claw.touchpoint,
            cause=claw.cause,
            day=claw.day,
            due=claw.due,
            allocations=pending + active,
            uncovered=uncovered,
            forgiven=forgiven,
            lots=tuple(sorted(claw.lots)) if forgiven else (),
            qualifying=claw.qualifying,
        )
    )
    return short


def close(
    desk: Desk, command: CloseAccount, at: int, reason: ExpiryReason = "account_closed"
) -> None:
    """Close an account: reservations go back, and what is left expires.

    Raises:
        Refused: ``account_closed``.

    """
    account = desk.account
    check_open(account)
    at = max(at, account.through)
    run_timers(desk, at)
    for book in list(account.books):
        for reservation in list(book.reservations):
            put_back(desk, book, reservation, at, "released", command.by)
        expire_all(desk, book, at, reason)
    desk.post(LedgerAccountClosed(at=at, reason=command.reason, by=command.by))


def transfer(giver: Desk, taker: Desk, order: Transfer, at: int) -> None:
    """Let points go from one account to another, each lot with its own terms.

    Raises:
        Refused: ``account_closed``, ``points_invalid``, ``same_account`` or
            ``insufficient_points``.

    """
    source, target = giver.account, taker.account
    at = max(at, source.through, target.through)
    check_open(source)
    check_open(target)
    if source.id == target.id:
        raise Refused("same_account", "to_account: expected another account, found the same")
    if not 1 <= order.points <= POINTS_MAX:
        detail = f"points: expected 1 to {POINTS_MAX}, found {order.points}"
        raise Refused("points_invalid", detail)
    check_covered(source.book(order.currency), order.points, at)
    receive(taker, order, send(giver, order, target.id, at), source.id, at)


def send(giver: Desk, order: Transfer, to: bytes, at: int) -> tuple[Allocation, ...]:
    """Let points leave an account that holds them: the one half of a transfer.

    Args:
        giver: the account.
        order: what is asked; nothing of it is checked here.
        to: id of the account where they go.
        at: when; the account's timers run up to it.

    Returns:
        The lots they come from, each with its terms.

    """
    run_timers(giver, at)
    book = giver.account.book(order.currency)
    allocations, _ = allocate(book.lots, order.points)
    before = book.balance()
    giver.post(
        PointsTransferredOut(
            currency=order.currency,
            at=at,
            before=before,
            after=Balance(before.available - order.points, before.pending, before.reserved),
            transfer_id=order.transfer_id,
            to_account=to,
            allocations=allocations,
            by=order.by,
        )
    )
    return allocations


def receive(
    taker: Desk, order: Transfer, sent: tuple[Allocation, ...], giver: bytes, at: int
) -> None:
    """Let points that have left an account come into another: the other half of a transfer.

    Args:
        taker: the account.
        order: what is asked; nothing of it is checked here.
        sent: what has left the giver, together the points of the order.
        giver: id of the account they come from.
        at: when; the account's timers run up to it.

    """
    run_timers(taker, at)
    book = taker.account.book(order.currency)
    allocations = tuple(
        msgspec.structs.replace(one, lot=number) for number, one in enumerate(sent, book.next_lot)
    )
    before = book.balance()
    taker.post(
        PointsTransferredIn(
            currency=order.currency,
            at=at,
            before=before,
            after=Balance(before.available + order.points, before.pending, before.reserved),
            transfer_id=order.transfer_id,
            from_account=giver,
            allocations=allocations,
            repaid=settle_by(allocations, book.overdrawn),
            by=order.by,
        )
    )


def _preferred(lots: Iterable[OpenLot], own: frozenset[int]) -> list[OpenLot]:
    """Return lots, a touchpoint's own ones first, the others after them, each in their order."""
    return sorted(lots, key=lambda lot: (lot.number not in own, lot))
