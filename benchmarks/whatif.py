"""Benchmark ``whatif``: the whole history of a programme replayed under other rules.

Events are the entries of both logs: facts, whether or not a rule needs them, and decisions. Before
and after, the rules that were in force are asked for the totals of the ledger.
"""

from __future__ import annotations

import os
import resource
import time
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from benchmarks.feeding import feed
from benchmarks.harness import (
    Goal,
    Measured,
    arguments,
    middle,
    quiet_collector,
    report,
    resident_bytes,
    say,
)
from benchmarks.load import Business
from benchmarks.servers import CONTEXT, Place, settle, tenant
from domain.earning.earning import Earning
from domain.earning.scenario import Scenario
from domain.instants import DAY, instant_of
from domain.ledger.commands import Redeem
from domain.programmes.earn_rules import Cap, EarnRule, PerAmount
from domain.programmes.format import (
    Burn,
    PointsCurrency,
    PointValue,
    ProgrammeVersion,
    version_digest,
)
from domain.programmes.lifetimes import ExpiresAfterMonths
from domain.programmes.tier_rules import (
    HoldsForMonths,
    Level,
    PeriodMeasure,
    RollingMonths,
    TierRules,
)
from journal.decisions import open_decisions
from journal.earning.writing import EarningLedger
from journal.ledger import LedgerWriter, Order, request_id_of
from journal.ledger.reading import due_accounts
from journal.ledger.states import decode_account
from journal.programmes import HeardRules, ProgrammeOffice
from journal.reading import head_of
from projections.whatif.playing import Playing
from projections.whatif.report import WhatIf, digest
from projections.whatif.running import WhatIfRun

SIZES = {
    "parties": 20_000, "events": 300_000, "days": 720, "redemptions": 10_000, "rounds": 3,
    "processes": 2,
}  # fmt: skip
CONTROLS = {"timeless": "the replay forgets to run timers: points neither mature nor expire"}
BASE = EarnRule(
    code="base", currency="points", touchpoints=("purchase_made",),
    earn=PerAmount(points=1, per=100, currency="EUR"), tiers={"silver": 125},
    caps=(Cap(points=5_000, period="month"),),
)  # fmt: skip
CLUB = ProgrammeVersion(
    programme="club", version="v1", effective_from=datetime(2015, 1, 1, tzinfo=UTC),
    currencies=(
        PointsCurrency(
            code="points", pending_days=14, expiry=ExpiresAfterMonths(months=12, until="month"),
            burn=Burn(values=(PointValue(currency="EUR", minor_units_per_1000=1_000),)),
        ),
    ),
    rules=(BASE,),
    tiers=TierRules(
        measure=PeriodMeasure(currency="points", period=RollingMonths(months=12)),
        levels=(Level(code="silver", threshold=300),), validity=HoldsForMonths(months=12),
    ),
)  # fmt: skip
_HALF = PerAmount(points=1, per=200, currency="EUR")
HALVED = replace(CLUB, version="halved", rules=(replace(BASE, earn=_HALF),))


class Run(msgspec.Struct, frozen=True):
    """One replay.

    Args:
        report: what it found.
        rate: events a second.
        processor_rate: events a second of the replay's own processor time, the server's left out.

    """

    report: WhatIf
    rate: float
    processor_rate: float


def run(chosen: object) -> Measured:
    """Measure and return what was found."""
    sizes = vars(chosen)
    with tenant() as place:
        live(place, sizes)
        settle(place)
        if sizes["control"] == "timeless":
            Playing.sweep = lambda *_: None  # type: ignore[method-assign] # the defect of the control
            sizes["processes"] = 0  # other processes would not have the defect
        quiet_collector()
        before = resident_bytes(os.getpid())
        control = replayed(place, Scenario(), sizes)
        runs = [
            replayed(place, Scenario(versions=(HALVED,)), sizes) for _ in range(sizes["rounds"])
        ]
        who = resource.RUSAGE_CHILDREN if sizes["processes"] else resource.RUSAGE_SELF
        peak = resource.getrusage(who).ru_maxrss * 1_024
        return _measured(place, control, runs, peak - (0 if sizes["processes"] else before))


