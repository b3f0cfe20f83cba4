"""``vinculo estimate``: what points are held to be worth, published and approved by two persons."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, output

if TYPE_CHECKING:
    from rich.table import Table

    from domain.accounting.estimates import Estimates
    from domain.accounting.portfolios import Portfolio

_BY = click.option("--by", required=True, metavar="NAME", help="The person who decides.")
_PERCENT = 100
_OWN_AND_EARNED = 2


@click.group("estimate")
def command() -> None:
    """Publish, approve and list what points are worth.

    An estimate is published by one person and approved by another one. It holds for one portfolio
    (programme, currency of points, legal entity, kind of lot) from a day on, until a later one
    does. docs/controller.md is the guide.
    """


@command.command("publish")
@click.argument("portfolio")
@click.option(
    "--from",
    "effective_from",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The first day that it holds on.",
)
@click.option("--money", required=True, help="Currency of the price, ISO 4217.")
@click.option(
    "--price",
    required=True,
    type=click.IntRange(0),
    help="Of 1,000 points that will be redeemed, in minor units.",
)
@click.option(
    "--redemption",
    required=True,
    type=click.IntRange(0, 10_000),
    help="How many of all points will be redeemed, in ten-thousandths: 9500 is 95 %.",
)
@click.option("--reason", default="", help="In words, such as the reference of a study.")
@_BY
def publish(
    portfolio: str, *, effective_from: datetime, money: str, price: int, redemption: int,
    reason: str, by: str,
) -> None:  # fmt: skip
    """Propose an estimate for the points of a PORTFOLIO. The last line is its number.

    A portfolio is written programme/currency/legal entity/kind, such as club/points/-/earned, where
    - is the programme's own entity; club/points means just that one.
    """
    from domain.accounting.estimates import Estimate
    from domain.instants import day_of
    from journal.accounting import publish_estimate
    from journal.decisions import open_decisions

    whose = _portfolio(portfolio)
    estimate = Estimate(
        portfolio=whose, effective_from=day_of(effective_from.date()), money=money,
        price=price, redemption=redemption,
    )  # fmt: skip
    with composition() as made, open_decisions(made.conninfo, made.logs.decisions) as decisions:
        published = publish_estimate(decisions, estimate, by=by, reason=reason)
    output().print(
        f"estimate {published.number} of {whose} is published; somebody else must approve it",
        markup=False,
    )
    click.echo(published.number)


@command.command("approve")
@click.argument("number", type=click.IntRange(1))
@_BY
def approve(number: int, by: str) -> None:
    """Approve the estimate NUMBER; never by the person who published it."""
    from journal.accounting import approve_estimate
    from journal.decisions import open_decisions

    with composition() as made, open_decisions(made.conninfo, made.logs.decisions) as decisions:
        news = approve_estimate(decisions, number, by=by)
    output().print(f"estimate {number} {'is approved' if news else 'was approved before'}")


@command.command("list")
def list_command() -> None:
    """List all estimates, in the order in which they were published."""
    from journal.accounting import read_estimates

    with composition() as made, made.connect("vinculo estimate") as connection:
        estimates = read_estimates(connection, made.logs.decisions)
    if not estimates.published:
        output().print("no estimate is published; begin with 'vinculo estimate publish PROGRAMME'")
        return
    output().print(_table(estimates))


def _table(estimates: Estimates) -> Table:
    from rich.table import Table

    from domain.instants import date_of

    table = Table("number", "portfolio", "from", "price of 1,000", "redemption", show_edge=False)
    for title in ("published by", "approved by", "reason"):
        table.add_column(title)
    approved = dict(estimates.approved)
    for one in estimates.published:
        made = one.estimate
        table.add_row(
            str(one.number), str(made.portfolio), str(date_of(made.effective_from)),
            f"{made.price:,} {made.money}", f"{made.redemption / _PERCENT:.2f} %", one.by,
            approved.get(one.number, "nobody yet"), one.reason,
        )  # fmt: skip
    return table


def _portfolio(text: str) -> Portfolio:
    """Return the portfolio that a text names, as portfolios are shown."""
    import msgspec

    from domain.accounting.portfolios import Portfolio
    from domain.errors import VinculoError

    parts = text.split("/")
    if len(parts) == _OWN_AND_EARNED:
        parts += ["-", "earned"]
    try:
        programme, currency, issuer, kind = parts
        named = (programme, currency, "" if issuer == "-" else issuer, kind)
        return msgspec.convert(named, Portfolio)
    except (ValueError, msgspec.ValidationError) as error:
        message = (
            "expected a portfolio such as club/points/-/earned, its kind earned, promotional or "
            f"paid, found {text[:100]!r}"
        )
        raise VinculoError(message) from error
