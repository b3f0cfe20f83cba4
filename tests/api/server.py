"""A real server in a thread of the test's process, and clients that hold keys."""

import threading
import time
from collections.abc import Collection
from contextlib import closing
from types import TracebackType
from typing import Any, Self

import httpx
import psycopg
import uvicorn

from api.keys import create_key
from api.serving import configuration
from api.settings import ApiLimits
from tests.api.business import TENANT, Business

START_SECONDS = 60.0
ALL_SCOPES = ("publish", "read", "operate")


class Api:
    """Serve a business.

    Args:
        business: whose data are served.
        limits: of the application.

    """

    def __init__(self, business: Business, limits: ApiLimits | None = None) -> None:
        self.business = business
        self._server = uvicorn.Server(configuration(business.settings(limits), "127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._clients: list[httpx.Client] = []
        self._made: dict[tuple[str, ...], httpx.Client] = {}

    @property
    def url(self) -> str:
        """The address of the server."""
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def token(self, *scopes: str, tenant: str = TENANT, holder: str = "a test") -> str:
        """The token of a new key."""
        with closing(psycopg.connect(self.business.url, autocommit=True)) as owner:
            return create_key(owner, tenant, holder, scopes).token

    def client(self, *scopes: str) -> httpx.Client:
        """A client with a key of some scopes; publish, read and operate if none is named."""
        wanted = scopes or ALL_SCOPES
        if wanted not in self._made:
            self._made[wanted] = self.client_with(self.token(*wanted))
        return self._made[wanted]

    def client_with(self, token: str | None) -> httpx.Client:
        """A client with a token, or without any."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=20.0)
        self._clients.append(client)
        return client

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET with every scope but read_personal."""
        return self.client().get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST with every scope but read_personal."""
        return self.client().post(path, **options)

    def stop(self) -> None:
        """Stop as SIGTERM does."""
        self._server.should_exit = True
        self._thread.join(START_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients:
            client.close()
        self.stop()


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that a response tells, checked to be one of this status and code."""
    assert status == response.status_code, response.text
    assert "application/problem+json" == response.headers["content-type"]
    document: dict[str, Any] = response.json()
    assert status == document["status"]
    assert code == document["code"]
    assert f"urn:vinculo:problem:{code}" == document["type"]
    return document


__all__ = ["ALL_SCOPES", "Api", "Collection", "problem"]
