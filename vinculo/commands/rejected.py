"""``vinculo rejected``: messages that could not become facts."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from vinculo.commands.running import composition, fail, output

if TYPE_CHECKING:
    from journal.intake.message import Message, Outcome
    from vinculo.composition import Composition

_CODES_LOOKED_AT = 10_000


@click.group("rejected")
def command() -> None:
    """List, show and resend messages that could not become facts.

    They are kept sealed for 30 days; whoever reads one is noted by name.
    """


@command.command("list")
@click.option("--source", help="Only those of this source.")
@click.option("--code", help="Only those with this reason.")
@click.option("--all", "with_mended", is_flag=True, help="Those that were mended too.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--before", type=click.UUID, help="Receipt of the last one seen, to read on.")
def list_command(
    source: str | None, code: str | None, *, with_mended: bool, limit: int, before: UUID | None
) -> None:
    """List rejected messages, the newest first, with their reasons."""
    from rich.text import Text

    from domain.instants import moment_of
    from journal.rejected import list_rejected

    with composition() as made, made.connect("vinculo rejected") as connection:
        found = list_rejected(
            connection, made.logs.facts, source=source, code=code, open_only=not with_mended,
            before=before.bytes if before else None, limit=limit,
        )  # fmt: skip
        there = [] if found else list_rejected(
            connection, made.logs.facts, open_only=not with_mended, limit=_CODES_LOOKED_AT
        )  # fmt: skip
    console = output()
    for one in found:
        where = " ".join(str(part) for part in (one.topic or one.channel, one.offset) if part)
        received = f"{moment_of(one.received_at):%Y-%m-%d %H:%M:%S}"
        head = f"{UUID(bytes=one.receipt_id)}  {received}  {one.source}  {where}"
        console.print(Text(f"{head}\n    {one.code}: {one.detail}"))
    if not found:
        console.print(Text(_nothing(source, code, {one.code for one in there})))
    if len(found) == limit:
        console.print(f"read on with --before {UUID(bytes=found[-1].receipt_id)}")


def _nothing(source: str | None, code: str | None, codes: set[str]) -> str:
    """Return what to say where nothing was found: what was asked for, and what there is."""
    asked = f"{f' of {source}' if source else ''}{f' with the code {code}' if code else ''}"
    there = f"there are some with: {', '.join(sorted(codes))}" if codes else "there are none"
    return f"no rejected messages{asked}; {there} (--all looks at those that were mended too)"


@command.command("show")
@click.argument("receipt", type=click.UUID)
@click.option("--reader", help="Who reads; your login name if not given.")
def show_command(receipt: UUID, reader: str | None) -> None:
    """Show the message of a RECEIPT as it came. The reading is noted with your name."""
    with composition() as made:
        message = _read(made, receipt, reader)
    if message.attributes is not None:
        for name, value in message.attributes.items():
            click.echo(f"ce_{name}: {value}", err=True)
    sys.stdout.buffer.write(message.payload + b"\n")


@command.command("resend")
@click.argument("receipt", type=click.UUID)
@click.option(
    "--file",
    "mended",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="The mended message, structured mode; - reads the standard input.",
)
@click.option("--reader", help="Who does it; your login name if not given.")
def resend_command(receipt: UUID, mended: Path | None, reader: str | None) -> None:
    """Send the message of a RECEIPT through the intake again, mended or as it came.

    As it came helps where the cause is mended elsewhere: a source that is registered now, a type
    that is known now. Exits with 1 if it was rejected again.
    """
    payload = _payload(mended)
    with composition() as made:
        message = _read(made, receipt, reader)
        outcome = _take_in(made, message, payload)
    console = output()
    if outcome.kind == "rejected":
        again = UUID(bytes=outcome.receipt_id or bytes(16))
        raise fail(f"rejected again, receipt {again}: {outcome.code}: {outcome.detail}")
    position = f" at position {outcome.position}" if outcome.position else ""
    console.print(f"{outcome.kind}{position}")


def _payload(mended: Path | None) -> bytes | None:
    if mended is None:
        return None
    if str(mended) == "-":
        return sys.stdin.buffer.read().strip()
    return mended.read_bytes().strip()


def _read(made: Composition, receipt: UUID, reader: str | None) -> Message:
    from journal.rejected import read_rejected

    name = reader or getpass.getuser()
    with made.connect("vinculo rejected") as connection:
        return read_rejected(connection, made.logs.facts, made.secret, receipt.bytes, name)[1]


def _take_in(made: Composition, message: Message, payload: bytes | None) -> Outcome:
    """Take a message in from where this command stands, whichever way it came at first."""
    import msgspec

    if payload is not None:
        message = msgspec.structs.replace(message, payload=payload, attributes=None)
    with made.connect("vinculo resend") as connection:
        return made.intake().take_in(connection, "file", [message])[0]
