"""``vinculo programme``: versions of programmes, checked, drafted, approved by a second person."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, fail, output

if TYPE_CHECKING:
    from rich.table import Table

    from domain.programmes.faults import Fault
    from domain.programmes.format import ProgrammeVersion
    from domain.programmes.overview import ProgrammeOverview
    from domain.programmes.versions import Programme
    from journal.programmes import Decided, ProgrammeOffice

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_BY = click.option("--by", required=True, metavar="NAME", help="The person who decides.")
_MINUTES = "%Y-%m-%d %H:%M %z"


@click.group("programme")
def command() -> None:
    """Check, draft, approve and show versions of loyalty programmes.

    A version is a JSON file (schemas/programme; docs/programmes.md is the guide). It is drafted by
    one person, approved by another one, and in force from its effective_from on.
    """


@command.command("check")
@click.argument("file", type=_FILE)
def check(file: Path) -> None:
    """Check the version in FILE (- is the standard input) without drafting it.

    Exits with 1 and names every fault if there is one. Needs no database.
    """
    rules = _sound(file)
    output().print(f"{_named(rules)} is sound, {_counted(rules)}", markup=False)
    click.echo(_digest(rules))


@command.command("draft")
@click.argument("file", type=_FILE)
@_BY
def draft(file: Path, by: str) -> None:
    """Propose the version in FILE, or another content for one that is still a draft.

    The last line is the digest that the second person approves.
    """
    rules = _sound(file)
    with _office() as office:
        decided = office.draft(rules, by=by)
    new = "is drafted" if decided.position else "was drafted before with the same content"
    output().print(f"{_named(rules)} {new}; somebody else must approve it", markup=False)
    click.echo(decided.record.digest)


@command.command("list")
def list_command() -> None:
    """List all programmes with their versions."""
    from domain.programmes.overview import programme_overview
    from journal.intake.pipeline import clock

    now = clock()
    shown = [programme_overview(one, now) for one in _programmes()]
    if not shown:
        output().print("no programme is drafted; begin with 'vinculo programme draft FILE'")
        return
    output().print(_table(shown))


@command.command("show")
@click.argument("code")
@click.argument("version", required=False)
def show(code: str, version: str | None) -> None:
    """Show the versions of a programme by its CODE, or the rules of one VERSION as JSON.

    The JSON may be saved, changed and drafted under another name.
    """
    import msgspec

    from domain.programmes.format import encode_version
    from domain.programmes.overview import programme_overview
    from journal.intake.pipeline import clock

    programme = _programme(code)
    if version is None:
        output().print(_table([programme_overview(programme, clock())]))
        return
    record = programme.record(version)
    if record is None:
        names = ", ".join(one.rules.version for one in programme.records)
        raise fail(f"expected a version of {code} ({names}), found no {version!r}")
    approved = f", approved by {record.approved_by}" if record.approved_by else ""
    about = f"{record.status}, drafted by {record.drafted_by}{approved}; digest {record.digest}"
    click.echo(about, err=True)
    click.echo(msgspec.json.format(encode_version(record.rules), indent=2))


@command.command("approve")
@click.argument("code")
@click.argument("version")
@click.option("--digest", required=True, help="Of the draft that you have read.")
@click.option(
    "--preview-digest",
    help="Of the preview of its postings that you have read, if it is effective in the past.",
)
@_BY
def approve(code: str, version: str, digest: str, preview_digest: str | None, by: str) -> None:
    """Approve a VERSION of the programme CODE; never by the person who drafted it."""
    with _office() as office:
        decided = office.approve(code, version, digest=digest, by=by, preview_digest=preview_digest)
    record = decided.record
    begins = f"in force from {record.rules.effective_from.strftime(_MINUTES)}"
    _tell(decided, code, f"is approved by {record.approved_by}, {begins}")


@command.command("withdraw")
@click.argument("code")
@click.argument("version")
@click.option("--reason", default="", help="In words.")
@_BY
def withdraw(code: str, version: str, reason: str, by: str) -> None:
    """Give up a VERSION of the programme CODE that was never in force."""
    with _office() as office:
        decided = office.withdraw(code, version, by=by, reason=reason)
    _tell(decided, code, "is withdrawn")


@contextmanager
def _office() -> Iterator[ProgrammeOffice]:
    """Open what decides about programmes."""
    from journal.decisions import open_decisions
    from journal.programmes import ProgrammeOffice

    with composition() as made, open_decisions(made.conninfo, made.logs.decisions) as decisions:
        yield ProgrammeOffice(decisions)


def _programmes() -> tuple[Programme, ...]:
    from journal.programmes import read_programmes

    with composition() as made, made.connect("vinculo programme") as connection:
        return read_programmes(connection, made.logs.decisions).programmes()


def _programme(code: str) -> Programme:
    programmes = {one.code: one for one in _programmes()}
    if code not in programmes:
        names = ", ".join(programmes) or "none is drafted"
        raise fail(f"expected the code of a programme ({names}), found {code!r}")
    return programmes[code]


def _sound(file: Path) -> ProgrammeVersion:
    """Read a version; leave with every fault on a line of its own if it has any."""
    from domain.programmes.checking import faults_of
    from domain.programmes.misfits import MisfitError, read_version

    text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        rules = read_version(text)
    except MisfitError as error:
        raise _faulty(file, error.faults) from error
    if faults := faults_of(rules):
        raise _faulty(file, faults)
    return rules


def _faulty(file: Path, faults: Iterable[Fault]) -> click.exceptions.Exit:
    found = [str(fault) for fault in faults]
    return fail("\n".join([*found, f"{file}: expected a sound version, found {len(found)} faults"]))


def _named(rules: ProgrammeVersion) -> str:
    return f"{rules.programme} {rules.version}"


def _counted(rules: ProgrammeVersion) -> str:
    counts = {"rules": rules.rules, "shared caps": rules.caps, "rewards": rules.rewards}
    said = ", ".join(f"{len(some)} {what}" for what, some in counts.items() if some)
    return f"effective from {rules.effective_from.strftime(_MINUTES)}: {said or 'no rules'}"


def _digest(rules: ProgrammeVersion) -> str:
    from domain.programmes.format import version_digest

    return version_digest(rules)


def _tell(decided: Decided, code: str, what: str) -> None:
    before = "" if decided.position else " (it was before)"
    version = decided.record.rules.version
    output().print(f"{code} {version} {what}{before}", markup=False)


def _table(programmes: Iterable[ProgrammeOverview]) -> Table:
    from rich.table import Table
    from rich.text import Text

    titles = ("programme", "version", "status", "effective from", "drafted by", "approved by")
    table = Table(*titles, "digest", show_edge=False)
    for programme in programmes:
        for one in programme.versions:
            table.add_row(
                Text(programme.programme), one.version,
                "in force" if one.in_force else one.status,
                one.effective_from.strftime(_MINUTES),
                Text(one.drafted_by), Text(one.approved_by or ""), one.digest,
            )  # fmt: skip
    return table
