"""What decisions and aggregates share: the event, the state, and how one continues the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Generic, TypeVar
from uuid import UUID, uuid5

import msgspec

from domain.errors import VinculoError

_NAMESPACE = UUID("0f1a4a0e-6c0b-5d0e-9d0c-76696e63756c")  # our own, of no meaning


class StreamBrokenError(VinculoError):
    """An event does not continue the stream it was read from."""


class Decision(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """What this engine decided; the base of all.

    ``topic`` names type and version in the log, for ever: ``vinculo.time_advanced.v1``.
    """

    topic: ClassVar[str]


D = TypeVar("D", bound=Decision)


class Recorded(msgspec.Struct, Generic[D], frozen=True, gc=False):
    """A decision at its place in a stream: the library's domain event.

    Args:
        originator_id: the stream, that is the aggregate.
        originator_version: its place there, from 1 on without holes.
        decision: what was decided.

    """

    originator_id: UUID
    originator_version: int
    decision: D


class Aggregate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The state of one aggregate; the base of all.

    Args:
        id: of its stream.
        version: how many decisions made it.

    """

    id: UUID
    version: int = 0


A = TypeVar("A", bound=Aggregate)

Evolve = Callable[[A, D], A]
"""``evolve(state, decision)`` returns the next state; its id and version are not its business."""


def stream_id(name: str) -> UUID:
    """Return the stream of an aggregate that is known by a name, the same in every tenant's log."""
    return uuid5(_NAMESPACE, name)


def record(state: Aggregate, decisions: Iterable[D]) -> list[Recorded[D]]:
    """Return decisions at the places that follow an aggregate's state."""
    return [
        Recorded(state.id, version, decision)
        for version, decision in enumerate(decisions, state.version + 1)
    ]


def projector(
    begin: Callable[[], A], evolve: Evolve[A, D]
) -> Callable[[A | None, Iterable[Recorded[D]]], A | None]:
    """Return the projector function of an aggregate, as the library's repository takes it.

    Args:
        begin: returns the state before any decision.
        evolve: returns the state after a decision.

    Returns:
        A function of a state (None: from the beginning) and the events that follow it, which
        returns the new state, None if there is neither state nor event. It raises
        :class:`StreamBrokenError` if an event is not the next of this stream.

    """

    def project(state: A | None, events: Iterable[Recorded[D]]) -> A | None:
        for event in events:
            state = _continue(begin() if state is None else state, event, evolve)
        return state

    return project


def _continue(state: A, event: Recorded[D], evolve: Evolve[A, D]) -> A:
    if event.originator_id != state.id or event.originator_version != state.version + 1:
        message = (
            f"stream {state.id}: expected version {state.version + 1}, found version "
            f"{event.originator_version} of {event.originator_id}; the log or its reader is damaged"
        )
        raise StreamBrokenError(message)
    evolved = evolve(state, event.decision)
    return msgspec.structs.replace(evolved, version=event.originator_version)
