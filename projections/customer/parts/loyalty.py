"""Loyalty: the mirrored accounts of a customer (ruling 23), by programme, source and number.

An ordered part: the state holds the statements of each account, and ``domain/loyalty`` folds them.
Movements with balances are told by :func:`domain.loyalty.history.statement_history`.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Literal

import msgspec

from domain.fact import Fact
from domain.instants import instant_of
from domain.loyalty.holdings import Holdings
from domain.loyalty.lots import NEVER
from domain.loyalty.mirrored import (
    Account,
    Book,
    Status,
    account_in,
    book_in,
    holdings_at,
    record_status,
    settle_book,
)
from domain.loyalty.statements import ADJUSTED, EARNED, EXPIRED, REDEEMED, Statement
from domain.touchpoints.loyalty import (
    AccountClosed,
    AccountOpened,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsRedeemed,
)
from projections.customer.part import Context, Part, Reading
from projections.customer.shown import moment, moment_or_never

_Stated = PointsEarned | PointsRedeemed | PointsExpired | PointsAdjusted

Flag = Literal[
    "awaiting_expiry",  # lots are past their date, and upstream has not stated their expiry
    "expiry_stated_unexpectedly",  # the programme says that upstream states none
    "moved_after_closing",
    "overdrawn",  # upstream took more than our lots hold
    "several_sources",  # another source speaks of the same account of the same programme
    "was_overdrawn",  # at some time; paid off or not
]
"""What somebody should look at."""


class LoyaltyState(msgspec.Struct, array_like=True, gc=False):
    """State of the part.

    Args:
        accounts: sorted by programme, source and number.

    """

    accounts: list[Account] = []


class NextExpiry(msgspec.Struct, frozen=True):
    """When points are lost next, pending ones included, and how many."""

    at: datetime
    points: int


class PointsBalance(msgspec.Struct, frozen=True, kw_only=True):
    """The points of an account in one currency.

    Args:
        currency: the programme's points currency.
        available: what can be spent.
        pending: earned, not active yet.
        withheld: active or pending on a closed account, which has nothing available.
        awaiting_expiry: past their date; upstream has not stated that they expired.
        overdrawn: taken by upstream, covered by nothing that it stated before.
        earned: total of all statements.
        redeemed: total of all statements.
        expired: total, stated by upstream or by our own timer.
        adjusted_up: total of the positive adjustments.
        adjusted_down: total of the negative adjustments, as a positive number.
        adjusted: the difference of the two.
        next_expiry: of the open lots of an open account.

    """

    currency: str
    available: int
    pending: int
    withheld: int
    awaiting_expiry: int
    overdrawn: int
    earned: int
    redeemed: int
    expired: int
    adjusted_up: int
    adjusted_down: int
    adjusted: int
    next_expiry: NextExpiry | None


class LoyaltyAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One mirrored account.

    Args:
        programme: code of the programme.
        source: who states it.
        account: the account's number.
        status: by the last opening or closing; open if there was none.
        opened_at: the first opening stated.
        closed_at: the last closing, of a closed account.
        balances: one for each currency.
        flags: what somebody should look at, sorted.
        statements: how many were stated, openings and closings included.
        first_statement_at: when the earliest of them happened.
        last_statement_at: when the latest of them happened.

    """

    programme: str
    source: str
    account: str
    status: Literal["open", "closed"]
    opened_at: datetime | None
    closed_at: datetime | None
    balances: list[PointsBalance]
    flags: list[Flag]
    statements: int
    first_statement_at: datetime
    last_statement_at: datetime


class LoyaltyDocument(msgspec.Struct, frozen=True):
    """The part as it is shown: all accounts of the customer; they never merge."""

    accounts: list[LoyaltyAccount]


def settle(state: LoyaltyState, horizon: int, context: Context) -> int | None:
    """Fold what is new, run activations and expiries up to and including the horizon.

    Args:
        state: changed in place.
        horizon: microseconds since 1970.
        context: says which programmes expire here.

    Returns:
        The instant of the next activation or expiry, or None.

    """
    earliest = NEVER
    for account in state.accounts:
        expires_here = _expires_here(context, account)
        for book in account.books:
            due = settle_book(book, horizon, expires_here=expires_here)
            if due is not None and due < earliest:
                earliest = due
    return earliest if earliest < NEVER else None


def render(state: LoyaltyState, reading: Reading) -> LoyaltyDocument:
    """Show a settled state, with the timers run up to ``reading.now``; it stays as it is."""
    accounts = state.accounts
    if len(accounts) == 1:
        return LoyaltyDocument([_shown(accounts[0], reading, alone=True)])
    speakers = Counter([(account.programme, account.number) for account in accounts])
    return LoyaltyDocument(
        [
            _shown(account, reading, alone=speakers[account.programme, account.number] == 1)
            for account in accounts
        ]
    )


def _opened(state: LoyaltyState, fact: Fact, touchpoint: AccountOpened, _context: Context) -> None:
    _record(state, fact, touchpoint, closed=False)


def _closed(state: LoyaltyState, fact: Fact, touchpoint: AccountClosed, _context: Context) -> None:
    _record(state, fact, touchpoint, closed=True)


def _earned(state: LoyaltyState, fact: Fact, touchpoint: PointsEarned, _context: Context) -> None:
    expires_at, active_from = touchpoint.expires_at, touchpoint.active_from
    _book(state, fact, touchpoint).fresh.append(
        Statement(
            fact.occurred_at,
            fact.sequence,
            fact.entry_id,
            EARNED,
            touchpoint.points,
            None if expires_at is None else instant_of(expires_at),
            None if active_from is None else instant_of(active_from),
        )
    )


