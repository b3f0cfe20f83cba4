"""``vinculo status``."""

from __future__ import annotations

import click

from vinculo.commands.running import composition, fail, output


@click.command("status")
def command() -> None:
    """Show how far each projection is behind its log, in events and seconds.

    The same of earning, where points are earned. Lagging is told from stuck: stuck means that
    facts wait and nothing was read for 30 seconds. Exits with 1 if a projection or earning is
    stuck, or if there is no projection.
    """
    from rich.table import Table

    from journal.earning.lagging import earning_lag
    from journal.intake.pipeline import clock
    from journal.server_settings import check_server
    from projections.lags import projection_lags

    with composition() as made, made.connect("vinculo status") as connection:
        lags = projection_lags(connection, made.logs, clock())
        earning = earning_lag(connection, made.logs, clock())
        warnings = check_server(connection)
    table = Table("view", "generation", "state", "progress", "position", "head", show_edge=False)
    for title in ("lag events", "lag seconds", "time has come to", "written by"):
        table.add_column(title)
    for lag in lags:
        horizon = "-" if lag.horizon is None else f"{lag.horizon:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            lag.view, str(lag.generation), lag.state, lag.progress, f"{lag.facts_position:,}",
            f"{lag.facts_head:,}", f"{lag.lag_events:,}", f"{lag.lag_seconds:.1f}", horizon,
            lag.owner,
        )  # fmt: skip
    output().print(table)
    if earning is not None:
        told = f"{earning.facts_position:,} of {earning.facts_head:,} facts judged"
        behind = f"{earning.lag_events:,} behind, {earning.lag_seconds:.1f} s"
        output().print(f"earning of points: {earning.progress}, {told}, {behind}")
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if not lags:
        raise fail("expected a projection, found none; start 'vinculo work project'")
    if any(lag.progress == "stuck" for lag in lags):
        raise fail("a projection is stuck: look at the logs of 'vinculo work project'")
    if earning is not None and earning.progress == "stuck":
        raise fail("earning is stuck: look at the logs of 'vinculo work earning'")
