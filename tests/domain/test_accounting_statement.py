"""A customer's statement of an account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting.statement import (
    Posting,
    Statement,
    StatementError,
    StatementLine,
    statement,
)
from tests.domain.accounting_samples import day

POSTINGS = [
    Posting(2, day("2026-10-30"), "points_accrued", 0, 100, "receipt 1"),
    Posting(3, day("2026-11-02"), "points_accrued", 100, 250, "receipt 2"),
    Posting(5, day("2026-11-20"), "redemption_made", 250, 200),
    Posting(6, day("2026-10-31"), "points_accrued", 200, 230, "late"),
    Posting(7, day("2026-11-10"), "points_clawed_back", 230, 220),
    Posting(9, day("2026-12-01"), "lots_expired", 220, 0),
]


def of(postings: list[Posting], first: str, last: str) -> Statement:
    """The statement of a period."""
    return statement(
        postings, account="club 4711", currency="points", first=day(first), last=day(last)
    )


def test_a_statement_is_by_value_date_and_closes() -> None:
    assert Statement(
        account="club 4711",
        currency="points",
        first=day("2026-11-01"),
        last=day("2026-11-30"),
        opening=130,
        lines=(
            StatementLine(day("2026-11-02"), "points_accrued", 150, 280, "receipt 2"),
            StatementLine(day("2026-11-10"), "points_clawed_back", -10, 270, ""),
            StatementLine(day("2026-11-20"), "redemption_made", -50, 220, ""),
        ),
        closing=220,
        version=9,
    ) == of(POSTINGS, "2026-11-01", "2026-11-30")


def test_the_first_and_the_last_day_belong_to_the_period() -> None:
    found = of(POSTINGS, "2026-11-20", "2026-12-01")
    assert (270, [-50, -220], 0) == (found.opening, [one.points for one in found.lines], 0)


def test_a_period_without_postings_stands_still() -> None:
    found = of(POSTINGS, "2027-01-01", "2027-01-31")
    assert (0, (), 0) == (found.opening, found.lines, found.closing)
    early = of(POSTINGS[:1], "2026-11-01", "2026-11-30")
    assert (100, (), 100) == (early.opening, early.lines, early.closing)
    empty = of([], "2026-11-01", "2026-11-30")
    assert (0, 0, 0) == (empty.opening, empty.closing, empty.version)


def test_a_period_ends_after_it_begins() -> None:
    with pytest.raises(StatementError, match="2026-12-01 to 2026-11-30"):
        of(POSTINGS, "2026-12-01", "2026-11-30")


@pytest.mark.parametrize("left_out", [0, 1, 2, 3, 4])
def test_a_missing_posting_is_found_out(left_out: int) -> None:
    rest = [one for place, one in enumerate(POSTINGS) if place != left_out]
    with pytest.raises(StatementError, match="postings are missing or twice"):
        of(rest, "2026-11-01", "2026-11-30")


def test_a_repeated_posting_is_found_out() -> None:
    nothing = Posting(10, day("2026-12-01"), "points_matured", 0, 0)
    with pytest.raises(StatementError, match="before a version after 10"):
        of([*POSTINGS, nothing, nothing], "2026-11-01", "2026-11-30")


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(-100, 100)), max_size=30),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_statements_of_neighbouring_periods_join(
    moves: list[tuple[int, int]], one: int, other: int
) -> None:
    postings, balance = [], 0
    for version, (value_day, points) in enumerate(moves, 1):
        postings.append(Posting(version, value_day, "x", balance, balance + points))
        balance += points
    middle = min(one, other)
    last = max(one, other)
    first = statement(reversed(postings), account="a", currency="p", first=0, last=middle)
    second = statement(postings, account="a", currency="p", first=middle + 1, last=last + 1)
    rest = statement(postings, account="a", currency="p", first=last + 2, last=100)
    assert 0 == first.opening
    assert first.closing == second.opening
    assert second.closing == rest.opening
    assert balance == rest.closing
    assert len(moves) == sum(len(part.lines) for part in (first, second, rest))
    for part in (first, second, rest):
        assert part.opening + sum(line.points for line in part.lines) == part.closing
        assert list(part.lines) == sorted(part.lines, key=lambda line: line.day)
