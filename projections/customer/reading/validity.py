"""Until when a rendered document stays as it is, if nothing happens but time.

- Timers of the parts: what ``settle`` says is due next.
- Figures that are reckoned in business days change when the next one begins.
- A consent that runs out changes what is permitted.
- The clock of an open incident runs: such a document holds for its own instant only.

A part that shows more of ``now`` than this must be taken up here; a test renders documents just
before they cease to hold and finds them unchanged.
"""

from __future__ import annotations

from projections.customer.fold import State
from projections.customer.incidents import Clock, Step, step_of
from projections.customer.part import Reading
from projections.customer.parts.consent import ConsentState
from projections.customer.parts.quality import QualityState

_STANDS_AFTER = frozenset({int(Step.RESOLVED), int(Step.CLOSED), int(Step.PENDING)})
"""After these steps no clock runs, whatever was before."""


def tomorrow_of(reading: Reading) -> int:
    """Return the instant at which the next business day begins."""
    # The timetable remembers where days begin; reckoning it anew takes twenty times as long.
    timetable = reading.context.lifecycle.timetable(reading.context.calendar)
    return timetable.start(reading.today + 1)


def holds_until(state: State, now: int, due: int | None, tomorrow: int) -> int:
    """Return the instant at which a document rendered for ``now`` may read otherwise.

    Args:
        state: of the customer.
        now: microseconds since 1970.
        due: of the next timer of any part, None if there is none.
        tomorrow: when the next business day begins.

    """
    quality: QualityState = state.quality
    if quality.incidents and _clock_runs(quality):
        return now
    holds = _consent_holds(state.consent, now, tomorrow)
    return holds if due is None or due > holds else max(due, now)


def _consent_holds(consent: ConsentState, now: int, holds: int) -> int:
    for persona in consent.personas:
        for register in persona.registers.values():
            answer = register.answer
            if answer is None or answer.expires_at is None:
                continue
            if now < answer.expires_at < holds:
                holds = answer.expires_at
    return holds


def _clock_runs(quality: QualityState) -> bool:
    for stamps in quality.incidents.values():
        if step_of(stamps[-1]) not in _STANDS_AFTER:
            clock = Clock(stamps)
            if clock.is_open and not clock.is_pending:
                return True
    return False
