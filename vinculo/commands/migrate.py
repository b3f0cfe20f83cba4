"""``vinculo migrate``."""

from __future__ import annotations

import click

from vinculo.commands.running import composition, output


@click.command("migrate")
def command() -> None:
    """Bring the database's schema to the present, and make the tenant.

    Safe to run at every start and from many machines at once: one works, the others wait. The
    database's user must be its owner.
    """
    from journal.server_settings import check_server

    with composition() as made:
        console = output()
        applied = made.migrate()
        for name in applied:
            console.print(f"applied {name}")
        logs = made.logs
        console.print(
            f"the schema is up to date; tenant {made.settings.tenant} has the logs "
            f"{logs.facts} (facts) and {logs.decisions} (decisions)"
        )
        with made.connect("vinculo migrate") as connection:
            for warning in check_server(connection):
                click.echo(f"warning: {warning}", err=True)
