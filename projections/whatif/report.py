"""The report of a what-if: points and money, truth beside hypothesis. Same question, same bytes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from domain.accounting.months import month_text
from projections.whatif.tallying import Key, Standing, Tally

CHANGES_MAX = 20
_PER = 1_000


class Flows(msgspec.Struct, array_like=False, kw_only=True):
    """Points that moved.

    Args:
        issued: earned.
        redeemed: less what was reversed.
        expired: by date or because an account or the programme closed, less what was reinstated.
        clawed_back: because an earn was undone.
        adjusted: given less taken by people; opening balances and conversions included.
        refunded: taken because a programme closed, and paid back.
        transferred: in less out, 0 over all accounts.
        cut: asked for, and not there under these rules; always 0 of the truth.
        outstanding: what is held afterwards, pending and reserved points included; of a month at
            its end, of a tier or stage by those who stand there in the end.

    """

    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    clawed_back: int = 0
    adjusted: int = 0
    refunded: int = 0
    transferred: int = 0
    cut: int = 0
    outstanding: int = 0


class Compared(msgspec.Struct, kw_only=True):
    """One line: truth and hypothesis.

    Args:
        currency: of the points.
        name: of the month (2026-03), the tier or the stage; empty for the total.
        truth: as it was decided.
        hypothesis: as it would have been.

    """

    currency: str
    name: str
    truth: Flows
    hypothesis: Flows


class Worth(msgspec.Struct, kw_only=True):
    """Points in money: redeemed ones by the rules of their day, held ones by those of the end.

    Args:
        currency: of the points.
        money: ISO 4217: the first one in which the rules value them.
        redeemed_truth: cost of what was redeemed, minor units, rounded down.
        redeemed_hypothesis: the same under the other rules.
        liability_truth: of what is held in the end.
        liability_hypothesis: the same under the other rules.

    """

    currency: str
    money: str
    redeemed_truth: int
    redeemed_hypothesis: int
    liability_truth: int
    liability_hypothesis: int


class Change(msgspec.Struct, kw_only=True):
    """What an account has had: points redeemed so far, and points that it still holds.

    Args:
        account: its id, hexadecimal.
        currency: of the points.
        money: in which they are valued; empty for none.
        points_truth: as it was decided.
        points_hypothesis: as it would have been.
        worth_truth: of these points, minor units, rounded down.
        worth_hypothesis: of these points under the other rules.

    """

    account: str
    currency: str
    money: str
    points_truth: int
    points_hypothesis: int
    worth_truth: int
    worth_hypothesis: int

    @property
    def gain(self) -> int:
        """Return what the account gains, below 0 if it loses: in money where there is a value."""
        if self.money:
            return self.worth_hypothesis - self.worth_truth
        return self.points_hypothesis - self.points_truth


class Money(Protocol):
    """What points are worth in the end, by one side's rules."""

    def name(self, currency: str) -> str:
        """Return in which money, ISO 4217, empty for none."""

    def value(self, currency: str) -> int:
        """Return what 1,000 points are worth, minor units."""


class Question(msgspec.Struct, kw_only=True):
    """What was asked: with all of this equal, the bytes of the report are equal.

    Args:
        programme: its code.
        scenario: SHA-256 of its canonical JSON.
        begins: first instant at which other rules hold or something is done, microseconds since
            1970.
        versions: names of the versions that were tried.
        facts: position in the facts log up to which was judged.
        decisions: position in the decisions log.
        stages_at: position in the facts log at which the live view told the stages, 0 if it did
            not.
        stages_fold: what folded that view.
        engine: version of this reckoning.

    """

    programme: str
    scenario: str
    begins: int
    versions: tuple[str, ...]
    facts: int
    decisions: int
    stages_at: int
    stages_fold: str
    engine: int = 1


class WhatIf(msgspec.Struct, kw_only=True):
    """The report.

    Args:
        question: what was asked.
        totals: by currency.
        months: by currency and month.
        tiers: by currency and tier; flows by the tier held when they happened.
        stages: by currency and lifecycle stage of the customer now.
        worth: in money.
        accounts: how many there are, and how many there would be.
        changed: how many would have had more or fewer points.
        losers: those that lose most, the most first.
        gainers: those that gain most, the most first.

    """

    question: Question
    totals: tuple[Compared, ...]
    months: tuple[Compared, ...]
    tiers: tuple[Compared, ...]
    stages: tuple[Compared, ...]
    worth: tuple[Worth, ...]
    accounts: tuple[int, int]
    changed: int
    losers: tuple[Change, ...]
    gainers: tuple[Change, ...]


_encode = msgspec.json.Encoder(order="deterministic").encode


def canonical(report: WhatIf) -> bytes:
    """Return the canonical JSON of a report."""
    return _encode(report)


def digest(report: WhatIf) -> str:
    """Return the SHA-256 (hexadecimal) of the canonical JSON of a report."""
    return hashlib.sha256(canonical(report)).hexdigest()


