"""Serving: uvicorn with uvloop and httptools, one process or several on one address.

Loopback by default. Every route but health asks for a key; even so nothing is opened to other
machines before somebody holds one.
"""

from __future__ import annotations

import gc
import ipaddress
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.supervisors import Multiprocess

from api.application import create_app
from api.keys import has_keys
from api.settings import ApiSettings
from domain.errors import VinculoError
from journal.connecting import connect

if TYPE_CHECKING:
    from litestar import Litestar

LOOPBACK = "127.0.0.1"
PORT = 8080
_KEEP_ALIVE_SECONDS = 30
_SHUTDOWN_SECONDS = 20
_BACKLOG = 2048
_GC_YOUNG_MAX = 50_000
_SWITCH_SECONDS = 0.0005
"""How long a thread goes on while another waits. The ledger's writer asks the database some seven
times a transaction and needs the interpreter after each answer: at Python's own 5 ms it would wait
for the event loop longer than for the database."""


class AddressNotFreeError(VinculoError):
    """The address cannot be listened on."""


class OpenToOthersError(VinculoError):
    """The address is open to other machines, and nobody holds a key."""


def serve(
    settings: ApiSettings,
    host: str = LOOPBACK,
    port: int = PORT,
    workers: int = 1,
    prepare: Callable[[], None] | None = None,
) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); requests under way are answered first.

    Args:
        settings: of the application.
        host: address to listen on.
        port: to listen on; 0 takes any that is free, for one worker.
        workers: processes; more than one share the port.
        prepare: called first in every worker, for example to set logging up; with several
            workers a function of a module, for it travels to new processes by name.

    Raises:
        OpenToOthersError: if the address is open to others and nobody holds a key.
        AddressNotFreeError: if the address cannot be listened on.

    """
    check_address(settings, host)
    check_port(host, port)
    config = configuration(settings, host, port, workers, prepare)
    if workers > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
    else:
        uvicorn.Server(config).run()


def configuration(
    settings: ApiSettings,
    host: str,
    port: int,
    workers: int = 1,
    prepare: Callable[[], None] | None = None,
) -> uvicorn.Config:
    """Return uvicorn's configuration of the application."""
    return uvicorn.Config(
        partial(_make, settings, prepare),
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # a log of addresses would hold ids; figures are at /metrics
        server_header=False,
        proxy_headers=False,  # nothing here asks who is behind a proxy, and it costs time
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def check_address(settings: ApiSettings, host: str) -> None:
    """Refuse an address that other machines reach while nobody holds a key.

    Raises:
        OpenToOthersError: if so.

    """
    if is_loopback(host):
        return
    with closing(connect(settings.conninfo, name="vinculo api start")) as connection:
        if has_keys(connection, settings.tenant):
            return
    message = (
        f"expected a key for tenant {settings.tenant!r} before listening on {host}, found none; "
        f"make one with 'vinculo keys create', or listen on {LOOPBACK}"
    )
    raise OpenToOthersError(message)


def check_port(host: str, port: int) -> None:
    """Try to listen on an address; the server itself would say what is wrong in a trace.

    Raises:
        AddressNotFreeError: if somebody else listens there, or it is no address of this machine.

    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen()
    except OSError as error:
        message = (
            f"expected to listen on {host} port {port}, found: {error.strerror}; stop who listens "
            "there, or choose another with --port or VINCULO_API_PORT (0 takes any that is free)"
        )
        raise AddressNotFreeError(message) from error


def is_loopback(host: str) -> bool:
    """Say whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _make(settings: ApiSettings, prepare: Callable[[], None] | None) -> Litestar:
    if prepare is not None:
        prepare()
    application = create_app(settings)
    # Everything so far lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_YOUNG_MAX, 20, 100)
    sys.setswitchinterval(_SWITCH_SECONDS)
    return application
