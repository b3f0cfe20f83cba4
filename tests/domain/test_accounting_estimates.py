"""Estimates: published by one person, approved by another, holding from a day on."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting.estimates import (
    Estimate,
    EstimateApproved,
    EstimateDecision,
    EstimateError,
    EstimatePublished,
    Estimates,
    approve,
    evolve,
    project_estimates,
    publish,
)
from domain.accounting.months import (
    MonthError,
    first_day,
    last_day,
    month_named,
    month_of,
    month_text,
)
from domain.decisions import record
from domain.decisions.catalogue import DECISIONS
from domain.instants import date_of
from tests.domain.accounting_samples import EARNED, PAID, PARTNER, approved, day, estimate


def test_an_estimate_holds_nowhere_before_a_second_person_approved_it() -> None:
    state = Estimates()
    (published,) = publish(state, estimate(), by="ann", reason="study 7")
    state = evolve(state, published)
    assert (published,) == state.waiting()
    with pytest.raises(EstimateError, match="have a second person approve it"):
        state.holding(EARNED, day("2026-11-30"))
    with pytest.raises(EstimateError, match="found 'ann', who published it"):
        approve(state, 1, by="ann")
    (approval,) = approve(state, 1, by="bob")
    assert EstimateApproved(number=1, by="bob") == approval
    state = evolve(state, approval)
    assert () == state.waiting()
    assert published == state.holding(EARNED, day("2026-11-30"))
    assert () == approve(state, 1, by="carl")


def test_the_latest_day_not_after_the_asked_one_holds_and_of_one_day_the_last_approved() -> None:
    old = estimate(redemption=9_000, effective_from="2026-01-01")
    new = estimate(redemption=9_700, effective_from="2026-11-30")
    mended = estimate(redemption=9_600, effective_from="2026-11-30")
    state = approved(new, old, mended, estimate(PARTNER, 1, effective_from="2026-11-01"))
    assert old == state.holding(EARNED, day("2026-11-29")).estimate
    assert mended == state.holding(EARNED, day("2026-11-30")).estimate
    with pytest.raises(EstimateError, match="holds on 2025-12-31"):
        state.holding(EARNED, day("2025-12-31"))


def test_of_one_day_the_order_of_approval_counts_and_not_that_of_publication() -> None:
    state = Estimates()
    for redemption in (9_000, 9_100):
        for published in publish(state, estimate(redemption=redemption), by="ann"):
            state = evolve(state, published)
    for number in (2, 1):
        for decision in approve(state, number, by="bob"):
            state = evolve(state, decision)
    assert 1 == state.holding(EARNED, day("2026-11-30")).number


def test_each_portfolio_has_estimates_of_its_own() -> None:
    state = approved(estimate(EARNED), estimate(PARTNER, money="USD"))
    assert "USD" == state.holding(PARTNER, day("2026-11-30")).estimate.money
    assert state.found(PAID, day("2026-11-30")) is None


def test_a_portfolio_keeps_its_currency() -> None:
    with pytest.raises(EstimateError, match="expected a price in EUR as in estimate 1, found USD"):
        publish(approved(estimate()), estimate(money="USD"), by="ann")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (estimate(redemption=10_001), "<= 10000"),
        (estimate(redemption=-1), ">= 0"),
        (estimate(price=-1), ">= 0"),
        (estimate(price=10**13 + 1), "<= 10"),
        (estimate(money="EU"), "length >= 3"),
        (estimate(money="XXX"), "ISO 4217"),
    ],
)
def test_a_figure_out_of_bounds_is_refused(wrong: Estimate, said: str) -> None:
    with pytest.raises(EstimateError, match=said):
        publish(Estimates(), wrong, by="ann")


def test_a_person_has_a_name() -> None:
    with pytest.raises(EstimateError, match="name of a person"):
        publish(Estimates(), estimate(), by=" ")
    with pytest.raises(EstimateError, match="name of a person"):
        approve(approved(estimate()), 1, by="")


@pytest.mark.parametrize("number", [0, 2, -1])
def test_only_what_was_published_can_be_approved(number: int) -> None:
    with pytest.raises(EstimateError, match="from 1 to 1"):
        approve(approved(estimate()), number, by="bob")


def test_a_log_that_could_not_have_been_decided_is_refused() -> None:
    state = approved(estimate())
    with pytest.raises(EstimateError, match="approved twice; the log is damaged"):
        evolve(state, EstimateApproved(number=1, by="carl"))
    with pytest.raises(EstimateError, match="expected estimate 2 next, found 1"):
        evolve(state, EstimatePublished(number=1, estimate=estimate(), by="ann"))
    (published,) = publish(state, estimate(), by="ann")
    with pytest.raises(EstimateError, match="second person"):
        evolve(evolve(state, published), EstimateApproved(number=2, by="ann"))


def test_estimates_are_read_back_from_the_log() -> None:
    (published,) = publish(Estimates(), estimate(PARTNER), by="ann", reason="study 7")
    stored = msgspec.json.encode(published, order="deterministic")
    assert (
        b'{"number":1,"estimate":{"portfolio":["club","points","Partner S.A.","earned"],'
        b'"effective_from":18262,"money":"EUR","price":1000,"redemption":9500},"by":"ann",'
        b'"reason":"study 7"}'
    ) == stored
    kind = DECISIONS.types["vinculo.estimate_published.v1"]
    assert published == msgspec.json.decode(stored, type=kind)
    decisions: list[EstimateDecision] = [published, EstimateApproved(number=1, by="bob")]
    events = record(Estimates(), decisions)
    projected = project_estimates(None, events)
    assert projected is not None
    assert (2, published) == (projected.version, projected.holding(PARTNER, day("2026-11-30")))


@given(st.integers(-20_000, 60_000))
def test_a_month_begins_and_ends_with_its_days(number: int) -> None:
    month = month_of(number)
    assert first_day(month) <= number <= last_day(month)
    assert date_of(number).isoformat()[:7] == month_text(month)
    assert month == month_named(month_text(month))


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "", "٢٠٢٦-11"]
)
def test_a_text_that_names_no_month_is_refused(text: str) -> None:
    with pytest.raises(MonthError, match="such as 2026-11"):
        month_named(text)
