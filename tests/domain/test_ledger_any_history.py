"""Whole histories of two accounts against a plain model: whatever happens, in whatever order.

After every step the ledger has what the model has; its decisions, written and read again, make the
same account byte for byte; and what it foretells is what its timers bring about.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.decisions.base import Recorded
from domain.errors import Refused
from domain.instants import SECOND
from domain.ledger import commands as ask
from domain.ledger.account import Account, check_book, check_lots
from domain.ledger.crediting import Accrual, accrue
from domain.ledger.decisions import (
    AccountDecision,
    LedgerAccountOpened,
    LotsExpired,
    PointsReinstated,
    Posting,
    RedemptionReleased,
)
from domain.ledger.desk import Desk
from domain.ledger.extending import Activity, extend
from domain.ledger.handling import handle
from domain.ledger.lots import Allocation
from domain.ledger.projecting import project_account
from domain.ledger.redeeming import RedemptionTerms
from domain.ledger.taking import ClawBack, ClawBackPolicy, Transfer, claw_back, transfer
from domain.ledger.terms import NEVER, LotKind, LotTerms, Share
from domain.ledger.timers import available_at, next_timer, run_timers
from tests.domain.ledger_model import FOREVER, Model
from tests.domain.ledger_model import transfer as model_transfer

OPENED = 20
LIFE = 7
FIGURES = (
    "available", "pending", "reserved", "overdrawn", "issued", "redeemed", "expired",
    "clawed_back", "adjusted", "transferred",
)  # fmt: skip
encode = msgspec.msgpack.Encoder().encode
decode_account = msgspec.msgpack.Decoder(Account).decode
to_json = msgspec.json.Encoder(order="deterministic").encode

sides = st.integers(0, 1)
currencies = st.sampled_from(("points", "points", "miles"))
few = st.integers(1, 12)
many = st.one_of(st.integers(1, 90), st.sampled_from((10**12 - 1, 10**12)))
seldom = st.sampled_from((False, False, False, True))
lateness = st.one_of(st.just(0), st.integers(0, 18))
waits = st.sampled_from((0, 0, 0, 1, 2, 5))
lives = st.sampled_from((1, 2, 3, 5, 9, 20, FOREVER))
kinds = st.sampled_from(("earned", "earned", "promotional", "paid"))
policies = st.sampled_from(("only_pending", "within_balance", "unlimited"))
Shares = list[tuple[int, int, int, LotKind]]
bundles = st.lists(st.tuples(st.integers(1, 40), waits, lives, kinds), min_size=1, max_size=3)


def instant(tick: int) -> int:
    return NEVER if tick >= FOREVER else tick * SECOND


class Side:
    """One of the two accounts: the ledger's, the model's, and the one that is read back."""

    def __init__(self, name: bytes) -> None:
        self.desk = Desk(Account(name * 16))
        self.desk.post(LedgerAccountOpened(at=instant(OPENED), programme="club", persona=b"p" * 16))
        self.model = Model(OPENED)
        self.read: Account | None = None
        self.read_to = 0
        self.lost: list[tuple[str, Allocation]] = []
        self.bought: list[dict[str, Any]] = []

    @property
    def account(self) -> Account:
        return self.desk.account

    def read_decisions(self) -> None:
        """Read what is new as the log has it: as JSON."""
        events: list[Recorded[AccountDecision]] = []
        for decision in self.desk.decisions[self.read_to :]:
            again = msgspec.json.decode(to_json(decision), type=type(decision))
            assert decision == again
            self.note_losses(decision)
            version = self.read_to + len(events) + 1
            events.append(Recorded(UUID(bytes=self.account.id), version, again))  # type: ignore[arg-type]
        self.read = project_account(self.read, events)
        self.read_to += len(events)

    def note_losses(self, decision: object) -> None:
        if isinstance(decision, LotsExpired) and decision.reason == "date":
            self.lost += [(decision.currency, one) for one in decision.allocations]
        elif isinstance(decision, RedemptionReleased):
            self.lost += [(decision.currency, one) for one in decision.expired]
        elif isinstance(decision, PointsReinstated):
            lots = {one.lot for one in decision.allocations}
            self.lost = [
                (currency, one)
                for currency, one in self.lost
                if currency != decision.currency or one.lot not in lots
            ]


def lots_of(account: Account, currency: str) -> list[tuple[object, ...]]:
    book = account.book(currency)
    active = [(one.number, one.remaining, one.expires_at, False) for one in book.lots]
    pending = [
        (one.lot.number, one.lot.remaining, one.lot.expires_at, True) for one in book.pending_lots
    ]
    return sorted([*active, *pending])


def figures_of(account: Account, currency: str) -> dict[str, int]:
    book = account.book(currency)
    return {name: getattr(book, name) for name in FIGURES}


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.sides = (Side(b"a"), Side(b"b"))
        self.now = OPENED
        self.count = 0
        self.terms = RedemptionTerms()

    @initialize(policy=st.sampled_from(("forfeit", "reissue")))
    def begin(self, policy: Any) -> None:
        self.terms = RedemptionTerms(expired_lots=policy, reissue_seconds=LIFE)

    def name(self) -> bytes:
        self.count += 1
        return self.count.to_bytes(16)

    def ask(
        self, side: Side, command: ask.AccountCommand, refusal: Callable[[Model, int], str]
    ) -> Model | None:
        """Ask for something; return the model at that instant if it was not refused."""
        model = deepcopy(side.model)
        now = model.touch(self.now)
        expected = refusal(model, now)
        before, decided = encode(side.account), len(side.desk.decisions)
        if expected:
            with pytest.raises(Refused) as refused:
                handle(side.desk, command, instant(self.now), self.terms)
            assert expected == refused.value.code
            assert before == encode(side.account), "a refusal changes nothing"
            assert decided == len(side.desk.decisions)
            return None
        handle(side.desk, command, instant(self.now), self.terms)
        side.model = model
        return model

    # ------------------------------------------------------------ time

    @rule(ticks=st.integers(1, 6))
    def time_passes(self, ticks: int) -> None:
        self.now += ticks

    @rule(which=sides)
    def timers_run(self, which: int) -> None:
        side = self.sides[which]
        run_timers(side.desk, instant(self.now))
        side.model.live(self.now)

    @rule(which=sides, ahead=st.integers(0, 12))
    def the_future_is_foretold(self, which: int, ahead: int) -> None:
        side = self.sides[which]
        at = self.now + ahead
        copy = Desk(decode_account(encode(side.account)))
        model = deepcopy(side.model)
        run_timers(copy, instant(at))
        model.live(at)
        for book in side.account.books:
            expected = model.pot(book.currency).figures()
            assert expected == figures_of(copy.account, book.currency)
            assert expected["available"] == available_at(book, instant(at))

    @rule(which=sides)
    def the_next_timer_is_the_first_that_does_anything(self, which: int) -> None:
        account = self.sides[which].account
        due = next_timer(account)
        copy = Desk(decode_account(encode(account)))
        run_timers(copy, due - 1)
        assert [] == copy.decisions
        if due != NEVER:
            run_timers(copy, due)
            assert copy.decisions
            assert {due} == {one.at for one in copy.decisions if isinstance(one, Posting)}
            assert due < next_timer(copy.account)

    # ------------------------------------------------------------ credits

    @rule(
        which=sides,
        currency=currencies,
        bundle=bundles,
        late=lateness,
        tier=st.booleans(),
    )
    def earn(
        self, which: int, currency: str, bundle: Shares, late: int, tier: bool
    ) -> None:  # fmt: skip
        side = self.sides[which]
        at = max(0, self.now - late)
        shares = [
            (points, at + wait, min(FOREVER, at + life), kind)
            for points, wait, life, kind in bundle
        ]
        accrue(
            side.desk,
            Accrual(
                posting_id=self.name(), touchpoint=b"t" * 16, cause=b"t" * 16, currency=currency,
                at=instant(at), day=at // 5, version="v1", qualifying=tier,
                shares=tuple(
                    Share("base", points, LotTerms(instant(active), instant(expires), kind), ("c",))
                    for points, active, expires, kind in shares
                ),
            ),
        )  # fmt: skip
        lots = side.model.accrue(currency, shares, at, at // 5, tier)
        total = sum(share[0] for share in shares)
        side.bought.append(
            {"currency": currency, "lots": set(lots), "left": total, "at": at, "tier": tier}
        )

    @rule(which=sides, points=st.integers(1, 40))
    def earn_plainly(self, which: int, points: int) -> None:
        self.earn(which, "points", [(points, 0, 9, "earned")], 0, tier=False)

    @rule(which=sides, life=lives, points=st.integers(1, 30))
    def buy_redeem_return_and_undo(self, which: int, life: int, points: int) -> None:
        """What somebody would do who wants points for nothing."""
        side = self.sides[which]
        self.earn(which, "points", [(30, 0, life, "earned")], 0, tier=False)
        self.redeem(which, "points", points, elsewhere=False)
        self.claw(side, side.bought[-1], 30, "within_balance")

    @precondition(lambda self: any(side.bought for side in self.sides))
    @rule(data=st.data(), policy=policies)
    def give_goods_back(self, data: st.DataObject, policy: ClawBackPolicy) -> None:
        side = data.draw(st.sampled_from([one for one in self.sides if one.bought]))
        bought = data.draw(st.sampled_from(side.bought))
        due = data.draw(st.integers(1, bought["left"]))
        self.claw(side, bought, due, policy)

    def claw(
        self, side: Side, bought: dict[str, Any], due: int, policy: ClawBackPolicy
    ) -> None:  # fmt: skip
        bought["left"] -= due
        if not bought["left"]:
            side.bought.remove(bought)
        claw = ClawBack(
            posting_id=self.name(), touchpoint=b"t" * 16, cause=b"r" * 16, at=instant(self.now),
            currency=bought["currency"], day=bought["at"] // 5, due=due, policy=policy,
            lots=frozenset(bought["lots"]), qualifying=bought["tier"],
        )  # fmt: skip
        forgiven = claw_back(side.desk, claw)
        if bought["tier"]:
            day = bought["at"] // 5
            side.model.qualified[day] -= due
        expected = side.model.claw_back(bought["currency"], due, bought["lots"], policy)
        assert expected == forgiven

    @precondition(lambda self: self.count < 4)
    @rule(
        which=sides, currency=currencies,
        bundle=st.lists(st.tuples(many, waits, lives), max_size=3), age=st.integers(0, 9),
    )  # fmt: skip
    def bring_over(
        self, which: int, currency: str, bundle: list[tuple[int, int, int]], age: int
    ) -> None:
        side = self.sides[which]
        earned = self.now - age
        lots = [
            (points, earned, earned + wait, min(FOREVER, earned + life))
            for points, wait, life in bundle
        ]
        command = ask.SetOpeningBalance(
            currency=currency, reference="statement", by="ana",
            lots=tuple(
                ask.OpeningLot(
                    points=points, earned_at=instant(earned),
                    active_from=None if active == earned else instant(active),
                    expires_at=None if expires == FOREVER else instant(expires),
                )
                for points, earned, active, expires in lots
            ),
        )  # fmt: skip

        def refusal(model: Model, _: int) -> str:
            if not model.is_open:
                return "account_closed"
            pot = model.pot(currency)
            if pot.lots or pot.owed:
                return "not_opening"
            return "" if lots else "points_invalid"

        before = side.model
        if self.ask(side, command, refusal):
            before.opening(currency, lots, self.now)
            side.model = before

    @rule(which=sides, currency=currencies, points=few, life=lives, overdraw=st.booleans(),
          gives=st.booleans())  # fmt: skip
    def adjust(
        self, which: int, currency: str, points: int, life: int, overdraw: bool, gives: bool
    ) -> None:
        expires = min(FOREVER, self.now + life)
        command = ask.Adjust(
            adjustment_id=self.name(), currency=currency, points=points if gives else -points,
            reason="kind", by="ana", approved_by="ben", overdraw=overdraw,
            expires_at=None if expires == FOREVER else instant(expires),
        )  # fmt: skip

        def refusal(model: Model, now: int) -> str:
            if not model.is_open:
                return "account_closed"
            if expires <= now:
                return "expiry_passed"
            available = model.pot(currency).figures()["available"]
            return "" if gives or overdraw or available >= points else "insufficient_points"

        model = self.ask(self.sides[which], command, refusal)
        if model:
            model.adjust(currency, command.points, expires, model.own_time)

    @rule(which=sides, currency=currencies, late=st.integers(0, 12), life=st.integers(1, 15))
    def be_active(self, which: int, currency: str, late: int, life: int) -> None:
        side = self.sides[which]
        at = self.now - late
        lost = tuple(one for of, one in side.lost if of == currency)
        activity = Activity(
            posting_id=self.name(), cause=b"c" * 16, currency=currency, at=instant(at),
            expires_at=instant(at + life), lost=lost,
        )  # fmt: skip
        extend(side.desk, activity)
        side.model.extend(currency, at, at + life)

    # ------------------------------------------------------------ redemptions

    @rule(
        which=sides,
        currency=currencies,
        points=st.one_of(few, st.integers(1, 90)),
        elsewhere=seldom,
    )
    def redeem(self, which: int, currency: str, points: int, elsewhere: bool) -> None:
        name = self.name()
        command = ask.Redeem(
            redemption_id=name, currency=currency, points=points, elsewhere=elsewhere
        )

        def refusal(model: Model, _: int) -> str:
            if elsewhere:
                return ""
            if not model.is_open:
                return "account_closed"
            available = model.pot(currency).figures()["available"]
            return "" if available >= points else "insufficient_points"

        model = self.ask(self.sides[which], command, refusal)
        if model:
            assert elsewhere >= (model.redeem(currency, name, points) > 0)

    @rule(which=sides, currency=currencies, points=few, ticks=st.integers(0, 9))
    def reserve(self, which: int, currency: str, points: int, ticks: int) -> None:
        name = self.name()
        until = self.now + ticks
        command = ask.Reserve(
            redemption_id=name, currency=currency, points=points, until=instant(until)
        )

        def refusal(model: Model, now: int) -> str:
            if not model.is_open:
                return "account_closed"
            if until <= now:
                return "until_passed"
            available = model.pot(currency).figures()["available"]
            return "" if available >= points else "insufficient_points"

        model = self.ask(self.sides[which], command, refusal)
        if model:
            model.reserve(currency, name, points, until)

    def reservations(self) -> list[tuple[Side, str, bytes]]:
        return [
            (side, currency, name)
            for side in self.sides
            for currency, pot in side.model.pots.items()
            for name in pot.reserved
        ]

    @precondition(lambda self: self.reservations())
    @rule(data=st.data(), points=st.one_of(st.none(), few), final=st.booleans())
    def capture(self, data: st.DataObject, points: int | None, final: bool) -> None:
        side, currency, name = data.draw(st.sampled_from(self.reservations()))
        wanted = 0

        def refusal(model: Model, _: int) -> str:
            nonlocal wanted
            one = model.pot(currency).reserved.get(name)
            if one is None:
                return "not_reserved"
            held = sum(part.points for part in one.parts)
            wanted = held if points is None else points
            return "" if wanted <= held else "points_invalid"

        command = ask.Capture(redemption_id=name, points=points, final=final)
        model = self.ask(side, command, refusal)
        if model:
            model.capture(currency, name, wanted, final, model.own_time)

    @precondition(lambda self: self.reservations())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        side, currency, name = data.draw(st.sampled_from(self.reservations()))

        def refusal(model: Model, _: int) -> str:
            return "" if name in model.pot(currency).reserved else "not_reserved"

        model = self.ask(side, ask.Release(redemption_id=name), refusal)
        if model:
            model.pot(currency).let_go(name, model.own_time)

    def redemptions(self) -> list[tuple[Side, str, bytes]]:
        return [
            (side, currency, name)
            for side in self.sides
            for currency, pot in side.model.pots.items()
            for name in pot.redeemed
        ]

    @precondition(lambda self: self.redemptions())
    @rule(data=st.data(), points=st.one_of(st.none(), few))
    def reverse(self, data: st.DataObject, points: int | None) -> None:
        self.undo(*data.draw(st.sampled_from(self.redemptions())), points)

    @precondition(lambda self: self.redemptions())
    @rule(points=st.one_of(st.none(), few))
    def reverse_the_latest(self, points: int | None) -> None:
        self.undo(*max(self.redemptions(), key=lambda one: one[2]), points)

    def undo(self, side: Side, currency: str, name: bytes, points: int | None) -> None:
        one = side.model.pot(currency).redeemed[name]
        left = one.uncovered + sum(part.points for part in one.parts)
        wanted = left if points is None else points

        def refusal(_: Model, __: int) -> str:
            if not left:
                return "not_redeemed"
            return "" if wanted <= left else "points_invalid"

        model = self.ask(side, ask.Reverse(redemption_id=name, points=points), refusal)
        if model:
            anew = self.terms.expired_lots == "reissue"
            model.reverse(currency, name, wanted, model.own_time, LIFE, anew)

    # ------------------------------------------------------------ both, and the end

    @rule(which=sides, currency=currencies, points=few)
    def send(self, which: int, currency: str, points: int) -> None:
        giver, taker = self.sides[which], self.sides[1 - which]
        models = deepcopy(giver.model), deepcopy(taker.model)
        now = max(self.now, models[0].own_time, models[1].own_time)
        for model in models:
            model.touch(now)
        available = models[0].pot(currency).figures()["available"]
        expected = "" if available >= points else "insufficient_points"
        if not (models[0].is_open and models[1].is_open):
            expected = "account_closed"
        before = encode(giver.account), encode(taker.account)
        order = Transfer(transfer_id=self.name(), currency=currency, points=points)
        if expected:
            with pytest.raises(Refused, match=expected):
                transfer(giver.desk, taker.desk, order, instant(self.now))
            assert before == (encode(giver.account), encode(taker.account))
            return
        transfer(giver.desk, taker.desk, order, instant(self.now))
        model_transfer(*models, currency, points)
        giver.model, taker.model = models

    @precondition(lambda self: self.count > 25)
    @rule(which=sides)
    def close(self, which: int) -> None:
        def refusal(model: Model, _: int) -> str:
            return "" if model.is_open else "account_closed"

        model = self.ask(self.sides[which], ask.CloseAccount(reason="moved"), refusal)
        if model:
            model.close(model.own_time)

    # ------------------------------------------------------------ what holds after every step

    @invariant()
    def the_ledger_has_what_the_model_has(self) -> None:
        for side in self.sides:
            model = side.model
            assert instant(model.own_time) == side.account.through
            for currency, pot in model.pots.items():
                assert pot.figures() == figures_of(side.account, currency)
                expected = sorted(
                    (lot.number, lot.points, instant(lot.expires), lot.is_pending)
                    for lot in pot.lots
                    if lot.points
                )
                assert expected == lots_of(side.account, currency)
                waiting = {
                    name: (instant(one.until), sum(part.points for part in one.parts))
                    for name, one in pot.reserved.items()
                }
                assert waiting == {
                    one.redemption_id: (one.until, sum(part.points for part in one.allocations))
                    for one in side.account.book(currency).reservations
                }

    @invariant()
    def the_books_are_sound_and_their_sum_is_zero(self) -> None:
        transferred = dict.fromkeys(("points", "miles"), 0)
        for side in self.sides:
            for book in side.account.books:
                check_book(book)
                check_lots(book)
                transferred[book.currency] += book.transferred
                held = book.available + book.pending + book.reserved
                nominal = book.redeemed + book.expired + book.clawed_back
                assert 0 == held + nominal - book.issued - book.adjusted - book.transferred
        assert {"points": 0, "miles": 0} == transferred

    @invariant()
    def the_log_makes_the_same_account(self) -> None:
        for side in self.sides:
            side.read_decisions()
            assert side.read is not None
            assert encode(side.account) == encode(side.read)
            assert len(side.desk.decisions) == side.account.version

    @invariant()
    def qualifying_points_are_counted_by_day(self) -> None:
        for side in self.sides:
            found: dict[int, int] = {}
            for days in side.account.qualified.values():
                for day, points in days.items():
                    found[day] = found.get(day, 0) + points
            assert {day: n for day, n in side.model.qualified.items() if n} == found


Histories.TestCase.settings = settings(
    max_examples=80,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAnyHistory = Histories.TestCase
