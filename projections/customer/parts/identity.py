"""Identity: what is known of who a customer is, and since when (DOMAIN, sections 1 and 2).

The personal display (name, e-mail, phone …) is sealed, and no fold reads it: this part keeps
which entries state it (ruling 6), so that whoever may read personal fields can open those. A
profile field counts as last stated, and a fold cannot know which fields an entry states; so the
first statements are kept (a registration states most) and the newest. Where there were more, the
part says so, and whoever displays the profile asks the journal for all of them.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from datetime import datetime

import msgspec

from domain.fact import Fact
from domain.identifiers import Persona
from domain.touchpoints.base import Touchpoint
from domain.touchpoints.catalogue import CATALOGUE
from domain.touchpoints.commercial import PurchaseMade
from domain.touchpoints.correction import TouchpointCorrected, TouchpointVoided
from domain.touchpoints.identity import (
    CustomerRegistered,
    LeadCaptured,
    LeadDisqualified,
    LeadQualified,
    ProfileUpdated,
    RelationshipEnded,
)
from projections.customer.last import Mark, Statement, current, is_later, restate
from projections.customer.part import Context, Handler, Part, Reading
from projections.customer.shown import moment, moment_or_never, uuid_text

STATEMENTS_FIRST = 2
STATEMENTS_NEWEST = 8
_KIND, _LANGUAGE, _COUNTRY = range(3)


class SourceSeen(msgspec.Struct, array_like=True, gc=False):
    """How many touchpoints a source stated, and the instants of the first and the last."""

    touchpoints: int
    first: int
    last: int


class Lead(Mark):
    """The last statement about a lead."""

    status: str


class Ended(Mark):
    """The end of the relationship that counts: a death before all others, else the last."""

    reason: str


class IdentityState(msgspec.Struct, array_like=True, gc=False):
    """State of this part; instants in microseconds since 1970.

    Args:
        sources: by name.
        personas: the subjects of the facts, sorted by (namespace, persona_id).
        registered_at: the first registration.
        active_at: the last registration or purchase, which reopens what had ended.
        profile: statements of (kind, language, country), also where all three are None.
        profiles: how many statements of the profile there were.
        lead: captured, qualified or disqualified.
        ended: the end of the relationship.

    """

    sources: dict[str, SourceSeen] = msgspec.field(default_factory=dict)
    personas: list[Persona] = msgspec.field(default_factory=list)
    registered_at: int | None = None
    active_at: int | None = None
    profile: list[Statement] = msgspec.field(default_factory=list)
    profiles: int = 0
    lead: Lead | None = None
    ended: Ended | None = None


class SourceShown(msgspec.Struct, frozen=True, gc=False):
    """A source that knows the customer: its touchpoints, the first and the last of them."""

    source: str
    touchpoints: int
    first_seen_at: datetime
    last_seen_at: datetime


class LeadShown(msgspec.Struct, frozen=True, gc=False):
    """The last judgement of a lead: captured, qualified or disqualified, and when."""

    status: str
    since: datetime


class EndedShown(msgspec.Struct, frozen=True, gc=False):
    """The end of the relationship: request, death, company or other.

    Args:
        reason: why it ended.
        at: when.
        reopened: whether a later registration or purchase reopened it; never after a death.

    """

    reason: str
    at: datetime
    reopened: bool


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Who the customer is, without anything personal.

    Args:
        kind: person, organisation or household, as last registered; null if never registered.
        language: as last stated.
        country: as last stated, ISO 3166-1 alpha-2.
        registered_at: the first registration.
        first_seen_at: the first touchpoint.
        last_seen_at: the last touchpoint.
        touchpoints: how many there are, corrections not counted.
        lead: null if the customer was never a lead.
        ended: null if the relationship never ended.
        sources: sorted by name.
        profile_entries: ids of the entries that state the personal display, the latest first.
        profile_entries_complete: whether these are all of them, else the first and the latest.

    """

    kind: str | None
    language: str | None
    country: str | None
    registered_at: datetime | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    touchpoints: int
    lead: LeadShown | None
    ended: EndedShown | None
    sources: tuple[SourceShown, ...]
    profile_entries: tuple[str, ...]
    profile_entries_complete: bool


def _persona_order(persona: Persona) -> tuple[str, bytes]:
    return persona.namespace, persona.persona_id


def _touched(state: IdentityState, fact: Fact, _touchpoint: Touchpoint, _context: Context) -> None:
    at = fact.occurred_at
    seen = state.sources.get(fact.source)
    if seen is None:
        state.sources[fact.source] = SourceSeen(1, at, at)
    else:
        seen.touchpoints += 1
        if at > seen.last:
            seen.last = at
        elif at < seen.first:
            seen.first = at
    if fact.persona not in state.personas:
        insort(state.personas, fact.persona, key=_persona_order)


