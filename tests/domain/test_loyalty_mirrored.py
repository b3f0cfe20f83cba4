"""A mirrored book of points: hand-computed cases, one rule each."""

from typing import Any

import msgspec
import pytest

from domain.loyalty.holdings import Holdings, UnbalancedBookError
from domain.loyalty.lots import Lot
from domain.loyalty.mirrored import Book, UnsettledBookError, holdings_at, settle_book
from domain.loyalty.statements import (
    ADJUSTED,
    EARNED,
    EXPIRED,
    REDEEMED,
    Statement,
    StatementsUnreadableError,
)


def stated(
    at: int,
    kind: int,
    points: int,
    expires_at: int | None = None,
    active_from: int | None = None,
    tie: int = 0,
) -> Statement:
    identity = at.to_bytes(8, "big") + bytes([tie]) + bytes([kind]) * 7
    return Statement(at, -1, identity, kind, points, expires_at, active_from)


def earned(
    at: int,
    points: int,
    expires_at: int | None = None,
    active_from: int | None = None,
    tie: int = 0,
) -> Statement:
    return stated(at, EARNED, points, expires_at, active_from, tie)


def redeemed(at: int, points: int, tie: int = 0) -> Statement:
    return stated(at, REDEEMED, points, tie=tie)


def expired(at: int, points: int, tie: int = 0) -> Statement:
    return stated(at, EXPIRED, points, tie=tie)


def adjusted(at: int, points: int, expires_at: int | None = None, tie: int = 0) -> Statement:
    return stated(at, ADJUSTED, points, expires_at, tie=tie)


def book_of(*statements: Statement, horizon: int = 0, here: bool = True) -> Book:
    book = Book("points", fresh=list(statements))
    settle_book(book, horizon, expires_here=here)
    return book


def held(*statements: Statement, horizon: int = 0, here: bool = True) -> Holdings:
    return book_of(*statements, horizon=horizon, here=here).holdings


def open_lots(holdings: Holdings) -> list[tuple[int, int]]:
    return [(lot.ordinal, lot.remaining) for lot in holdings.lots]


def balances(holdings: Holdings) -> tuple[int, int, int, int]:
    return (
        holdings.available,
        holdings.pending,
        holdings.awaiting_expiry,
        holdings.overdrawn,
    )


def test_a_redemption_burns_the_earliest_expiry_first_and_lots_without_expiry_last() -> None:
    holdings = held(
        earned(1, 100),
        earned(2, 100, expires_at=900),
        earned(3, 100, expires_at=800),
        redeemed(4, 230),
    )

    assert [(0, 70)] == open_lots(holdings)
    assert (70, 0, 0, 0) == balances(holdings)


def test_of_lots_that_expire_together_the_oldest_burns_first() -> None:
    holdings = held(earned(2, 10, 900), earned(1, 10, 900), redeemed(3, 15))

    assert [(1, 5)] == open_lots(holdings)


def test_of_lots_of_equal_expiry_and_age_the_first_by_ruling_5_burns_first() -> None:
    later, sooner = earned(1, 10, 900, tie=2), earned(1, 20, 900, tie=1)

    holdings = held(later, sooner, redeemed(3, 15))

    assert [(0, 5), (1, 10)] == open_lots(holdings)


def test_an_older_lot_that_becomes_active_later_still_burns_before_a_younger_one() -> None:
    holdings = held(earned(1, 10, 900, active_from=50), earned(2, 10, 900), redeemed(60, 4))

    assert [(0, 6), (1, 10)] == open_lots(holdings)


@pytest.mark.parametrize(
    ("at", "expected"), [(49, (0, 90, 0, 20)), (50, (70, 0, 0, 0)), (51, (70, 0, 0, 0))]
)
def test_a_lot_can_be_redeemed_from_its_first_active_instant_on(
    at: int, expected: tuple[int, ...]
) -> None:
    holdings = held(earned(1, 90, active_from=50), redeemed(at, 20), horizon=at)

    assert expected == balances(holdings)


@pytest.mark.parametrize(("at", "expected"), [(79, (0, 0)), (80, (60, 90)), (81, (60, 90))])
def test_a_redemption_ignores_lots_that_expire_at_its_own_instant(
    at: int, expected: tuple[int, ...]
) -> None:
    holdings = held(earned(1, 90, expires_at=80), redeemed(at, 60))

    assert expected == (holdings.overdrawn, holdings.expired_by_date)


