"""Quality: incidents and what customers answer when asked."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from domain.touchpoints.base import Code, Label, PersonalText, Touchpoint

Severity = Annotated[int, Meta(ge=1, le=4, description="1 is the least, 4 the gravest.")]


class IncidentOpened(Touchpoint, frozen=True, kw_only=True):
    """Something went wrong for a customer."""

    incident: Code
    severity: Severity
    category: Label | None = None
    number: Code | None = None
    description: PersonalText | None = None


class IncidentResponded(Touchpoint, frozen=True, kw_only=True):
    """The customer got a first answer."""

    incident: Code


class IncidentPending(Touchpoint, frozen=True, kw_only=True):
    """Work waits for the customer: the clock of the service level stands still."""

    incident: Code


class IncidentResolved(Touchpoint, frozen=True, kw_only=True):
    """The cause was mended."""

    incident: Code


class IncidentReopened(Touchpoint, frozen=True, kw_only=True):
    """It was not mended after all."""

    incident: Code


class IncidentClosed(Touchpoint, frozen=True, kw_only=True):
    """The case is over."""

    incident: Code


class SurveyAnswered(Touchpoint, frozen=True, kw_only=True):
    """A raw answer: NPS 0 to 10, CSAT 1 to 5, CES 1 to 7."""

    survey: Literal["nps", "csat", "ces"]
    score: Annotated[int, Meta(ge=0, le=10)]
    about: Code | None = None
    comment: PersonalText | None = None
