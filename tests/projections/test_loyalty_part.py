"""The loyalty part: from facts to what is shown."""

from datetime import datetime

import msgspec
import pytest

from domain.fact import Fact
from domain.loyalty.holdings import UnbalancedBookError
from projections.customer.part import Reading
from projections.customer.parts.loyalty import (
    LoyaltyState,
    NextExpiry,
    render,
    settle,
)
from tests.projections.loyalty import (
    CONTEXT,
    about,
    earned,
    encode,
    fact,
    folded,
    hour,
    moment,
    only,
    shown,
)


@pytest.fixture
def year() -> LoyaltyState:
    return folded(
        [
            fact(0, about("AccountOpened")),
            fact(1, earned(500, expires=100)),
            fact(2, earned(300, active=50, expires=100)),
            fact(3, about("PointsRedeemed", points=120)),
            fact(4, about("PointsAdjusted", points=40)),
            fact(5, about("PointsAdjusted", points=-100)),
            fact(60, about("PointsRedeemed", points=50)),
        ],
        70,
    )


def test_the_balance_of_a_year_is_as_computed_by_hand(year: LoyaltyState) -> None:
    balance = only(only(shown(year, 70)).balances)
    # 500 - 120 - 100 - 50 of the first lot, 300 of the second, 40 of the adjustment.
    assert (570, 0, 0, 0, 0) == (
        balance.available,
        balance.pending,
        balance.withheld,
        balance.awaiting_expiry,
        balance.overdrawn,
    )
    assert (800, 170, 0, 40, 100, -60) == (
        balance.earned,
        balance.redeemed,
        balance.expired,
        balance.adjusted_up,
        balance.adjusted_down,
        balance.adjusted,
    )


def test_what_expires_next_is_announced_and_then_gone(year: LoyaltyState) -> None:
    before = only(only(shown(year, 70)).balances)
    after = only(only(shown(year, 100)).balances)
    assert NextExpiry(moment(100), 530) == before.next_expiry
    assert (40, 530, None) == (after.available, after.expired, after.next_expiry)


def test_the_account_of_a_year_tells_its_status_and_its_statements(year: LoyaltyState) -> None:
    account = only(shown(year, 70))
    assert ("open", moment(0), None) == (account.status, account.opened_at, account.closed_at)
    assert (7, moment(0), moment(60)) == (
        account.statements,
        account.first_statement_at,
        account.last_statement_at,
    )
    assert [] == account.flags


def test_showing_a_later_moment_runs_the_timers_and_leaves_the_state_as_it_is() -> None:
    state = folded([fact(1, earned(70, active=10, expires=20)), fact(2, earned(5))], 3)
    before = encode(state)

    seen = [
        (balance.available, balance.pending, balance.expired)
        for balance in (only(only(shown(state, now)).balances) for now in (9, 10, 19, 20))
    ]

    assert [(5, 70, 0), (75, 0, 0), (75, 0, 0), (5, 0, 70)] == seen
    assert before == encode(state)


def test_settling_returns_the_earliest_timer_of_all_accounts() -> None:
    facts = [
        fact(1, earned(10, expires=30)),
        fact(1, earned(10, active=20, account="A2")),
        fact(1, earned(10)),
    ]
    state = folded(facts, 1)

    dues = [settle(state, hour(horizon), CONTEXT) for horizon in (1, 20, 30)]

    assert [hour(20), hour(30), None] == dues


def test_what_is_next_to_expire_includes_pending_points_of_the_same_date() -> None:
    facts = [fact(1, earned(10, expires=30)), fact(1, earned(5, active=20, expires=30))]

    balance = only(only(shown(folded(facts, 1), 1)).balances)

    assert NextExpiry(moment(30), 15) == balance.next_expiry


def test_each_currency_has_a_book_of_its_own() -> None:
    facts = [
        fact(1, earned(10)),
        fact(1, earned(70, currency="miles")),
        fact(2, about("PointsRedeemed", points=60, currency="miles")),
    ]

    balances = only(shown(folded(facts, 2), 2)).balances

    assert [("miles", 10), ("points", 10)] == [(b.currency, b.available) for b in balances]


def test_a_closed_account_withholds_what_is_left_until_it_is_opened_again() -> None:
    facts = [
        fact(1, earned(10)),
        fact(2, earned(30, active=50)),
        fact(3, about("AccountClosed")),
    ]

    closed = only(shown(folded(facts, 4), 4))
    opened = only(shown(folded([*facts, fact(5, about("AccountOpened"))], 6), 6))

    balance = only(closed.balances)
    assert ("closed", moment(3)) == (closed.status, closed.closed_at)
    assert (0, 0, 40) == (balance.available, balance.pending, balance.withheld)
    assert (10, 30, 0) == (
        only(opened.balances).available,
        only(opened.balances).pending,
        only(opened.balances).withheld,
    )
    assert ("open", None, moment(5)) == (opened.status, opened.closed_at, opened.opened_at)


