"""Books of points against an independent model, by random statements with many ties.

The model walks over every instant at which anything may happen and keeps all lots in one list, each
judged by its dates: no queues of timers, no running balances, no tail folding, no packing.
"""

from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.loyalty.holdings import Holdings, check_balanced, check_lots
from domain.loyalty.lots import Lot
from domain.loyalty.mirrored import Book, settle_book, statements_of
from domain.loyalty.statements import ADJUSTED, EARNED, EXPIRED, REDEEMED, Statement

INFINITE = 2**62
encode = msgspec.msgpack.Encoder(order="deterministic").encode


class Model:
    def __init__(self, statements: list[Statement], horizon: int, here: bool) -> None:
        self.here = here
        self.lots: list[dict[str, int]] = []
        self.debt = self.uncovered = self.expired_by_date = 0
        self.stated = {"earned": 0, "redeemed": 0, "expired": 0, "up": 0, "down": 0}
        ordered = sorted(statements, key=lambda s: (s.at, s.sequence, s.entry_id))
        end = max([horizon] + [s.at for s in ordered])
        dates = {d for s in ordered for d in (s.at, s.expires_at, s.active_from) if d is not None}
        for now in sorted(dates):
            if now <= end:
                self.pass_time(now)
                for ordinal, statement in enumerate(ordered):
                    if statement.at == now:
                        self.apply(ordinal, statement, now)

    def pass_time(self, now: int) -> None:
        for lot in self.lots:
            if lot["expires"] <= now and self.here:
                self.expired_by_date += lot["left"]
                lot["left"] = 0
        self.pay(now)

    def state(self, lot: dict[str, int], now: int) -> str:
        if lot["expires"] <= now:
            return "past"
        return "active" if lot["active"] <= now else "pending"

    def in_state(self, state: str, now: int) -> list[dict[str, int]]:
        found = [lot for lot in self.lots if lot["left"] and self.state(lot, now) == state]
        return sorted(found, key=lambda lot: (lot["expires"], lot["ordinal"]))

    def take(self, points: int, lots: list[dict[str, int]]) -> int:
        for lot in lots:
            taken = min(points, lot["left"])
            lot["left"] -= taken
            points -= taken
        return points

    def pay(self, now: int) -> None:
        self.debt = self.take(self.debt, self.in_state("active", now))

    def apply(self, ordinal: int, statement: Statement, now: int) -> None:
        kind, points = statement.kind, statement.points
        if kind == EARNED or (kind == ADJUSTED and points > 0):
            self.stated["earned" if kind == EARNED else "up"] += points
            expires = INFINITE if statement.expires_at is None else statement.expires_at
            active = -INFINITE if statement.active_from is None else statement.active_from
            self.lots.append(
                {"ordinal": ordinal, "expires": expires, "active": active, "left": points}
            )
            self.pass_time(now)
            return
        order = {
            REDEEMED: ("active",),
            EXPIRED: ("past", "active", "pending"),
            ADJUSTED: ("active", "pending", "past"),
        }[kind]
        self.stated[{REDEEMED: "redeemed", EXPIRED: "expired", ADJUSTED: "down"}[kind]] += abs(
            points
        )
        short = abs(points)
        for state in order:
            short = self.take(short, self.in_state(state, now))
        self.debt += short
        self.uncovered += short > 0

    def figures(self, now: int) -> dict[str, Any]:
        def lots(state: str) -> list[tuple[int, int, int]]:
            return [(x["expires"], x["ordinal"], x["left"]) for x in self.in_state(state, now)]

        def points(state: str) -> int:
            return sum(lot["left"] for lot in self.in_state(state, now))

        return {
            "available": points("active"),
            "pending": points("pending"),
            "awaiting": points("past"),
            "debt": self.debt,
            "uncovered": self.uncovered,
            "by_date": self.expired_by_date,
            "active_lots": lots("active"),
            "pending_lots": lots("pending"),
            "past_lots": lots("past"),
            **self.stated,
        }


def figures(holdings: Holdings) -> dict[str, Any]:
    def lots(found: list[Lot]) -> list[tuple[int, int, int]]:
        return [(lot.expires_at, lot.ordinal, lot.remaining) for lot in found]

    return {
        "available": holdings.available,
        "pending": holdings.pending,
        "awaiting": holdings.awaiting_expiry,
        "debt": holdings.overdrawn,
        "uncovered": holdings.uncovered,
        "by_date": holdings.expired_by_date,
        "active_lots": lots(holdings.lots),
        "pending_lots": lots(sorted(waiting.lot for waiting in holdings.pending_lots)),
        "past_lots": lots(holdings.lots_past_date),
        "earned": holdings.earned,
        "redeemed": holdings.redeemed,
        "expired": holdings.expired_as_stated,
        "up": holdings.adjusted_up,
        "down": holdings.adjusted_down,
    }