def _redeemed(
    state: LoyaltyState, fact: Fact, touchpoint: PointsRedeemed, _context: Context
) -> None:
    _book(state, fact, touchpoint).fresh.append(
        Statement(fact.occurred_at, fact.sequence, fact.entry_id, REDEEMED, touchpoint.points)
    )


def _expired(state: LoyaltyState, fact: Fact, touchpoint: PointsExpired, _context: Context) -> None:
    _book(state, fact, touchpoint).fresh.append(
        Statement(fact.occurred_at, fact.sequence, fact.entry_id, EXPIRED, touchpoint.points)
    )


def _adjusted(
    state: LoyaltyState, fact: Fact, touchpoint: PointsAdjusted, _context: Context
) -> None:
    expires_at = touchpoint.expires_at
    _book(state, fact, touchpoint).fresh.append(
        Statement(
            fact.occurred_at,
            fact.sequence,
            fact.entry_id,
            ADJUSTED,
            touchpoint.points,
            None if expires_at is None else instant_of(expires_at),
        )
    )


def _record(
    state: LoyaltyState, fact: Fact, touchpoint: AccountOpened | AccountClosed, *, closed: bool
) -> None:
    key = (touchpoint.programme, fact.source, touchpoint.account)
    status = Status(fact.occurred_at, fact.sequence, fact.entry_id, closed)
    record_status(account_in(state.accounts, key), status)


def _book(state: LoyaltyState, fact: Fact, touchpoint: _Stated) -> Book:
    key = (touchpoint.programme, fact.source, touchpoint.account)
    return book_in(account_in(state.accounts, key), touchpoint.currency)


def _expires_here(context: Context, account: Account) -> bool:
    return not context.loyalty.programme(account.programme).upstream_states_expiry


def _shown(account: Account, reading: Reading, *, alone: bool) -> LoyaltyAccount:
    expires_here = _expires_here(reading.context, account)
    held = [holdings_at(book, reading.now, expires_here=expires_here) for book in account.books]
    statuses, closed = account.statuses, account.closed
    opened = next((status.at for status in statuses if not status.closed), None)
    moments = [status.at for status in statuses]
    count = len(statuses)
    for book in account.books:
        count += book.count
        moments.append(book.first_at)
        if book.latest is not None:
            moments.append(book.latest.at)
    return LoyaltyAccount(
        programme=account.programme,
        source=account.source,
        account=account.number,
        status="closed" if closed else "open",
        opened_at=moment_or_never(opened),
        closed_at=moment(statuses[-1].at) if closed else None,
        balances=[
            _balance(book.currency, holdings, closed=closed)
            for book, holdings in zip(account.books, held, strict=True)
        ],
        flags=_flags(account, held, alone=alone, expires_here=expires_here),
        statements=count,
        first_statement_at=moment(min(moments)),
        last_statement_at=moment(max(moments)),
    )


def _balance(currency: str, holdings: Holdings, *, closed: bool) -> PointsBalance:
    return PointsBalance(
        currency=currency,
        available=0 if closed else holdings.available,
        pending=0 if closed else holdings.pending,
        withheld=holdings.available + holdings.pending if closed else 0,
        awaiting_expiry=holdings.awaiting_expiry,
        overdrawn=holdings.overdrawn,
        earned=holdings.earned,
        redeemed=holdings.redeemed,
        expired=holdings.expired_as_stated + holdings.expired_by_date,
        adjusted_up=holdings.adjusted_up,
        adjusted_down=holdings.adjusted_down,
        adjusted=holdings.adjusted_up - holdings.adjusted_down,
        next_expiry=None if closed else _next_expiry(holdings),
    )


def _next_expiry(holdings: Holdings) -> NextExpiry | None:
    lots = holdings.lots
    if holdings.pending_lots:
        lots = lots + [waiting.lot for waiting in holdings.pending_lots]
    at = min([lot.expires_at for lot in lots], default=NEVER)
    if at == NEVER:
        return None
    return NextExpiry(moment(at), sum([lot.remaining for lot in lots if lot.expires_at == at]))


def _flags(
    account: Account, held: list[Holdings], *, alone: bool, expires_here: bool
) -> list[Flag]:
    raised: set[Flag] = set() if alone else {"several_sources"}
    for holdings in held:
        if holdings.awaiting_expiry:
            raised.add("awaiting_expiry")
        if expires_here and holdings.expired_as_stated:
            raised.add("expiry_stated_unexpectedly")
        if holdings.overdrawn:
            raised.add("overdrawn")
        if holdings.uncovered:
            raised.add("was_overdrawn")
    if account.closed and _moved_after_closing(account):
        raised.add("moved_after_closing")
    return sorted(raised)


def _moved_after_closing(account: Account) -> bool:
    closing = account.statuses[-1]
    closed = (closing.at, closing.sequence, closing.entry_id)
    latest = [book.latest for book in account.books if book.latest is not None]
    return any((last.at, last.sequence, last.entry_id) > closed for last in latest)


PART = Part(
    name="loyalty",
    version=1,
    kind="ordered",
    state=LoyaltyState,
    handlers={
        AccountOpened: _opened,
        AccountClosed: _closed,
        PointsEarned: _earned,
        PointsRedeemed: _redeemed,
        PointsExpired: _expired,
        PointsAdjusted: _adjusted,
    },
    render=render,
    settle=settle,
)
