"""What the demo says on the terminal, to somebody who runs a business, not a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from projections.lags import ProjectionLag
from vinculo.demo.tour import Stop, Tour
from vinculo.reconciling import Reconciliation

Document = dict[str, Any]

_STAGES: dict[str, str] = {
    "prospect": "interested, has not bought yet",
    "development": "has bought, not yet regularly",
    "loyalty": "buys regularly",
    "prevention": "at risk of leaving",
    "renewal": "due for the next purchase",
    "lapsed": "gone silent",
    "won_back": "was gone, buys again",
    "closed": "has ended the relationship",
}
_REASONS: dict[str, str] = {
    "silence_over_risk": "silent for longer than usual",
    "silence_over_lapse": "silent for so long that no purchase is expected",
    "competitor_offer": "has a competitor's offer",
    "cancel_intent": "said that they mean to leave",
    "incident_open": "waits for us to solve a problem",
}


class Telling:
    """Print to people.

    Args:
        console: where to.

    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str = "") -> None:
        """Print a line as it is."""
        self._console.print(Text(line))

    def head(self, line: str) -> None:
        """Print the head of a paragraph."""
        self._console.print()
        self._console.print(Text(line, style="bold"))

    def bar(self, title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Show progress while a block runs, and one line where there is no terminal."""
        return self._bar(title, total)

    @contextmanager
    def _bar(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        if not self._console.is_terminal:
            self.say(f"  {title}: {total:,}")
            yield lambda _: None
            return
        columns = TextColumn("  {task.description}"), BarColumn(), TaskProgressColumn()
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(title, total=total)
            yield lambda count: progress.advance(task, count)

    def totals(self, lag: ProjectionLag, stages: dict[str, int], anonymous: int) -> None:
        """Print how much there is, and where the customers stand."""
        self.head("What the shop knows")
        known = sum(stages.values())
        self.say(
            f"  {lag.facts_head:,} facts about {known:,} people who are known by name or card; "
            f"{anonymous:,} receipts and visits that nobody has claimed"
        )
        table = Table(box=None, show_header=False, padding=(0, 2))
        for stage, meaning in _STAGES.items():
            if stages.get(stage):
                share = f"{100 * stages[stage] / known:.0f} %"
                table.add_row(f"{stages[stage]:,}", share, stage, meaning)
        self._console.print(table)

    def account(self, found: Reconciliation) -> None:
        """Print what became of the messages, and whether that adds up."""
        total = found.total
        self.head("What became of every message that was received")
        self.say(
            f"  {total.received:,} received = {total.stored:,} stored as facts + "
            f"{total.duplicate:,} sent twice + {total.rejected:,} rejected with a reason + "
            f"{total.suppressed:,} of people who may not be stored"
        )
        verdict = "reconciles" if found.reconciles else "DOES NOT RECONCILE"
        self.say(
            f"  {verdict}: {found.facts:,} facts and {found.rejected_kept:,} rejected messages "
            "are kept"
        )

    def customer(self, why: str, document: Document) -> None:
        """Print one customer in three lines."""
        profile = document["personal"]["profile"]
        name = profile["name"]["value"] if "name" in profile else "somebody without a name"
        lifecycle, commercial = document["lifecycle"], document["commercial"]
        self.say(f"  {name}, {why}")
        self.say(
            f"    {commercial['purchases']} purchases and {commercial['returns']} returns, "
            f"{_revenue(document)}; last bought on {commercial['last_purchase_on']}"
        )
        self.say(f"    {_standing(lifecycle)}")
        names = ", ".join(one["namespace"] for one in document["personal"]["identifiers"])
        self.say(f"    known by {len(document['personal']['identifiers'])} identifiers: {names}")

    def invite(self, address: str) -> None:
        """Say that everything runs, and how to end it."""
        self.head(f"Everything runs; the API is described at {address}/v1/openapi.json")
        self.say("  Other commands work on it too: 'vinculo status', 'vinculo rejected list', …")
        self.say("  Stop with Ctrl-C. Data are kept: the next start takes seconds.")
        self.say("  Begin anew with: make demo ARGS=--fresh")

    def tour(self, tour: Tour, stops: Sequence[Stop], token: str) -> None:
        """Print the requests of a tour."""
        self.head("Ask for yourself: copy these lines into another window of this machine")
        self.say(f"  KEY={token}")
        for stop in stops:
            self.say()
            self.say(f"  # {stop.title}")
            self.say(f"  {tour.curl(stop)}")


def _standing(lifecycle: Document) -> str:
    """Return where somebody stands, since when, and why."""
    reasons = [_REASONS[one] for one in lifecycle["reasons"] if one in _REASONS]
    why = f": {'; '.join(reasons)}" if reasons else ""
    return f"{_STAGES[lifecycle['stage']]} since {lifecycle['since'][:10]}{why}"


def _revenue(document: Document) -> str:
    """Return revenue in whole units of its currencies, for people."""
    sums = [
        f"{one['revenue'] / 100:,.2f} {one['currency']}"
        for one in document["commercial"]["currencies"]
    ]
    return " and ".join(sums) + " net of tax" if sums else "no revenue"