def test_activation_and_expiry_need_no_statement_only_time() -> None:
    book = book_of(earned(1, 90, expires_at=80, active_from=50))
    told = []

    for horizon in (49, 50, 79, 80):
        due = settle_book(book, horizon, expires_here=True)
        told.append((due, balances(book.holdings), book.holdings.expired_by_date))

    expected = [
        (50, (0, 90, 0, 0), 0),
        (80, (90, 0, 0, 0), 0),
        (80, (90, 0, 0, 0), 0),
        (None, (0, 0, 0, 0), 90),
    ]
    assert expected == told


def test_where_upstream_states_expiry_a_lot_past_its_date_waits_for_its_word_unavailable() -> None:
    waiting = held(earned(1, 90, 80), earned(2, 50), horizon=80, here=False)
    done = held(earned(1, 90, 80), earned(2, 50), expired(81, 90), horizon=99, here=False)

    assert (50, 0, 90, 0) == balances(waiting)
    assert (50, 0, 0, 0) == balances(done)
    assert (90, 0) == (done.expired_as_stated, done.expired_by_date)


def test_an_expiry_stated_before_the_date_takes_the_lot_nearest_to_it() -> None:
    holdings = held(earned(1, 50), earned(2, 90, 80), expired(70, 90), horizon=99, here=False)

    assert (50, 0, 0, 0) == balances(holdings)
    assert [(0, 50)] == open_lots(holdings)


def test_an_expiry_takes_what_is_past_its_date_then_active_then_pending_lots() -> None:
    statements = (earned(1, 10, 20), earned(2, 10), earned(3, 10, active_from=90))

    def left(points: int) -> tuple[int, int, int, int]:
        return balances(held(*statements, expired(30, points), here=False))

    assert (10, 10, 4, 0) == left(6)
    assert (4, 10, 0, 0) == left(16)
    assert (0, 4, 0, 0) == left(26)
    assert (0, 0, 0, 6) == left(36)


def test_a_negative_adjustment_takes_active_then_pending_lots_then_those_past_their_date() -> None:
    statements = (earned(1, 10, 20), earned(2, 10), earned(3, 10, active_from=90))

    def left(points: int) -> tuple[int, int, int, int]:
        return balances(held(*statements, adjusted(30, -points), here=False))

    assert (4, 10, 10, 0) == left(6)
    assert (0, 4, 10, 0) == left(16)
    assert (0, 0, 4, 0) == left(26)
    assert (0, 0, 0, 6) == left(36)


def test_what_is_taken_from_pending_lots_comes_from_the_one_that_expires_first() -> None:
    statements = (earned(1, 10, 900, active_from=50), earned(2, 10, 800, active_from=60))

    holdings = held(*statements, adjusted(30, -4), horizon=70)

    assert [(1, 6), (0, 10)] == open_lots(holdings)


def test_a_positive_adjustment_makes_a_lot_and_one_of_nothing_makes_none() -> None:
    holdings = held(adjusted(1, 30, expires_at=50), adjusted(2, 0), horizon=10)

    assert [(0, 30)] == open_lots(holdings)
    assert (30, 0) == (holdings.adjusted_up, holdings.adjusted_down)


def test_a_redemption_takes_neither_pending_points_nor_those_past_their_date() -> None:
    holdings = held(earned(1, 10, 20), earned(2, 10, active_from=90), redeemed(30, 5), here=False)

    assert (0, 10, 10, 5) == balances(holdings)


def test_what_no_lot_covers_is_overdrawn_and_counted_and_later_points_pay_it_off_first() -> None:
    before = held(earned(1, 60), redeemed(2, 100))
    partly = held(earned(1, 60), redeemed(2, 100), earned(3, 30))
    paid = held(earned(1, 60), redeemed(2, 100), earned(3, 30), adjusted(4, 25))

    assert [(0, 0, 0, 40), (0, 0, 0, 10), (15, 0, 0, 0)] == [*map(balances, (before, partly, paid))]
    assert (100, 1) == (paid.redeemed, paid.uncovered)
    assert [(3, 15)] == open_lots(paid)


def test_pending_points_pay_off_a_debt_only_once_they_are_active() -> None:
    statements = (redeemed(1, 40), earned(2, 100, active_from=50))

    assert (0, 100, 0, 40) == balances(held(*statements, horizon=49))
    assert (60, 0, 0, 0) == balances(held(*statements, horizon=50))


