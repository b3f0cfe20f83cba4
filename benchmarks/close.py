"""Benchmark ``close``: a month of points out of the decisions log, with the price of every sale.

Purchases are judged by the earning worker's own steps, half of the points are redeemed; then the
month is prepared for closing, again and again. The reference reads and decodes the same decisions
and does nothing with them.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

import psycopg

from benchmarks.feeding import feed
from benchmarks.harness import Goal, Measured, arguments, interleaved, middle, report, say
from benchmarks.load import Business, Event
from benchmarks.servers import CONTEXT, Place, settle, tenant
from domain.accounting.estimates import Estimate
from domain.accounting.months import month_of
from domain.accounting.movements import RollForwardError
from domain.accounting.portfolios import Portfolio
from domain.earning.earning import Earning
from domain.instants import DAY, SECOND, day_of
from domain.ledger.commands import Redeem
from domain.ledger.handling import handle
from domain.programmes.earn_rules import EarnRule, PerAmount
from domain.programmes.format import Burn, Enrolment, PointsCurrency, ProgrammeVersion
from domain.programmes.rulebook import ProgrammeRulebook
from journal.accounting import approve_estimate, publish_estimate
from journal.connecting import binary_cursor
from journal.decisions import open_decisions
from journal.decisions.mapper import DecisionMapper
from journal.earning.writing import EarningLedger
from journal.ledger.heads import Heads
from journal.reading import head_of
from projections.ledger.closing import Prepared, prepare_month

SIZES = {"parties": 20_000, "purchases": 90_000, "redemptions": 90_000, "rounds": 3}
CONTROLS = {"stale": "an account's row is one decision behind its stream"}
_SPREAD_DAYS = 60
_BATCH = 500
_WINDOW = 10_000
_RULES = ProgrammeVersion(
    programme="club", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    currencies=(PointsCurrency(code="points", burn=Burn()),),
    enrolment=Enrolment(namespaces=("crm",)),
    rules=(
        EarnRule(
            code="base", currency="points", touchpoints=("purchase_made",),
            earn=PerAmount(points=1, per=10, currency="EUR"),
        ),
    ),
)  # fmt: skip
_SQL_WINDOW = (
    "SELECT type, body FROM journal.entry"
    " WHERE log_id = %s AND position > %s AND position <= %s ORDER BY position"
)


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    with tenant() as place:
        month = _fill(place, chosen)
        if chosen.control == "stale":
            _spoil(place)
        settle(place)
        with place.connect() as connection:
            closing = _Closing(place, connection, month)
            rounds = interleaved(
                chosen.rounds, {"close": closing.rate, "decode": closing.decoded_rate}
            )
            growth = closing.memory_growth()
        return _measured(closing, rounds, growth)


class _Closing:
    """Prepares the month, and remembers how that went."""

    def __init__(self, place: Place, connection: psycopg.Connection, month: int) -> None:
        self._place = place
        self._connection = connection
        self._month = month
        self.decisions = head_of(connection, place.logs.decisions)
        self.balanced = True
        self.wall_rates: list[float] = []
        self.last: Prepared | None = None

    def rate(self) -> float:
        """Return decisions a second of this process's time for one close."""
        began = time.perf_counter()
        spent = _processor_seconds(self._prepare)
        self.wall_rates.append(self.decisions / (time.perf_counter() - began))
        return self.decisions / spent

    def decoded_rate(self) -> float:
        """Return the same for reading and decoding alone."""
        return self.decisions / _processor_seconds(self._decode)

    def memory_growth(self) -> float:
        """Return the most that is held at a time while closing, in mebibytes."""
        tracemalloc.start()
        self._prepare()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most / 2**20

    def _prepare(self) -> None:
        try:
            self.last = prepare_month(
                self._connection, self._place.logs, self._month, CONTEXT.calendar
            )
        except RollForwardError as error:
            say(str(error))
            self.balanced = False

    def _decode(self) -> None:
        decode = DecisionMapper().decision
        for after in range(0, self.decisions, _WINDOW):
            cursor = binary_cursor(self._connection)
            values = (self._place.logs.decisions, after, after + _WINDOW)
            for topic, body in cursor.execute(_SQL_WINDOW, values).fetchall():
                decode(topic, body)


