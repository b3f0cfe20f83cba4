"""A log or a head that is damaged is noticed; no figure is made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain.decisions.base import Decision, Recorded, StreamBrokenError
from domain.ledger.account import (
    Account,
    Book,
    Reservation,
    UnbalancedLedgerError,
    check_book,
    check_lots,
)
from domain.ledger.commands import Adjust, Capture, CloseAccount, OpeningLot, SetOpeningBalance
from domain.ledger.decisions import (
    AccountDecision,
    Balance,
    ForgivenPointsTaken,
    LotsExpired,
    Posting,
)
from domain.ledger.evolving import evolve
from domain.ledger.extending import Activity, extend
from domain.ledger.lots import Allocation, OpenLot, waiting_lot
from domain.ledger.projecting import account_id, project_account
from domain.ledger.taking import ClawBackPolicy, Transfer, transfer
from tests.domain.ledger_case import ID, POINTS, Case

FIGURES = {"points", "uncovered", "first_lot"}


def eventful() -> Case:
    """Return an account in whose stream every posting stands."""
    case, friend = Case(), Case(b"b")
    lots = (OpeningLot(points=100, earned_at=0),)
    case.do(SetOpeningBalance(currency=POINTS, lots=lots, reference="r"), 1)
    case.earn(50, 0, 20)
    own = case.earn(60, 10, 90)
    case.reserve(30, until=15, at=2)
    case.do(Capture(redemption_id=ID, points=10), 3)
    case.pass_time(25)
    lost = next(one for one in case.desk.decisions if isinstance(one, LotsExpired)).allocations
    activity = Activity(posting_id=ID, cause=ID, currency=POINTS, at=18, expires_at=80, lost=lost)
    extend(case.desk, activity)
    case.redeem(260, 30, elsewhere=True, name=b"e" * 16)
    case.give_back(20, own)
    case.give_back(5, own, policy="unlimited")
    case.reverse(240, at=31, name=b"e" * 16)
    for points in (9, -8):
        command = Adjust(
            adjustment_id=ID, currency=POINTS, points=points, reason="r", by="ana",
            approved_by="ben",
        )  # fmt: skip
        case.do(command, 32)
    transfer(case.desk, friend.desk, Transfer(transfer_id=ID, currency=POINTS, points=7), 33)
    transfer(friend.desk, case.desk, Transfer(transfer_id=ID, currency=POINTS, points=3), 34)
    case.reserve(5, until=95, at=35, name=b"f" * 16)
    case.pass_time(95)
    case.reverse(at=96, name=b"e" * 16)
    case.do(CloseAccount(reason="moved"), 97)
    return case


def damages(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every figure in a decision."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name in {"before", "after"}:
                yield from ((*path, name, place) for place in range(3))
            elif name in {"allocations", "repaid", "forfeited", "expired", "shares"}:
                yield from ((*path, name, place, 1) for place in range(len(value)))
            elif name == "share":
                yield (*path, name, 1)
            elif name in FIGURES:
                yield (*path, name)


def changed(decision: Decision, path: tuple[Any, ...], by: int) -> Decision:
    document = msgspec.json.decode(msgspec.json.encode(decision))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] += by
    return msgspec.convert(document, type(decision))


def test_every_posting_stands_in_the_eventful_account() -> None:
    postings = {type(one) for one in eventful().desk.decisions if isinstance(one, Posting)}
    assert set(Posting.__subclasses__()) == postings


@pytest.mark.parametrize("by", [-1, 1])
def test_any_figure_changed_in_any_decision_is_noticed(by: int) -> None:
    decisions = eventful().desk.decisions
    account = Account(b"a" * 16)
    tried = 0
    for decision in decisions:
        before = msgspec.msgpack.encode(account)
        for path in damages(msgspec.json.decode(msgspec.json.encode(decision))):
            damaged = msgspec.msgpack.decode(before, type=Account)
            with pytest.raises(UnbalancedLedgerError):
                evolve(damaged, changed(decision, path, by))
            tried += 1
        evolve(account, decision)
    assert tried > 150


def moved(decision: Decision, names: tuple[str, ...]) -> Iterator[Decision]:
    """Yield a decision with the lots of one field changed into a lot that never was."""
    for name in names:
        found = getattr(decision, name, ())
        if found:
            other = tuple(msgspec.structs.replace(one, lot=99) for one in found)
            yield msgspec.structs.replace(decision, **{name: other})


def test_points_of_a_lot_that_is_not_there_are_noticed() -> None:
    giving = ("RedemptionReversed", "PointsReinstated", "PointsTransferredIn")
    account = Account(b"a" * 16)
    tried = 0
    for decision in eventful().desk.decisions:
        before = msgspec.msgpack.encode(account)
        gives = type(decision).__name__ in giving
        names = ("repaid",) if gives else ("allocations", "repaid", "expired")
        for damaged in moved(decision, names):
            with pytest.raises(UnbalancedLedgerError, match="expected lot 99 to hold"):
                evolve(msgspec.msgpack.decode(before, type=Account), damaged)
            tried += 1
        evolve(account, decision)
    assert tried >= 14


def test_a_decision_that_does_not_continue_its_account_is_noticed() -> None:
    decisions = eventful().desk.decisions
    account = Account(b"a" * 16)
    evolve(account, decisions[0])
    with pytest.raises(
        UnbalancedLedgerError, match=r"version 2, vinculo.points_accrued.v1: .*before"
    ):
        evolve(account, decisions[2])


def test_a_share_of_nothing_is_noticed() -> None:
    for points in (0, -1):
        with pytest.raises(UnbalancedLedgerError, match="expected at least 1 point"):
            Case().earn(points)


@pytest.mark.parametrize("policy", ["within_balance", "unlimited"])
@pytest.mark.parametrize("spent", [0, 5])
def test_a_claw_back_takes_owes_and_forgives_what_was_due(
    spent: int, policy: ClawBackPolicy
) -> None:
    case = Case()
    lots = [case.earn(10), case.earn(10, 50)]
    if spent:
        case.redeem(spent)
    before = case.state()
    case.give_back(20, *lots, policy=policy)
    made = case.desk.decisions[-1]
    for due in (9, 10, 19, 21) if getattr(made, "forgiven", 0) else (9, 10, 19):
        with pytest.raises(UnbalancedLedgerError, match="expected a decision about"):
            evolve(
                msgspec.msgpack.decode(before, type=Account),
                msgspec.structs.replace(made, due=due),
            )


def test_only_what_was_forgiven_is_taken_later() -> None:
    case = Case()
    lot = case.earn(10)
    case.reserve(10, until=50)
    case.give_back(6, lot)
    case.pass_time(50)
    account = Account(b"a" * 16)
    for one in case.desk.decisions[:-1]:
        evolve(account, one)
    made = case.desk.decisions[-1]
    assert isinstance(made, ForgivenPointsTaken)
    wrong = [
        msgspec.structs.replace(made, lot=2),
        msgspec.structs.replace(
            made, allocations=(account.book(POINTS).lots[0].allocate(7),), after=Balance(3)
        ),
    ]
    before = msgspec.msgpack.encode(account)
    for damaged in wrong:
        with pytest.raises(UnbalancedLedgerError, match="to name lots of as many"):
            evolve(msgspec.msgpack.decode(before, type=Account), damaged)


def test_more_cannot_be_paid_off_than_is_owed() -> None:
    case = Case()
    case.redeem(5, elsewhere=True)
    case.earn(9)
    decision = case.desk.decisions[-1]
    repaid = tuple(
        msgspec.structs.replace(one, points=6) for one in getattr(decision, "repaid", ())
    )
    account = Account(b"a" * 16)
    for one in case.desk.decisions[:-1]:
        evolve(account, one)
    with pytest.raises(UnbalancedLedgerError, match="at most 5 overdrawn points to be paid"):
        evolve(account, msgspec.structs.replace(decision, repaid=repaid))


# ---------------------------------------------------------------- heads


def whole() -> Book:
    """Return a book in which there is something of everything."""
    case = Case()
    case.earn(10, 0, 50)
    case.earn(10, 0, 60)
    case.earn(10, 40)
    case.earn(10, 45)
    case.reserve(1, until=30, at=1, name=b"1" * 16)
    case.reserve(1, until=35, at=1, name=b"2" * 16)
    case.book.next_lot += 2
    check_book(case.book)
    check_lots(case.book)
    return case.book


def swap(found: list[Any]) -> None:
    found.reverse()


def owe(book: Book, points: int) -> None:
    book.overdrawn += points
    book.available -= points
    book.adjusted -= points


LOT_DAMAGES: dict[str, Callable[[Book], object]] = {
    "available": lambda book: setattr(book, "available", book.available + 1),
    "pending": lambda book: setattr(book, "pending", book.pending - 1),
    "reserved": lambda book: setattr(book, "reserved", book.reserved + 1),
    "lots in another order": lambda book: swap(book.lots),
    "pending lots in another order": lambda book: swap(book.pending_lots),
    "reservations in another order": lambda book: swap(book.reservations),
    "an empty lot": lambda book: book.lots.append(OpenLot(99, 0, 5, 0)),
    "a negative lot": lambda book: book.lots.extend([OpenLot(99, 0, 5, -1), OpenLot(99, 1, 6, 1)]),
    "a lot twice": lambda book: setattr(book.lots[1], "number", book.lots[0].number),
    "a lot of the future": lambda book: setattr(book.lots[1], "number", book.next_lot),
    "a lot without a number": lambda book: setattr(book.lots[0], "number", 0),
    "a pending lot that is due at another time": lambda book: setattr(
        book.pending_lots[0], "due", 39
    ),
    "a debt beside open lots": lambda book: owe(book, 1),
}


@pytest.mark.parametrize("damage", LOT_DAMAGES)
def test_damaged_lots_are_noticed(damage: str) -> None:
    book = whole()
    LOT_DAMAGES[damage](book)
    with pytest.raises(UnbalancedLedgerError, match=r"found .*vinculo verify --ledger"):
        check_lots(book)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("available", "issued"), ("pending", "expired"), ("reserved", "clawed_back"),
        ("available", "redeemed"), ("adjusted", "available"), ("transferred", "available"),
    ],
)  # fmt: skip
def test_books_that_do_not_add_up_are_noticed(one: str, other: str) -> None:
    for name in (one, other):
        book = whole()
        setattr(book, name, getattr(book, name) + 1)
        with pytest.raises(UnbalancedLedgerError, match=rf"found {held(book)} = .* moved"):
            check_book(book)


@pytest.mark.parametrize(
    ("negative", "with_it"),
    [
        ("pending", ("available", 1)), ("reserved", ("available", 1)), ("issued", ("adjusted", 1)),
        ("redeemed", ("expired", 1)), ("expired", ("redeemed", 1)),
        ("clawed_back", ("redeemed", 1)), ("overdrawn", ("available", 0)),
    ],
)  # fmt: skip
def test_nothing_but_what_is_available_adjusted_or_transferred_is_below_zero(
    negative: str, with_it: tuple[str, int]
) -> None:
    book = whole()
    shift = getattr(book, negative) + 1
    setattr(book, negative, -1)
    name, sign = with_it
    setattr(book, name, getattr(book, name) + sign * shift)
    with pytest.raises(UnbalancedLedgerError, match="least -1"):
        check_book(book)
    setattr(book, negative, 0)
    setattr(book, name, getattr(book, name) - sign)
    check_book(book)


def test_lots_that_stay_open_while_points_are_owed_are_noticed_at_once() -> None:
    book = whole()
    owe(book, 1)
    with pytest.raises(UnbalancedLedgerError, match="1 overdrawn"):
        check_book(book)


def held(book: Book) -> int:
    return book.available + book.pending + book.reserved


def test_a_pending_lot_s_timer_is_the_earlier_of_its_dates() -> None:
    assert [5, 7] == [waiting_lot(OpenLot(7, 0, 1, 1), at).due for at in (5, 9)]


# ---------------------------------------------------------------- streams


def stream(case: Case) -> list[Recorded[AccountDecision]]:
    return [
        Recorded(UUID(bytes=b"a" * 16), version, one)  # type: ignore[arg-type]
        for version, one in enumerate(case.desk.decisions, 1)
    ]


def test_an_account_is_read_from_its_stream() -> None:
    case = eventful()
    events = stream(case)
    assert case.account == project_account(None, events)
    half = project_account(None, events[:7])
    assert case.account == project_account(half, events[7:])
    assert None is project_account(None, [])


def test_a_stream_with_a_hole_or_of_another_account_is_noticed() -> None:
    events = stream(eventful())
    with pytest.raises(StreamBrokenError, match="expected version 3, found version 4"):
        project_account(None, [*events[:2], *events[3:]])
    with pytest.raises(StreamBrokenError, match="expected version 1, found version 2"):
        project_account(None, events[1:])
    other = msgspec.structs.replace(events[1], originator_id=UUID(bytes=b"b" * 16))
    with pytest.raises(StreamBrokenError, match="expected version 2, found version 2 of 6262"):
        project_account(None, [events[0], other])


def test_an_account_is_known_by_programme_and_persona_alone() -> None:
    assert "ce5b1d6a" == account_id("club", b"p" * 16).hex()[:8]
    assert account_id("club", b"q" * 16) != account_id("club", b"p" * 16)
    assert account_id("pool", b"p" * 16) != account_id("club", b"p" * 16)


def test_reservations_are_kept_in_the_order_of_their_time_outs() -> None:
    early, late = (Reservation(at, b"z" * 16, [Allocation(1, 1, 9, 0)]) for at in (5, 9))
    assert early < late
