"""The lifecycle without contracts, by brute force: every day is lived through, none is computed.

DOMAIN §4 with rulings 5, 10, 11, 12 and 20, written to be obvious and not fast: a customer's
history is walked day by day, and inside a day instant by instant, and at each the rules are asked
again. There is no timer and no closed form for when a rule will next be true, so a machine built
on timers can be held against it. Integers only. One set of rules for all days.

Readings (where the text leaves room, the most literal one):
    L1. Before its first touchpoint a customer has no stage (None), not prospect. From the first
        touchpoint of any kind, a return too, it is known.
    L2. A day is [00:00, 24:00) in the business zone. As of a day is its last instant: what
        happens at 24:00 belongs to the next day, and so does a timer due at 24:00.
    L3. Silence d is whole days: the day judged minus the last purchase day. It turns "over" at
        00:00 of the first day on which the inequality holds.
    L4. "Open longer than h" is strict: at exactly h hours not yet, one microsecond later yes.
        Hours are elapsed time, whatever the clocks do. Pending does not stop this clock.
    L5. Resolved and closed both end an incident; reopening starts its h hours anew, with the
        severity it states. Opening an incident that is open changes nothing. Severity s or more
        is serious.
    L6. A signal without an end of its own, stated on day D, lives through day D + 89 and is dead
        from 00:00 of D + 90. With an end of its own it lives until that instant, exclusive.
    L7. With n = 0 nothing but the end of the relationship takes a customer from prospect;
        signals wait, and if they live at the first purchase they make it prevention at once.
    L8. A purchase ends the hold of prevention (R20), not a signal that still lives nor an
        incident that is still open: rule 4 is asked again and the first match wins.
    L9. "The event that ends its cause": each cause that was true since prevention began has to
        be ended by its event. The end of an incident ends that incident only; nothing but a
        purchase ends silence, a fall in purchases or a signal (so a signal that ran out keeps
        prevention although an incident that also caused it was resolved).
    L10. While prevention is held and rule 4 says won back, it stays prevention: time may carry
        to renewal or lapsed, nothing else.
    L11. "A purchase after u_lapse" is judged by n and S before that purchase. It sets the
        counter to back_n also while the counter still runs. Later purchase days take one off,
        the day that set it does not.
    L12. Reopening (R20) is won back, whatever rule 4 would say: it sets the counter to back_n,
        silence is counted from the reopening day until the next purchase, what was signalled
        or opened before the reopening no longer counts, and with n = 0 the stage is won back
        instead of prospect. n, S and the gap across the closed time stay as they are. A
        registration of a customer that is not closed changes nothing.
    L13. Expected purchases in w days are w / g with g of the day judged, also for a customer
        younger than w days. They are compared with the purchase days in the last w days, the
        day judged included. The renewal window is closed at both ends.
    L14. All that happens at one instant is applied, then the rules are asked once. A purchase
        day counts from its first purchase.
    L15. When the prevention that is held gives way to renewal or lapsed, its causes are
        forgotten: it does not come back when renewal passes, unless a cause is true then.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

from tests.oracle.calendar import business_day, day_start
from tests.oracle.history import (
    Ended,
    Happening,
    IncidentEnded,
    IncidentOpened,
    Purchased,
    Registered,
    Seen,
    Signalled,
)

_TICK = timedelta(microseconds=1)

SILENCE_OVER_LAPSE = "silence_over_lapse"
SILENCE_OVER_RISK = "silence_over_risk"
INCIDENT_OPEN = "incident_open:"
COMPETITOR_OFFER = "competitor_offer"
CANCEL_INTENT = "cancel_intent"
PURCHASES_FALLING = "purchases_falling"
WON_BACK_COUNTER = "won_back_counter"
RENEWAL_WINDOW = "renewal_window"
CONSOLIDATED = "consolidated"
HELD = "held:"


class Stage(StrEnum):
    """The eight stages of DOMAIN §4."""

    PROSPECT = "prospect"
    DEVELOPMENT = "development"
    LOYALTY = "loyalty"
    PREVENTION = "prevention"
    RENEWAL = "renewal"
    LAPSED = "lapsed"
    WON_BACK = "won_back"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Rules:
    """The parameters of the lifecycle with the defaults of DOMAIN §4; u in tenths, None is off."""

    k0: int = 2
    median_gap_days: int = 27
    n_loyal: int = 4
    back_n: int = 2
    u_risk_tenths: int = 48
    u_lapse_tenths: int = 85
    severity: int = 2
    incident_hours: int = 72
    signal_days: int = 90
    falling_window_days: int | None = None
    falling_percent: int | None = None
    renewal_before_days: int | None = None
    renewal_after_days: int | None = None


DEFAULTS = Rules()


@dataclass(frozen=True, slots=True)
class Move:
    """A change of stage: when, from (None: not known before), to, and all that was true then."""

    on: date
    at: datetime
    before: Stage | None
    after: Stage
    reasons: tuple[str, ...]


class Relationship:
    """One customer, as lived through up to some instant."""

    def __init__(self, zone: ZoneInfo, rules: Rules) -> None:
        self.zone, self.rules = zone, rules
        self.closed = self.final = False
        self.purchase_days: list[int] = []
        self.gap_days_sum = 0
        self.silent_since = 0
        self.counter = self.counter_set_on = 0
        self.signals: list[tuple[str, datetime]] = []
        self.incidents: dict[str, tuple[int, datetime]] = {}
        self.stage: Stage | None = None
        self.causes: set[str] = set()

    # What happens.

    def apply(self, happening: Happening, day: int) -> None:
        """Take in one happening of the business day with ordinal `day`."""
        match happening:
            case Seen():
                pass
            case Purchased():
                self._purchase(day)
            case Registered():
                self._reopen(day)
            case Ended(final=final):
                self.closed, self.final = True, self.final or final
            case Signalled():
                self.signals.append((happening.kind, self._end_of(happening, day)))
            case IncidentOpened(at=at, incident=incident, severity=severity):
                self.incidents.setdefault(incident, (severity, at))
            case IncidentEnded(incident=incident):
                self.incidents.pop(incident, None)
                self.causes.discard(INCIDENT_OPEN + incident)
            case _:
                assert_never(happening)

    def _end_of(self, signal: Signalled, day: int) -> datetime:
        if signal.ends_at is not None:
            return signal.ends_at
        return day_start(date.fromordinal(day + self.rules.signal_days), self.zone)

    def _purchase(self, day: int) -> None:
        self._reopen(day)
        self.causes.clear()
        if self.purchase_days and self.purchase_days[-1] == day:
            return
        self._count(day)
        if self.purchase_days:
            self.gap_days_sum += day - self.purchase_days[-1]
        self.purchase_days.append(day)
        self.silent_since = day

    def _count(self, day: int) -> None:
        if self._silence_over(self.rules.u_lapse_tenths, day):
            self.counter, self.counter_set_on = self.rules.back_n, day
        elif self.counter > 0 and day > self.counter_set_on:
            self.counter -= 1

    def _reopen(self, day: int) -> None:
        if not self.closed or self.final:
            return
        self.closed = False
        self.counter, self.counter_set_on = self.rules.back_n, day
        self.silent_since = day
        self.signals.clear()
        self.incidents.clear()

    # What follows.

    def judge(self, day: int, now: datetime) -> list[str]:
        """Set the stage at the instant `now` of `day`; return every reason that is true."""
        reasons = self._reasons(day, now)
        stage = self._first_match(reasons)
        if self.causes and stage in {Stage.DEVELOPMENT, Stage.LOYALTY, Stage.WON_BACK}:
            stage = Stage.PREVENTION
            reasons += sorted(HELD + cause for cause in self.causes)
        if stage is Stage.PREVENTION:
            self.causes.update(reason for reason in reasons if is_risk(reason))
        else:
            self.causes.clear()
        self.stage = stage
        return reasons

    def _first_match(self, reasons: list[str]) -> Stage:
        if self.closed:
            return Stage.CLOSED
        if not self.purchase_days:
            return Stage.WON_BACK if self.counter else Stage.PROSPECT
        if SILENCE_OVER_LAPSE in reasons:
            return Stage.LAPSED
        if any(is_risk(reason) for reason in reasons):
            return Stage.PREVENTION
        if WON_BACK_COUNTER in reasons:
            return Stage.WON_BACK
        if RENEWAL_WINDOW in reasons:
            return Stage.RENEWAL
        return Stage.LOYALTY if CONSOLIDATED in reasons else Stage.DEVELOPMENT

    def _reasons(self, day: int, now: datetime) -> list[str]:
        """Every reason that is true at `now`, in the order of rule 4."""
        rules, found = self.rules, list[str]()
        if self._silence_over(rules.u_lapse_tenths, day):
            found.append(SILENCE_OVER_LAPSE)
        if self._silence_over(rules.u_risk_tenths, day):
            found.append(SILENCE_OVER_RISK)
        if self.incidents:
            found += self._open_too_long(now)
        if self.signals:
            found += sorted({kind for kind, ends_at in self.signals if now < ends_at})
        if self._purchases_falling(day):
            found.append(PURCHASES_FALLING)
        if self.counter > 0:
            found.append(WON_BACK_COUNTER)
        if self._in_renewal_window(day):
            found.append(RENEWAL_WINDOW)
        if len(self.purchase_days) >= rules.n_loyal:
            found.append(CONSOLIDATED)
        return found

    def _cadence(self) -> tuple[int, int]:
        """The customer's own cadence g as a fraction: days, purchases."""
        rules = self.rules
        days = rules.k0 * rules.median_gap_days + self.gap_days_sum
        return days, rules.k0 + len(self.purchase_days) - 1

    def _silence_over(self, tenths: int, day: int) -> bool:
        if not self.purchase_days:
            return False
        days, purchases = self._cadence()
        return 10 * (day - self.silent_since) * purchases > tenths * days

    def _open_too_long(self, now: datetime) -> list[str]:
        limit = timedelta(hours=self.rules.incident_hours)
        return sorted(
            INCIDENT_OPEN + incident
            for incident, (severity, opened_at) in self.incidents.items()
            if severity >= self.rules.severity and now - opened_at > limit
        )

    def _purchases_falling(self, day: int) -> bool:
        window, percent = self.rules.falling_window_days, self.rules.falling_percent
        if window is None or percent is None or not self.purchase_days:
            return False
        bought = sum(1 for bought_on in self.purchase_days if bought_on > day - window)
        days, purchases = self._cadence()
        return 100 * bought * days < percent * window * purchases

    def _in_renewal_window(self, day: int) -> bool:
        before, after = self.rules.renewal_before_days, self.rules.renewal_after_days
        if before is None or after is None or not self.purchase_days:
            return False
        days, purchases = self._cadence()
        since = (day - self.purchase_days[-1]) * purchases
        return days - before * purchases <= since <= days + after * purchases


