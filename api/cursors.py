"""Cursors: where a list is read on. Opaque to clients, and good for the same question only."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from api.problems import bad_parameter

_DIGEST_BYTES = 8
_PAGING = frozenset({"cursor", "limit"})


def write_cursor(place: Any, question: Mapping[str, Any]) -> str:  # noqa: ANN401 - any key
    """Return a cursor.

    Args:
        place: the key of the last line seen.
        question: the parameters of the list; those that only cut it into pages do not count.

    """
    plain = _digest(question) + msgspec.msgpack.encode(place)
    return urlsafe_b64encode(plain).rstrip(b"=").decode()


def read_cursor(text: str, question: Mapping[str, Any], kind: Any) -> Any:  # noqa: ANN401 - any key
    """Return the place that a cursor names, checked to be of a type that msgspec knows.

    Raises:
        Problem: 400, if it is no cursor, or that of another question.

    """
    try:
        plain = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        place = msgspec.msgpack.decode(plain[_DIGEST_BYTES:], type=kind)
    except (ValueError, msgspec.MsgspecError):
        raise bad_parameter("cursor", "the 'next' of an earlier page", "something else") from None
    if plain[:_DIGEST_BYTES] != _digest(question):
        raise bad_parameter("cursor", "of the same list and filters", "that of another question")
    return place


def _digest(question: Mapping[str, Any]) -> bytes:
    asked = sorted((name, repr(value)) for name, value in question.items() if name not in _PAGING)
    return blake2b(repr(asked).encode(), digest_size=_DIGEST_BYTES).digest()
