"""``vinculo rebuild``."""

from __future__ import annotations

import click

from vinculo.commands.running import composition, fail, output


@click.command("rebuild")
@click.option("--processes", type=click.IntRange(1, 256), help="At most so many processes.")
def command(processes: int | None) -> None:
    """Fold the customer view anew from the journal, compare, and switch to it.

    The view is read and written all the while. Needed after a change of rules or of parts. Exits
    with 1 if the same fold gave other bytes than the live view had.
    """
    from projections.customer.rebuilding import rebuild

    with composition() as made:
        report = rebuild(
            made.conninfo,
            made.logs,
            made.context,
            workers=processes or made.processes,
            limits=made.projection_limits,
        )
        console = output()
        rate = report.events / report.fold_seconds if report.fold_seconds else 0
        console.print(
            f"generation {report.generation} is read now: {report.customers:,} customers out of "
            f"{report.events:,} facts in {report.fold_seconds:.1f} s ({rate:,.0f} facts/s), "
            f"switched in {report.switch_seconds * 1_000:.1f} ms"
        )
        console.print(f"digest {report.digest}")
        if report.same_fold and report.digest != report.live_digest:
            raise fail(
                f"expected the live view to have the same digest, found {report.live_digest}: one "
                "of the two was wrong; keep the logs and compare with 'vinculo verify'"
            )
