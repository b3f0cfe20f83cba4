"""The points ledger and time: expiry, maturing, time-outs, at the very instant and beyond."""

from __future__ import annotations

import pytest

from domain.errors import Refused
from domain.instants import SECOND
from domain.ledger.commands import (
    Adjust,
    Capture,
    CloseAccount,
    OpeningLot,
    Release,
    Reserve,
    SetOpeningBalance,
)
from domain.ledger.decisions import Balance, LotsExpired, RedemptionReleased, TierChanged
from domain.ledger.extending import Activity, extend
from domain.ledger.redeeming import RedemptionTerms
from domain.ledger.terms import NEVER
from domain.ledger.timers import available_at, next_timer
from tests.domain.ledger_case import ID, POINTS, Case


@pytest.fixture
def case() -> Case:
    return Case()


def activity(at: int, expires_at: int, *lost: LotsExpired | RedemptionReleased) -> Activity:
    gone = [one.allocations if isinstance(one, LotsExpired) else one.expired for one in lost]
    return Activity(
        posting_id=b"z" * 16, cause=b"c" * 16, currency=POINTS, at=at, expires_at=expires_at,
        lost=tuple(allocation for allocations in gone for allocation in allocations),
    )  # fmt: skip


# ---------------------------------------------------------------- the very instant


def test_a_lot_is_gone_at_the_instant_of_its_expiry_and_there_just_before(case: Case) -> None:
    case.earn(100, 0, 50)
    assert (100, 0) == (available_at(case.book, 49), available_at(case.book, 50))
    other = case.copy()
    case.redeem(100, 49)
    with pytest.raises(Refused, match="at most 0, which are available, found 100"):
        other.redeem(100, 50)


def test_a_lot_is_there_at_the_instant_it_becomes_active_and_not_before(case: Case) -> None:
    case.earn(100, 50, 90)
    assert (0, 100) == (available_at(case.book, 49), available_at(case.book, 50))
    with pytest.raises(Refused, match="insufficient_points"):
        case.redeem(100, 49)
    case.redeem(100, 50)
    assert [("PointsMatured", 50), ("RedemptionMade", 50)] == case.happened(2)


def test_a_reservation_goes_back_at_the_instant_of_its_time_out(case: Case) -> None:
    case.earn(100)
    case.reserve(60, until=50)
    assert (40, 100) == (available_at(case.book, 49), available_at(case.book, 50))
    late = case.copy()
    case.do(Capture(redemption_id=ID), 49)
    assert Balance(40) == case.balance
    before = late.state()
    for command in (Capture(redemption_id=ID), Release(redemption_id=ID)):
        with pytest.raises(Refused, match="not_reserved"):
            late.do(command, 50)
    assert before == late.state()
    late.pass_time(50)
    assert (Balance(100), 50) == (late.balance, late.account.through)


@pytest.mark.parametrize(("until", "refused"), [(9, True), (10, True), (11, False)])
def test_a_reservation_lasts_until_a_later_instant(case: Case, until: int, refused: bool) -> None:
    case.earn(100)
    if refused:
        with pytest.raises(Refused, match="until_passed"):
            case.reserve(1, until=until, at=10)
    else:
        case.reserve(1, until=until, at=10)


def test_a_reservation_lasts_as_long_as_the_programme_says(case: Case) -> None:
    case.earn(100)
    case.terms = RedemptionTerms(reservation_seconds=3)
    case.do(Reserve(redemption_id=ID, currency=POINTS, points=5), 10)
    assert 10 + 3 * SECOND == next_timer(case.account)
    case.terms = RedemptionTerms()
    case.do(Reserve(redemption_id=b"s" * 16, currency=POINTS, points=5), 10)
    assert 10 + 900 * SECOND == case.book.reservations[-1].until


# ---------------------------------------------------------------- orders of instants


def test_of_one_instant_reservations_come_first_then_maturing_then_expiry(case: Case) -> None:
    case.earn(10, 0, 50)
    case.earn(20, 50, 70)
    case.earn(30, 0, 70)
    case.earn(40, 60, 50)
    case.reserve(5, until=50)
    assert 50 == next_timer(case.account)
    since = len(case.desk.decisions)
    case.pass_time(50)
    assert [
        ("RedemptionReleased", 50), ("PointsMatured", 50), ("LotsExpired", 50)
    ] == case.happened(since)  # fmt: skip
    released, _, expired = case.desk.decisions[since:]
    assert isinstance(released, RedemptionReleased)
    assert isinstance(expired, LotsExpired)
    assert [(1, 5)] == [(one.lot, one.points) for one in released.expired]
    assert [(1, 5), (4, 40)] == [(one.lot, one.points) for one in expired.allocations]
    assert Balance(50) == case.balance
    assert 70 == next_timer(case.account)