def _bought(state: IdentityState, fact: Fact, touchpoint: Touchpoint, context: Context) -> None:
    _touched(state, fact, touchpoint, context)
    if state.active_at is None or fact.occurred_at > state.active_at:
        state.active_at = fact.occurred_at


def _registered(
    state: IdentityState, fact: Fact, touchpoint: CustomerRegistered, context: Context
) -> None:
    _bought(state, fact, touchpoint, context)
    if state.registered_at is None or fact.occurred_at < state.registered_at:
        state.registered_at = fact.occurred_at
    _profile(state, fact, (touchpoint.kind, touchpoint.language, touchpoint.country))


def _updated(
    state: IdentityState, fact: Fact, touchpoint: ProfileUpdated, context: Context
) -> None:
    _touched(state, fact, touchpoint, context)
    _profile(state, fact, (None, touchpoint.language, touchpoint.country))


def _captured(state: IdentityState, fact: Fact, touchpoint: LeadCaptured, context: Context) -> None:
    _touched(state, fact, touchpoint, context)
    _judge_lead(state, fact, "captured")
    _profile(state, fact, (None, touchpoint.language, touchpoint.country))


def _qualified(
    state: IdentityState, fact: Fact, touchpoint: LeadQualified, context: Context
) -> None:
    _touched(state, fact, touchpoint, context)
    _judge_lead(state, fact, "qualified")


def _disqualified(
    state: IdentityState, fact: Fact, touchpoint: LeadDisqualified, context: Context
) -> None:
    _touched(state, fact, touchpoint, context)
    _judge_lead(state, fact, "disqualified")


def _ended(
    state: IdentityState, fact: Fact, touchpoint: RelationshipEnded, context: Context
) -> None:
    _touched(state, fact, touchpoint, context)
    known = state.ended
    dead, known_dead = touchpoint.reason == "death", known is not None and known.reason == "death"
    if dead > known_dead or (dead == known_dead and is_later(fact, known)):
        state.ended = Ended(
            fact.occurred_at, fact.source, fact.sequence, fact.entry_id, touchpoint.reason
        )


def _profile(state: IdentityState, fact: Fact, values: tuple[str | None, ...]) -> None:
    state.profiles += 1
    restate(state.profile, fact, values, first=STATEMENTS_FIRST, newest=STATEMENTS_NEWEST)


def _judge_lead(state: IdentityState, fact: Fact, status: str) -> None:
    if is_later(fact, state.lead):
        state.lead = Lead(fact.occurred_at, fact.source, fact.sequence, fact.entry_id, status)


def _handlers() -> Mapping[type[Touchpoint], Handler]:
    """Return a handler for every touchpoint but corrections, which are part of what they mend."""
    handlers: dict[type[Touchpoint], Handler] = dict.fromkeys(CATALOGUE.types.values(), _touched)
    del handlers[TouchpointCorrected], handlers[TouchpointVoided]
    return handlers | {
        PurchaseMade: _bought,
        CustomerRegistered: _registered,
        ProfileUpdated: _updated,
        LeadCaptured: _captured,
        LeadQualified: _qualified,
        LeadDisqualified: _disqualified,
        RelationshipEnded: _ended,
    }


def _render(state: IdentityState, _reading: Reading) -> Identity:
    sources = _show_sources(state)
    return Identity(
        kind=_value(state, _KIND),
        language=_value(state, _LANGUAGE),
        country=_value(state, _COUNTRY),
        registered_at=moment_or_never(state.registered_at),
        first_seen_at=min([one.first_seen_at for one in sources], default=None),
        last_seen_at=max([one.last_seen_at for one in sources], default=None),
        touchpoints=sum([one.touchpoints for one in sources]),
        lead=_show_lead(state.lead),
        ended=_show_ended(state),
        sources=sources,
        profile_entries=tuple([uuid_text(one.entry_id) for one in reversed(state.profile)]),
        profile_entries_complete=state.profiles == len(state.profile),
    )


def _value(state: IdentityState, field: int) -> str | None:
    found = current(state.profile, field)
    return None if found is None else found[0]


def _show_lead(lead: Lead | None) -> LeadShown | None:
    return None if lead is None else LeadShown(lead.status, moment(lead.at))


def _show_ended(state: IdentityState) -> EndedShown | None:
    ended = state.ended
    if ended is None:
        return None
    # Of the same instant, the end outranks the purchase.
    later = state.active_at is not None and state.active_at > ended.at
    return EndedShown(ended.reason, moment(ended.at), later and ended.reason != "death")


def _show_sources(state: IdentityState) -> tuple[SourceShown, ...]:
    shown = []
    for source in sorted(state.sources):
        seen = state.sources[source]
        first = moment(seen.first)
        last = first if seen.last == seen.first else moment(seen.last)
        shown.append(SourceShown(source, seen.touchpoints, first, last))
    return tuple(shown)


PART = Part(
    name="identity",
    version=1,
    kind="commutative",
    state=IdentityState,
    handlers=_handlers(),
    render=_render,
)
