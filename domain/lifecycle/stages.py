"""The words of the lifecycle: stages, reasons and timers (DOMAIN, section 4)."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where a party stands in relation to the company."""

    PROSPECT = "prospect"
    DEVELOPMENT = "development"
    LOYALTY = "loyalty"
    PREVENTION = "prevention"
    RENEWAL = "renewal"
    LAPSED = "lapsed"
    WON_BACK = "won_back"
    CLOSED = "closed"


class Reason(StrEnum):
    """What is true of a party; codes are stable.

    Two codes carry a further word after a colon: ``ended`` the reason that was stated, and
    ``incident_open`` the incident. ``held`` carries the signal that ran out by itself (ruling 20).
    """

    ENDED = "ended"
    NO_PURCHASE = "no_purchase"
    SILENCE_OVER_LAPSE = "silence_over_lapse"
    SILENCE_OVER_RISK = "silence_over_risk"
    INCIDENT_OPEN = "incident_open"
    COMPETITOR_OFFER = "competitor_offer"
    CANCEL_INTENT = "cancel_intent"
    PURCHASES_FALLING = "purchases_falling"
    HELD = "held"
    WON_BACK_COUNTER = "won_back_counter"
    RENEWAL_WINDOW = "renewal_window"
    CONSOLIDATED = "consolidated"
    NOT_CONSOLIDATED = "not_consolidated"


class Timer(StrEnum):
    """What moves a party when nothing happens; ``NONE`` stands for a touchpoint."""

    NONE = ""
    SILENCE_RISK = "silence_risk"
    SILENCE_LAPSE = "silence_lapse"
    INCIDENT = "incident"
    SIGNAL = "signal"
    FALLING = "falling"
    RENEWAL_OPENS = "renewal_opens"
    RENEWAL_PASSES = "renewal_passes"
    RULES = "rules"
