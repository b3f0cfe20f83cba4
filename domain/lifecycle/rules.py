"""The rules by which the lifecycle is judged, effective-dated."""

from __future__ import annotations

from bisect import bisect_right
from typing import Annotated

import msgspec
from msgspec import Meta

NonNegative = Annotated[int, Meta(ge=0)]


class LifecycleRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the machine; integers only. Defaults as published in DOMAIN, section 4.

    Args:
        version: name of this set of rules, shown with every judgement.
        effective_from: first business day (days since 1970-01-01) that these rules judge.
        prior_weight: k0, the weight of the population's gap in a customer's own cadence.
        population_gap_days: G0, the population's median gap in days.
        loyal_days: n_loyal, purchase days from which a customer counts as consolidated.
        won_back_days: back_n, where the won-back counter starts.
        risk_tenths: u_risk in tenths of the own cadence.
        lapse_tenths: u_lapse in tenths of the own cadence.
        incident_severity: s, the least severity that puts a customer at risk.
        incident_hours: h, hours that such an incident may stay open.
        falling_window_days: w, 0 turns the rule off.
        falling_percent: f, the share of expected purchases below which they are falling.
        renewal_window_days: half-width of the renewal window around last + g; 0 turns it off.
        signal_days: life of a signal that does not state its own.

    """

    version: str = "lifecycle-1"
    effective_from: int = -(2**31)
    prior_weight: NonNegative = 2
    population_gap_days: Annotated[int, Meta(ge=1)] = 27
    loyal_days: Annotated[int, Meta(ge=1)] = 4
    won_back_days: NonNegative = 2
    risk_tenths: Annotated[int, Meta(ge=1)] = 48
    lapse_tenths: Annotated[int, Meta(ge=1)] = 85
    incident_severity: Annotated[int, Meta(ge=1, le=4)] = 2
    incident_hours: NonNegative = 72
    falling_window_days: NonNegative = 0
    falling_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    renewal_window_days: NonNegative = 0
    signal_days: Annotated[int, Meta(ge=1)] = 90


class LifecycleRulebook(msgspec.Struct, frozen=True):
    """All versions of the rules, sorted by the day from which they hold."""

    versions: tuple[LifecycleRules, ...] = (LifecycleRules(),)

    def on(self, day: int) -> LifecycleRules:
        """Return the rules that judge a business day (days since 1970-01-01)."""
        starts = [rules.effective_from for rules in self.versions]
        return self.versions[max(0, bisect_right(starts, day) - 1)]
