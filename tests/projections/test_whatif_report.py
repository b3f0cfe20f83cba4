"""The report of a what-if: its control equals the ledger; the same question, the same bytes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from domain.earning.scenario import Conversion, RunOff, Scenario
from domain.programmes.earn_rules import PerAmount
from domain.programmes.lifetimes import ExpiresAfterMonths
from journal.ledger.states import decode_account
from projections.whatif.replayed import CancelledError, Progress
from projections.whatif.report import Flows, WhatIf, canonical, digest
from projections.whatif.running import ScenarioError, WhatIfRun
from tests.projections.whatif_business import BASE, CLUB, LASTING, STATUS, WhatIfBusiness
from tests.servers import Databases

FROM = datetime(2025, 3, 1, tzinfo=UTC)
HALVED = replace(
    CLUB, version="halved", caps=(), effective_from=FROM,
    rules=(replace(BASE, earn=PerAmount(points=1, per=40, currency="EUR"), caps=()), STATUS),
)  # fmt: skip


@pytest.fixture(scope="module")
def business(databases: Databases) -> Iterator[WhatIfBusiness]:
    """A business that has lived; the tests only ask."""
    with databases.fresh() as url:
        lived = WhatIfBusiness(url, 8)
        lived.live()
        lived.engine.project()
        yield lived
        lived.engine.close()


def _run(business: WhatIfBusiness, scenario: Scenario, programme: str | None = None) -> WhatIf:
    engine = business.engine
    return WhatIfRun(engine.conninfo, engine.logs, business.calendar, scenario, programme).run()


def _held(business: WhatIfBusiness, programme: str, currency: str) -> int:
    return sum(
        book.available + book.pending + book.reserved
        for account_id, version, state in business.engine.connection.execute(
            "SELECT account_id, version, state FROM ledger.account "
            "WHERE log_id = %s AND programme = %s",
            (business.logs.decisions, programme),
        )
        for book in decode_account(account_id.bytes, version, state).books
        if book.currency == currency
    )


@pytest.mark.parametrize("programme", ["club", "lasting"])
def test_with_nothing_changed_truth_and_hypothesis_are_the_ledger(
    business: WhatIfBusiness, programme: str
) -> None:
    report = _run(business, Scenario(), programme)
    for lines in (report.totals, report.months, report.tiers, report.stages):
        assert all(line.truth == line.hypothesis for line in lines)
    assert ((), (), 0) == (report.losers, report.gainers, report.changed)
    for line in report.totals:
        assert _held(business, programme, line.currency) == line.truth.outstanding
        assert 0 == line.truth.transferred == line.truth.cut
        assert 100 < line.truth.issued


def test_every_breakdown_adds_up_to_the_total(business: WhatIfBusiness) -> None:
    report = _run(business, Scenario(versions=(HALVED,)))
    for total in report.totals:
        for lines in (report.tiers, report.stages):
            assert _sum(lines, total.currency, "hypothesis") == total.hypothesis
        for side in ("truth", "hypothesis"):
            months = _sum(report.months, total.currency, side)
            last = [line for line in report.months if line.currency == total.currency][-1]
            months.outstanding = getattr(last, side).outstanding
            assert months == getattr(total, side)


def _sum(lines: tuple[object, ...], currency: str, side: str) -> Flows:
    found = Flows()
    for line in lines:
        if line.currency == currency:  # type: ignore[attr-defined]
            for name in Flows.__struct_fields__:
                more = getattr(getattr(line, side), name)
                setattr(found, name, getattr(found, name) + more)
    return found


def test_a_halved_rate_issues_less_from_its_day_on_and_cuts_redemptions(
    business: WhatIfBusiness,
) -> None:
    report = _run(business, Scenario(versions=(HALVED,)))
    months = {line.name: line for line in report.months if line.currency == "points"}
    assert all(line.truth == line.hypothesis for name, line in months.items() if name < "2025-03")
    later = [line for name, line in months.items() if name > "2025-03"]
    assert (
        0.35
        < sum(one.hypothesis.issued for one in later) / sum(one.truth.issued for one in later)
        < 0.7
    )
    assert 0 < sum(line.hypothesis.cut for line in later)
    assert report.losers
    assert sorted(one.gain for one in report.losers) == [one.gain for one in report.losers]
    assert report.worth[0].liability_hypothesis < report.worth[0].liability_truth
    assert {"silver", "gold", ""} == {line.name for line in report.tiers}
    assert len({line.name for line in report.stages} - {"unknown"}) > 1


def test_the_same_question_gives_the_same_bytes_and_leaves_every_balance_alone(
    business: WhatIfBusiness,
) -> None:
    before = business.rows()
    first, second = (_run(business, Scenario(versions=(HALVED,))) for _ in range(2))
    assert canonical(first) == canonical(second)
    assert before == business.rows()
    other = _run(business, Scenario(versions=(replace(HALVED, rules=(STATUS,)),)))
    assert digest(first) != digest(other)


def test_shared_among_processes_it_gives_the_same_bytes(business: WhatIfBusiness) -> None:
    engine = business.engine
    for scenario in (
        Scenario(versions=(HALVED,)),
        Scenario(conversions=(Conversion(at=FROM, currency="points", points=6),)),
    ):
        shared = WhatIfRun(
            engine.conninfo, engine.logs, business.calendar, scenario, "club", processes=3
        )
        assert canonical(_run(business, scenario, "club")) == canonical(shared.run())
        assert shared.progress.decisions == shared.progress.decisions_total


def test_processes_of_a_cancelled_question_are_ended(business: WhatIfBusiness) -> None:
    engine = business.engine
    run = WhatIfRun(
        engine.conninfo, engine.logs, business.calendar, Scenario(), "club", processes=2
    )
    with pytest.raises(CancelledError, match="cancelled"):
        run.run(lambda _: run.cancel())
    assert [] == multiprocessing.active_children()


def test_a_question_may_be_cancelled(business: WhatIfBusiness) -> None:
    engine = business.engine
    run = WhatIfRun(engine.conninfo, engine.logs, business.calendar, Scenario(), "club")
    seen: list[Progress] = []

    def told(progress: Progress) -> None:
        seen.append(progress)
        run.cancel()

    run.cancel()
    with pytest.raises(CancelledError, match="cancelled"):
        run.run(told)
    assert [] == seen


def test_versions_may_be_asked_to_begin_on_another_day(business: WhatIfBusiness) -> None:
    engine = business.engine
    at = datetime(2025, 6, 1, tzinfo=UTC)
    later = replace(HALVED, effective_from=at)
    begins = int(at.timestamp()) * 1_000_000
    moved = WhatIfRun(
        engine.conninfo, engine.logs, business.calendar, Scenario(versions=(HALVED,)), None, begins
    ).run()
    assert canonical(_run(business, Scenario(versions=(later,)))) == canonical(moved)


def test_a_question_about_no_programme_or_two_is_refused(business: WhatIfBusiness) -> None:
    with pytest.raises(ScenarioError, match="found none"):
        _run(business, Scenario())
    with pytest.raises(ScenarioError, match="club, lasting"):
        _run(business, Scenario(versions=(HALVED, LASTING)))


def test_points_are_converted_with_a_new_lifetime(business: WhatIfBusiness) -> None:
    conversion = Conversion(
        at=FROM, currency="points", points=6, expiry=ExpiresAfterMonths(months=2)
    )
    report = _run(business, Scenario(conversions=(conversion,)), "club")
    march = next(
        line for line in report.months if (line.currency, line.name) == ("points", "2025-03")
    )
    before = next(
        line for line in report.months if (line.currency, line.name) == ("points", "2025-02")
    )
    given = march.hypothesis.adjusted - march.truth.adjusted
    assert 4 * before.truth.outstanding < given < 6 * before.truth.outstanding
    may = next(
        line for line in report.months if (line.currency, line.name) == ("points", "2025-05")
    )
    assert may.hypothesis.expired > may.truth.expired


def test_a_programme_that_ends_owes_nothing_afterwards(business: WhatIfBusiness) -> None:
    scenario = Scenario(run_off=RunOff(at=FROM))
    report = _run(business, scenario, "club")
    for line in report.totals:
        assert 0 >= line.hypothesis.outstanding  # what some owe when it ends
    after = [line for line in report.months if line.name > "2025-03" and line.currency == "points"]
    assert 0 == sum(line.hypothesis.issued for line in after)
    assert 0 < sum(line.hypothesis.cut for line in after)