def _measured(closing: _Closing, rounds: dict[str, list[float]], growth: float) -> Measured:
    value, reference = middle(rounds["close"]), middle(rounds["decode"])
    issued = 0
    if closing.last is not None:
        totals = closing.last.preparation.totals
        issued = sum(one.points.opening + one.points.issued for one in totals)
    return Measured(
        value=value,
        unit="decisions/s of processor time",
        reference=reference,
        goals={
            "ratio_to_decoding": Goal(value / reference, 0.06),
            "roll_forward_is_ledger": Goal(int(closing.balanced), 1),
            "mebibytes_held": Goal(growth, 100, at_most=True),
        },
        parts={
            "rounds": rounds["close"],
            "wall_rates": closing.wall_rates,
            "decode_rounds": rounds["decode"],
            "decisions": closing.decisions,
            "points_at_work": issued,
        },
    )


def _fill(place: Place, chosen: argparse.Namespace) -> int:
    """Let customers buy and redeem; return the month of the last purchase."""
    begins_at = int(time.time()) * SECOND - 2 * _SPREAD_DAYS * DAY
    step = _SPREAD_DAYS * DAY // max(chosen.purchases, 1)
    business = Business(chosen.parties, begins_at=begins_at, step=step)
    feed(place, _purchases(business, chosen.purchases))
    _publish(place)
    with place.connect() as connection:
        accounts = _judge(place, connection)
        ends_at = begins_at + _SPREAD_DAYS * DAY
        _redeem(place, connection, accounts, chosen.redemptions, ends_at)
    return month_of(CONTEXT.calendar.day(ends_at))


def _purchases(business: Business, count: int) -> Iterable[Event]:
    for number in range(count):
        yield business.event("vinculo.purchase_made.v1", number % business.parties)


def _publish(place: Place) -> None:
    estimate = Estimate(
        portfolio=Portfolio("club", "points", "", "earned"),
        effective_from=day_of(date(2020, 1, 1)), money="EUR", price=500, redemption=9_000,
    )  # fmt: skip
    with open_decisions(place.conninfo, place.logs.decisions) as decisions:
        publish_estimate(decisions, estimate, by="ann")
        approve_estimate(decisions, 1, by="bob")


def _judge(place: Place, connection: psycopg.Connection) -> list[bytes]:
    """Judge all facts and return the accounts that have points."""
    ledger = EarningLedger(
        place.logs, Earning(ProgrammeRulebook((_RULES,), CONTEXT.calendar))
    )  # fmt: skip
    come = ledger.come(connection)
    while (further := ledger.judge(connection, come, _BATCH)) != come:
        come = further
    say(f"{come.judged:,} facts judged")
    rows = binary_cursor(connection).execute("SELECT account_id FROM ledger.account")
    return sorted(row[0] for row in rows)


def _redeem(
    place: Place, connection: psycopg.Connection, accounts: list[bytes], count: int, at: int
) -> None:
    """Redeem one point at a time, all accounts in turns."""
    for first in range(0, count, _BATCH):
        numbers = range(first, min(first + _BATCH, count))
        with connection.transaction():
            heads = Heads(place.logs.decisions)
            heads.lock(connection, (accounts[number % len(accounts)] for number in numbers))
            for number in numbers:
                desk = heads.desk(accounts[number % len(accounts)])
                command = Redeem(
                    redemption_id=number.to_bytes(16), currency="points", points=1
                )  # fmt: skip
                handle(desk, command, at)
                heads.take(desk)
            heads.write(connection, at)
    say(f"{count:,} redemptions")


def _spoil(place: Place) -> None:
    """Let an account's row say what it said one redemption ago."""
    with place.connect() as connection, place.owner() as owner:
        row = owner.execute("SELECT account_id, version, state FROM ledger.account").fetchone()
        assert row is not None, "somebody has points"
        account = row[0].bytes
        with connection.transaction():
            heads = Heads(place.logs.decisions)
            heads.lock(connection, (account,))
            desk = heads.desk(account)
            command = Redeem(redemption_id=b"s" * 16, currency="points", points=1)
            handle(desk, command, desk.account.through)
            heads.take(desk)
            heads.write(connection, desk.account.through)
        owner.execute(
            "UPDATE ledger.account SET version = %s, state = %s WHERE account_id = %s",
            (row[1], row[2], row[0]),
        )


def _processor_seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("close", _chosen, run(_chosen))
