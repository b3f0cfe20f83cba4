"""Answers: status, bytes and headers, ready to be sent."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar.types import Send

Headers = tuple[tuple[bytes, bytes], ...]
JSON_TYPE = b"application/json"
NO_STORE: Headers = ((b"cache-control", b"no-store"),)
_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What is sent.

    Args:
        status: of HTTP.
        body: as it is sent.
        media_type: of the body; empty if there is none.
        headers: further ones, their names in lower case.

    """

    status: int
    body: bytes
    media_type: bytes = JSON_TYPE
    headers: Headers = NO_STORE

    async def send(self, send: Send) -> None:
        """Send it."""
        headers = [(b"content-length", str(len(self.body)).encode()), *self.headers]
        if self.media_type:
            headers.append((b"content-type", self.media_type))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def json_answer(
    document: Any,  # noqa: ANN401 - whatever msgspec can encode
    headers: Headers = NO_STORE,
    status: int = 200,
) -> Answer:
    """Return an answer of JSON; what it tells may be personal, so nobody keeps it."""
    return Answer(status, _encode(document), JSON_TYPE, headers)