def test_timers_of_all_currencies_run_in_the_order_of_their_instants(case: Case) -> None:
    for currency, instants in ((POINTS, (21, 30)), ("miles", (20, 22, 30)), ("stars", (21, 23))):
        for expires_at in instants:
            case.earn(1, 0, expires_at, currency=currency)
    case.pass_time(100)
    names = [getattr(one, "currency", "") for one in case.desk.decisions[8:]]
    assert [("LotsExpired", at) for at in (20, 21, 21, 22, 23, 30, 30)] == case.happened(8)
    assert ["miles", POINTS, "stars", "miles", "stars", POINTS, "miles"] == names
    assert 30 == case.account.through


@pytest.mark.parametrize("active_from", [60, 50])
def test_a_lot_that_expires_before_it_is_active_never_becomes_available(
    case: Case, active_from: int
) -> None:
    case.earn(10, active_from, 50)
    assert 50 == next_timer(case.account)
    assert [0, 0, 0] == [available_at(case.book, at) for at in (49, 50, 60)]
    case.pass_time(100)
    assert [("LotsExpired", 50)] == case.happened(2)
    assert (Balance(), 10) == (case.balance, case.book.expired)


def test_several_lots_of_one_instant_are_one_decision(case: Case) -> None:
    case.earn(10, 40, 50)
    case.earn(10, 40, 50)
    case.pass_time(50)
    assert [("PointsMatured", 40), ("LotsExpired", 50)] == case.happened(3)


def test_the_next_timer_follows_every_decision(case: Case) -> None:
    assert NEVER == next_timer(case.account)
    case.earn(10)
    assert NEVER == next_timer(case.account)
    case.earn(10, 0, 90)
    assert 90 == next_timer(case.account)
    case.earn(10, 80, 200)
    assert 80 == next_timer(case.account)
    case.reserve(12, until=70)
    assert 70 == next_timer(case.account)
    case.do(Capture(redemption_id=ID), 5)
    assert 80 == next_timer(case.account)
    case.reverse(at=6)
    case.give_back(10, 3)
    assert 90 == next_timer(case.account)
    case.desk.post(TierChanged(at=7, tier="gold", was="", until=85, cause=b"c" * 16))
    assert ("gold", 85) == (case.account.tier, next_timer(case.account))


# ---------------------------------------------------------------- reservations and expiry


def test_a_reservation_outlives_its_lot_and_can_still_be_captured(case: Case) -> None:
    case.earn(100, 0, 50)
    case.reserve(60, until=80)
    case.do(Capture(redemption_id=ID), 60)
    assert (Balance(), 40, 60) == (case.balance, case.book.expired, case.book.redeemed)


@pytest.mark.parametrize(("at", "available", "expired"), [(49, 100, 0), (50, 0, 100), (60, 0, 100)])
def test_what_is_released_after_its_expiry_has_expired(
    case: Case, at: int, available: int, expired: int
) -> None:
    case.earn(100, 0, 50)
    case.reserve(60, until=80)
    case.do(Release(redemption_id=ID), at)
    assert (Balance(available), expired) == (case.balance, case.book.expired)


def test_foretelling_knows_when_reserved_points_time_out_and_expire(case: Case) -> None:
    case.earn(100, 0, 60)
    case.reserve(30, until=50)
    expected = {49: 70, 50: 100, 59: 100, 60: 0}
    assert expected == {at: available_at(case.book, at) for at in expected}


def test_what_is_owed_is_paid_by_what_times_out_even_if_it_expires_later(case: Case) -> None:
    case.earn(10, 0, 70)
    case.reserve(10, until=50)
    case.redeem(10, 2, elsewhere=True, name=b"e" * 16)
    assert [-10, 0, 0] == [available_at(case.book, at) for at in (49, 50, 200)]
    case.pass_time(200)
    assert (0, 0) == (case.available, case.book.expired)


def test_foretelling_follows_the_order_of_events_where_points_are_owed(case: Case) -> None:
    case.redeem(15, 1, elsewhere=True)
    case.earn(10, 50, 60)
    case.earn(10, 50, 90)
    case.earn(10, 70, 80)
    expected = {49: -15, 50: 5, 60: 5, 70: 15, 80: 5, 90: 0}
    assert expected == {at: available_at(case.book, at) for at in expected}
    for at, available in expected.items():
        case.pass_time(at)
        assert available == case.available


# ---------------------------------------------------------------- what comes late


def test_a_lot_that_comes_after_its_expiry_pays_what_is_owed_and_the_rest_expires(
    case: Case,
) -> None:
    case.redeem(30, 80, elsewhere=True)
    case.earn(50, 0, 60)
    assert (Balance(), 20, 0) == (case.balance, case.book.expired, case.book.overdrawn)
    assert [("PointsAccrued", 0), ("LotsExpired", 60)] == case.happened(2)
    assert 80 == case.account.through


