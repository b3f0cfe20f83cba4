"""Parameters of a query: what each one means, and how its text is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from api.problems import bad_parameter
from domain.instants import instant_of

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


def read_parameters(query: bytes, known: tuple[Parameter, ...]) -> dict[str, Any]:
    """Return the parameters of a query by name.

    Raises:
        Problem: 400, naming the parameter that is unknown, repeated or wrong, or the whole query if
            it is too long.

    """
    if len(query) > _QUERY_BYTES_MAX:
        raise bad_parameter("the query", f"at most {_QUERY_BYTES_MAX} bytes", f"{len(query)} bytes")
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
