"""Tallying: what was issued, redeemed, expired and taken back, by month, tier and stage.

The truth is taken from recorded decisions, of which only the balances are read; the hypothesis from
the decisions of a replay. What a decision adds follows for both from the balance before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from domain.accounting.months import month_of
from domain.calendar import Calendar
from domain.decisions.base import Decision
from domain.earning import scenario
from domain.ledger import decisions as made
from domain.ledger.account import Account

ISSUED, REDEEMED, EXPIRED, CLAWED_BACK, ADJUSTED, REFUNDED, TRANSFERRED, CUT = range(8)
_COLUMNS = 8
_QUARTER = 900_000_000

Key = tuple[str, int, str, str | bytes]
"""currency, month, tier, stage; an account id in place of a stage that is to be looked up."""

_WHERE: dict[type[Decision], tuple[int, int]] = {
    made.PointsAccrued: (ISSUED, 1),
    made.OpeningBalanceSet: (ADJUSTED, 1),
    made.BalanceAdjusted: (ADJUSTED, 1),
    made.LotsExpired: (EXPIRED, -1),
    made.RedemptionReleased: (EXPIRED, -1),
    made.PointsReinstated: (EXPIRED, -1),
    made.RedemptionMade: (REDEEMED, -1),
    made.RedemptionCaptured: (REDEEMED, -1),
    made.PointsClawedBack: (CLAWED_BACK, -1),
    made.ForgivenPointsTaken: (CLAWED_BACK, -1),
    made.PointsTransferredOut: (TRANSFERRED, 1),
    made.PointsTransferredIn: (TRANSFERRED, 1),
}
"""Where the change of what is held goes, and with which sign; a reversal goes to two places."""

_BY_TOPIC = {kind.topic: where for kind, where in _WHERE.items()}


class Moved(msgspec.Struct, gc=False):
    """What tallying reads of a recorded posting; all else is passed over undecoded."""

    currency: str
    at: int
    before: made.Balance
    after: made.Balance
    points: int = 0


class _Tier(msgspec.Struct, gc=False):
    tier: str


class Standing:
    """One account, as tallied so far.

    Args:
        stage: of its customer, or the account's id where that is to be looked up.

    ``held`` and ``redeemed`` are points by currency, ``cost`` is what the redeemed ones were worth
    when they were redeemed, thousandths of a minor unit.
    """

    __slots__ = ("cost", "held", "redeemed", "stage", "tier")

    def __init__(self, stage: str | bytes) -> None:
        self.stage = stage
        self.tier = ""
        self.held: dict[str, int] = {}
        self.redeemed: dict[str, int] = {}
        self.cost: dict[str, int] = {}


class Tally:
    """Points by currency, month, tier and stage, and what each account holds.

    Args:
        calendar: of the tenant.
        stages: of accounts' customers, by account id.
        value: returns what 1,000 points of a currency are worth at an instant, minor units.

    """

    def __init__(
        self, calendar: Calendar, stages: Mapping[bytes, str], value: Callable[[str, int], int]
    ) -> None:
        self._value = value
        self._calendar = calendar
        self._stages = stages
        self._months: dict[int, int] = {}
        self.cells: dict[Key, list[int]] = {}
        self.accounts: dict[bytes, Standing] = {}

    def __getstate__(self) -> tuple[object, ...]:
        """Return what another process needs to add it up."""
        return self.cells, self.accounts

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Become what another process has tallied."""
        self.cells, self.accounts = state

    def account(self, account_id: bytes) -> Standing:
        """Return an account, begun if it is new."""
        known = self.accounts.get(account_id)
        if known is None:
            stage = self._stages.get(account_id, account_id)
            known = self.accounts[account_id] = Standing(stage)
        return known

    def cut(self, account_id: bytes, currency: str, at: int, points: int) -> None:
        """Add points that were asked for and could not be paid."""
        self._cell(self.account(account_id), currency, at)[CUT] += points

    def add(
        self,
        account_id: bytes,
        kind: tuple[int, int] | None,
        moved: Moved | made.Posting,
        reversed_points: int = 0,
    ) -> None:
        """Add a posting.

        Args:
            account_id: whose it is.
            kind: column and sign of what it changes; None of a reversal, or of what moves points
                within the account.
            moved: its currency, value date and balances.
            reversed_points: of a reversal.

        """
        before, after = moved.before, moved.after
        held = after.available + after.pending + after.reserved
        change = held - before.available - before.pending - before.reserved
        if not change and not reversed_points:
            return
        known, currency = self.account(account_id), moved.currency
        known.held[currency] = held
        cell = self._cell(known, currency, moved.at)
        if kind is None:
            cell[REDEEMED] -= reversed_points
            cell[EXPIRED] += reversed_points - change
            self._redeemed(known, currency, moved.at, -reversed_points)
            return
        column, sign = kind
        cell[column] += sign * change
        if column == REDEEMED:
            self._redeemed(known, currency, moved.at, -change)

    def _redeemed(self, known: Standing, currency: str, at: int, points: int) -> None:
        known.redeemed[currency] = known.redeemed.get(currency, 0) + points
        cost = points * self._value(currency, at)
        known.cost[currency] = known.cost.get(currency, 0) + cost

    def add_all(self, other: Tally) -> None:
        """Add a tally of other accounts."""
        self.accounts.update(other.accounts)
        for key, cell in other.cells.items():
            self._add_to(key, cell)

    def rename(self, stages: Mapping[str | bytes, str]) -> None:
        """Put stages in the place of the account ids that stood for them."""
        for known in self.accounts.values():
            known.stage = stages.get(known.stage, known.stage)
        for key in [one for one in self.cells if one[3] in stages]:
            cell = self.cells.pop(key)
            self._add_to((*key[:3], stages[key[3]]), cell)

    def _add_to(self, key: Key, cell: list[int]) -> None:
        into = self.cells.setdefault(key, [0] * _COLUMNS)
        for column, points in enumerate(cell):
            into[column] += points

    def _cell(self, known: Standing, currency: str, at: int) -> list[int]:
        quarter = at // _QUARTER
        month = self._months.get(quarter)
        if month is None:
            month = self._months[quarter] = month_of(self._calendar.day(at))
        key = (currency, month, known.tier, known.stage)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = [0] * _COLUMNS
        return cell


