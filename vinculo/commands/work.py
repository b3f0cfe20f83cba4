"""``vinculo work``: the long-running workers."""

from __future__ import annotations

import click

from vinculo.commands.running import composition, stop_on_signals


@click.group("work")
def command() -> None:
    """Run a worker until it is stopped by SIGTERM or Ctrl-C.

    Any number of each may run: they share the work or stand by.
    """


@command.command("intake")
def intake() -> None:
    """Read the sources' Kafka topics into the journal, each message once."""
    from consumers.kafka.process import run_intake_process

    with composition() as made:
        made.check_server()
        run_intake_process(made.kafka_intake, made.conninfo, made.intake)


@command.command("project")
def project() -> None:
    """Keep the customer view fresh."""
    from consumers.projecting import ProjectingSettings, ProjectionWorker
    from projections.customer.fold import Fold
    from vinculo.fold_check import expect_same_fold

    with composition() as made:
        made.check_server()
        fold = Fold(made.context)
        expect_same_fold(made, fold)
        settings = ProjectingSettings(projection=made.projection_limits)
        worker = ProjectionWorker(made.conninfo, made.logs, fold, settings)
        stop_on_signals(worker.stop)
        worker.run()


@command.command("earning")
def earning() -> None:
    """Turn facts and time into points of the programmes whose accounts are ours."""
    from consumers.earning import EarningWorker

    with composition() as made:
        made.check_server()
        worker = EarningWorker(made.conninfo, made.logs, made.programme_rules, made.earning)
        stop_on_signals(worker.stop)
        worker.run()


@command.command("timekeeper")
def timekeeper() -> None:
    """Put time into the log, so that silence moves customers too."""
    from consumers.timekeeping import Timekeeper, TimekeepingSettings

    with composition() as made:
        settings = TimekeepingSettings(interval_seconds=made.settings.timekeeper_interval_seconds)
        made.check_server()
        worker = Timekeeper(made.conninfo, made.logs.decisions, settings)
        stop_on_signals(worker.stop)
        worker.run()
