"""Replaying: a whole history again, from what was put in, under rules of one's choice.

What is put in is facts, time, and what people asked for; it stands in the two logs, and
``FactsJudged`` and ``TimersRun`` say how it was interleaved (ruling 25). Everything else in the
decisions log followed from it and is made anew. Under the rules that were in force, a replay gives
every account's decisions byte for byte: that is its control.

What was asked for and could not have been paid under other rules is cut, and reported.

Every command is asked again at the instant that its decision bears; where a command leaves no trace
of it, as opening balances do, at the instant at which it was recorded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, TypeVar

import msgspec

from domain.correcting import Naming
from domain.decisions.base import Decision
from domain.earning.earning import Earning
from domain.earning.lost import LostLots
from domain.earning.scenario import Measure, RunOff, carry_out
from domain.earning.store import EarningStore
from domain.earning.watching import Observer, WatchedDesk
from domain.errors import Refused
from domain.fact import Fact
from domain.instants import SECOND
from domain.ledger import decisions as made
from domain.ledger.account import Account
from domain.ledger.booking import find_reservation
from domain.ledger.commands import Adjust, Capture, CloseAccount, Command, Redeem, Reserve, Reverse
from domain.ledger.crediting import adjust, reopen
from domain.ledger.desk import Desk
from domain.ledger.lots import Allocation, points_of
from domain.ledger.redeeming import RedemptionTerms, capture, redeem, reserve, reverse
from domain.ledger.taking import Transfer, close, receive, send
from domain.ledger.terms import NEVER
from domain.ledger.timers import available_at, expire_all, next_timer, put_back, run_timers
from domain.programmes.compiling import CompiledVersion
from domain.programmes.expiring import reissued_expiry

C = TypeVar("C", bound=Command)
_ANY = RedemptionTerms(minimum=1, step=1)


class Replay:
    """Replay the history of some accounts.

    Args:
        earning: judges facts, by the rules of one's choice; may be changed as the log goes on.
        observer: is told what comes of it.
        measures: what is done to balances, each with its instant, in order.
        remember_lost: whether what expires is kept in mind, for rules under which an activity that
            is learnt of late brings it back.

    """

    def __init__(
        self,
        earning: Earning,
        observer: Observer,
        measures: Iterable[tuple[int, Measure]] = (),
        *,
        remember_lost: bool = True,
    ) -> None:
        self.earning = earning
        self._observer = observer
        self._lost = LostLots()
        self._touched: set[bytes] = set()
        self._due: dict[bytes, int] = {}
        self._timers: list[tuple[int, bytes]] = []
        self._transfers: dict[bytes, tuple[Allocation, ...]] = {}
        self._opening: tuple[bytes, int, str, str] | None = None
        self._recorded_at = 0
        self._measures = deque(measures)
        self._next_measure = self._measures[0][0] if self._measures else NEVER
        self._ended = False
        self._rates: dict[str, list[tuple[int, int]]] = {}
        self._remembered = self._lost if remember_lost else None
        self.store = EarningStore(self._watched, self._lost)

    def fact(self, fact: Fact, naming: Naming | None = None, *, keep: bool = True) -> None:
        """Judge a fact that FactsJudged speaks of next.

        Args:
            fact: as stated.
            naming: what it names, if it is a correction or a void.
            keep: whether another fact may bring it back into question; if not, it is forgotten.

        """
        if self._opening is not None:
            self._end_opening()
        if fact.occurred_at >= self._next_measure:
            self._carry_out(fact.occurred_at)
        if self._ended:
            return
        self.earning.judge(self.store, fact, naming)
        if not keep:
            self.store.forget(fact, self.earning.programmes)
        if self._touched:
            self._schedule()

    def pass_time(self, instant: int) -> None:
        """Hear of a fact that touches none of these accounts, but says how late it is."""
        if instant >= self._next_measure:
            self._carry_out(instant)

    def decision(self, account_id: bytes, decision: Decision, recorded_at: int) -> None:
        """Ask again for what a recorded decision of an account had been asked for.

        Args:
            account_id: 16 bytes.
            decision: any of its stream; what followed from something else changes nothing.
            recorded_at: when it was recorded, microseconds since 1970.

        """
        ask = ASKED.get(type(decision))
        if ask is None:
            return
        if self._opening is not None and not isinstance(decision, made.OpeningBalanceSet):
            self._end_opening()
        self._recorded_at = recorded_at
        ask(self, self.store.desk(account_id), decision)
        self._schedule()

    def sweep(self, to: int, accounts: tuple[bytes, ...] | None = None) -> None:
        """Run the timers that are due at an instant.

        Args:
            to: microseconds since 1970.
            accounts: only of these, None for all.

        """
        self._end_opening()
        if to >= self._next_measure:
            self._carry_out(to)
        for account_id in self._take_due(to, accounts):
            self.earning.sweep(self.store.desk(account_id), to)
            self._touched.add(account_id)
        self._schedule()

    def end(self) -> None:
        """Finish what the last decision began."""
        self._end_opening()

    def _carry_out(self, to: int) -> None:
        """Do to all accounts what the scenario says, up to an instant."""
        while self._measures and self._measures[0][0] <= to:
            at, measure = self._measures.popleft()
            for account_id in self._take_due(at, None):
                self.earning.sweep(self.store.desk(account_id), at)
                self._touched.add(account_id)
            for _, desk in sorted(self.store.desks.items()):
                version = self.earning.in_force(desk.account.programme, at)
                if version is not None:
                    carry_out(desk, measure, version, at)
            if isinstance(measure, RunOff):
                self._ended = True
            else:
                rates = self._rates.setdefault(measure.currency, [])
                rates.append((measure.points, measure.per))
            self._schedule()
        self._next_measure = self._measures[0][0] if self._measures else NEVER

    def _in_new(self, currency: str, points: int) -> int:
        """Return what points that were asked for are in the points of now."""
        for new, per in self._rates.get(currency, ()):
            points = points * new // per
        return points

    def _take_due(self, to: int, accounts: tuple[bytes, ...] | None) -> list[bytes]:
        if accounts is not None:
            due = [one for one in sorted(accounts) if self._due.get(one, NEVER) <= to]
            for account_id in due:
                del self._due[account_id]
            return due
        timers, due = self._timers, []
        while timers and timers[0][0] <= to:
            instant, account_id = heappop(timers)
            if self._due.get(account_id) == instant:
                del self._due[account_id]
                due.append(account_id)
        return due

    def _watched(self, account: Account) -> Desk:
        return WatchedDesk(account, self._observer, self._touched, self._remembered)

    def _schedule(self) -> None:
        desks = self.store.desks
        for account_id in self._touched:
            due = next_timer(desks[account_id].account)
            if due >= NEVER:
                self._due.pop(account_id, None)
            elif self._due.get(account_id) != due:
                self._due[account_id] = due
                heappush(self._timers, (due, account_id))
        self._touched.clear()

    def _open(self, desk: Desk, asked: made.LedgerAccountOpened) -> None:
        if not asked.cause and not desk.account.programme and not self._ended:
            desk.post(asked)

    def _set_opening(self, desk: Desk, asked: made.OpeningBalanceSet) -> None:
        account = desk.account
        if not account.is_open:
            points = sum(share.points for share in asked.shares)
            self._observer.cut(account, asked.currency, asked.at, points)
            return
        at = max(self._recorded_at, account.through)
        opening = account.id, at, asked.currency, asked.reference
        if self._opening != opening:
            self._end_opening()
            run_timers(desk, at)
            self._opening = opening
        reopen(desk, asked)

    def _end_opening(self) -> None:
        """Run timers behind the last lot of an opening balance, as the command had done."""
        if self._opening is not None:
            account_id, at, *_ = self._opening
            self._opening = None
            run_timers(self.store.desk(account_id), at)

    def _reserve(self, desk: Desk, asked: made.RedemptionReserved) -> None:
        wanted = self._in_new(asked.currency, asked.points)
        points = self._payable(desk, asked.currency, wanted, asked.at)
        if points:
            command = Reserve(
                redemption_id=asked.redemption_id, currency=asked.currency, points=points,
                until=asked.until, reward=asked.reward, reference=asked.reference, by=asked.by,
            )  # fmt: skip
            reserve(desk, command, asked.at, _ANY)

    def _redeem(self, desk: Desk, asked: made.RedemptionMade) -> None:
        points = self._in_new(asked.currency, asked.points)
        if not asked.elsewhere or not desk.account.programme:
            points = self._payable(desk, asked.currency, points, asked.at)
        if points:
            command = Redeem(
                redemption_id=asked.redemption_id, currency=asked.currency, points=points,
                reward=asked.reward, reference=asked.reference, elsewhere=asked.elsewhere,
                by=asked.by,
            )  # fmt: skip
            redeem(desk, command, asked.at, _ANY)

    def _capture(self, desk: Desk, asked: made.RedemptionCaptured) -> None:
        held = 0
        for book in desk.account.books:
            reservation = find_reservation(book, asked.redemption_id)
            if reservation is not None and reservation.until > asked.at:
                held = points_of(reservation.allocations)
        wanted = self._in_new(asked.currency, asked.points)
        points = min(wanted, held)
        if points < wanted:
            self._observer.cut(desk.account, asked.currency, asked.at, wanted - points)
        if points:
            command = Capture(
                redemption_id=asked.redemption_id, points=points, final=False, by=asked.by
            )
            capture(desk, command, asked.at)

    def _release(self, desk: Desk, asked: made.RedemptionReleased) -> None:
        if asked.reason == "timed_out":
            return
        at = max(asked.at, desk.account.through)
        run_timers(desk, at)
        for book in desk.account.books:
            reservation = find_reservation(book, asked.redemption_id)
            if reservation is not None:
                put_back(desk, book, reservation, at, asked.reason, asked.by)

    def _reverse(self, desk: Desk, asked: made.RedemptionReversed) -> None:
        redemption = desk.account.redemptions.get(asked.redemption_id)
        left = 0 if redemption is None else points_of(redemption.redeemed) + redemption.uncovered
        points = min(self._in_new(asked.currency, asked.points), left)
        if points:
            command = Reverse(redemption_id=asked.redemption_id, points=points, by=asked.by)
            reverse(desk, command, asked.at, self._terms(desk.account, asked.currency, asked.at))

    def _terms(self, account: Account, currency: str, at: int) -> RedemptionTerms:
        version = self.earning.in_force(account.programme, at)
        return _ANY if version is None else reversal_terms(version, currency, at)

    def _adjust(self, desk: Desk, asked: made.BalanceAdjusted) -> None:
        share = asked.share
        points = share.points if share is not None else -self._to_take(desk, asked)
        points = self._in_new(asked.currency, points) if points > 0 else points
        if not points:
            return
        forever = share is None or share.terms.expires_at >= NEVER
        command = Adjust(
            adjustment_id=asked.adjustment_id, currency=asked.currency, points=points,
            reason=asked.reason, by=asked.by, approved_by=asked.approved_by, cause=asked.cause,
            expires_at=None if share is None or forever else share.terms.expires_at,
            kind=share.terms.kind if share is not None else "promotional", overdraw=True,
        )  # fmt: skip
        self._try(adjust, desk, command, asked.at)

    def _to_take(self, desk: Desk, asked: made.BalanceAdjusted) -> int:
        """Return the points to take: beyond the balance only where that was done before."""
        points = self._in_new(asked.currency, points_of(asked.allocations) + asked.uncovered)
        return points if asked.uncovered else self._payable(desk, asked.currency, points, asked.at)

    def _send(self, desk: Desk, asked: made.PointsTransferredOut) -> None:
        wanted = self._in_new(asked.currency, points_of(asked.allocations))
        if not self.store.desk(asked.to_account).account.is_open:
            self._observer.cut(desk.account, asked.currency, asked.at, wanted)
            return
        points = self._payable(desk, asked.currency, wanted, asked.at)
        if points:
            order = Transfer(
                transfer_id=asked.transfer_id, currency=asked.currency, points=points, by=asked.by
            )
            at = max(asked.at, desk.account.through)
            self._transfers[asked.transfer_id] = send(desk, order, asked.to_account, at)

    def _receive(self, desk: Desk, asked: made.PointsTransferredIn) -> None:
        sent = self._transfers.pop(asked.transfer_id, ())
        if sent:
            order = Transfer(
                transfer_id=asked.transfer_id, currency=asked.currency, points=points_of(sent),
                by=asked.by,
            )  # fmt: skip
            receive(desk, order, sent, asked.from_account, max(asked.at, desk.account.through))

    def _expire(self, desk: Desk, asked: made.LotsExpired) -> None:
        """Let everything in a book expire, which an account that closes does book by book."""
        if asked.reason not in {"account_closed", "programme_closed"}:
            return
        at = max(asked.at, desk.account.through)
        run_timers(desk, at)
        expire_all(desk, desk.account.book(asked.currency), at, asked.reason)

    def _close(self, desk: Desk, asked: made.LedgerAccountClosed) -> None:
        command = CloseAccount(reason=asked.reason, by=asked.by)
        self._try(close, desk, command, asked.at)

    def _payable(self, desk: Desk, currency: str, points: int, at: int) -> int:
        """Return how many of the points that were asked for can be paid; report the others."""
        account = desk.account
        payable = 0
        if account.is_open:
            available = available_at(account.book(currency), max(at, account.through))
            payable = min(points, max(available, 0))
        if payable < points:
            self._observer.cut(account, currency, at, points - payable)
        return payable

    def _try(self, ask: Callable[[Desk, C, int], None], desk: Desk, command: C, at: int) -> None:
        """Ask for something that other rules may have made impossible."""
        try:
            ask(desk, command, at)
        except Refused:
            points = abs(getattr(command, "points", 0))
            self._observer.cut(desk.account, getattr(command, "currency", ""), at, points)


def reversal_terms(version: CompiledVersion, currency: str, at: int) -> RedemptionTerms:
    """Return what a version says of points that come back to an expired lot at an instant."""
    found = version.currencies.get(currency)
    if found is None:
        return _ANY
    calendar = version.calendar
    until = reissued_expiry(found, calendar.day(at), calendar)
    if until is None:
        return _ANY
    return msgspec.structs.replace(
        _ANY, expired_lots="reissue", reissue_seconds=(until - at) // SECOND
    )


ASKED: dict[type[Decision], Callable[[Replay, Desk, Any], None]] = {
    made.LedgerAccountOpened: Replay._open,  # noqa: SLF001 - its own table
    made.OpeningBalanceSet: Replay._set_opening,  # noqa: SLF001
    made.RedemptionReserved: Replay._reserve,  # noqa: SLF001
    made.RedemptionMade: Replay._redeem,  # noqa: SLF001
    made.RedemptionCaptured: Replay._capture,  # noqa: SLF001
    made.RedemptionReleased: Replay._release,  # noqa: SLF001
    made.RedemptionReversed: Replay._reverse,  # noqa: SLF001
    made.BalanceAdjusted: Replay._adjust,  # noqa: SLF001
    made.PointsTransferredOut: Replay._send,  # noqa: SLF001
    made.PointsTransferredIn: Replay._receive,  # noqa: SLF001
    made.LotsExpired: Replay._expire,  # noqa: SLF001
    made.LedgerAccountClosed: Replay._close,  # noqa: SLF001
}
"""What stands in the log because somebody asked for it; all else follows from facts and time."""
