"""The points ledger at its edges: debts, returns, reversals, transfers, closing, large numbers."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from domain.errors import Refused
from domain.instants import SECOND
from domain.ledger.account import Account
from domain.ledger.commands import (
    AccountCommand,
    Adjust,
    Capture,
    CloseAccount,
    OpeningLot,
    Redeem,
    Release,
    Reserve,
    Reverse,
    SetOpeningBalance,
)
from domain.ledger.decisions import Balance, FirstPurchaseRecognised, TierChanged
from domain.ledger.desk import Desk
from domain.ledger.handling import handle
from domain.ledger.redeeming import POINTS_MAX, RedemptionTerms, redeem
from domain.ledger.taking import Transfer, transfer
from domain.ledger.terms import NEVER, Standing
from domain.ledger.timers import next_timer
from tests.domain.ledger_case import ID, POINTS, Case

OTHER = b"o" * 16


@pytest.fixture
def case() -> Case:
    return Case()


def adjustment(points: int, *, overdraw: bool = False, approved_by: str = "ben") -> Adjust:
    return Adjust(
        adjustment_id=ID, currency=POINTS, points=points, reason="mistake", by="ana",
        approved_by=approved_by, overdraw=overdraw, cause=b"c" * 16,
    )  # fmt: skip


# ---------------------------------------------------------------- burning


def test_lots_burn_by_expiry_then_age_then_number(case: Case) -> None:
    case.earn(1, 0, 90, at=0)
    case.earn(1, 0, 80, at=7)
    case.earn(1, 0, 80, at=5)
    case.earn(1, 0, 80, at=5)
    case.earn(1, 0, NEVER, at=0)
    order = []
    for count in range(5):
        order.append(case.lots()[0][0])
        case.redeem(1, 10, name=count.to_bytes(16))
    assert [3, 4, 2, 1, 5] == order


def test_what_is_reserved_is_captured_in_the_order_of_burning_and_reversed_backwards(
    case: Case,
) -> None:
    case.earn(5, 0, 90)
    case.earn(5, 0, 80)
    case.reserve(10, until=50)
    case.do(Capture(redemption_id=ID, points=6, final=False), 2)
    [waiting] = case.book.reservations
    assert [(1, 4)] == [(one.lot, one.points) for one in waiting.allocations]
    case.do(Capture(redemption_id=ID, points=1), 3)
    assert [(1, 3, 90)] == case.lots()
    case.reverse(2, at=4)
    assert [(1, 5, 90)] == case.lots()
    case.reverse(at=5)
    assert [(2, 5, 80), (1, 5, 90)] == case.lots()


# ---------------------------------------------------------------- debts


def test_points_of_a_redemption_that_overdrew_come_back_exactly_once(case: Case) -> None:
    case.earn(10)
    case.redeem(50, elsewhere=True)
    assert (Balance(-40), 40) == (case.balance, case.book.overdrawn)
    case.earn(25)
    assert (Balance(-15), []) == (case.balance, case.lots())
    case.reverse()
    assert (Balance(35), 0) == (case.balance, case.book.overdrawn)
    with pytest.raises(Refused, match="not_redeemed"):
        case.reverse()


def test_points_that_paid_a_debt_come_back_anew_when_the_debt_was_none(case: Case) -> None:
    case.terms = RedemptionTerms(reissue_seconds=5)
    case.redeem(50, elsewhere=True)
    case.earn(60, 0, 90)
    case.reverse(at=70)
    assert [(1, 10, 90), (2, 50, 70 + 5 * SECOND)] == case.lots()


def test_what_a_redemption_did_not_cover_is_undone_first(case: Case) -> None:
    case.earn(10)
    case.redeem(30, elsewhere=True)
    case.reverse(15)
    assert (-5, []) == (case.available, case.lots())
    case.reverse(10)
    assert (5, [(1, 5, NEVER)]) == (case.available, case.lots())


def test_what_comes_back_pays_other_debts_first(case: Case) -> None:
    case.earn(10)
    case.redeem(10)
    case.redeem(7, elsewhere=True, name=OTHER)
    case.reverse()
    assert (Balance(3), 0) == (case.balance, case.book.overdrawn)
    case.reverse(name=OTHER)
    assert Balance(10) == case.balance


def test_a_redemption_says_how_much_nothing_covered(case: Case) -> None:
    case.earn(10)
    command = Redeem(redemption_id=ID, currency=POINTS, points=12, elsewhere=True)
    assert 2 == redeem(case.desk, command, 1)


def test_an_adjustment_overdraws_only_where_it_may(case: Case) -> None:
    case.earn(10)
    with pytest.raises(Refused, match="at most 10, which are available, found 11"):
        case.do(adjustment(-11), 1)
    case.do(adjustment(-10), 1)
    case.do(adjustment(-5, overdraw=True), 1)
    assert (Balance(-5), -15) == (case.balance, case.book.adjusted)
    case.do(adjustment(8), 2)
    assert Balance(3) == case.balance


# ---------------------------------------------------------------- goods that are returned


def test_a_return_takes_pending_points_first_and_its_own_lots_first(case: Case) -> None:
    case.earn(10, 0, 80)
    own = [case.earn(10, 0, 90), case.earn(10, 50, 95), case.earn(10, 50, 90)]
    case.earn(10, 50, 70)
    assert 0 == case.give_back(15, *own)
    assert [10, 5] == [one.lot.remaining for one in case.book.pending_lots]
    assert [(1, 10, 80), (2, 10, 90)] == case.lots()
    assert 0 == case.give_back(8, *own)
    assert [(1, 10, 80), (2, 7, 90)] == case.lots()
    assert 0 == case.give_back(10, *own)
    assert ([(1, 7, 80)], Balance(7, 10)) == (case.lots(), case.balance)


@pytest.mark.parametrize(
    ("policy", "balance", "forgiven"),
    [
        ("only_pending", Balance(20), 15),
        ("within_balance", Balance(5), 0),
        ("unlimited", Balance(5), 0),
    ],
)
def test_what_a_return_takes_is_the_policy_s_to_say(
    case: Case, policy: str, balance: Balance, forgiven: int
) -> None:
    case.earn(20)
    own = case.earn(5, 50)
    assert forgiven == case.give_back(20, own, policy=policy)  # type: ignore[arg-type]
    assert balance == case.balance


@pytest.mark.parametrize(
    ("policy", "available", "forgiven"), [("within_balance", 0, 8), ("unlimited", -8, 0)]
)
def test_what_is_not_there_is_forgiven_or_owed(
    case: Case, policy: str, available: int, forgiven: int
) -> None:
    own = case.earn(20)
    case.redeem(8)
    assert forgiven == case.give_back(20, own, policy=policy)  # type: ignore[arg-type]
    assert available == case.available
    assert 20 - forgiven == case.book.clawed_back


def test_partial_returns_never_take_points_twice(case: Case) -> None:
    own = case.earn(100)
    for part in (30, 30, 40):
        case.give_back(part, own)
    assert (Balance(), 100) == (case.balance, case.book.clawed_back)


@pytest.mark.parametrize("policy", ["within_balance", "unlimited"])
@pytest.mark.parametrize("trick", ["none", "reserve", "redeem", "expired", "parts"])
def test_buying_earning_and_returning_a_thousand_times_never_grows_the_balance(
    case: Case, policy: str, trick: str
) -> None:
    if trick == "expired":
        case.terms = RedemptionTerms(expired_lots="reissue")
    for count in range(1_000):
        at = 10 * count + 1
        own = case.earn(100, at, at + 5 if trick == "expired" else NEVER, at=at)
        name = count.to_bytes(16)
        if trick == "reserve":
            case.reserve(60, until=at + 4, at=at, name=name)
        elif trick != "none":
            case.redeem(100 if trick == "parts" else 60, at, name=name)
        for part in (1, 99) if trick == "parts" else (100,):
            case.give_back(part, own, policy=policy)  # type: ignore[arg-type]
        if trick == "reserve":
            case.pass_time(at + 6)
        elif trick == "parts":
            case.reverse(20, at + 1, name=name)
            case.reverse(None, at + 2, name=name)
        elif trick != "none":
            case.reverse(None, at + 6, name=name)
        assert (0, 0) == (case.available, case.book.overdrawn)
    assert [] == case.book.forgiven
    assert 100_000 == case.book.clawed_back


def test_only_points_of_the_returned_goods_are_taken_later(case: Case) -> None:
    old = case.earn(40)
    own = case.earn(60)
    case.redeem(40, name=OTHER)
    case.redeem(60)
    assert 60 == case.give_back(60, own)
    case.reverse(name=OTHER)
    assert ([(old, 40, NEVER)], 60) == (case.lots(), case.book.forgiven[0].points)
    case.reverse(25)
    case.give_back(10, old)
    case.reverse()
    assert ([(old, 30, NEVER)], []) == (case.lots(), case.book.forgiven)


def test_what_is_forgiven_in_parts_is_kept_together(case: Case) -> None:
    own = case.earn(60)
    case.reserve(60, until=50)
    for part in (20, 25):
        assert part == case.give_back(part, own)
    assert [((own,), 45)] == [(one.lots, one.points) for one in case.book.forgiven]


def test_what_a_policy_forgives_for_good_is_not_taken_later(case: Case) -> None:
    own = case.earn(60)
    case.redeem(60)
    assert 60 == case.give_back(60, own, policy="only_pending")
    assert 60 == case.give_back(60, policy="within_balance")
    case.reverse()
    assert 60 == case.available


def test_debts_are_paid_before_what_was_forgiven_is_taken(case: Case) -> None:
    own = case.earn(60)
    case.reserve(60, until=50)
    case.give_back(60, own)
    case.redeem(20, elsewhere=True, name=OTHER)
    case.pass_time(50)
    assert (Balance(), 40) == (case.balance, case.book.clawed_back)
    [left] = case.book.forgiven
    assert 20 == left.points


# ---------------------------------------------------------------- reversals


@pytest.mark.parametrize("policy", ["forfeit", "reissue"])
@pytest.mark.parametrize("parts", [(45,), (1, 44), (20, 20, 5), (1,) * 45])
def test_a_reversal_in_parts_is_a_reversal_at_once(
    case: Case, policy: str, parts: tuple[int, ...]
) -> None:
    case.terms = RedemptionTerms(expired_lots=policy, reissue_seconds=1)  # type: ignore[arg-type]
    case.earn(10, 0, 20)
    case.earn(20, 0, 90, issuer="hotel")
    case.redeem(45, 10, elsewhere=True)
    case.earn(6, 0, 95)
    for part in parts:
        case.reverse(part, 30)
    held = {"forfeit": 26, "reissue": 36}[policy]
    assert (held, 45 - 9, 36 - held) == (case.available, 36, case.book.expired)
    by_expiry: dict[tuple[int, str], int] = {}
    for lot in case.book.lots:
        key = (lot.expires_at, lot.issuer)
        by_expiry[key] = by_expiry.get(key, 0) + lot.remaining
    anew = {(30 + SECOND, ""): held - 20}
    assert {(90, "hotel"): 20, **anew} == by_expiry


def test_expired_points_that_are_given_back_anew_stay_what_they_were(case: Case) -> None:
    case.terms = RedemptionTerms(expired_lots="reissue", reissue_seconds=2)
    case.earn(10, 0, 20, kind="promotional", issuer="hotel")
    case.redeem(10, 10)
    case.reverse(at=20)
    [lot] = case.book.lots
    assert (2, 10, 20 + 2 * SECOND, 0) == (
        lot.number, lot.remaining, lot.expires_at, lot.earned_at
    )  # fmt: skip
    assert ("promotional", "hotel", "bank") == (lot.kind, lot.issuer, lot.funder)


def test_each_expired_lot_is_given_back_in_a_lot_of_its_own(case: Case) -> None:
    case.terms = RedemptionTerms(expired_lots="reissue", reissue_seconds=2)
    case.earn(10, 0, 20, kind="promotional")
    case.earn(5, 0, 21)
    case.redeem(20, 10, elsewhere=True)
    case.earn(5, 0, 90)
    case.reverse(at=30)
    found = [(lot.number, lot.remaining, lot.kind) for lot in case.book.lots]
    assert [(4, 5, "earned"), (5, 10, "promotional"), (6, 5, "earned")] == sorted(found)
    assert 7 == case.book.next_lot


@pytest.mark.parametrize(("at", "available"), [(19, 10), (20, 0)])
def test_points_of_an_expired_lot_are_forfeited(case: Case, at: int, available: int) -> None:
    case.earn(10, 0, 20)
    case.redeem(10, 10)
    case.reverse(at=at)
    assert (available, 10 - available) == (case.available, case.book.expired)


# ---------------------------------------------------------------- transfers


def test_a_transferred_lot_keeps_its_terms_and_expires_where_it_is(case: Case) -> None:
    taker = Case(b"b")
    taker.earn(5, 0, 40)
    case.earn(10, 0, 50, issuer="hotel", kind="paid")
    case.earn(10, 0, 60, at=3)
    order = Transfer(transfer_id=ID, currency=POINTS, points=14, by="ana")
    transfer(case.desk, taker.desk, order, 45)
    assert ([(2, 6, 60)], -14) == (case.lots(), case.book.transferred)
    assert [(2, 10, 50), (3, 4, 60)] == taker.lots()
    first, second = taker.book.lots
    assert ("paid", "hotel", "bank", 3) == (
        first.kind, first.issuer, first.funder, second.earned_at
    )  # fmt: skip
    assert (45, 45, 4) == (case.account.through, taker.account.through, taker.book.next_lot)
    taker.pass_time(50)
    assert (Balance(4), 15) == (taker.balance, taker.book.expired)


def test_transferred_points_pay_what_is_owed_there(case: Case) -> None:
    taker = Case(b"b")
    taker.redeem(8, elsewhere=True)
    case.earn(10)
    transfer(case.desk, taker.desk, Transfer(transfer_id=ID, currency=POINTS, points=10), 5)
    assert (Balance(2), Balance()) == (taker.balance, case.balance)


def test_a_transfer_happens_at_the_later_of_both_accounts_times(case: Case) -> None:
    taker = Case(b"b")
    taker.redeem(8, 60, elsewhere=True)
    case.earn(10, 0, 60)
    with pytest.raises(Refused, match="insufficient_points"):
        transfer(case.desk, taker.desk, Transfer(transfer_id=ID, currency=POINTS, points=1), 5)


@pytest.mark.parametrize(
    ("points", "code"),
    [(0, "points_invalid"), (POINTS_MAX + 1, "points_invalid"), (11, "insufficient_points")],
)
def test_a_transfer_that_cannot_be_changes_nothing(case: Case, points: int, code: str) -> None:
    taker = Case(b"b")
    case.earn(10, 0, 50)
    case.earn(10, 60)
    before = case.state(), taker.state()
    with pytest.raises(Refused, match=code):
        transfer(
            case.desk, taker.desk, Transfer(transfer_id=ID, currency=POINTS, points=points), 10
        )
    assert before == (case.state(), taker.state())


def test_a_transfer_needs_two_open_accounts(case: Case) -> None:
    case.earn(10)
    order = Transfer(transfer_id=ID, currency=POINTS, points=1)
    with pytest.raises(Refused, match="same_account"):
        transfer(case.desk, case.copy().desk, order, 1)
    closed = Case(b"b")
    closed.do(CloseAccount(reason="moved"), 1)
    for giver, taker in ((case, closed), (closed, case)):
        with pytest.raises(Refused, match="account_closed"):
            transfer(giver.desk, taker.desk, order, 2)
    with pytest.raises(Refused, match="account_unknown"):
        transfer(case.desk, Desk(Account(b"n" * 16)), order, 2)


# ---------------------------------------------------------------- closing


def test_what_is_left_in_an_account_expires_when_it_closes(case: Case) -> None:
    case.earn(10, 0, 20)
    case.earn(10, 0, 90)
    case.earn(10, 80)
    case.earn(5, currency="miles")
    case.reserve(8, until=60)
    case.desk.post(TierChanged(at=5, tier="gold", was="", until=85))
    case.do(CloseAccount(reason="moved", by="ana"), 50)
    assert Balance() == case.balance == case.account.book("miles").balance()
    assert (30, NEVER) == (case.book.expired, next_timer(case.account))
    assert (50, 50, False) == (
        case.account.closed_at, case.account.through, case.account.is_open
    )  # fmt: skip
    assert [
        "LotsExpired", "RedemptionReleased", "LotsExpired", "LotsExpired", "LedgerAccountClosed"
    ] == [name for name, _ in case.happened(7)]  # fmt: skip


def test_an_account_that_holds_nothing_closes_without_more(case: Case) -> None:
    case.earn(10)
    case.redeem(10)
    case.do(CloseAccount(reason="moved"), 50)
    assert [("LedgerAccountClosed", 50)] == case.happened(3)


def test_a_closed_account_takes_what_happened_elsewhere_and_keeps_nothing(case: Case) -> None:
    case.earn(10)
    case.redeem(10)
    case.do(CloseAccount(reason="moved"), 50)
    case.redeem(4, 51, elsewhere=True, name=OTHER)
    assert Balance(-4) == case.balance
    case.reverse(at=52)
    assert (Balance(), 6) == (case.balance, case.book.expired)
    last = case.desk.decisions[-1]
    assert ("LotsExpired", 52, "account_closed") == (
        type(last).__name__, getattr(last, "at", 0), getattr(last, "reason", "")
    )  # fmt: skip


COMMANDS: tuple[AccountCommand, ...] = (
    Reserve(redemption_id=OTHER, currency=POINTS, points=1, until=90),
    Redeem(redemption_id=OTHER, currency=POINTS, points=1),
    adjustment(1),
    SetOpeningBalance(currency="miles", lots=(OpeningLot(points=1, earned_at=0),), reference="r"),
    CloseAccount(reason="again"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: type(one).__name__)
def test_nothing_is_asked_of_an_account_that_is_closed_or_never_was(
    case: Case, command: AccountCommand
) -> None:
    case.earn(10)
    case.copy().do(command, 3)
    case.do(CloseAccount(reason="moved"), 2)
    with pytest.raises(Refused, match="account_closed: account: expected an open one"):
        case.do(command, 3)
    with pytest.raises(Refused, match="account_unknown"):
        handle(Desk(Account(b"n" * 16)), command, 3)


def test_even_what_happened_elsewhere_needs_an_account() -> None:
    command = Redeem(redemption_id=ID, currency=POINTS, points=1, elsewhere=True)
    with pytest.raises(Refused, match="account_unknown"):
        handle(Desk(Account(b"n" * 16)), command, 3)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(("points", "ok"), [(9, 0), (10, 1), (12, 0), (15, 1), (1, 0), (0, 0)])
def test_points_are_redeemed_in_steps_from_a_minimum_on(case: Case, points: int, ok: bool) -> None:
    case.earn(100)
    case.terms = RedemptionTerms(minimum=10, step=5)
    before = case.state()
    if ok:
        case.redeem(points)
        case.reserve(points, until=50, name=OTHER)
        return
    for name in (ID, OTHER):
        with pytest.raises(Refused, match="points_invalid: points: expected 10 to"):
            (case.redeem(points) if name == ID else case.reserve(points, until=50))
    assert before == case.state()


def test_a_programme_that_says_nothing_of_redeeming_forfeits_and_reissues_for_thirty_days(
    case: Case,
) -> None:
    terms = case.terms
    assert (1, 1, 900, "forfeit", 2_592_000) == (
        terms.minimum, terms.step, terms.reservation_seconds, terms.expired_lots,
        terms.reissue_seconds,
    )  # fmt: skip


def test_what_happened_elsewhere_knows_no_minimum_but_is_positive(case: Case) -> None:
    case.terms = RedemptionTerms(minimum=10, step=5)
    case.redeem(1, elsewhere=True)
    for points in (0, -1, POINTS_MAX + 1):
        with pytest.raises(Refused, match="points_invalid"):
            case.redeem(points, elsewhere=True, name=OTHER)


def test_an_id_is_used_for_one_redemption(case: Case) -> None:
    case.earn(100)
    case.reserve(10, until=50)
    with pytest.raises(Refused, match="redemption_known"):
        case.redeem(1)
    with pytest.raises(Refused, match="redemption_known"):
        case.reserve(1, until=50)
    case.do(Capture(redemption_id=ID), 2)
    with pytest.raises(Refused, match="redemption_known"):
        case.redeem(1, elsewhere=True)
    case.redeem(1, name=OTHER)


@pytest.mark.parametrize("points", [0, -1, 11])
def test_only_what_is_there_can_be_captured_or_reversed(case: Case, points: int) -> None:
    case.earn(100)
    case.redeem(10, name=OTHER)
    case.reserve(10, until=50)
    before = case.state()
    with pytest.raises(Refused, match="points_invalid: points: expected 1 to 10"):
        case.do(Capture(redemption_id=ID, points=points), 2)
    with pytest.raises(Refused, match="points_invalid: points: expected 1 to 10"):
        case.reverse(points, name=OTHER)
    with pytest.raises(Refused, match="not_redeemed"):
        case.reverse(1)
    with pytest.raises(Refused, match="not_reserved"):
        case.do(Release(redemption_id=OTHER), 2)
    assert before == case.state()


@pytest.mark.parametrize(
    "command",
    [
        adjustment(1, approved_by=""),
        adjustment(1, approved_by="ana"),
        msgspec.structs.replace(adjustment(1), by=""),
    ],
)
def test_an_adjustment_needs_four_eyes(case: Case, command: Adjust) -> None:
    with pytest.raises(Refused, match="four_eyes"):
        case.do(command, 1)


@pytest.mark.parametrize("points", [0, POINTS_MAX + 1, -POINTS_MAX - 1])
def test_an_adjustment_has_a_limit(case: Case, points: int) -> None:
    with pytest.raises(Refused, match="points_invalid"):
        case.do(adjustment(points, overdraw=True), 1)
    case.do(adjustment(POINTS_MAX), 1)
    case.do(adjustment(-POINTS_MAX), 1)


@pytest.mark.parametrize("count", [0, 1_001])
def test_an_opening_balance_has_a_number_of_lots(case: Case, count: int) -> None:
    lots = (OpeningLot(points=1, earned_at=0),)
    with pytest.raises(Refused, match=f"lots: expected 1 to 1000, found {count}"):
        case.do(SetOpeningBalance(currency=POINTS, lots=lots * count, reference="r"), 1)
    case.do(SetOpeningBalance(currency=POINTS, lots=lots * 1_000, reference="r"), 1)
    assert 1_000 == case.available


def test_an_opening_balance_comes_before_all_else(case: Case) -> None:
    command = SetOpeningBalance(
        currency=POINTS, lots=(OpeningLot(points=1, earned_at=0),), reference="r"
    )
    case.earn(1, currency="miles")
    owing = case.copy()
    owing.redeem(1, elsewhere=True)
    with pytest.raises(Refused, match="not_opening"):
        owing.do(command, 2)
    case.do(command, 2)
    with pytest.raises(Refused, match="not_opening"):
        case.do(command, 2)


# ---------------------------------------------------------------- large numbers, and who asked


def test_balances_of_many_times_ten_to_the_twelve_are_exact(case: Case) -> None:
    for expires_at in (50, 60, 70):
        case.earn(POINTS_MAX, 0, expires_at)
    case.redeem(POINTS_MAX)
    case.redeem(POINTS_MAX - 1, name=OTHER)
    assert (POINTS_MAX + 1, 2 * POINTS_MAX - 1) == (case.available, case.book.redeemed)
    case.reverse()
    case.pass_time(69)
    assert (POINTS_MAX, POINTS_MAX + 1) == (case.available, case.book.expired)
    with pytest.raises(Refused, match="points_invalid"):
        case.reserve(POINTS_MAX + 1, until=90, at=69, name=b"s" * 16)
    for decision in case.desk.decisions:
        again = msgspec.json.decode(msgspec.json.encode(decision), type=type(decision))
        assert decision == again


def test_a_decision_says_who_asked_for_what(case: Case) -> None:
    case.earn(100)
    asked = {"reward": "mug", "reference": "till 4", "by": "ana"}
    reserve = Reserve(redemption_id=ID, currency=POINTS, points=50, until=90)
    case.do(msgspec.structs.replace(reserve, **asked), 1)
    case.do(Capture(redemption_id=ID, points=20, by="ben"), 2)
    at_once = Redeem(redemption_id=OTHER, currency=POINTS, points=5)
    case.do(msgspec.structs.replace(at_once, **asked), 3)
    case.do(Reverse(redemption_id=OTHER, by="eva"), 4)
    case.do(adjustment(-3), 5)
    case.do(adjustment(3), 6)
    case.do(CloseAccount(reason="moved", by="ana"), 7)
    made = [msgspec.to_builtins(one) for one in case.desk.decisions[2:]]
    names = ("reward", "reference", "by", "reason", "approved_by")
    found = [{name: one[name] for name in names if name in one} for one in made]
    four_eyes = {"by": "ana", "reason": "mistake", "approved_by": "ben"}
    assert [
        asked, {"by": "ben"}, {"by": "ben", "reason": "rest"}, asked, {"by": "eva"},
        four_eyes, four_eyes, {"reason": "account_closed"}, {"reason": "moved", "by": "ana"},
    ] == found  # fmt: skip
    assert 2 == sum("cause" in one for one in made)


def test_time_asks_in_nobody_s_name_and_whoever_releases_in_theirs(case: Case) -> None:
    case.earn(10)
    case.reserve(5, until=20)
    case.pass_time(20)
    case.reserve(5, until=40, at=21, name=OTHER)
    case.do(Release(redemption_id=OTHER, by="ana"), 22)
    names = ("at", "reason", "by")
    found = [[getattr(one, name) for name in names] for one in case.desk.decisions[3::2]]
    assert [[20, "timed_out", ""], [22, "released", "ana"]] == found


def test_every_command_is_handled() -> None:
    handled = {type(one) for one in COMMANDS} | {Capture, Release, Reverse}
    assert handled == set(get_args(AccountCommand))


# ---------------------------------------------------------------- what rules may know


def test_caps_count_what_was_given_and_first_purchases_are_known(case: Case) -> None:
    case.earn(10)
    case.earn(5, 50)
    assert {"cap": 15} == case.account.used
    assert Standing(tier="", first=False, used={}) == Standing()
    case.desk.post(FirstPurchaseRecognised(at=3, touchpoint=b"t" * 16))
    assert b"t" * 16 == case.account.first_purchase


def test_a_tier_that_time_ends_moves_the_account_s_time_and_one_that_is_earned_does_not(
    case: Case,
) -> None:
    case.desk.post(TierChanged(at=30, tier="gold", was="", until=90, cause=b"c" * 16))
    assert (0, "gold") == (case.account.through, case.account.tier)
    case.desk.post(TierChanged(at=90, tier="", was="gold", until=NEVER))
    assert (90, "", NEVER) == (case.account.through, case.account.tier, case.account.tier_until)
