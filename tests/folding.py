"""Facts written by hand, folded by one part, and the JSON that it shows."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import Any

import msgspec

from domain.calendar import Calendar
from domain.fact import Fact
from domain.identifiers import Persona
from domain.instants import instant_of
from domain.lifecycle.rules import LifecycleRulebook
from domain.touchpoints.base import Touchpoint
from projections.customer.part import Context, Part, Reading

ANA = Persona("crm", bytes(15) + b"\x01")
CARD = Persona("card", bytes(15) + b"\x02")
CONTEXT = Context(Calendar.in_zone("Europe/Madrid"), LifecycleRulebook())
CANONICAL = msgspec.msgpack.Encoder(order="deterministic")
_numbers = count(1)


def instant(text: str) -> int:
    """Return the instant of ``2024-03-01`` or ``2024-03-01T10:00:00``, in UTC."""
    return instant_of(datetime.fromisoformat(text if "T" in text else f"{text}T12:00:00+00:00"))


def fact(
    touchpoint: Touchpoint,
    at: str = "2024-03-01",
    *,
    source: str = "crm",
    sequence: int = -1,
    entry: int | None = None,
    persona: Persona = ANA,
    linked: tuple[Persona, ...] = (),
) -> Fact:
    """Return a fact; ``entry`` is its entry id as a number, by default the next one."""
    number = next(_numbers) if entry is None else entry
    return Fact(
        entry_id=number.to_bytes(16, "big"),
        source=source,
        event_id=f"event-{number}",
        sequence=sequence,
        persona=persona,
        occurred_at=instant(at),
        touchpoint=touchpoint,
        linked=linked,
    )


def fold(part: Part, facts: Iterable[Fact], state: Any = None) -> Any:
    """Return the state after these facts, in this order."""
    state = part.state() if state is None else state
    for one in facts:
        handler = part.handlers.get(type(one.touchpoint))
        if handler is not None:
            handler(state, one, one.touchpoint, CONTEXT)
    return state


def fold_in_batches(part: Part, batches: Iterable[Iterable[Fact]]) -> bytes:
    """Return the canonical bytes after these batches, stored and read again between them."""
    stored = CANONICAL.encode(part.state())
    for batch in batches:
        state = msgspec.msgpack.decode(stored, type=part.state)
        stored = CANONICAL.encode(fold(part, batch, state))
    return stored


def shown(part: Part, facts: Iterable[Fact], now: str = "2024-12-31") -> Any:
    """Return what the part shows, as the JSON that readers get."""
    return show(part, fold(part, facts), now)


def show(part: Part, state: Any, now: str = "2024-12-31") -> Any:
    """Return what the part shows of a state, as the JSON that readers get."""
    document = part.render(state, Reading(CONTEXT, instant(now)))
    return msgspec.json.decode(msgspec.json.encode(document))


def numbers_in(document: Any) -> Iterator[Any]:
    """Yield every value of a JSON document that is neither a container nor a text."""
    if isinstance(document, dict):
        for value in document.values():
            yield from numbers_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from numbers_in(value)
    elif not isinstance(document, str):
        yield document
