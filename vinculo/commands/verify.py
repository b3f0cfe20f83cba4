"""``vinculo verify``."""

from __future__ import annotations

import click

from vinculo.commands.running import composition, fail, output

_SHOWN_MAX = 20


@click.command("verify")
@click.option("--processes", type=click.IntRange(1, 256), help="At most so many processes.")
def command(processes: int | None) -> None:
    """Fold the whole journal anew and compare it with the customer view, row by row.

    Nothing that is read is changed. Exits with 1 if there is a difference.
    """
    from projections.customer.verifying import verify

    with composition() as made:
        report = verify(
            made.conninfo,
            made.logs,
            made.context,
            workers=processes or made.processes,
            limits=made.projection_limits,
        )
        console = output()
        console.print(
            f"compared {report.customers:,} customers at facts={report.facts}, "
            f"decisions={report.decisions}"
        )
        console.print(f"view    {report.digest}\njournal {report.rebuilt_digest}")
        if report.same:
            console.print("the view is what the journal says, byte for byte")
            return
        for customer in report.differences[:_SHOWN_MAX]:
            console.print(f"differs: {customer}")
        raise fail(
            f"expected view and journal to agree, found {len(report.differences):,} customers that "
            "differ; 'vinculo rebuild' makes the view right again"
        )
