"""``vinculo import``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, fail, output

if TYPE_CHECKING:
    from rich.console import Console

    from journal.intake.message import Message as Received
    from vinculo.commands.progress import Advance
    from vinculo.composition import Composition
    from vinculo.importers import DataSet, ImportReport, Message
    from vinculo.ingesting import Summary

NAMES = ("online-retail", "complete-journey", "cdnow")
_LEFT_OUT_SHOWN_MAX = 5


@click.command("import")
@click.argument("name", type=click.Choice(NAMES), metavar="|".join(NAMES))
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", "target", type=click.Choice(["kafka", "journal"]), required=True)
def command(name: str, path: Path, target: str) -> None:
    """Turn public data in the folder PATH into touchpoints.

    To kafka: publishes to the data set's topic, for 'vinculo work intake' to read. To journal:
    takes them in at once. Its source need not be registered. Says what was left out and why.
    """
    from vinculo.commands.progress import print_summary, progress_bar
    from vinculo.importers import DATA_SETS, ImportReport
    from vinculo.publishing import publish_all

    data_set, report, console = DATA_SETS[name], ImportReport(), output()
    messages = data_set.messages(path, report)
    with composition() as made, progress_bar(name) as advance:
        if target == "kafka":
            sent = publish_all(made, [data_set.profile], messages, advance)
            summary = None
        else:
            summary = _take_in(made, data_set, messages, advance)
            sent = summary.received
    console.print(f"{sent:,} touchpoints {'published' if summary is None else 'taken in'}")
    if summary is not None:
        print_summary(console, summary)
    _print_report(console, report)
    if not report.balances():
        raise fail("expected every row to be used or left out, found some that were neither")


def _take_in(
    made: Composition, data_set: DataSet, messages: Iterable[Message], advance: Advance
) -> Summary:
    from vinculo.ingesting import Ingesting
    from vinculo.registering import register_with

    intake = made.intake(register_with(made.registered_sources, [data_set.profile]))
    ingesting = Ingesting(intake, made.connect, made.settings.intake_batch_messages_max)
    return ingesting.run(_numbered(messages), advance)


def _numbered(messages: Iterable[Message]) -> Iterator[Received]:
    from journal.intake.message import Message as Received

    for number, message in enumerate(messages, 1):
        yield Received(message.payload, offset=number)


def _print_report(console: Console, report: ImportReport) -> None:
    from rich.text import Text

    for file, rows in report.rows_read.items():
        console.print(Text(f"{file}: {rows:,} rows read, {report.rows_used[file]:,} used"))
    for reason, rows in report.reasons().items():
        console.print(f"left out: {rows:,} rows, {reason}")
    for one in report.left_out[:_LEFT_OUT_SHOWN_MAX]:
        console.print(Text(f"  {one.file}, row {one.row}: {one.reason}: {one.detail}"))
