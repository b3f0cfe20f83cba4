"""Calls: a request as its handler sees it. Parameters, headers and body, each within its limits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from litestar.types import HTTPScope, Receive

from api.parameters import Parameter, read_parameters, uuid
from api.problems import Problem, bad_parameter

if TYPE_CHECKING:
    from api.keys import Holder
    from api.services import Services

_BODY_SECONDS = 30.0


class Call:
    """A request of somebody who may make it.

    Args:
        scope: of ASGI.
        receive: of ASGI.
        parameters: that the endpoint knows.
        holder: who asks; nobody where none is asked for.
        services: what handlers work with.

    """

    __slots__ = ("_known", "_receive", "holder", "scope", "services")

    def __init__(
        self,
        scope: HTTPScope,
        receive: Receive,
        parameters: tuple[Parameter, ...],
        holder: Holder | None,
        services: Services,
    ) -> None:
        self.scope = scope
        self._receive = receive
        self._known = parameters
        self.holder = holder
        self.services = services

    @property
    def holder_name(self) -> str:
        """Return the name of who asks."""
        return "nobody" if self.holder is None else self.holder.name

    def header(self, name: bytes) -> bytes | None:
        """Return a header by its name in lower case."""
        for key, value in self.scope["headers"]:
            if key == name:
                return value
        return None

    def uuid(self, name: str) -> bytes:
        """Return a UUID of the path as 16 bytes.

        Raises:
            Problem: 400, if it is none.

        """
        text: str = self.scope["path_params"][name]
        try:
            return uuid(text)
        except ValueError:
            found = f"{len(text)} characters of another form"
            raise bad_parameter(name, "a UUID", found) from None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the query by name; those not given are absent.

        Raises:
            Problem: 400, naming the parameter that is unknown, repeated or wrong.

        """
        query = self.scope["query_string"]
        if not query:
            return {}
        return read_parameters(query, self._known)

    async def body(self, bytes_max: int) -> bytes:
        """Return the body.

        Raises:
            Problem: 413, if it is larger than that; 408, if it does not come; 400, if whoever
                sends it goes away.

        """
        stated = self.header(b"content-length")
        if stated is not None and stated.isdigit() and int(stated) > bytes_max:
            raise too_large("a body", bytes_max, f"{int(stated)} bytes")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                return await self._read(bytes_max)
        except TimeoutError:
            raise Problem(
                408,
                "body_late",
                expected=f"the whole body within {_BODY_SECONDS:g} seconds",
                found="a part of it",
                do="send it again, or in smaller parts",
            ) from None

    async def _read(self, bytes_max: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise Problem(
                    400, "gone", expected="a whole body", found="an end", do="send it again"
                )
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > bytes_max:
                raise too_large("a body", bytes_max, "more")
            if not message.get("more_body", False):
                return b"".join(parts)


def too_large(what: str, bytes_max: int, found: str) -> Problem:
    """Return the problem of something that is larger than its limit."""
    return Problem(
        413,
        "too_large",
        expected=f"{what} of at most {bytes_max} bytes",
        found=found,
        do="send less at a time",
    )