@pytest.mark.parametrize("here", [True, False])
def test_a_lot_that_was_past_its_date_when_it_was_earned_pays_off_no_debt(here: bool) -> None:
    holdings = held(redeemed(1, 40), earned(30, 100, expires_at=30), here=here)

    assert (0, 0, 0 if here else 100, 40) == balances(holdings)
    assert (100 if here else 0) == holdings.expired_by_date


def test_a_lot_that_expires_before_it_is_active_is_never_available() -> None:
    statements = (earned(1, 100, expires_at=20, active_from=20), redeemed(20, 10))

    holdings = held(*statements)

    assert (0, 0, 0, 10) == balances(holdings)
    assert 100 == holdings.expired_by_date


def test_a_missing_earning_that_arrives_late_heals_an_overdraft_without_a_trace() -> None:
    book = book_of(earned(1, 60), redeemed(5, 100), horizon=9)
    assert (40, 1) == (book.holdings.overdrawn, book.holdings.uncovered)

    book.fresh.append(earned(3, 50))
    settle_book(book, 9, expires_here=True)

    assert (10, 0, 0, 0) == balances(book.holdings)
    assert 0 == book.holdings.uncovered


def test_a_late_redemption_gets_the_points_that_a_timer_had_expired_since() -> None:
    book = book_of(earned(1, 60, expires_at=50), horizon=70)
    assert 60 == book.holdings.expired_by_date

    book.fresh.append(redeemed(49, 45))
    settle_book(book, 70, expires_here=True)

    assert (0, 15) == (book.holdings.overdrawn, book.holdings.expired_by_date)


def test_a_smaller_horizon_takes_back_the_timers_that_it_does_not_know() -> None:
    book = book_of(earned(1, 60, expires_at=50), horizon=70)

    due = settle_book(book, 49, expires_here=True)

    assert (50, 60) == (due, book.holdings.available)


def test_a_statement_at_the_end_reads_none_of_the_packed_ones_and_a_late_one_reads_all() -> None:
    book = book_of(earned(1, 60), earned(3, 10), earned(5, 10))
    book.packed = b"damaged"

    book.fresh.append(redeemed(7, 5))
    settle_book(book, 7, expires_here=True)
    assert 75 == book.holdings.available

    book.fresh.append(redeemed(2, 5))
    with pytest.raises(StatementsUnreadableError, match="rebuild the customer view"):
        settle_book(book, 7, expires_here=True)


def test_looking_ahead_in_time_leaves_the_book_as_it_is() -> None:
    book = book_of(earned(1, 60, active_from=20, expires_at=50), earned(2, 10), redeemed(3, 4))
    before = msgspec.msgpack.encode(book)

    ahead = [balances(holdings_at(book, now, expires_here=True)) for now in (3, 20, 50)]

    assert [(6, 60, 0, 0), (66, 0, 0, 0), (6, 0, 0, 0)] == ahead
    assert before == msgspec.msgpack.encode(book)


@pytest.mark.parametrize(
    "damage",
    [
        {"available": 51},
        {"earned": 61},
        {"redeemed": 9},
        {"overdrawn": 1},
        {"pending": -1, "available": 51},
        {"earned": 61, "available": 51},
        {"lots": [Lot(90, 0, 49)]},
        {"lots": [Lot(90, 0, 50), Lot(91, 1, 0)]},
        {"lots": [Lot(2, 0, 50)]},
    ],
)
def test_figures_that_contradict_each_other_are_never_shown(damage: dict[str, Any]) -> None:
    book = book_of(earned(1, 60, expires_at=90), redeemed(2, 10))
    holdings_at(book, 2, expires_here=True)

    for name, value in damage.items():
        setattr(book.holdings, name, value)

    with pytest.raises(UnbalancedBookError, match="rebuild the customer view"):
        holdings_at(book, 2, expires_here=True)


def test_figures_that_contradict_each_other_are_never_written() -> None:
    book = book_of(earned(1, 60), redeemed(2, 10))
    book.holdings.redeemed += 1
    book.fresh.append(redeemed(3, 10))

    with pytest.raises(UnbalancedBookError, match=r"expected the totals .* \(39\).*found 40"):
        settle_book(book, 3, expires_here=True)


def test_a_book_in_which_statements_wait_is_not_read() -> None:
    book = book_of(earned(1, 60))
    book.fresh.append(redeemed(2, 10))

    with pytest.raises(UnsettledBookError, match="found 1 statements that are not folded"):
        holdings_at(book, 2, expires_here=True)


def test_a_book_without_statements_holds_nothing() -> None:
    book = Book("points")

    assert settle_book(book, 10, expires_here=True) is None
    assert Holdings() == book.holdings