def make_report(
    question: Question,
    truth: Tally,
    hypothesis: Tally,
    money: tuple[Money, Money],
) -> WhatIf:
    """Return the report of two tallies.

    Args:
        question: what was asked.
        truth: of what was decided.
        hypothesis: of what would have been.
        money: by the actual rules and by the others.

    """
    totals = _compare(truth, hypothesis, lambda _key: "", lambda _one: "")
    changes = [one for one in _changes(truth, hypothesis, money) if one.gain]
    by_loss = sorted(changes, key=lambda one: (one.gain, one.account, one.currency))
    by_gain = sorted(changes, key=lambda one: (-one.gain, one.account, one.currency))
    return WhatIf(
        question=question,
        totals=totals,
        months=_with_month_ends(
            _compare(truth, hypothesis, lambda key: month_text(key[1]), lambda _one: None)
        ),
        tiers=_compare(truth, hypothesis, lambda key: key[2], lambda one: one.tier),
        stages=_compare(truth, hypothesis, lambda key: str(key[3]), lambda one: str(one.stage)),
        worth=tuple(_worth(truth, hypothesis, totals, money)),
        accounts=(len(truth.accounts), len(hypothesis.accounts)),
        changed=len({one.account for one in changes}),
        losers=tuple(one for one in by_loss[:CHANGES_MAX] if one.gain < 0),
        gainers=tuple(one for one in by_gain[:CHANGES_MAX] if one.gain > 0),
    )


def _compare(
    truth: Tally,
    hypothesis: Tally,
    flow_name: Callable[[Key], str],
    holder_name: Callable[[Standing], str | None],
) -> tuple[Compared, ...]:
    """Return lines by currency and name; what is held is grouped by who holds it."""
    sides = [_flows(one, flow_name, holder_name) for one in (truth, hypothesis)]
    return tuple(
        Compared(
            currency=currency,
            name=name,
            truth=sides[0].get((currency, name), Flows()),
            hypothesis=sides[1].get((currency, name), Flows()),
        )
        for currency, name in sorted(sides[0].keys() | sides[1].keys())
    )


def _flows(
    tally: Tally, flow_name: Callable[[Key], str], holder_name: Callable[[Standing], str | None]
) -> dict[tuple[str, str], Flows]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 9)
    for key, cell in tally.cells.items():
        into = sums[key[0], flow_name(key)]
        for column, points in enumerate(cell):
            into[column] += points
    for one in tally.accounts.values():
        name = holder_name(one)
        if name is not None:
            for currency, held in one.held.items():
                sums[currency, name][-1] += held
    return {
        key: Flows(**dict(zip(Flows.__struct_fields__, row, strict=True)))
        for key, row in sums.items()
    }


def _with_month_ends(months: tuple[Compared, ...]) -> tuple[Compared, ...]:
    """Return months, each with what is held at its end; they are sorted."""
    held: dict[tuple[str, int], int] = defaultdict(int)
    for line in months:
        for side, flows in enumerate((line.truth, line.hypothesis)):
            held[line.currency, side] += _net(flows)
            flows.outstanding = held[line.currency, side]
    return months


def _net(flows: Flows) -> int:
    came = flows.issued + flows.adjusted + flows.transferred
    return came - flows.redeemed - flows.expired - flows.clawed_back - flows.refunded


def _worth(
    truth: Tally, hypothesis: Tally, totals: Iterable[Compared], money: tuple[Money, Money]
) -> Iterable[Worth]:
    for line in totals:
        currency = line.currency
        name = money[0].name(currency) or money[1].name(currency)
        if name:
            costs = [
                sum(one.cost.get(currency, 0) for one in side.accounts.values())
                for side in (truth, hypothesis)
            ]
            yield Worth(
                currency=currency,
                money=name,
                redeemed_truth=costs[0] // _PER,
                redeemed_hypothesis=costs[1] // _PER,
                liability_truth=line.truth.outstanding * money[0].value(currency) // _PER,
                liability_hypothesis=line.hypothesis.outstanding * money[1].value(currency) // _PER,
            )


def _changes(truth: Tally, hypothesis: Tally, money: tuple[Money, Money]) -> Iterable[Change]:
    nobody = Standing("")
    for account_id in truth.accounts.keys() | hypothesis.accounts.keys():
        sides = [one.accounts.get(account_id, nobody) for one in (truth, hypothesis)]
        for currency in {code for one in sides for code in one.held}:
            points = [one.held.get(currency, 0) + one.redeemed.get(currency, 0) for one in sides]
            worth = [
                one.cost.get(currency, 0) + one.held.get(currency, 0) * side.value(currency)
                for one, side in zip(sides, money, strict=True)
            ]
            yield Change(
                account=account_id.hex(),
                currency=currency,
                money=money[0].name(currency) or money[1].name(currency),
                points_truth=points[0],
                points_hypothesis=points[1],
                worth_truth=worth[0] // _PER,
                worth_hypothesis=worth[1] // _PER,
            )
