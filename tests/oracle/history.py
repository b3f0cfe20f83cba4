"""What the naive lifecycle is told of a customer: one small frozen object per thing that happened.

`at` is an aware instant. Where two have the same instant, the order in which they are given
counts; the caller gives them in the order of ruling 5.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

SignalKind: TypeAlias = Literal["competitor_offer", "cancel_intent"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Any touchpoint that makes a customer known and moves no stage: a return, a campaign."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Purchased:
    """A purchase that stands (not voided)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """The customer registered."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """The relationship ended; `final` after death or erasure, which nothing reopens."""

    at: datetime
    final: bool = False


@dataclass(frozen=True, slots=True)
class Signalled:
    """A competitor's offer or an intent to cancel; without `ends_at` it lives the default days.

    `ends_at` is the first instant at which the signal no longer lives.
    """

    at: datetime
    kind: SignalKind
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentOpened:
    """An incident was opened, or opened again, with a severity of 1 to 4 (4 is the worst).

    A reopening that states no severity repeats the severity of the opening.
    """

    at: datetime
    incident: str
    severity: int


@dataclass(frozen=True, slots=True)
class IncidentEnded:
    """An incident was resolved or closed."""

    at: datetime
    incident: str


Happening: TypeAlias = (
    Seen | Purchased | Registered | Ended | Signalled | IncidentOpened | IncidentEnded
)
