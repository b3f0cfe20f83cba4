"""``vinculo verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vinculo.commands.running import composition, fail, output

if TYPE_CHECKING:
    from vinculo.composition import Composition

_SHOWN_MAX = 20


@click.command("verify")
@click.option("--processes", type=click.IntRange(1, 256), help="At most so many processes.")
@click.option("--ledger", is_flag=True, help="Compare the owned accounts, not the customer view.")
def command(processes: int | None, *, ledger: bool) -> None:
    """Fold the whole journal anew and compare it with the customer view, row by row.

    With --ledger the decisions log is read again and compared with every owned account, and all
    books together must be zero at every position. Nothing that is read is changed. Exits with 1 if
    there is a difference.
    """
    with composition() as made:
        if ledger:
            _verify_ledger(made)
        else:
            _verify_view(made, processes)


def _verify_ledger(made: Composition) -> None:
    from journal.connecting import connect
    from journal.ledger.verifying import verify

    with connect(made.conninfo, name="vinculo verify") as connection:
        report = verify(connection, made.logs.decisions)
    console = output()
    console.print(
        f"compared {report.accounts:,} accounts and {report.redemptions:,} redemptions with "
        f"{report.decisions:,} decisions"
    )
    if report.sound:
        console.print("every account is what the decisions log says; all books together are zero")
        return
    for fault in report.faults[:_SHOWN_MAX]:
        console.print(f"{fault.account_id.hex() or 'ledger'}: {fault.detail}")
    raise fail(
        f"expected the ledger to be what the decisions log says, found {len(report.faults):,} "
        "faults; stop the workers that write it, and compare with a backup"
    )


def _verify_view(made: Composition, processes: int | None) -> None:
    from projections.customer.verifying import verify

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
