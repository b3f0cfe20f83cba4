"""``vinculo serve``."""

from __future__ import annotations

import click

from vinculo.commands.running import composition, stop_on_signals


@click.command("serve")
@click.option("--host", help="Address to listen on; VINCULO_API_HOST if not given.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; VINCULO_API_PORT if not given.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
def command(host: str | None, port: int | None, workers: int) -> None:
    """Answer over HTTP, on this machine only unless told otherwise.

    Another address than the loopback one is refused until somebody holds an API key. Described at
    /v1/openapi.json; health at /healthz and /readyz, figures at /metrics.
    """
    from api.serving import serve
    from projections.customer.fold import Fold
    from vinculo.fold_check import expect_same_fold
    from vinculo.serving import api_settings

    with composition() as made:
        settings = made.settings
        made.check_server()
        expect_same_fold(made, Fold(made.context))
        # The server catches signals itself and, once it has ended, hands them on to these.
        stop_on_signals(lambda: None)
        serve(
            api_settings(made),
            host=host or settings.api_host,
            port=settings.api_port if port is None else port,
            workers=workers,
        )