def test_a_credit_hangs_on_the_account_s_own_time_alone(case: Case) -> None:
    case.redeem(1, 50, elsewhere=True)
    case.earn(10, 50)
    case.earn(10, 51)
    assert Balance(9, 10) == case.balance


@pytest.mark.parametrize("expires_at", [None, 61])
def test_an_adjustment_is_available_at_once_in_an_account_that_slept(
    case: Case, expires_at: int | None
) -> None:
    command = Adjust(
        adjustment_id=ID, currency=POINTS, points=7, reason="kind", by="ana", approved_by="ben",
        expires_at=expires_at,
    )  # fmt: skip
    case.do(command, 60)
    assert (Balance(7), 60) == (case.balance, case.account.through)
    assert [(1, 7, expires_at or NEVER)] == case.lots()


def test_points_cannot_be_given_that_have_expired(case: Case) -> None:
    command = Adjust(
        adjustment_id=ID, currency=POINTS, points=7, reason="kind", by="ana", approved_by="ben",
        expires_at=60,
    )  # fmt: skip
    with pytest.raises(Refused, match="expiry_passed"):
        case.do(command, 60)


def test_an_opening_balance_lives_on_as_in_the_other_system(case: Case) -> None:
    lots = (
        OpeningLot(points=10, earned_at=5),
        OpeningLot(points=20, earned_at=6, expires_at=90),
        OpeningLot(points=30, earned_at=7, expires_at=80),
        OpeningLot(points=40, earned_at=8, active_from=95, kind="paid", issuer="hotel"),
    )
    command = SetOpeningBalance(currency=POINTS, lots=lots, reference="statement", by="ana")
    case.do(command, 85)
    assert Balance(30, 40) == case.balance
    assert (100, 30) == (case.book.adjusted, case.book.expired)
    assert [(2, 20, 90), (1, 10, NEVER)] == case.lots()
    [waiting] = case.book.pending_lots
    assert (8, "paid", "hotel") == (waiting.lot.earned_at, waiting.lot.kind, waiting.lot.issuer)


def test_what_time_brings_stands_before_an_opening_balance(case: Case) -> None:
    case.earn(10, 0, 50, currency="miles")
    lots = (OpeningLot(points=10, earned_at=5),)
    case.do(SetOpeningBalance(currency=POINTS, lots=lots, reference="statement"), 60)
    assert [("LotsExpired", 50), ("OpeningBalanceSet", 5)] == case.happened(2)


def test_a_refused_opening_balance_changes_nothing_though_timers_are_due(case: Case) -> None:
    case.earn(10, 0, 50, currency="miles")
    before = case.state()
    for points in (0, 10**12 + 1):
        lots = (OpeningLot(points=5, earned_at=5), OpeningLot(points=points, earned_at=5))
        command = SetOpeningBalance(currency=POINTS, lots=lots, reference="statement")
        with pytest.raises(Refused, match=r"lots\[1\]"):
            case.do(command, 60)
    assert before == case.state()


# ---------------------------------------------------------------- activity moves the expiry


def test_activity_moves_what_was_there_and_had_not_expired(case: Case) -> None:
    case.earn(1, 0, 40)
    case.earn(2, 0, 50)
    case.earn(3, 0, 60)
    case.earn(4, 0, 50, kind="paid")
    case.earn(5, 0, 95)
    case.earn(6, 41, 60, at=41)
    case.earn(7, 0, 50, kind="promotional")
    extend(case.desk, activity(40, 90))
    case.pass_time(41)
    assert [
        (4, 4, 50), (6, 6, 60), (2, 2, 90), (3, 3, 90), (7, 7, 90), (5, 5, 95)
    ] == case.lots()  # fmt: skip
    assert 1 == case.book.expired


def test_activity_that_moves_nothing_is_not_worth_a_decision(case: Case) -> None:
    case.earn(1, 0, 60)
    case.earn(2, 0, 50, kind="paid")
    extend(case.desk, activity(40, 60))
    extend(case.desk, activity(60, 90))
    assert [] == case.happened(3)
    extend(case.desk, activity(59, 61))
    assert [("ExpiryExtended", 59)] == case.happened(3)


def test_a_pending_lot_whose_expiry_moves_becomes_active_in_its_time(case: Case) -> None:
    case.earn(10, 60, 50)
    extend(case.desk, activity(40, 90))
    assert 60 == next_timer(case.account)
    case.pass_time(59)
    assert Balance(0, 10) == case.balance
    case.pass_time(60)
    assert ([(1, 10, 90)], Balance(10)) == (case.lots(), case.balance)


def test_pending_lots_stay_in_the_order_of_their_timers(case: Case) -> None:
    case.earn(10, 70, 50)
    case.earn(10, 60, 55)
    case.earn(10, 65)
    extend(case.desk, activity(40, 90))
    assert Balance(0, 30) == case.balance
    assert [60, 65, 70] == [one.due for one in case.book.pending_lots]