def is_risk(reason: str) -> bool:
    """Whether a reason is one of those that make prevention."""
    return reason.startswith(INCIDENT_OPEN) or reason in {
        SILENCE_OVER_RISK,
        COMPETITOR_OFFER,
        CANCEL_INTENT,
        PURCHASES_FALLING,
    }


def moves(
    history: Iterable[Happening], through: date, zone: ZoneInfo, rules: Rules = DEFAULTS
) -> list[Move]:
    """Every change of stage from the first touchpoint to the end of the day `through`.

    Args:
        history: what happened, in any order; equal instants in the order of ruling 5.
        through: the last business day lived through, to 24:00.
        zone: the business zone.
        rules: the parameters, the same for all days.
    """
    happened = sorted(
        (one for one in history if business_day(one.at, zone) <= through), key=lambda one: one.at
    )
    if not happened:
        return []
    moments = _moments(happened, zone, rules)
    relationship, found, taken = Relationship(zone, rules), list[Move](), 0
    first = business_day(happened[0].at, zone).toordinal()
    for day in range(first, through.toordinal() + 1):
        on = date.fromordinal(day)
        for now in sorted({day_start(on, zone), *moments.get(day, ())}):
            while taken < len(happened) and happened[taken].at <= now:
                relationship.apply(happened[taken], day)
                taken += 1
            if taken == 0:
                continue
            before = relationship.stage
            reasons = relationship.judge(day, now)
            if relationship.stage is not None and relationship.stage is not before:
                found.append(Move(on, now, before, relationship.stage, tuple(reasons)))
    return found


