"""What a part of the customer 360 is: a state, the touchpoints that move it, how it is shown.

A part is a module in ``projections/customer/parts/`` that ends in one :class:`Part`, and one line
in ``projections/customer/registry.py``. Parts know neither database nor process, clock nor
position: the same module must one day run inside another engine.

Contract of a part:

- ``state`` is a ``msgspec.Struct(array_like=True, gc=False)`` whose fields all have defaults. The
  fold owns the state that it passes; handlers change it in place (a decision record says why).
- Encoded with ``order="deterministic"``, the state is canonical: equal facts give equal bytes,
  whatever their order and however they were cut into batches. So no position, no recorded_at, no
  horizon, no ciphertext, no float; lists are kept sorted by a key of the facts.
- *commutative*: sums, maxima, minima, last by :func:`domain.fact.order_key`.
- *ordered*: the state holds its own inputs compactly and sorted; ``settle`` folds them anew, or
  only their tail if that gives the same, and runs timers up to the horizon.
- A fact is seen once: the journal removes repetitions, and corrections are refolds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec

from domain.calendar import Calendar
from domain.fact import Fact
from domain.lifecycle.rules import LifecycleRulebook, Timetable
from domain.loyalty.programmes import ProgrammeRegister
from domain.touchpoints.base import Touchpoint


class Context(msgspec.Struct, frozen=True, dict=True):
    """What folds may know besides the facts: settings of the tenant, the same for every party.

    Args:
        calendar: business days.
        lifecycle: the lifecycle rules, effective-dated.
        loyalty: what is settled about loyalty programmes.

    """

    calendar: Calendar
    lifecycle: LifecycleRulebook
    loyalty: ProgrammeRegister = ProgrammeRegister()

    @cached_property
    def timetable(self) -> Timetable:
        """Return the lifecycle rules laid out over the calendar."""
        return self.lifecycle.timetable(self.calendar)


class Reading(msgspec.Struct, frozen=True):
    """What a part may know when it is shown.

    Args:
        context: that of the fold.
        now: the instant for which the document is rendered (microseconds since 1970).

    """

    context: Context
    now: int

    @property
    def today(self) -> int:
        """Return the business day of ``now``, in days since 1970-01-01."""
        return self.context.calendar.day(self.now)


Handler = Callable[[Any, Fact, Any, Context], None]
"""``handler(state, fact, touchpoint, context)`` changes ``state`` in place."""

Settle = Callable[[Any, int, Context], int | None]
"""``settle(state, horizon, context)`` runs timers up to and including the horizon (microseconds
since 1970) and returns the next instant at which time alone would change the state, or None."""

Render = Callable[[Any, Reading], Any]
"""``render(state, reading)`` returns a struct or mapping that is shown as JSON."""


class Part(msgspec.Struct, frozen=True):
    """One part of the customer 360.

    Args:
        name: its key in the document.
        version: raised when the same facts would give another state; a rebuild follows.
        kind: how its order matters.
        state: the struct of its state.
        handlers: by touchpoint type (newest version).
        render: shows the state.
        settle: for parts with timers or sorted inputs.

    """

    name: str
    version: int
    kind: Literal["commutative", "ordered"]
    state: type[msgspec.Struct]
    handlers: Mapping[type[Touchpoint], Handler]
    render: Render
    settle: Settle | None = None
