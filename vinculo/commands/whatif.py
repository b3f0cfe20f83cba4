"""``vinculo whatif``: the whole history of a programme under other rules."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, output

if TYPE_CHECKING:
    from rich.table import Table

    from domain.earning.scenario import Scenario
    from projections.whatif.report import Change, Compared, WhatIf
    from projections.whatif.running import WhatIfRun

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_OUT = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
_MONTHS_SHOWN = 24
_CHANGES_SHOWN = 5
_FLOWS = (
    "issued", "redeemed", "expired", "clawed_back", "adjusted", "refunded", "cut", "outstanding",
)  # fmt: skip
_ALWAYS = frozenset({"issued", "redeemed", "expired", "outstanding"})


@click.command("whatif")
@click.argument("rules", type=_FILE)
@click.option(
    "--from", "begins", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
    help="The rules hold from the first instant of this day; without it from their own dates on.",
)  # fmt: skip
@click.option("--programme", metavar="CODE", help="Needed where RULES names no version.")
@click.option("--json", "file", type=_OUT, help="Write the report there as well; - for only that.")
@click.option("--processes", type=click.IntRange(1, 256), help="At most so many processes.")
def command(
    rules: Path, begins: datetime | None, programme: str | None, file: Path | None,
    processes: int | None,
) -> None:  # fmt: skip
    """Replay the whole history under RULES, beside what was decided.

    RULES is a version of a programme (schemas/programme), or a scenario of several versions,
    conversions and an end (docs/what-if.md); - is the standard input. Nothing is written to the
    database, and no balance changes. The same question gives the same report, byte for byte.
    """
    from domain.instants import day_of
    from projections.whatif.report import canonical, digest
    from projections.whatif.running import WhatIfRun

    scenario = _read(rules)
    with composition() as made:
        calendar = made.context.calendar
        start = None if begins is None else calendar.start(day_of(date(*begins.timetuple()[:3])))
        run = WhatIfRun(
            made.conninfo, made.logs, calendar, scenario, programme, start,
            processes or made.processes or os.cpu_count() or 1,
        )  # fmt: skip
        report = _shown_while_running(run)
    if file is not None and str(file) != "-":
        file.write_bytes(canonical(report))
    if file is not None and str(file) == "-":
        click.echo(canonical(report))
        return
    _print(report, digest(report))


def _read(path: Path) -> Scenario:
    from domain.earning.scenario import decode_scenario

    return decode_scenario(sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes())


def _shown_while_running(run: WhatIfRun) -> WhatIf:
    from projections.whatif.replayed import Progress
    from vinculo.commands.progress import progress_bar

    with progress_bar(f"what if, programme {run.programme}: decisions replayed") as advance:
        shown = 0

        def told(progress: Progress) -> None:
            nonlocal shown
            advance(progress.decisions - shown)
            shown = progress.decisions

        return run.run(told)


def _print(report: WhatIf, sha256: str) -> None:
    console = output()
    question = report.question
    console.print(
        f"programme {question.programme}, {', '.join(question.versions) or 'its own rules'}; "
        f"facts={question.facts}, decisions={question.decisions}",
        markup=False,
    )
    flows = [name for name in _FLOWS if name in _ALWAYS or _moves(report, name)]
    for title, lines in (
        ("total", report.totals),
        ("month", _recent(report)),
        ("tier", report.tiers),
        ("stage", report.stages),
    ):
        console.print(_table(title, _valued(report, lines), flows))
    for one in report.worth:
        console.print(
            f"{one.currency} in minor units of {one.money}: liability {one.liability_truth:,} → "
            f"{one.liability_hypothesis:,}, redeemed {one.redeemed_truth:,} → "
            f"{one.redeemed_hypothesis:,}"
        )
    accounts, others = report.accounts
    console.print(f"{accounts:,} accounts → {others:,}; {report.changed:,} would differ")
    for word, changes in (("lose", report.losers), ("gain", report.gainers)):
        for change in changes[:_CHANGES_SHOWN]:
            console.print(_sentence(word, change))
    console.print(f"digest {sha256}")


def _moves(report: WhatIf, name: str) -> bool:
    return any(getattr(line.hypothesis, name) for line in _valued(report, report.totals))


def _valued(report: WhatIf, lines: tuple[Compared, ...]) -> tuple[Compared, ...]:
    """Return the lines of what has a value in money, all lines where nothing has."""
    valued = {one.currency for one in report.worth}
    return tuple(line for line in lines if not valued or line.currency in valued)


def _recent(report: WhatIf) -> tuple[Compared, ...]:
    """Return the last months, from the one on in which truth and hypothesis part."""
    parted = [line.name for line in report.months if line.truth != line.hypothesis]
    shown = sorted({line.name for line in report.months if not parted or line.name >= parted[0]})
    last = set(shown[-_MONTHS_SHOWN:])
    return tuple(line for line in report.months if line.name in last)


def _sentence(word: str, change: Change) -> str:
    points = f"{change.points_truth:,} → {change.points_hypothesis:,} {change.currency}"
    gain = abs(change.gain)
    what = f"{gain:,} minor units of {change.money}" if change.money else f"{gain:,} points"
    return f"would {word} {what}: account {change.account} ({points})"


def _table(title: str, lines: tuple[Compared, ...], flows: list[str]) -> Table:
    from rich.table import Table

    table = Table("currency", title, *flows, show_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for line in lines:
        figures = (
            _figure(getattr(line.truth, name), getattr(line.hypothesis, name)) for name in flows
        )
        table.add_row(line.currency, line.name or "-", *figures)
    return table


def _figure(truth: int, hypothesis: int) -> str:
    return f"{truth:,}" if truth == hypothesis else f"{truth:,} → {hypothesis:,}"
