"""Idempotency-Key: who got no answer asks again under the same key, and nothing is done twice.

As in the IETF draft of the header: the value is a string in quotation marks; without them it is
taken as it stands. A key belongs to its holder: two holders never share one.
"""

from __future__ import annotations

import re
from typing import Final

from api.calls import Call
from api.problems import Problem
from journal.ledger import request_id_of

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
_NAME = HEADER.lower().encode()
_REPLAYED = (REPLAYED.lower().encode(), b"true")
_KEY = re.compile(rb'(?P<quote>"?)(?P<key>[!#-\[\]-~]{1,128})(?P=quote)\Z')


def request_id(call: Call) -> bytes:
    """Return the id of a request, 16 bytes: of its holder's name and key.

    Raises:
        Problem: 400, ``no_idempotency_key`` or ``bad_idempotency_key``.

    """
    value = call.header(_NAME)
    if value is None:
        raise Problem(
            400,
            "no_idempotency_key",
            expected=f"the header '{HEADER}: \"…\"' with a key of its own for every request",
            found="none",
            do="send one, such as a random UUID, and the same one if you must ask again",
        )
    match = _KEY.match(value.strip())
    if match is None:
        raise Problem(
            400,
            "bad_idempotency_key",
            expected=f"{HEADER}: 1 to 128 printable ASCII characters without blanks, in quotes",
            found="another form",
            do="send for example a random UUID",
        )
    return request_id_of(call.holder_name, match["key"].decode())


def replayed(*, repeated: bool) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that tells that an answer was given before."""
    return (_REPLAYED,) if repeated else ()
