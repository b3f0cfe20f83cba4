"""Totals: a second bookkeeping that reads what decisions say, and finds what they say wrongly."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from domain.decisions.base import Decision
from domain.decisions.clock import TimeAdvanced
from domain.errors import Refused
from domain.ledger import decisions as made
from domain.ledger.account import Account, UnbalancedLedgerError
from domain.ledger.commands import (
    Adjust,
    Capture,
    CloseAccount,
    OpeningLot,
    Redeem,
    Reserve,
    Reverse,
    SetOpeningBalance,
)
from domain.ledger.crediting import Accrual, accrue
from domain.ledger.decisions import (
    Balance,
    PointsAccrued,
    PointsReinstated,
    Posting,
    RedemptionMade,
)
from domain.ledger.desk import Desk
from domain.ledger.handling import handle
from domain.ledger.lots import Allocation
from domain.ledger.opening import open_account
from domain.ledger.taking import ClawBack, ClawBackPolicy, Transfer, claw_back, transfer
from domain.ledger.terms import NEVER, LotTerms, Share
from domain.ledger.timers import run_timers
from domain.ledger.totals import _NOMINAL, Totals

_ONE, _TWO, _THREE = b"1" * 16, b"2" * 16, b"3" * 16


def _opened(name: bytes) -> Desk:
    desk = Desk(Account(name * 16))
    open_account(desk, "club", b"p" * 16, 0)
    return desk


def _earned(desk: Desk, points: int, active_from: int, expires_at: int) -> None:
    accrual = Accrual(
        posting_id=_ONE, touchpoint=_ONE, cause=_ONE, currency="points", at=0, day=0, version="v1",
        shares=(Share("base", points, LotTerms(active_from, expires_at)),),
    )  # fmt: skip
    accrue(desk, accrual)


def _claw(desk: Desk, due: int, policy: ClawBackPolicy) -> None:
    claw_back(
        desk,
        ClawBack(
            posting_id=_TWO, touchpoint=_ONE, cause=_TWO, currency="points", at=60, day=0, due=due,
            lots=frozenset({1, 2}), policy=policy,
        ),
    )  # fmt: skip


def _forgiven() -> Desk:
    """An account whose undeserved points are spent, given back, and taken; others come too late."""
    desk = _opened(b"c")
    _earned(desk, 10, 0, NEVER)
    handle(desk, Redeem(redemption_id=_ONE, currency="points", points=10), 10)
    _claw(desk, 10, "within_balance")
    handle(desk, Reverse(redemption_id=_ONE), 61)
    _earned(desk, 4, 0, 62)
    handle(desk, Redeem(redemption_id=_TWO, currency="points", points=1), 61)
    with pytest.raises(Refused):
        handle(desk, Redeem(redemption_id=_THREE, currency="points", points=1), 62)
    run_timers(desk, 62)
    desk.post(
        PointsReinstated(
            currency="points", at=63, before=Balance(), after=Balance(3), posting_id=_THREE,
            cause=_THREE, allocations=(Allocation(2, 3, 99, 0),),
        )
    )  # fmt: skip
    return desk


def history() -> list[tuple[bytes, Decision]]:
    """Three accounts to which everything happens that can happen."""
    giver, taker = _opened(b"a"), _opened(b"b")
    opening = SetOpeningBalance(
        currency="points", reference="s", lots=(OpeningLot(points=40, earned_at=0),)
    )
    handle(taker, opening, 1)
    _earned(giver, 100, 10, NEVER)
    _earned(giver, 50, 0, 30)
    handle(giver, Reserve(redemption_id=_ONE, currency="points", points=20, until=90), 5)
    handle(giver, Reserve(redemption_id=_TWO, currency="points", points=10, until=40), 6)
    handle(giver, Capture(redemption_id=_ONE, points=15), 20)
    handle(giver, Redeem(redemption_id=_THREE, currency="points", points=10), 50)
    handle(giver, Reverse(redemption_id=_ONE), 51)
    transfer(giver, taker, Transfer(transfer_id=_ONE, currency="points", points=5), 52)
    adjust = Adjust(adjustment_id=_ONE, currency="points", points=7, reason="r", by="a",
        approved_by="b")  # fmt: skip
    handle(taker, adjust, 53)
    handle(taker, msgspec.structs.replace(adjust, points=-60, overdraw=True), 54)
    elsewhere = Redeem(redemption_id=_TWO, currency="points", points=9, elsewhere=True)
    handle(taker, elsewhere, 55)
    _claw(giver, 300, "unlimited")
    handle(taker, CloseAccount(reason="done"), 70)
    desks = (giver, taker, _forgiven())
    return [(desk.account.id, decision) for desk in desks for decision in desk.decisions]


def test_all_books_together_are_zero_after_every_decision() -> None:
    totals = Totals()
    for _, decision in history():
        totals.book(decision)  # raises if not
    books = totals.books["points"]
    assert 0 == sum(books.values())
    assert (-164, 0) == (books["issued"], books["transferred"])
    assert {"expired", "redeemed", "clawed_back", "adjusted"} <= books.keys()


def test_the_nominal_books_are_those_of_the_accounts_with_the_sign_turned() -> None:
    totals = Totals()
    accounts: dict[bytes, Account] = {}
    for account_id, decision in history():
        totals.book(decision)
        account = accounts.setdefault(account_id, Account(account_id))
        Desk(account).post(decision)
    books = [account.book("points") for account in accounts.values()]
    for name, sign in (
        ("available", 1), ("pending", 1), ("reserved", 1), ("issued", -1), ("redeemed", 1),
        ("expired", 1), ("clawed_back", 1), ("adjusted", -1), ("transferred", -1),
    ):  # fmt: skip
        expected = sign * sum(getattr(book, name) for book in books)
        assert expected == totals.books["points"].get(name, 0), name  # type: ignore[call-overload]


@pytest.mark.parametrize("place", range(len(history())))
def test_a_posting_whose_balance_and_lots_disagree_is_found(place: int) -> None:
    decisions = [decision for _, decision in history()]
    decision = decisions[place]
    if not isinstance(decision, Posting):
        return
    after = decision.after
    wrong = msgspec.structs.replace(
        decision, after=Balance(after.available + 1, after.pending, after.reserved)
    )
    totals = Totals()
    for one in decisions[:place]:
        totals.book(one)
    with pytest.raises(UnbalancedLedgerError, match="to be zero together after it, found 1:"):
        totals.book(wrong)


def test_points_that_come_from_nowhere_are_found() -> None:
    made_up = RedemptionMade(
        currency="points", at=0, before=Balance(5), after=Balance(2), redemption_id=_ONE, points=3,
        allocations=(Allocation(1, 2, NEVER, 0),),
    )  # fmt: skip
    with pytest.raises(UnbalancedLedgerError):
        Totals().book(made_up)


def test_currencies_have_books_of_their_own_and_other_decisions_none() -> None:
    totals = Totals()
    for currency, points in (("points", 5), ("miles", 7)):
        share = (Share("base", points, LotTerms(0, NEVER)),)
        totals.book(
            PointsAccrued(
                currency=currency, at=0, before=Balance(), after=Balance(points), posting_id=_ONE,
                touchpoint=_ONE, cause=_ONE, version="v1", day=0, shares=share, first_lot=1,
            )
        )  # fmt: skip
    totals.book(TimeAdvanced(to=5))
    assert 3 == totals.decisions
    assert [-5, -7] == [totals.books[currency]["issued"] for currency in ("points", "miles")]


def test_every_posting_is_known_to_the_totals_and_happens_in_the_history() -> None:
    postings = {kind for kind in get_args(made.AccountDecision) if issubclass(kind, Posting)}
    assert postings == set(_NOMINAL)
    assert postings == {
        type(decision) for _, decision in history() if isinstance(decision, Posting)
    }


def test_an_account_is_opened_once_and_stays_closed() -> None:
    desk = _opened(b"a")
    with pytest.raises(Refused, match="account_exists"):
        open_account(desk, "club", b"p" * 16, 1)
    handle(desk, CloseAccount(reason="done"), 2)
    with pytest.raises(Refused, match="account_closed"):
        open_account(desk, "club", b"p" * 16, 3)
    with pytest.raises(Refused, match="programme_unknown"):
        open_account(Desk(Account(_ONE)), "", b"p" * 16, 3)