def _moments(
    happened: list[Happening], zone: ZoneInfo, rules: Rules
) -> Mapping[int, list[datetime]]:
    """The instants inside each day at which something may change, by the day's ordinal."""
    instants = set[datetime]()
    for one in happened:
        instants.add(one.at)
        if isinstance(one, IncidentOpened):
            instants.add(one.at + timedelta(hours=rules.incident_hours) + _TICK)
        if isinstance(one, Signalled) and one.ends_at is not None:
            instants.add(one.ends_at)
    by_day = defaultdict[int, list[datetime]](list)
    for instant in instants:
        by_day[business_day(instant, zone).toordinal()].append(instant)
    return by_day


def stages(
    history: Iterable[Happening], days: Iterable[date], zone: ZoneInfo, rules: Rules = DEFAULTS
) -> dict[date, Stage | None]:
    """The stage as of each of `days` (to 24:00), None where the customer was not yet known.

    A later day tells nothing to an earlier one, so one walk to the last of them answers all.
    """
    asked = sorted(days)
    walked = moves(history, asked[-1], zone, rules) if asked else []
    return {day: _last_stage(walked, day) for day in asked}


def _last_stage(walked: list[Move], day: date) -> Stage | None:
    reached = [move.after for move in walked if move.on <= day]
    return reached[-1] if reached else None


def stage(
    history: Iterable[Happening], day: date, zone: ZoneInfo, rules: Rules = DEFAULTS
) -> Stage | None:
    """The stage as of `day` (to 24:00), None where the customer was not yet known."""
    return stages(history, [day], zone, rules)[day]


def next_move(
    history: Iterable[Happening],
    day: date,
    zone: ZoneInfo,
    rules: Rules = DEFAULTS,
    within_days: int = 3_650,
) -> Move | None:
    """The next change of stage that time alone brings after `day`, if nothing more happens."""
    known = [one for one in history if business_day(one.at, zone) <= day]
    walked = moves(known, day + timedelta(days=within_days), zone, rules)
    return next((move for move in walked if move.on > day), None)
