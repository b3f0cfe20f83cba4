"""Until when a rendered document stays as it is, if nothing happens but time.

- Timers of the parts: what ``settle`` says is due next.
- Figures that are reckoned in business days change when the next one begins.
- A consent that runs out changes what is permitted.
- The clock of an open incident runs: such a document holds for its own instant only.

A part that shows more of ``now`` than this must be taken up here; a test renders documents just
before they cease to hold and finds them unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator

from projections.customer.fold import State
from projections.customer.incidents import Clock
from projections.customer.part import Reading
from projections.customer.parts.consent import ConsentState
from projections.customer.parts.quality import QualityState


def holds_until(state: State, reading: Reading, due: int | None) -> int:
    """Return the instant at which a document rendered for ``reading.now`` may read otherwise.

    Args:
        state: of the party.
        reading: for which it was rendered.
        due: of the next timer of any part, None if there is none.

    """
    now = reading.now
    if _clock_runs(state.quality):
        return now
    ends = [end for end in _consent_ends(state.consent) if end > now]
    if due is not None:
        ends.append(max(due, now))
    tomorrow = reading.context.calendar.start(reading.today + 1)
    return min(tomorrow, *ends) if ends else tomorrow


def _consent_ends(consent: ConsentState) -> Iterator[int]:
    for persona in consent.personas:
        for register in persona.registers.values():
            answer = register.answer
            if answer is not None and answer.expires_at is not None:
                yield answer.expires_at


def _clock_runs(quality: QualityState) -> bool:
    if not quality.incidents:
        return False
    clocks = (Clock(stamps) for stamps in quality.incidents.values())
    return any(clock.is_open and not clock.is_pending for clock in clocks)
