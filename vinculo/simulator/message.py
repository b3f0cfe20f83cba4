"""A simulated message: what arrives, when, and what an honest intake makes of it."""

from __future__ import annotations

from typing import Literal

from vinculo.importers.message import Message

Delivery = Literal["punctual", "late", "duplicate", "broken"]
"""``late``: an hour or more after it happened; ``duplicate``: an exact repetition."""

Outcome = Literal["stored", "duplicate", "rejected", "suppressed"]
"""What intake books it as (DESIGN, section 3)."""

Defect = Literal[
    "bad_json",
    "unknown_type",
    "unknown_field",
    "bad_currency",
    "missing_attribute",
    "naive_time",
    "blocked_subject",
    "foreign_correction",
    "conflicting_content",
]
"""In which way a broken message is broken."""


class SimulatedMessage(Message, frozen=True, kw_only=True, gc=False):
    """A message with what the simulation knows of it.

    Args:
        arrives_at: when it reaches the topic; microseconds since 1970-01-01T00:00Z.
        occurred_at: when what it states happened; microseconds since 1970-01-01T00:00Z.
        delivery: how it came.
        outcome: what intake must make of it.
        defect: how it is broken; None if it is not.
        refusal: the code with which the domain refuses a broken one; None where the domain lets
            it pass and intake must decide (a blocked subject, another source's touchpoint,
            conflicting content).

    """

    arrives_at: int
    occurred_at: int
    delivery: Delivery
    outcome: Outcome
    defect: Defect | None = None
    refusal: str | None = None
