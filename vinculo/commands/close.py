"""``vinculo close``: a month of points is closed, once; its files are the same for ever."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, output

if TYPE_CHECKING:
    import psycopg
    from rich.table import Table

    from domain.accounting.books import MonthClosed
    from projections.ledger.closing import Prepared
    from vinculo.composition import Composition

_FILE = click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path)


@click.command("close")
@click.argument("month")
@click.option("--by", metavar="NAME", help="Who closes it; your login name if not given.")
@click.option("--journal", type=_FILE, help="Write the lines for the general ledger (CSV).")
@click.option("--roll-forward", type=_FILE, help="Write points and money by portfolio (CSV).")
@click.option("--prior-period", type=_FILE, help="Write what belongs to earlier months (CSV).")
@click.option("--dry-run", is_flag=True, help="Show what would be closed; record nothing.")
def command(
    month: str, by: str | None, journal: Path | None, roll_forward: Path | None,
    prior_period: Path | None, *, dry_run: bool,
) -> None:  # fmt: skip
    """Close a MONTH such as 2026-11: roll-forward, journal lines, what came late.

    The month must be over, and the next one to close. Of a month that is closed already the same
    is written again, byte for byte: it never changes. docs/controller.md is the guide.
    """
    from domain.accounting.months import month_named

    number = month_named(month)
    with composition() as made, made.connect("vinculo close") as connection:
        closed, state = _closed(made, connection, number, by or getpass.getuser(), dry_run=dry_run)
        files = {
            "journal": journal, "roll-forward": roll_forward, "prior-period": prior_period,
        }  # fmt: skip
        for name, path in files.items():
            if path is not None:
                _write(path, _text(made, connection, closed, name))
    console = output()
    console.print(_table(closed))
    console.print(f"{month} {state}; digest {closed.digest}", markup=False)


def _closed(
    made: Composition, connection: psycopg.Connection, month: int, by: str, *, dry_run: bool
) -> tuple[MonthClosed, str]:
    """Return the close of a month, recorded now or before, and words for what happened."""
    from journal.accounting import close_month, read_books
    from journal.decisions import open_decisions
    from projections.ledger.closing import closed_month, prepare_month

    log_id = made.logs.decisions
    if read_books(connection, log_id).periods.is_closed(month):
        closed = closed_month(connection, log_id, month)
        return closed, f"was closed before by {closed.by}, nothing is recorded"
    prepared = prepare_month(connection, made.logs, month, made.context.calendar)
    _warn(prepared)
    if dry_run:
        return _as_closed(prepared, by), "would be closed so, nothing is recorded"
    with open_decisions(made.conninfo, log_id) as decisions:
        today = made.context.calendar.day(_time(connection, log_id))
        close_month(decisions, prepared.preparation, by=by, today=today)
    return closed_month(connection, log_id, month), f"is closed by {by}"


def _time(connection: psycopg.Connection, log_id: int) -> int:
    """Return how far time has come: as the log has it, else by the machine's clock."""
    from journal.decisions import latest_time
    from journal.intake.pipeline import clock

    _, time = latest_time(connection, log_id)
    return clock() if time is None else time


def _as_closed(prepared: Prepared, by: str) -> MonthClosed:
    from domain.accounting.books import MonthClosed

    month = prepared.preparation
    return MonthClosed(
        month=month.month, coordinate=month.coordinate, totals=month.totals, pools=month.pools,
        estimates=month.estimates, previous=month.previous, digest=month.digest, by=by,
        ahead=month.ahead,
    )  # fmt: skip


def _warn(prepared: Prepared) -> None:
    if prepared.accounts_due:
        click.echo(
            f"warning: time has changed {prepared.accounts_due:,} accounts by the end of the month "
            "and nobody has run their timers: what expires so will count in the next month; "
            "let the earning worker come to its end first",
            err=True,
        )
    if prepared.facts_waiting:
        click.echo(
            f"warning: {prepared.facts_waiting:,} facts were not judged yet: points that they give "
            "for this month will count in the next one; run 'vinculo work earn' first",
            err=True,
        )


def _text(
    made: Composition, connection: psycopg.Connection, closed: MonthClosed, name: str
) -> str:  # fmt: skip
    from domain.accounting.journal import journal_lines
    from domain.accounting.tables import journal_csv, prior_period_csv, roll_forward_csv
    from projections.ledger.closing import prior_period

    if name == "journal":
        return journal_csv(journal_lines(closed))
    if name == "roll-forward":
        return roll_forward_csv(closed)
    return prior_period_csv(prior_period(connection, made.logs, closed, made.context.calendar))


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        click.echo(text.encode(), nl=False)
    else:
        path.write_bytes(text.encode())


def _table(closed: MonthClosed) -> Table:
    from rich.table import Table

    table = Table("portfolio", "", show_edge=False)
    titles = (
        "opening", "issued", "redeemed", "expired", "clawed back", "adjusted", "transferred",
        "closing",
    )  # fmt: skip
    for title in titles:
        table.add_column(title, justify="right")
    for total in closed.totals:
        points, prior, value = total.points, total.prior, total.value
        table.add_row(
            str(total.portfolio), "points",
            *(f"{getattr(points, title.replace(' ', '_')):,}" for title in titles),
        )  # fmt: skip
        if any(getattr(prior, one) for one in prior.__struct_fields__):
            late = (f"{getattr(prior, title.replace(' ', '_')):,}" for title in titles[1:-1])
            table.add_row("", "of these of earlier months", "", *late, "")
        table.add_row("", f"{value.money}: added, released", f"{value.opening:,}",
                      f"{value.added:,}", f"{-value.released:,}", "", "", "", "",
                      f"{value.closing:,}")  # fmt: skip
        if value.catch_up:
            table.add_row("", f"{value.money}: of these by a changed estimate", "", "",
                          f"{-value.catch_up:,}")  # fmt: skip
        if total.unpriced:
            table.add_row("", "points without a sale", "", f"{total.unpriced:,}")
    return table
