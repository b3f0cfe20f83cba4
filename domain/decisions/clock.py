"""The clock of a tenant: time as the log has it (ruling 10).

Every fold runs its timers up to the greatest ``TimeAdvanced``, whatever the machine's clock says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.decisions.base import Aggregate, Decision, Recorded, projector, stream_id
from domain.errors import VinculoError
from domain.instants import instant_of

CLOCK_ID = stream_id("clock")
INSTANT_MAX = instant_of(datetime.max.replace(tzinfo=UTC))


class TimeWentBackError(VinculoError):
    """The clock was told to go backwards, or to a time that no calendar knows."""


class TimeAdvanced(Decision, frozen=True, kw_only=True):
    """Time has come to an instant; timers due up to then, and at it, have fired.

    Args:
        to: microseconds since 1970-01-01T00:00Z, greater than in every earlier one.

    """

    topic: ClassVar[str] = "vinculo.time_advanced.v1"

    to: Annotated[int, Meta(ge=0, le=INSTANT_MAX)]


class Clock(Aggregate, frozen=True, kw_only=True):
    """The clock of one tenant.

    Args:
        time: how far time has come, microseconds since 1970; None before the first advance.

    """

    id: UUID = CLOCK_ID
    time: int | None = None


def advance(clock: Clock, to: int) -> tuple[TimeAdvanced, ...]:
    """Decide that time has come to an instant; nothing to decide if it is there already.

    Args:
        clock: as it stands.
        to: microseconds since 1970.

    Raises:
        TimeWentBackError: if ``to`` lies before the clock's time, or outside 1970 to 9999.

    """
    least = 0 if clock.time is None else clock.time
    if not least <= to <= INSTANT_MAX:
        message = (
            f"clock: expected an instant from {least} to {INSTANT_MAX} (microseconds since 1970), "
            f"found {to}; time in the log never goes back"
        )
        raise TimeWentBackError(message)
    return () if to == clock.time else (TimeAdvanced(to=to),)


def evolve(clock: Clock, decision: TimeAdvanced) -> Clock:
    """Return the clock after a decision.

    Raises:
        TimeWentBackError: if the log holds a time that is not later than the one before it.

    """
    if clock.time is not None and decision.to <= clock.time:
        message = (
            f"clock: expected a time after {clock.time} at version {clock.version + 1}, found "
            f"{decision.to}; the decisions log is damaged"
        )
        raise TimeWentBackError(message)
    return msgspec.structs.replace(clock, time=decision.to)


def clock_at(latest: Recorded[TimeAdvanced] | None) -> Clock:
    """Return the clock by its latest event alone, None if it has none.

    Each event says all that there is to know, so a clock that ticked for years is read at once; a
    test holds this equal to :data:`project_clock` over the whole stream.
    """
    if latest is None:
        return Clock()
    return Clock(version=latest.originator_version, time=latest.decision.to)


project_clock = projector(Clock, evolve)
"""The projector function of the clock, for the library's repository."""
