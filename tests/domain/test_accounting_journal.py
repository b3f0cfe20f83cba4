"""Journal lines that balance, and the tables a controller imports."""

import csv
import io

import msgspec
import pytest

from domain.accounting.books import Books
from domain.accounting.journal import (
    Accounts,
    JournalLine,
    UnbalancedJournalError,
    check_balanced,
    journal_lines,
)
from domain.accounting.movements import prior_period_list
from domain.accounting.portfolios import Portfolio
from domain.accounting.tables import journal_csv, prior_period_csv, roll_forward_csv
from tests.domain.accounting_books import DECEMBER, closed, example
from tests.domain.accounting_samples import (
    EARNED,
    NOVEMBER,
    PARTNER,
    approved,
    estimate,
    movement,
)


def test_the_examples_journal_takes_the_points_out_of_sales_and_into_revenue() -> None:
    estimates, movements = example()
    books, november = closed(Books(), NOVEMBER, movements, 25, estimates)
    lines = [(line.account, line.debit, line.credit, line.text) for line in journal_lines(november)]
    assert [
        ("4000", 8_676, 0, "added"),
        ("2400", 0, 8_676, "added"),
        ("2400", 4_110, 0, "released"),
        ("4100", 0, 4_110, "released"),
    ] == lines
    _, december = closed(books, DECEMBER, movements, 35, estimates)
    assert [("2400", 3_493, 0), ("4100", 0, 3_493)] == [
        (line.account, line.debit, line.credit) for line in journal_lines(december)
    ]


def test_a_journal_that_does_not_balance_is_refused() -> None:
    line = JournalLine(NOVEMBER, "4000", 5, 0, "EUR", EARNED, "added")
    other = JournalLine(NOVEMBER, "2400", 0, 5, "EUR", PARTNER, "added")
    with pytest.raises(UnbalancedJournalError, match="found 5 and 0 minor units"):
        check_balanced([line, other])
    with pytest.raises(UnbalancedJournalError, match=r"journal of EUR/club/: .* found 5 and 0"):
        check_balanced([msgspec.structs.replace(other, money="USD", portfolio=EARNED), line])


def test_a_negative_amount_is_the_same_entry_the_other_way_round() -> None:
    estimates = approved(estimate(), estimate(redemption=10_000, effective_from="2026-12-01"))
    books, _ = closed(Books(), NOVEMBER, example()[1][:2], estimates=estimates)
    _, december = closed(books, DECEMBER, example()[1][:2], estimates=estimates)
    (total,) = december.totals
    assert -206 == total.value.released == total.value.catch_up
    assert [("4100", 206, 0), ("2400", 0, 206)] == [
        (line.account, line.debit, line.credit) for line in journal_lines(december)
    ]


def test_tables_are_csv_with_a_header_crlf_and_quotes_where_needed() -> None:
    whose = Portfolio("club, gold", "points", 'P "S" A', "earned")
    movements = [movement("issued", 10, portfolio=whose, price=9)]
    _, decision = closed(Books(), NOVEMBER, movements, estimates=approved(estimate(whose)))
    text = journal_csv(journal_lines(decision, Accounts(sales="8400,1")))
    assert (
        "month,account,debit_minor_units,credit_minor_units,money,programme,points_currency,"
        "legal_entity,kind,text\r\n"
        '2026-11,"8400,1",9,0,EUR,"club, gold",points,"P ""S"" A",earned,added\r\n'
        '2026-11,2400,0,9,EUR,"club, gold",points,"P ""S"" A",earned,added\r\n'
    ) == text
    (row,) = csv.DictReader(io.StringIO(roll_forward_csv(decision), newline=""))
    assert ("10", "10", "0", "9") == (
        row["issued"], row["closing"], row["prior_period_issued"], row["liability_closing"],
    )  # fmt: skip


def test_a_prior_period_list_is_a_table_too() -> None:
    books, _ = closed(Books(), NOVEMBER, [])
    late = msgspec.structs.replace(movement("expired", -3, NOVEMBER, 2_000), reference="p-1")
    text = prior_period_csv(prior_period_list([late], books.periods, DECEMBER))
    assert (
        "2026-12,2026-11,2026-11-05,club,points,,earned,expired,-3,0,,2000,p-1\r\n"
        == (text.splitlines(keepends=True)[1])
    )
