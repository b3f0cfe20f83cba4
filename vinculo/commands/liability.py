"""``vinculo liability``: open points by month of expiry, and what they are expected to cost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, output

if TYPE_CHECKING:
    from rich.table import Table

    from projections.ledger.liability import Liability


@click.command("liability")
@click.option(
    "--as-of-day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="As of the end of this day, as it is known now; today if not given.",
)
@click.option(
    "--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write it as CSV."
)
def command(as_of_day: datetime | None, file: Path | None) -> None:
    """Show open points by month of expiry, valued by the estimates that hold on the day.

    Points and money by portfolio. It is a manager's figure; the contract liability of IFRS 15, from
    the prices that were paid, is told by 'vinculo close'.
    """
    from domain.accounting.tables import liability_csv
    from domain.instants import day_of
    from journal.intake.pipeline import clock
    from projections.ledger.liability import liability_as_of, liability_now

    with composition() as made, made.connect("vinculo liability") as connection:
        calendar, log_id = made.context.calendar, made.logs.decisions
        if as_of_day is None:
            found = liability_now(connection, log_id, calendar, calendar.day(clock()))
        else:
            found = liability_as_of(connection, log_id, calendar, day_of(as_of_day.date()))
    if file is not None:
        file.write_bytes(liability_csv(found.lines).encode())
    output().print(_table(found))


def _table(found: Liability) -> Table:
    from rich.table import Table

    from domain.accounting.months import month_text
    from domain.instants import date_of

    table = Table("portfolio", "expires in", title=f"as of {date_of(found.day)}", show_edge=False)
    for title in ("points", "minor units"):
        table.add_column(title, justify="right")
    table.add_column("money")
    sums: dict[str, list[int]] = {}
    for line in found.lines:
        month = "never" if line.month is None else month_text(line.month)
        amounts = (f"{line.points:,}", f"{line.amount:,}")
        table.add_row(str(line.portfolio), month, *amounts, line.money)
        both = sums.setdefault(line.money, [0, 0])
        both[0] += line.points
        both[1] += line.amount
    table.add_section()
    for money, (points, amount) in sorted(sums.items()):
        table.add_row("total", "", f"{points:,}", f"{amount:,}", money, style="bold")
    return table
