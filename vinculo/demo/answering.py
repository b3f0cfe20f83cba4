"""The demo's API: the real server in a thread, on the loopback address."""

from __future__ import annotations

import socket
import time

import uvicorn

from api.serving import LOOPBACK, configuration
from domain.errors import VinculoError
from vinculo.composition import Composition
from vinculo.demo.workers import Workers
from vinculo.serving import api_settings

_START_SECONDS = 30.0
_LOOK_SECONDS = 0.02


class Answering:
    """Answer over HTTP until stopped; a :class:`vinculo.demo.workers.Worker`.

    Args:
        made: the installation.
        port: wanted; another one that is free is taken where somebody else has it.

    """

    def __init__(self, made: Composition, port: int) -> None:
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self._server = uvicorn.Server(configuration(api_settings(made), LOOPBACK, self.port))

    @property
    def address(self) -> str:
        """Return where it answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def run(self) -> None:
        """Answer until stopped."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Answer what is under way, then end."""
        self._server.should_exit = True

    def wait_until_started(self, workers: Workers) -> None:
        """Wait until it answers.

        Raises:
            VinculoError: it did not start in time.

        """
        give_up_at = time.monotonic() + _START_SECONDS
        while not self._server.started:
            workers.check()
            if time.monotonic() > give_up_at:
                message = f"expected the API to start within {_START_SECONDS:g} s, it did not"
                raise VinculoError(message)
            time.sleep(_LOOK_SECONDS)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError:
        return socket.create_server((LOOPBACK, 0))
