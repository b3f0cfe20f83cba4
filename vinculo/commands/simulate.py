"""``vinculo simulate``."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import click

from vinculo.commands.running import output, settings_of_process

if TYPE_CHECKING:
    from vinculo.simulator import Simulation


def _checked(_context: click.Context, _option: click.Parameter, target: str) -> str:
    """Refuse a file in a folder that is not there, before a long simulation."""
    folder = Path(target).parent
    if target not in {"-", "kafka"} and not folder.is_dir():
        message = f"expected a folder that exists, found none at {folder}; make it first"
        raise click.BadParameter(message)
    return target


@click.command("simulate")
@click.option("--customers", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day, in the business zone; yesterday if not given.",
)
@click.option("--days", type=click.IntRange(30), help="How many days; two years if not given.")
@click.option(
    "--to",
    "target",
    default="-",
    show_default=True,
    callback=_checked,
    help="A file of JSON lines (.gz compresses), - for the standard output, or kafka.",
)
def command(
    customers: int, seed: int, until: datetime | None, days: int | None, target: str
) -> None:
    """Write the messages of a simulated business, in the order in which they arrive.

    The same arguments give the same bytes on every machine; without --until they depend on today.
    People and receipts are numbered alike in every simulation: two of them, of different seeds or
    sizes, tell of the same customers and repeat each other's numbers. Take them in for different
    tenants (VINCULO_TENANT) unless that is wanted.
    """
    from vinculo.business_day import yesterday
    from vinculo.simulator import BUSINESS_ZONE, DAYS, simulate

    last = until.date() if until else yesterday(BUSINESS_ZONE)
    business = simulate(customers=customers, seed=seed, until=last, days=days or DAYS)
    if target == "kafka":
        _publish(business)
    else:
        _write((message.payload for message in business.messages), target)


def _publish(business: Simulation) -> None:
    from vinculo.commands.progress import progress_bar
    from vinculo.composition import Composition
    from vinculo.publishing import publish_all
    from vinculo.simulator import PROFILES

    made = Composition(settings_of_process(), conninfo="")  # publishing needs no database
    with progress_bar("publishing", len(business.messages)) as advance:
        sent = publish_all(made, PROFILES, business.messages, advance)
    output().print(f"{sent:,} messages published")


def _write(lines: Iterable[bytes], target: str) -> None:
    with _opened(target) as file:
        for line in lines:
            file.write(line + b"\n")


@contextmanager
def _opened(target: str) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        if target == "-":
            yield sys.stdout.buffer
            return
        file: IO[bytes] = stack.enter_context(Path(target).open("wb"))
        if target.endswith(".gz"):
            # No name and no time in the header: the same business gives the same file.
            compressed = stack.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
            file = cast("IO[bytes]", compressed)
        yield file
