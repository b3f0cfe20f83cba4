"""Calls: a request as its handler sees it. Parameters, headers and body, each within its limits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from litestar.types import HTTPScope, Receive
from msgspec import Meta

from api.problems import Problem, bad_parameter
from domain.instants import instant_of

if TYPE_CHECKING:
    from api.endpoints import Endpoint
    from api.keys import Holder
    from api.services import Services

_BODY_SECONDS = 30.0
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_INSTANT: msgspec.json.Decoder[datetime] = msgspec.json.Decoder(Annotated[datetime, Meta(tz=True)])
_QUERY_BYTES_MAX = 8_000


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of the query.

    Args:
        name: as it is sent.
        meaning: for people.
        schema: JSON Schema of its text.
        read: returns its value, or raises ``ValueError`` saying what was expected.
        several: whether it may be given several times; then its value is a tuple.

    """

    name: str
    meaning: str
    schema: dict[str, Any]
    read: Callable[[str], Any] = str
    several: bool = False


class Call:
    """A request of somebody who may make it.

    Args:
        scope: of ASGI.
        receive: of ASGI.
        endpoint: that is asked.
        holder: who asks; nobody where none is asked for.
        services: what handlers work with.

    """

    __slots__ = ("_receive", "endpoint", "holder", "scope", "services")

    def __init__(
        self,
        scope: HTTPScope,
        receive: Receive,
        endpoint: Endpoint,
        holder: Holder | None,
        services: Services,
    ) -> None:
        self.scope = scope
        self._receive = receive
        self.endpoint = endpoint
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
        if not _UUID.match(text):
            raise bad_parameter(name, "a UUID", f"{len(text)} characters of another form")
        return bytes.fromhex(text.replace("-", ""))

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the query by name; those not given are absent.

        Raises:
            Problem: 400, naming the parameter that is unknown, repeated or wrong.

        """
        query = self.scope["query_string"]
        if not query:
            return {}
        if len(query) > _QUERY_BYTES_MAX:
            raise bad_parameter(
                "the query", f"at most {_QUERY_BYTES_MAX} bytes", f"{len(query)} bytes"
            )
        return read_parameters(query, self.endpoint.parameters)

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


def read_parameters(query: bytes, known: tuple[Parameter, ...]) -> dict[str, Any]:
    """Return the parameters of a query by name.

    Raises:
        Problem: 400, naming the parameter that is unknown, repeated or wrong.

    """
    by_name = {parameter.name: parameter for parameter in known}
    values: dict[str, Any] = {}
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        parameter = by_name.get(name)
        if parameter is None:
            names = ", ".join(by_name) or "none"
            raise bad_parameter("each parameter", f"one of: {names}", "another one")
        try:
            value = parameter.read(text)
        except ValueError as error:
            raise bad_parameter(name, str(error), "another value") from None
        if parameter.several:
            values[name] = (*values.get(name, ()), value)
        elif name in values:
            raise bad_parameter(name, "given once", "it twice")
        else:
            values[name] = value
    return values


def flag(text: str) -> bool:
    """Return what ``true`` or ``false`` says."""
    if text not in {"true", "false"}:
        message = "'true' or 'false'"
        raise ValueError(message)
    return text == "true"


def instant(text: str) -> int:
    """Return the instant of an RFC 3339 time with an offset, microseconds since 1970."""
    try:
        # A plus sign that was not escaped arrives as a blank.
        return instant_of(_INSTANT.decode(b'"' + text.replace(" ", "+").encode() + b'"'))
    except (msgspec.DecodeError, UnicodeEncodeError):
        message = "a time with its offset, such as 2024-03-01T10:00:00Z"
        raise ValueError(message) from None


def within(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of integers within bounds."""

    def read(text: str) -> int:
        plain = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if not (plain and least <= int(text) <= most):
            message = f"an integer from {least} to {most}"
            raise ValueError(message)
        return int(text)

    return read


def one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    """Return a reader of words."""

    def read(text: str) -> str:
        if text not in words:
            message = f"one of: {', '.join(words)}"
            raise ValueError(message)
        return text

    return read


def uuid(text: str) -> bytes:
    """Return the 16 bytes of a UUID."""
    if not _UUID.match(text):
        message = "a UUID"
        raise ValueError(message)
    return bytes.fromhex(text.replace("-", ""))


def short_text(text: str) -> str:
    """Return a text that is neither empty nor long, and holds nothing that cannot be stored."""
    if not 1 <= len(text) <= 200 or "\0" in text:  # noqa: PLR2004 - as CloudEvents attributes
        message = "1 to 200 characters"
        raise ValueError(message)
    return text
