"""Interaction: conversations between a company and a customer."""

from __future__ import annotations

from typing import Literal

from domain.touchpoints.base import Label, PersonalText, Seconds, Touchpoint


class InteractionRecorded(Touchpoint, frozen=True, kw_only=True):
    """A call, chat, visit or message; ``channel`` and ``agent`` say where and with whom."""

    direction: Literal["inbound", "outbound"]
    initiative: Literal["proactive", "reactive"] = "reactive"
    counterpart: Literal["human", "bot"] = "human"
    topic: Label | None = None
    duration_seconds: Seconds | None = None
    outcome: Label | None = None
    summary: PersonalText | None = None
