"""What this engine decides, as events of aggregates (the decisions log).

How the ``eventsourcing`` library is used here, and why so:

- A decision is a frozen struct in the past tense, such as ``TimeAdvanced(to)``. It knows nothing of
  streams and versions. Once it has a place in a stream it is another type, :class:`Recorded`: the
  *domain event* that the library stores, loads and numbers.
- An aggregate is a frozen state and two plain functions, ``decide(state, command) -> decisions``
  and ``evolve(state, decision) -> state``. :func:`projector` makes of ``evolve`` the projector
  function that the library's repository asks for; it checks that each event continues its stream.
- The library's own ``Aggregate`` is mutable, reads the clock when an event is made, and spells its
  events as dataclasses by a metaclass. The library declares protocols for everything else
  (``DomainEventProtocol``, ``ImmutableAggregateProtocol``); the types here satisfy them by their
  shape, so the domain need not import the library at all, and folds run where it is not installed.

To add a decision: a struct with a ``topic`` of its own, a branch in its aggregate's ``evolve``, a
line in ``AnyDecision`` of :mod:`domain.decisions.catalogue` (which imports every room that decides,
and is therefore not imported here). A new version of a decision is a new struct with a new topic,
the old one stays in the catalogue together with its upcaster.
"""

from __future__ import annotations

from domain.decisions.base import (
    Aggregate,
    Decision,
    Recorded,
    StreamBrokenError,
    projector,
    record,
    stream_id,
)
from domain.decisions.clock import (
    CLOCK_ID,
    Clock,
    TimeAdvanced,
    TimeWentBackError,
    advance,
    clock_at,
    evolve,
    project_clock,
)

__all__ = [
    "CLOCK_ID",
    "Aggregate",
    "Clock",
    "Decision",
    "Recorded",
    "StreamBrokenError",
    "TimeAdvanced",
    "TimeWentBackError",
    "advance",
    "clock_at",
    "evolve",
    "project_clock",
    "projector",
    "record",
    "stream_id",
]
