"""Consent: what a customer permits, per purpose and channel (ruling 17).

- Per persona, purpose and channel the last answer counts: given, withdrawn, refused or expired;
  of the same instant the most restrictive one. Of two equally restrictive ones of the same
  instant, the one that expires first counts, then the greater texts, so that no order key has to
  be kept.
- An answer about ``any`` channel is an answer about each of them: for a channel, the later of its
  own answer and the one about any counts.
- Objections and exclusions are no answers: they outrank every consent, the earlier and the later
  ones. They go when their touchpoint is voided.
- A consent whose ``expires_at`` has come is expired, as of the instant of the reading.
- A statement counts for the subject's persona and for each persona that it names.
- The party takes the most restrictive of its personas. A persona that was never asked restricts
  nothing: *never asked* is an answer of a party only if no persona has one.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from typing import Literal

import msgspec

from domain.fact import Fact
from domain.instants import instant_of
from domain.touchpoints.consent import (
    ConsentExpired,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    ExclusionListed,
    ObjectionRaised,
)
from projections.customer.part import Context, Handler, Part, Reading
from projections.customer.shown import moment, moment_or_never

PermissionState = Literal[
    "never asked", "granted", "expired", "withdrawn", "refused", "excluded", "objected"
]
_STATES: tuple[PermissionState, ...] = (
    "granted",
    "expired",
    "withdrawn",
    "refused",
    "excluded",
    "objected",
)
GRANTED, EXPIRED, WITHDRAWN, REFUSED, EXCLUDED, OBJECTED = range(6)
"""Restrictiveness, the greater the more."""

ANY_CHANNEL = "any"


class Answer(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A statement that counts; shared by personas, so never changed.

    Args:
        at: when it was made, microseconds since 1970.
        restriction: GRANTED to OBJECTED.
        expires_at: of a consent, microseconds since 1970.
        legal_basis: of a consent.
        notice_version: the text that the customer was shown.

    """

    at: int
    restriction: int
    expires_at: int | None
    legal_basis: str | None
    notice_version: str | None


class Register(msgspec.Struct, array_like=True, gc=False):
    """The last answer, exclusion and objection for one purpose and channel."""

    answer: Answer | None = None
    exclusion: Answer | None = None
    objection: Answer | None = None


class PersonaConsents(msgspec.Struct, array_like=True, gc=False):
    """The registers of one persona, by ``channel purpose``."""

    persona_id: bytes
    registers: dict[str, Register]


class ConsentState(msgspec.Struct, array_like=True, gc=False):
    """State of this part: consents sorted by persona_id."""

    personas: list[PersonaConsents] = msgspec.field(default_factory=list)


class PermissionShown(msgspec.Struct, frozen=True, gc=False):
    """What the customer permits for a purpose in a channel.

    Args:
        purpose: of the contact.
        channel: by which; ``any`` speaks of the channels that have no line of their own.
        state: never asked, granted, expired, withdrawn, refused, excluded or objected.
        since: when the statement was made, or ran out; null if never asked.
        legal_basis: of a consent, granted or run out.
        notice_version: the text that the customer was shown.
        expires_at: when a consent runs out, or ran out.

    """

    purpose: str
    channel: str
    state: PermissionState
    since: datetime | None = None
    legal_basis: str | None = None
    notice_version: str | None = None
    expires_at: datetime | None = None


class Consent(msgspec.Struct, frozen=True, gc=False):
    """What the customer permits; a purpose that is not listed was never asked about.

    Args:
        permissions: sorted by purpose and channel; each purpose has a line for ``any``.

    """

    permissions: tuple[PermissionShown, ...]


Statement = (
    ConsentGiven
    | ConsentRefused
    | ConsentWithdrawn
    | ConsentExpired
    | ObjectionRaised
    | ExclusionListed
)


def permission(state: ConsentState, purpose: str, channel: str, now: int) -> PermissionShown:
    """Return what the party permits for a purpose in a contact channel at an instant.

    Args:
        state: of this part.
        purpose: code of the purpose.
        channel: a contact channel, or ``any``.
        now: microseconds since 1970; consents that expire up to then have expired.

    """
    verdicts = [
        verdict
        for consents in state.personas
        if (verdict := _verdict(consents.registers, purpose, channel, now)) is not None
    ]
    if not verdicts:
        return PermissionShown(purpose, channel, "never asked")
    strictest = verdicts[0] if len(verdicts) == 1 else max(verdicts, key=_restrictiveness)
    return _show(purpose, channel, strictest)


def _given(state: ConsentState, fact: Fact, given: ConsentGiven, _context: Context) -> None:
    expires_at = None if given.expires_at is None else instant_of(given.expires_at)
    answer = Answer(fact.occurred_at, GRANTED, expires_at, given.legal_basis, given.notice_version)
    for register in _registers(state, fact, given):
        register.answer = _last(register.answer, answer)