def test_reserved_points_move_with_their_lot(case: Case) -> None:
    case.earn(10, 0, 50)
    case.earn(10, 0, 50, kind="paid")
    case.reserve(12, until=70)
    extend(case.desk, activity(40, 90))
    case.pass_time(70)
    assert ([(1, 10, 90)], 10) == (case.lots(), case.book.expired)


def test_redeemed_points_come_back_to_their_lot_with_the_expiry_it_has_now(case: Case) -> None:
    case.earn(10, 0, 50)
    case.redeem(4, 1)
    extend(case.desk, activity(40, 90))
    case.reverse(at=60)
    assert [(1, 10, 90)] == case.lots()


def test_a_reserved_rest_of_a_lot_says_until_when_it_lives(case: Case) -> None:
    case.earn(10, 0, 50)
    case.redeem(4, 1)
    case.reserve(6, until=80, name=b"s" * 16)
    extend(case.desk, activity(40, 90))
    case.reverse(at=60)
    assert [(1, 4, 90)] == case.lots()


@pytest.mark.parametrize("parts", [(10,), (3, 7), (7, 3)])
def test_a_lot_lives_as_long_as_the_longest_lived_of_its_points(
    case: Case, parts: tuple[int, ...]
) -> None:
    case.earn(10, 0, 50)
    case.reserve(10, until=70)
    case.do(Capture(redemption_id=ID, points=4, final=False), 2)
    extend(case.desk, activity(40, 90))
    case.do(Capture(redemption_id=ID), 41)
    for points in parts:
        case.reverse(points, at=60)
    assert ([(1, 10, 90)], 0) == (case.lots(), case.book.expired)


def test_a_lot_that_comes_back_twice_takes_the_later_date(case: Case) -> None:
    case.earn(10, 0, 50)
    case.earn(10, 0, 70)
    case.redeem(4, 1)
    extend(case.desk, activity(40, 90))
    case.redeem(16, 41, name=b"s" * 16)
    case.reverse(at=42)
    case.reverse(at=43, name=b"s" * 16)
    assert [(1, 10, 90), (2, 10, 90)] == case.lots()


# ---------------------------------------------------------------- activity learnt of too late


def lost_by(case: Case) -> list[LotsExpired | RedemptionReleased]:
    return [one for one in case.desk.decisions if isinstance(one, LotsExpired | RedemptionReleased)]


def test_what_expired_before_an_activity_was_known_is_reinstated(case: Case) -> None:
    case.earn(10, 0, 50)
    case.earn(20, 0, 55, kind="paid")
    case.earn(30, 0, 40)
    case.earn(40, 45, 55, at=45)
    case.pass_time(60)
    extend(case.desk, activity(40, 90, *lost_by(case)))
    assert ([(1, 10, 90)], 90) == (case.lots(), case.book.expired)
    assert [("PointsReinstated", 40)] == case.happened(len(case.desk.decisions) - 1)


def test_both_parts_of_a_lot_that_expired_apart_are_reinstated(case: Case) -> None:
    case.earn(10, 0, 50)
    case.reserve(4, until=60)
    case.pass_time(60)
    assert 10 == case.book.expired
    extend(case.desk, activity(40, 90, *lost_by(case)))
    assert ([(1, 10, 90)], 0) == (case.lots(), case.book.expired)
    extend(case.desk, activity(45, 95, *lost_by(case)))
    assert ([(1, 10, 95)], 0) == (case.lots(), case.book.expired), "once, whoever asks again"


@pytest.mark.parametrize(("expires_at", "available"), [(59, -1), (60, -1), (61, 9)])
def test_what_would_have_expired_again_is_not_reinstated(
    case: Case, expires_at: int, available: int
) -> None:
    case.earn(10, 0, 50)
    case.redeem(1, 60, elsewhere=True)
    extend(case.desk, activity(40, expires_at, *lost_by(case)))
    assert available == case.available


def test_nothing_is_reinstated_in_a_closed_account(case: Case) -> None:
    case.earn(10, 0, 50)
    case.pass_time(60)
    lost = lost_by(case)
    case.do(CloseAccount(reason="moved"), 61)
    extend(case.desk, activity(40, 90, *lost))
    assert Balance() == case.balance


def test_what_is_reinstated_pays_what_is_owed_and_what_was_forgiven(case: Case) -> None:
    lot = case.earn(30, 0, 50)
    case.pass_time(60)
    assert 12 == case.give_back(12, lot)
    case.redeem(5, 61, elsewhere=True)
    extend(case.desk, activity(40, 90, *lost_by(case)))
    assert ([(1, 13, 90)], 12) == (case.lots(), case.book.clawed_back)
