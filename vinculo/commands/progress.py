"""Progress bars and summaries, on the standard error so that results stay clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from vinculo.ingesting import OUTCOMES, Summary

Advance = Callable[[int], None]


@contextmanager
def progress_bar(title: str, total: int | None = None) -> Iterator[Advance]:
    """Show a bar while the block runs; nothing where there is no terminal.

    Args:
        title: what is being done.
        total: how much there is to do, None if nobody knows.

    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)


def print_summary(console: Console, summary: Summary) -> None:
    """Print what became of the messages, and the first rejects with their reasons."""
    table = Table("outcome", "messages", show_edge=False)
    table.columns[1].justify = "right"
    for kind in OUTCOMES:
        table.add_row(kind, f"{summary.outcomes[kind]:,}")
    table.add_row("received", f"{summary.received:,}", style="bold")
    console.print(table)
    if not summary.rejects:
        return
    console.print(f"\nrejected, by reason: {_listed(summary)}")
    for reject in summary.rejects:
        line = f"  line {reject.line}, {reject.source}: {reject.code}: {reject.detail}"
        console.print(Text(line))
    if len(summary.rejects) < summary.outcomes["rejected"]:
        console.print("  … 'vinculo rejected list' shows all of them")


def _listed(summary: Summary) -> str:
    return ", ".join(f"{code} {count:,}" for code, count in summary.reasons.most_common())