_Drawn = tuple[int, int, tuple[int, int], int | None, int | None]


def _statement(index: int, salt: int, drawn: _Drawn) -> Statement:
    at, sequence, (kind, points), expires_at, active_from = drawn
    identity = bytes([index * 7 + salt & 0xFF, index]) * 8  # no order of its own
    makes_lot = kind == EARNED or (kind == ADJUSTED and points > 0)
    return Statement(
        at,
        sequence,
        identity,
        kind,
        points,
        expires_at if makes_lot else None,
        active_from if kind == EARNED else None,
    )


instants = st.integers(-5, 30)
moves = st.one_of(
    st.tuples(st.just(EARNED), st.integers(1, 20)),
    st.tuples(st.sampled_from([EARNED, REDEEMED, EXPIRED]), st.integers(1, 30)),
    st.tuples(st.just(ADJUSTED), st.integers(-30, 20)),
)
perhaps = st.none() | instants
drawn_statements = st.lists(
    st.tuples(instants, st.integers(-1, 1), moves, perhaps, perhaps), max_size=14
)
statement_lists = st.builds(
    lambda drawn, salt: [_statement(index, salt, one) for index, one in enumerate(drawn)],
    drawn_statements,
    st.integers(0, 255),
)


def shuffled(statements: list[Statement], disorder: Random) -> list[Statement]:
    return disorder.sample(statements, len(statements))


def in_one_go(statements: list[Statement], horizon: int, here: bool) -> Book:
    book = Book("points", fresh=list(statements))
    settle_book(book, horizon, expires_here=here)
    return book


@settings(max_examples=500, deadline=None)
@given(statement_lists, st.integers(-8, 40), st.booleans())
def test_a_book_holds_what_an_independent_model_holds(
    statements: list[Statement], horizon: int, here: bool
) -> None:
    book = in_one_go(statements, horizon, here)

    end = max([horizon] + [statement.at for statement in statements])
    assert Model(statements, horizon, here).figures(end) == figures(book.holdings)
    check_balanced(book.holdings)
    check_lots(book.holdings)


@settings(max_examples=300, deadline=None)
@given(statement_lists, st.integers(-8, 40), st.booleans(), st.randoms(use_true_random=False))
def test_any_order_any_batches_and_any_horizons_on_the_way_give_the_same_bytes(
    statements: list[Statement], horizon: int, here: bool, disorder: Random
) -> None:
    expected = encode(in_one_go(sorted(statements), horizon, here))
    book = Book("points")
    for statement in shuffled(statements, disorder):
        book.fresh.append(statement)
        if disorder.random() < 0.5:
            settle_book(book, disorder.randint(-8, 40), expires_here=here)
        if disorder.random() < 0.5:
            book = msgspec.msgpack.decode(encode(book), type=Book)

    settle_book(book, horizon, expires_here=here)

    assert expected == encode(book)
    assert sorted(statements) == statements_of(book)


@settings(max_examples=300, deadline=None)
@given(statement_lists, st.integers(-8, 40), st.booleans())
def test_nothing_changes_before_the_timer_that_settling_announces_and_something_does_at_it(
    statements: list[Statement], horizon: int, here: bool
) -> None:
    book = in_one_go(statements, horizon, here)
    before = encode(book)

    due = settle_book(book, horizon, expires_here=here)
    assert before == encode(book)
    later = 10_000 if due is None else due - 1
    assert due == settle_book(book, later, expires_here=here)
    assert before == encode(book)
    if due is not None:
        settle_book(book, due, expires_here=here)
        assert before != encode(book)


@settings(max_examples=100, deadline=None)
@given(statement_lists, st.booleans())
def test_punctual_statements_one_by_one_give_the_bytes_of_a_refold(
    statements: list[Statement], here: bool
) -> None:
    punctual = sorted(statements)
    book = Book("points")

    for count, statement in enumerate(punctual, start=1):
        book.fresh.append(statement)
        settle_book(book, statement.at, expires_here=here)
        refolded = in_one_go(punctual[:count], statement.at, here)
        assert encode(refolded) == encode(book)
