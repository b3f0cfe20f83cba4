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

from projections.customer.incidents import Clock
from projections.customer.part import Reading
from projections.customer.parts.consent import ConsentState
from projections.customer.parts.quality import QualityState


def holds_until(
    consent: ConsentState | None, quality: QualityState | None, reading: Reading, due: int | None
) -> int:
    """Return the instant at which a document rendered for ``reading.now`` may read otherwise.

    Args:
        consent: the state of that part, None if it is empty.
        quality: the state of that part, None if it is empty.
        reading: for which it was rendered.
        due: of the next timer of any part, None if there is none.

    """
    now = reading.now
    if quality is not None and _clock_runs(quality):
        return now
    ends = [] if consent is None else [end for end in _consent_ends(consent) if end > now]
    if due is not None:
        ends.append(max(due, now))
    # The timetable remembers where days begin; reckoning it anew takes twenty times as long.
    timetable = reading.context.lifecycle.timetable(reading.context.calendar)
    tomorrow = timetable.start(reading.today + 1)
    return min(tomorrow, *ends) if ends else tomorrow


def _consent_ends(consent: ConsentState) -> Iterator[int]:
    for persona in consent.personas:
        for register in persona.registers.values():
            answer = register.answer
            if answer is not None and answer.expires_at is not None:
                yield answer.expires_at


def _clock_runs(quality: QualityState) -> bool:
    clocks = (Clock(stamps) for stamps in quality.incidents.values())
    return any(clock.is_open and not clock.is_pending for clock in clocks)
