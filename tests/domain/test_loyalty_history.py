"""The movements of an account, each with the balance before and after it."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instants import instant_of
from domain.loyalty.history import Balance, Movement, statement_history
from domain.loyalty.holdings import UnbalancedBookError
from domain.loyalty.mirrored import Account, Book, Status, settle_book
from domain.loyalty.programmes import Programme
from domain.loyalty.statements import ADJUSTED, EARNED, EXPIRED, REDEEMED, Statement

HERE = Programme(code="gold", upstream_states_expiry=False)
UPSTREAM = Programme(code="gold")


def identity(number: int) -> bytes:
    return bytes([number]) * 16


def account_of(
    *statements: Statement, horizon: int = 0, here: bool = True, statuses: Sequence[Status] = ()
) -> Account:
    book = Book("points", fresh=list(statements))
    settle_book(book, horizon, expires_here=here)
    return Account("gold", "till", "A1", sorted(statuses), [book])


def lines(movements: list[Movement]) -> list[tuple[int, str, int, int]]:
    return [
        (instant_of(movement.at), movement.kind, movement.entry_id.bytes[0], movement.points)
        for movement in movements
    ]


def test_every_movement_stands_in_order_with_the_balance_before_and_after() -> None:
    account = account_of(
        Statement(10, -1, identity(1), EARNED, 100, 90, 20),
        Statement(30, -1, identity(2), REDEEMED, 120),
        Statement(40, -1, identity(3), ADJUSTED, 50, 95),
        Statement(90, -1, identity(4), ADJUSTED, -10),
        statuses=[Status(5, -1, identity(5), closed=False), Status(99, -1, identity(6), True)],
    )

    movements = statement_history(account, HERE, 200)

    expected = [
        (5, "opened", 5, 0),
        (10, "earned", 1, 100),
        (20, "activated", 1, 100),
        (30, "redeemed", 2, 120),
        (40, "adjusted", 3, 50),
        (90, "adjusted", 4, -10),
        (95, "expired", 3, 20),
        (99, "closed", 6, 0),
    ]
    assert expected == lines(movements)
    balances = [(movement.before, movement.after) for movement in movements]
    nothing = Balance(0, 0, 0, 0)
    assert [
        (None, None),
        (nothing, Balance(0, 100, 0, 0)),
        (Balance(0, 100, 0, 0), Balance(100, 0, 0, 0)),
        (Balance(100, 0, 0, 0), Balance(0, 0, 0, 20)),
        (Balance(0, 0, 0, 20), Balance(30, 0, 0, 0)),
        (Balance(30, 0, 0, 0), Balance(20, 0, 0, 0)),
        (Balance(20, 0, 0, 0), nothing),
        (None, None),
    ] == balances


def test_where_upstream_states_expiry_the_date_and_its_word_are_two_movements() -> None:
    account = account_of(
        Statement(10, -1, identity(1), EARNED, 100, 20),
        Statement(25, -1, identity(2), EXPIRED, 100),
        here=False,
    )

    movements = statement_history(account, UPSTREAM, 30)

    expected = [
        (10, "earned", 1, 100),
        (20, "expiry_due", 1, 100),
        (25, "expired_as_stated", 2, 100),
    ]
    assert expected == lines(movements)


def test_a_movement_names_its_touchpoint_and_a_timer_the_one_that_made_the_lot() -> None:
    account = account_of(Statement(10, -1, identity(7), EARNED, 100, 20))

    earned, expired = statement_history(account, HERE, 30)

    assert (UUID(int=0x07070707070707070707070707070707),) * 2 == (
        earned.entry_id,
        expired.entry_id,
    )


def test_of_two_timers_of_one_instant_the_activation_stands_first() -> None:
    account = account_of(
        Statement(10, -1, identity(1), EARNED, 100, 50),
        Statement(11, -1, identity(2), EARNED, 100, None, 50),
    )

    timers = statement_history(account, HERE, 60)[2:]

    assert [(50, "activated", 2, 100), (50, "expired", 1, 100)] == lines(timers)


def test_time_that_has_not_come_has_moved_nothing() -> None:
    account = account_of(Statement(10, -1, identity(1), EARNED, 100, 20))

    assert ["earned"] == [movement.kind for movement in statement_history(account, HERE, 19)]
    assert 2 == len(statement_history(account, HERE, 20))


def test_a_history_that_does_not_end_in_the_balance_shown_is_refused() -> None:
    account = account_of(Statement(10, -1, identity(1), EARNED, 100))
    holdings = account.books[0].holdings
    holdings.earned = holdings.available = holdings.lots[0].remaining = 99

    with pytest.raises(UnbalancedBookError, match="end in its balance"):
        statement_history(account, HERE, 20)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.integers(0, 3),
            st.integers(1, 20),
            st.none() | st.integers(0, 40),
            st.none() | st.integers(0, 40),
        ),
        max_size=12,
    ),
    st.integers(0, 50),
    st.booleans(),
)
def test_each_balance_is_the_one_before_it_moved_by_what_was_stated(
    drawn: list[tuple[int, int, int, int | None, int | None]], until: int, here: bool
) -> None:
    statements = [
        Statement(
            at,
            -1,
            identity(index),
            kind,
            points,
            expires if kind == EARNED else None,
            active if kind == EARNED else None,
        )
        for index, (at, kind, points, expires, active) in enumerate(drawn)
    ]
    account = account_of(*statements, horizon=7, here=here)

    movements = statement_history(account, HERE if here else UPSTREAM, until)

    balance: Balance | None = Balance(0, 0, 0, 0)
    moments = []
    for movement in movements:
        assert balance == movement.before
        sign = {"earned": 1, "adjusted": 1, "redeemed": -1, "expired_as_stated": -1, "expired": -1}
        gone_at_birth = movement.kind == "earned" and net(movement.after) == net(movement.before)
        if not gone_at_birth:
            change = sign.get(movement.kind, 0) * movement.points
            assert change == net(movement.after) - net(movement.before)
        balance = movement.after
        moments.append(movement.at)
    assert sorted(moments) == moments
    assert len(drawn) == sum(
        m.kind in {"earned", "adjusted", "redeemed", "expired_as_stated"} for m in movements
    )


def net(balance: Balance | None) -> int:
    assert balance is not None
    return balance.available + balance.pending + balance.awaiting_expiry - balance.overdrawn
