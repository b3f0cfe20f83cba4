"""Events written by hand: short to read in a test, whole on the wire."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

from domain.touchpoints import Touchpoint, type_name

_ids = count(1)


def event(
    kind: type[Touchpoint],
    subject: str,
    time: str,
    /,
    *,
    id: str | None = None,  # noqa: A002 - the attribute's own name
    source: str = "urn:test:one",
    sequence: int | None = None,
    **data: Any,
) -> bytes:
    """Return a structured CloudEvent; ``time`` is ``2024-03-01`` (noon, UTC) or RFC 3339."""
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": id or f"event-{next(_ids)}",
        "source": source,
        "type": type_name(kind),
        "subject": subject,
        "time": time if "T" in time else f"{time}T12:00:00Z",
        "data": data,
    }
    if sequence is not None:
        envelope["sequence"] = sequence
    return msgspec.json.encode(envelope)


def lines(*amounts: int) -> list[dict[str, Any]]:
    """Return a receipt's lines, one for each amount in minor units."""
    return [
        {"product": f"p{number}", "quantity": 1_000, "amount": amount}
        for number, amount in enumerate(amounts)
    ]


def reference(id: str, time: str, source: str = "urn:test:one") -> dict[str, str]:  # noqa: A002
    """Return a reference to an event made by :func:`event`."""
    return {
        "source": source,
        "id": id,
        "occurred_at": time if "T" in time else f"{time}T12:00:00Z",
    }
