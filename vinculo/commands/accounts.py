"""``vinculo accounts``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, fail, output

if TYPE_CHECKING:
    from rich.table import Table

    from journal.intake.inquiries import Account
    from vinculo.reconciling import Reconciliation


@click.command("accounts")
@click.option("--source", help="Show only this source; the totals stay those of all.")
@click.option("--hours", type=click.IntRange(1), help="Show only so many of the last hours.")
def command(source: str | None, hours: int | None) -> None:
    """Show what became of every message received, per source and hour.

    received = stored + duplicate + rejected + suppressed. The last line says whether the journal
    holds as many facts and rejected messages as were booked; exits with 1 if it does not.
    """
    from vinculo.reconciling import reconcile

    with composition() as made, made.connect("vinculo accounts") as connection:
        found = reconcile(connection, made.logs.facts)
    console = output()
    console.print(_table(found, source, hours))
    total = found.total
    held = f"{found.facts:,} facts and {found.rejected_kept:,} rejected messages are kept"
    if not found.reconciles:
        raise fail(
            f"does not reconcile: {total.stored:,} messages were booked as stored and "
            f"{total.rejected:,} as rejected, but {held}; stop intake and compare with a backup"
        )
    console.print(f"reconciles: {held}, as booked")


def _table(found: Reconciliation, source: str | None, hours: int | None) -> Table:
    from rich.table import Table
    from rich.text import Text

    from domain.instants import moment_of

    titles = ("hour (UTC)", "source", "channel", "topic", "received")
    table = Table(*titles, "stored", "duplicate", "rejected", "suppressed", show_edge=False)
    for column in table.columns[:1] + table.columns[4:]:
        column.justify, column.no_wrap = "right", True
    for account in _chosen(found.accounts, source, hours):
        hour = f"{moment_of(account.hour):%Y-%m-%d %H:%M}"
        names = (Text(account.source), account.channel, Text(account.topic))
        table.add_row(hour, *names, *_figures(account))
    table.add_section()
    table.add_row("total", "", "", "", *_figures(found.total), style="bold")
    return table


def _chosen(
    accounts: tuple[Account, ...], source: str | None, hours: int | None
) -> tuple[Account, ...]:
    shown = sorted({account.hour for account in accounts}, reverse=True)[:hours]
    return tuple(
        account
        for account in accounts
        if source in {None, account.source} and account.hour in shown
    )


def _figures(account: Account) -> tuple[str, ...]:
    counts = (
        account.received, account.stored, account.duplicate, account.rejected, account.suppressed,
    )  # fmt: skip
    return tuple(f"{count:,}" for count in counts)