def live(place: Place, sizes: dict[str, int]) -> None:
    """Let a business live: customers buy, points are earned, spent, and expire."""
    count = sizes["events"]
    step = sizes["days"] * DAY // count
    begins = instant_of(datetime.now(UTC)) - sizes["days"] * DAY - DAY
    approve(place)
    business = Business(sizes["parties"], begins_at=begins, step=step)
    heard = HeardRules(place.logs.decisions, CONTEXT.calendar)
    clock = [begins]
    slices = 24
    with place.connect() as connection:
        for number in range(1, slices + 1):
            feed(place, business.events(count // slices))
            rulebook, position = heard(connection)
            clock[0] = begins + number * (count // slices) * step
            ledger = EarningLedger(place.logs, Earning(rulebook), position, now=lambda: clock[0])
            come = ledger.come(connection)
            while (further := ledger.judge(connection, come, 2_000)) != come:
                come = further
            while (further := ledger.sweep(connection, come, clock[0], 5_000)) != come:
                come = further
            redeem(place, clock, number, sizes["redemptions"] // slices)
        left = due_accounts(connection, place.logs.decisions, clock[0], 1)
        say(f"lived up to {clock[0]}, {len(left)} accounts due")


def approve(place: Place) -> None:
    """Put the programme in force."""
    with open_decisions(place.conninfo, place.logs.decisions) as decisions:
        office = ProgrammeOffice(decisions, now=lambda: instant_of(CLUB.effective_from) - DAY)
        office.draft(CLUB, by="ana")
        office.approve("club", "v1", digest=version_digest(CLUB), by="ben")


def redeem(place: Place, clock: list[int], number: int, count: int) -> None:
    """Let customers spend what they have."""
    with place.connect() as connection:
        rows = connection.execute(
            "SELECT account_id, version, state FROM ledger.account WHERE log_id = %s "
            "ORDER BY md5(account_id::text || %s) LIMIT %s",
            (place.logs.decisions, str(number), count),
        ).fetchall()
    writer = LedgerWriter(place.logs.decisions, place.connect, now=lambda: clock[0])
    writer.start()
    futures = []
    for account_id, version, state in rows:
        held = decode_account(account_id.bytes, version, state).book("points").available
        if held > 1:
            key = request_id_of("bench", f"{number} {account_id}")
            command = Redeem(redemption_id=key, currency="points", points=held // 2)
            order = Order(request_id=key, account_id=account_id.bytes, command=command)
            futures.append(writer.submit(order))
    for future in futures:
        future.result(60)
    writer.close()


def replayed(place: Place, scenario: Scenario, sizes: dict[str, int]) -> Run:
    """Replay the whole history once."""
    asked = WhatIfRun(
        place.conninfo,
        place.logs,
        CONTEXT.calendar,
        scenario,
        "club",
        None,
        sizes["processes"],
    )
    wall, own = time.perf_counter(), processor_seconds()
    found = asked.run()
    wall, own = time.perf_counter() - wall, processor_seconds() - own
    events = found.question.facts + found.question.decisions
    say(f"{events:,} events in {wall:.2f} s, {own:.2f} s of them ours: {events / wall:,.0f}/s")
    return Run(found, events / wall, events / own)


def processor_seconds() -> float:
    """Return what this process and those that it started have used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def held_by_ledger(place: Place) -> dict[str, int]:
    """Return what all accounts hold, by currency, as their rows say."""
    held: dict[str, int] = {}
    with place.connect() as connection:
        for account_id, version, state in connection.execute(
            "SELECT account_id, version, state FROM ledger.account WHERE log_id = %s",
            (place.logs.decisions,),
        ):
            for book in decode_account(account_id.bytes, version, state).books:
                points = book.available + book.pending + book.reserved
                held[book.currency] = held.get(book.currency, 0) + points
    return held


def _measured(place: Place, control: Run, runs: list[Run], memory: int) -> Measured:
    found = control.report
    held = held_by_ledger(place)
    same = all(line.truth == line.hypothesis for line in (*found.totals, *found.months))
    ours = {line.currency: line.hypothesis.outstanding for line in found.totals}
    digests = {digest(one.report) for one in runs}
    total = runs[0].report.totals[0]
    with place.connect() as connection:
        facts, decisions = (
            head_of(connection, one) for one in (place.logs.facts, place.logs.decisions)
        )
    return Measured(
        value=middle([one.rate for one in runs]),
        unit="events/s",
        reference=None,
        goals={
            "events_per_second": Goal(middle([one.rate for one in runs]), 100_000),
            "control_is_ledger": Goal(int(same and ours == held), 1),
            "digests": Goal(len(digests), 1, at_most=True),
            "other_rules_differ": Goal(int(total.truth != total.hypothesis), 1),
        },
        parts={
            "rounds": [one.rate for one in runs],
            "processor_rounds": [one.processor_rate for one in runs],
            "control_rate": control.rate,
            "facts": facts,
            "decisions": decisions,
            "accounts": found.accounts[0],
            "memory_mebibytes": memory / 2**20,
            "memory_is": "of the largest process, at its peak",
        },
    )


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("whatif", _chosen, run(_chosen))