def test_of_an_opening_and_a_closing_at_one_instant_the_later_in_sequence_counts() -> None:
    first = fact(1, about("AccountOpened"))
    closed = fact(3, about("AccountClosed"), sequence=7)
    opened = fact(3, about("AccountOpened"), sequence=8)
    again = fact(3, about("AccountClosed"), sequence=9)

    def told(*facts: Fact) -> tuple[str, datetime | None, int]:
        account = only(shown(folded(list(facts), 4), 4))
        return account.status, account.opened_at, account.statements

    assert ("open", moment(1), 3) == told(opened, first, closed)
    assert ("closed", moment(1), 4) == told(again, opened, first, closed)


def test_statements_are_counted_and_dated_over_all_books_and_statuses() -> None:
    facts = [
        fact(5, about("AccountOpened")),
        fact(2, earned(10)),
        fact(9, earned(10, currency="miles")),
        fact(4, earned(10, currency="miles")),
        fact(6, earned(10)),
    ]

    account = only(shown(folded(facts, 9), 9))

    assert (5, moment(2), moment(9)) == (
        account.statements,
        account.first_statement_at,
        account.last_statement_at,
    )


def test_what_moves_on_a_closed_account_is_booked_and_flagged() -> None:
    closing = [fact(1, earned(10)), fact(3, about("AccountClosed"))]
    before = fact(2, about("PointsRedeemed", points=4))
    after = fact(4, about("PointsRedeemed", points=4))

    quiet = only(shown(folded([*closing, before], 9), 9))
    flagged = only(shown(folded([*closing, after], 9), 9))

    assert [] == quiet.flags
    assert ["moved_after_closing"] == flagged.flags
    assert 6 == only(flagged.balances).withheld


def test_two_sources_of_one_account_are_two_accounts_and_both_are_flagged() -> None:
    facts = [
        fact(1, earned(10), source="till"),
        fact(1, earned(90), source="crm"),
        fact(1, earned(1, account="A2"), source="crm"),
        fact(1, earned(1, programme="silver"), source="crm"),
    ]

    accounts = shown(folded(facts, 2), 2)

    assert [
        ("gold", "crm", "A1", 90, ["several_sources"]),
        ("gold", "crm", "A2", 1, []),
        ("gold", "till", "A1", 10, ["several_sources"]),
        ("silver", "crm", "A1", 1, []),
    ] == [(a.programme, a.source, a.account, only(a.balances).available, a.flags) for a in accounts]


def test_an_overdraft_is_flagged_while_it_lasts_and_remembered_when_it_is_paid_off() -> None:
    overdraft = [fact(1, earned(10)), fact(2, about("PointsRedeemed", points=25))]

    during = only(shown(folded(overdraft, 2), 2))
    after = only(shown(folded([*overdraft, fact(3, earned(20))], 3), 3))

    assert (["overdrawn", "was_overdrawn"], 15) == (during.flags, only(during.balances).overdrawn)
    assert (["was_overdrawn"], 5) == (after.flags, only(after.balances).available)


def test_our_own_expiry_applies_only_where_the_programme_says_that_upstream_states_none() -> None:
    facts = [
        fact(1, earned(10, expires=20)),
        fact(1, earned(10, expires=20, programme="silver")),
    ]

    gold, silver = shown(folded(facts, 20), 20)

    assert ("gold", 0, 10, 0, []) == (
        gold.programme,
        only(gold.balances).available,
        only(gold.balances).expired,
        only(gold.balances).awaiting_expiry,
        gold.flags,
    )
    assert ("silver", 0, 0, 10, ["awaiting_expiry"]) == (
        silver.programme,
        only(silver.balances).available,
        only(silver.balances).expired,
        only(silver.balances).awaiting_expiry,
        silver.flags,
    )


def test_an_expiry_stated_where_none_was_expected_is_booked_and_flagged() -> None:
    facts = [fact(1, earned(10)), fact(2, about("PointsExpired", points=4))]

    account = only(shown(folded(facts, 2), 2))

    assert ["expiry_stated_unexpectedly"] == account.flags
    assert (6, 4) == (only(account.balances).available, only(account.balances).expired)


def test_a_customer_without_an_account_shows_none() -> None:
    assert [] == shown(LoyaltyState(), 1)
    assert settle(LoyaltyState(), hour(1), CONTEXT) is None


def test_a_state_that_was_tampered_with_is_not_shown() -> None:
    state = folded([fact(1, earned(10))], 1)
    state.accounts[0].books[0].holdings.available = 1_000

    with pytest.raises(UnbalancedBookError):
        shown(state, 1)


def test_a_document_is_plain_json() -> None:
    document = msgspec.json.decode(
        msgspec.json.encode(
            render(folded([fact(1, earned(10, expires=9))], 1), Reading(CONTEXT, hour(2)))
        )
    )

    expected = {"at": "2023-11-15T07:13:20Z", "points": 10}
    assert expected == document["accounts"][0]["balances"][0]["next_expiry"]
