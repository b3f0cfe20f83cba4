"""Correction: a source mends what it stated before (ruling 8). Nothing stored is changed."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.touchpoints.base import Code, IdentifierText, Instant, Label, Reference, Touchpoint


class TouchpointCorrected(Touchpoint, frozen=True, kw_only=True):
    """Some fields of an earlier touchpoint were wrong; these are right.

    Args:
        reference: which touchpoint, of the same source.
        corrected_type: its type, so that the new values are checked when they arrive.
        fields: the new values of ``data``, by field; ``null`` takes a field away.
        subject: the right subject, if the wrong card was scanned.
        occurred_at: the right time.
        reason: why.

    """

    reference: Reference
    corrected_type: Code
    reason: Label
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    subject: IdentifierText | None = None
    occurred_at: Instant | None = None


class TouchpointVoided(Touchpoint, frozen=True, kw_only=True):
    """An earlier touchpoint, or a correction of one, never happened. Final for its id."""

    reference: Reference
    reason: Label


Correction = TouchpointCorrected | TouchpointVoided
