"""A fact: a touchpoint after it was recorded, as folds see it; and the body that is stored."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from domain.identifiers import Persona
from domain.touchpoints.base import Touchpoint

T = TypeVar("T")

OrderKey = tuple[int, str, int, bytes]


class Body(msgspec.Struct, Generic[T], frozen=True, omit_defaults=True, gc=False):
    """What the journal stores of a touchpoint in the clear, encoded as canonical JSON (ruling 3).

    Args:
        id: the CloudEvents id, unique in its source.
        namespace: of the subject's identifier; the value itself stands nowhere in the clear.
        data: the touchpoint in its publisher's version, without identifiers and personal fields.
        offset_minutes: of ``occurred_at`` from UTC, as stated.
        sequence: the source's own, -1 if it has none.
        linked: the personas of ``data.identifiers``, in stated order, blocked ones left out.
        blocked: namespaces of the further identifiers that name nobody (ruling 16).
        subject: the persona of ``data.subject`` of a correction.
        traceparent: the publisher's trace (W3C Trace Context).

    """

    id: str
    namespace: str
    data: T
    offset_minutes: int = 0
    sequence: int = -1
    linked: tuple[Persona, ...] = ()
    blocked: tuple[str, ...] = ()
    subject: Persona | None = None
    traceparent: str | None = None


class Fact(msgspec.Struct, frozen=True, gc=False):
    """A recorded touchpoint, effective (corrections applied), in the newest version of its type.

    Args:
        entry_id: 16 bytes, unique in its log.
        source: who stated it.
        event_id: its CloudEvents id.
        sequence: the source's own, -1 if it has none.
        persona: whose history it belongs to.
        occurred_at: microseconds since 1970-01-01T00:00Z.
        touchpoint: what was stated. Identifiers and personal fields are absent.
        linked: further personas that it names.
        position: its place in the log, for explanations. No fold may read it.

    """

    entry_id: bytes
    source: str
    event_id: str
    sequence: int
    persona: Persona
    occurred_at: int
    touchpoint: Touchpoint
    linked: tuple[Persona, ...] = ()
    position: int = 0


def order_key(fact: Fact) -> OrderKey:
    """Return the key of ruling 5, by which *last* and *sorted* are meant everywhere."""
    return fact.occurred_at, fact.source, fact.sequence, fact.entry_id