def _denied(restriction: int) -> Handler:
    def handle(
        state: ConsentState,
        fact: Fact,
        denied: ConsentRefused | ConsentWithdrawn | ConsentExpired,
        _context: Context,
    ) -> None:
        answer = Answer(fact.occurred_at, restriction, None, None, denied.notice_version)
        for register in _registers(state, fact, denied):
            register.answer = _last(register.answer, answer)

    return handle


def _objected(state: ConsentState, fact: Fact, raised: ObjectionRaised, _context: Context) -> None:
    objection = Answer(fact.occurred_at, OBJECTED, None, None, raised.notice_version)
    for register in _registers(state, fact, raised):
        register.objection = _last(register.objection, objection)


def _excluded(state: ConsentState, fact: Fact, listed: ExclusionListed, _context: Context) -> None:
    exclusion = Answer(fact.occurred_at, EXCLUDED, None, None, listed.notice_version)
    for register in _registers(state, fact, listed):
        register.exclusion = _last(register.exclusion, exclusion)


def _registers(state: ConsentState, fact: Fact, statement: Statement) -> Iterator[Register]:
    key = _key(statement.contact_channel, statement.purpose)
    for persona in (fact.persona, *fact.linked):
        registers = _consents(state, persona.persona_id).registers
        register = registers.get(key)
        if register is None:
            register = registers[key] = Register()
        yield register


def _consents(state: ConsentState, persona_id: bytes) -> PersonaConsents:
    for consents in state.personas:
        if consents.persona_id == persona_id:
            return consents
    consents = PersonaConsents(persona_id, {})
    insort(state.personas, consents, key=attrgetter("persona_id"))
    return consents


def _key(channel: str, purpose: str) -> str:
    return f"{channel} {purpose}"


def _last(known: Answer | None, new: Answer) -> Answer:
    return new if known is None or _order(new) > _order(known) else known


def _order(answer: Answer) -> tuple[int, int, int, str, str]:
    forever = 2**63
    return (
        answer.at,
        answer.restriction,
        -(forever if answer.expires_at is None else answer.expires_at),
        answer.legal_basis or "",
        answer.notice_version or "",
    )


def _restrictiveness(answer: Answer) -> tuple[int, tuple[int, int, int, str, str]]:
    return answer.restriction, _order(answer)


def _verdict(registers: dict[str, Register], purpose: str, channel: str, now: int) -> Answer | None:
    """Return what one persona says of a purpose and a channel; None if never asked."""
    general = registers.get(_key(ANY_CHANNEL, purpose))
    own = general if channel == ANY_CHANNEL else registers.get(_key(channel, purpose))
    if own is general or general is None or own is None:
        only = own or general
        return None if only is None else _alone(only, now)
    found = (own, general)
    for bars in (
        [register.objection for register in found],
        [register.exclusion for register in found],
    ):
        if barred := [bar for bar in bars if bar is not None]:
            return max(barred, key=_order)
    answers = [register.answer for register in found if register.answer is not None]
    return _aged(max(answers, key=_order), now) if answers else None


def _alone(register: Register, now: int) -> Answer | None:
    """Return what counts of one register."""
    bar = register.objection or register.exclusion
    if bar is not None or register.answer is None:
        return bar
    return _aged(register.answer, now)


def _aged(answer: Answer, now: int) -> Answer:
    if answer.restriction != GRANTED or answer.expires_at is None or answer.expires_at > now:
        return answer
    return msgspec.structs.replace(answer, restriction=EXPIRED, at=answer.expires_at)


def _render(state: ConsentState, reading: Reading) -> Consent:
    lines: set[tuple[str, str]] = set()
    for one in state.personas:
        for key in one.registers:
            channel, _, purpose = key.partition(" ")
            lines.add((purpose, channel))
            lines.add((purpose, ANY_CHANNEL))
    now = reading.now
    return Consent(
        permissions=tuple(
            [permission(state, purpose, channel, now) for purpose, channel in sorted(lines)]
        )
    )


def _show(purpose: str, channel: str, answer: Answer) -> PermissionShown:
    return PermissionShown(
        purpose=purpose,
        channel=channel,
        state=_STATES[answer.restriction],
        since=moment(answer.at),
        legal_basis=answer.legal_basis,
        notice_version=answer.notice_version,
        expires_at=moment_or_never(answer.expires_at),
    )


PART = Part(
    name="consent",
    version=1,
    kind="commutative",
    state=ConsentState,
    handlers={
        ConsentGiven: _given,
        ConsentRefused: _denied(REFUSED),
        ConsentWithdrawn: _denied(WITHDRAWN),
        ConsentExpired: _denied(EXPIRED),
        ObjectionRaised: _objected,
        ExclusionListed: _excluded,
    },
    render=_render,
)
