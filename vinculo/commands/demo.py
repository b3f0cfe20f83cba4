"""``vinculo demo``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import click

from vinculo.commands.running import output, stop_on_signals

_QUIET = "warning"
_LOOK_SECONDS = 0.5


@click.command("demo")
@click.option(
    "--customers", type=click.IntRange(10, 200_000), default=2_000, show_default=True,
    help="How many people, at the first start.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="At the first start.")
@click.option("--port", type=click.IntRange(0, 65_535), help="VINCULO_API_PORT if not given.")
@click.option("--fresh", is_flag=True, help="Remove what an earlier run has kept, begin anew.")
@click.option("--exit", "leave", is_flag=True, help="Run the requests that are printed, then end.")
def command(*, customers: int, seed: int, port: int | None, fresh: bool, leave: bool) -> None:
    """Start everything here, with a simulated business.

    A database in the folder .vinculo, two years of a shop's life, the views, the API on this
    machine only, and lines to try. Data are kept between runs. With DATABASE_URL and
    KAFKA_BOOTSTRAP_SERVERS it runs on those. It ends with Ctrl-C.
    """
    from vinculo.demo.running import Wishes, run_demo
    from vinculo.demo.telling import Telling
    from vinculo.logging import configure_logging
    from vinculo.settings import read_settings

    settings = read_settings(os.environ)
    # What workers do step by step would hide what a newcomer is to read.
    configure_logging(
        settings.log_format, _QUIET if settings.log_level == "info" else settings.log_level
    )
    wishes = Wishes(
        customers=customers, seed=seed, port=settings.api_port if port is None else port,
        fresh=fresh, leave=leave or os.environ.get("VINCULO_DEMO_EXIT") == "1",
    )  # fmt: skip
    run_demo(settings, wishes, Telling(output()), _wait_for_signal)


def _wait_for_signal(check: Callable[[], None]) -> None:
    """Wait for Ctrl-C or SIGTERM; before, they end the demo where it stands."""
    stopping = threading.Event()
    stop_on_signals(stopping.set)
    while not stopping.wait(_LOOK_SECONDS):
        check()