class Truth:
    """Tallies recorded decisions."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._moved = msgspec.json.Decoder(Moved).decode
        self._tier = msgspec.json.Decoder(_Tier).decode

    def hear(self, account_id: bytes, topic: str, body: bytes) -> None:
        """Take in a decision as it is stored."""
        kind = _BY_TOPIC.get(topic)
        if kind is not None:
            self.tally.add(account_id, kind, self._moved(body))
        elif topic == made.RedemptionReversed.topic:
            moved = self._moved(body)
            self.tally.add(account_id, None, moved, moved.points)
        elif topic == made.TierChanged.topic:
            self.tally.account(account_id).tier = self._tier(body).tier


class Hypothesis:
    """Tallies the decisions of a replay."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def posted(self, account: Account, decision: Decision) -> None:
        """Take in a decision."""
        kind = _WHERE.get(type(decision))
        if kind is not None:
            if isinstance(decision, made.BalanceAdjusted) and decision.reason == scenario.REFUNDED:
                kind = (REFUNDED, -1)
            self.tally.add(account.id, kind, decision)  # type: ignore[arg-type] # all of them post
        elif isinstance(decision, made.RedemptionReversed):
            self.tally.add(account.id, None, decision, decision.points)
        elif isinstance(decision, made.TierChanged):
            self.tally.account(account.id).tier = decision.tier

    def cut(self, account: Account, currency: str, at: int, points: int) -> None:
        """Take in points that could not be paid."""
        self.tally.cut(account.id, currency, at, points)
