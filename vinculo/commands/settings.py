"""``vinculo settings``."""

from __future__ import annotations

import os

import click


@click.command("settings")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print docs/settings.md.")
def command(*, as_markdown: bool) -> None:
    """Show the settings in force, where they come from, and what they mean.

    Secrets are never shown.
    """
    from vinculo.settings import markdown, read_settings

    if as_markdown:
        click.echo(markdown(), nl=False)
        return
    _show(read_settings(os.environ))


def _show(settings: object) -> None:
    from rich.table import Table
    from rich.text import Text

    from vinculo.commands.running import output
    from vinculo.settings import SETTINGS, Settings, shown

    assert isinstance(settings, Settings)  # noqa: S101 - for the type checker, imported late
    table = Table("setting", "value", "from", "meaning", show_edge=False)
    for one in SETTINGS:
        given = bool(os.environ.get(one.variable, "").strip())
        table.add_row(
            one.variable,
            Text(shown(one, settings)),
            "environment" if given else "default",
            Text(one.description),
        )
    output().print(table)
