"""``vinculo statement``: what happened to the points of an account."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import click

from vinculo.commands.running import composition, output

if TYPE_CHECKING:
    from rich.table import Table

    from domain.accounting.statement import Statement

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("statement")
@click.argument("account", type=click.UUID)
@click.option("--from", "first", type=_DAY, required=True, help="The first day.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day, inclusive.")
@click.option("--currency", help="Of points; all of the account's if not given.")
@click.option(
    "--balance",
    type=click.Choice(["available", "pending", "reserved", "total"]),
    default="available",
    show_default=True,
    help="Which balance; total is all three together.",
)
def command(
    account: UUID, first: datetime, last: datetime, currency: str | None, balance: str
) -> None:  # fmt: skip
    """Show the statement of an ACCOUNT by its id: by value date, opening to closing balance."""
    import msgspec

    from domain.instants import day_of
    from projections.ledger.statements import StatementAsked, read_statements

    asked = msgspec.convert(
        {
            "account_id": account.bytes, "first": day_of(first.date()),
            "last": day_of(last.date()), "currency": currency, "balance": balance,
        },
        StatementAsked,
    )  # fmt: skip
    with composition() as made, made.connect("vinculo statement") as connection:
        statements = read_statements(
            connection, made.logs.decisions, made.context.calendar, asked
        )  # fmt: skip
    for one in statements:
        output().print(_table(one))
    if not statements:
        output().print("no points ever moved in this account")


def _table(statement: Statement) -> Table:
    from rich.table import Table

    from domain.instants import date_of

    title = f"{statement.currency} of {statement.account}, up to version {statement.version}"
    table = Table("day", "what", "about", title=title, show_edge=False)
    for name in ("points", "balance"):
        table.add_column(name, justify="right")
    table.add_row(str(date_of(statement.first)), "opening", "", "", f"{statement.opening:,}")
    for line in statement.lines:
        table.add_row(
            str(date_of(line.day)), line.code.replace("_", " "), line.reference,
            f"{line.points:+,}", f"{line.balance:,}",
        )  # fmt: skip
    table.add_row(str(date_of(statement.last)), "closing", "", "", f"{statement.closing:,}")
    return table
