"""The timeline: a customer's touchpoints, the newest first by ruling 5, with what mended them.

It is told from the journal as known at the position of the view, in a few queries whatever the
number of personas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec
import psycopg

from domain.correcting import CORRECTIONS, Naming
from domain.fact import Fact, OrderKey, order_key
from domain.touchpoints import CATALOGUE, Touchpoint, TouchpointVoided
from journal.history import Histories
from projections.customer.reading.personas import PersonaShown, persona_shown
from projections.customer.shown import moment, uuid_text

FAMILIES: dict[type[Touchpoint], str] = {
    kind: kind.__module__.rpartition(".")[2] for kind in CATALOGUE.names if kind not in CORRECTIONS
}
"""The family of each touchpoint that stands in a timeline (DOMAIN, section 1)."""


class CorrectionShown(msgspec.Struct, frozen=True, gc=False):
    """A correction or void of a touchpoint.

    Args:
        kind: whether it changes the touchpoint or takes it away.
        entry_id: of the correction.
        id: its CloudEvents id, unique in the source.
        occurred_at: when it was stated.
        reason: why.
        voided: whether the correction itself was voided, so that it counts for nothing.
        position: in the facts log.

    """

    kind: Literal["corrected", "voided"]
    entry_id: str
    id: str
    occurred_at: datetime
    reason: str
    voided: bool
    position: int


class TimelineEntry(msgspec.Struct, frozen=True, gc=False):
    """A touchpoint as it counts now, or as it was stated if it was voided.

    Args:
        entry_id: names it everywhere.
        type: its CloudEvents type, in the newest version.
        family: of the type.
        source: who stated it.
        id: its CloudEvents id, unique in the source.
        occurred_at: when it happened.
        persona: whose history it belongs to.
        own: whether that persona is this customer's; else it only names one of them.
        linked: further personas that it names.
        data: the touchpoint without personal fields and identifiers.
        corrected: whether a correction of it counts.
        voided: whether it counts for nothing.
        corrections: all that was said of it since, in the order of their times.
        position: in the facts log: when it came to be known.

    """

    entry_id: str
    type: str
    family: str
    source: str
    id: str
    occurred_at: datetime
    persona: PersonaShown
    own: bool
    linked: tuple[PersonaShown, ...]
    data: dict[str, Any]
    corrected: bool
    voided: bool
    corrections: tuple[CorrectionShown, ...]
    position: int


class TimelineQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which touchpoints are wanted.

    Args:
        types: CloudEvents types; empty means all.
        families: families; empty means all.
        before: the order key of the last one seen, to read on behind it.
        limit: at most so many.

    """

    types: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    before: OrderKey | None = None
    limit: int = 100


class TimelinePage(msgspec.Struct, frozen=True):
    """Some touchpoints, and where to read on: None at the end."""

    entries: list[TimelineEntry]
    before: OrderKey | None


def read_timeline(
    connection: psycopg.Connection,
    histories: Histories,
    personas: Collection[bytes],
    up_to: int,
    question: TimelineQuestion,
) -> TimelinePage:
    """Return a page of the timeline of some personas.

    Args:
        connection: in one snapshot.
        histories: of the facts log.
        personas: of the customer, 16 bytes each.
        up_to: as known at this position.
        question: what is wanted.

    """
    history = histories.of_personas(connection, personas, up_to)
    facts = history.facts + _voided(connection, histories, history.naming, up_to)
    wanted = [
        fact for fact in facts if _is_wanted(fact, question) and _touches(fact, set(personas))
    ]
    wanted.sort(key=order_key, reverse=True)
    page = wanted[: question.limit]
    more = len(wanted) > question.limit
    entries = [_show(fact, history.naming, set(personas)) for fact in page]
    return TimelinePage(entries, order_key(page[-1]) if more else None)


def _voided(
    connection: psycopg.Connection,
    histories: Histories,
    naming: dict[bytes, list[Naming]],
    up_to: int,
) -> list[Fact]:
    voided = [target for target, namings in naming.items() if _is_voided(namings)]
    if not voided:
        return []
    found = histories.by_ids(connection, voided, up_to)
    return [fact for fact in found if type(fact.touchpoint) not in CORRECTIONS]


def _is_voided(namings: Iterable[Naming]) -> bool:
    return any(isinstance(one.fact.touchpoint, TouchpointVoided) for one in namings)


def _is_wanted(fact: Fact, question: TimelineQuestion) -> bool:
    kind = type(fact.touchpoint)
    if question.types and CATALOGUE.names[kind] not in question.types:
        return False
    if question.families and FAMILIES[kind] not in question.families:
        return False
    return question.before is None or order_key(fact) < question.before


def _touches(fact: Fact, personas: set[bytes]) -> bool:
    return fact.persona.persona_id in personas or any(
        persona.persona_id in personas for persona in fact.linked
    )


def _show(fact: Fact, naming: dict[bytes, list[Naming]], personas: set[bytes]) -> TimelineEntry:
    kind = type(fact.touchpoint)
    corrections = sorted(naming.get(fact.entry_id, ()), key=lambda one: order_key(one.fact))
    shown = tuple(_show_correction(one.fact, naming) for one in corrections)
    return TimelineEntry(
        entry_id=uuid_text(fact.entry_id),
        type=CATALOGUE.names[kind],
        family=FAMILIES[kind],
        source=fact.source,
        id=fact.event_id,
        occurred_at=moment(fact.occurred_at),
        persona=persona_shown(fact.persona),
        own=fact.persona.persona_id in personas,
        linked=tuple(persona_shown(one) for one in fact.linked),
        data=msgspec.to_builtins(fact.touchpoint, builtin_types=(datetime,)),
        corrected=any(one.kind == "corrected" and not one.voided for one in shown),
        voided=any(one.kind == "voided" for one in shown),
        corrections=shown,
        position=fact.position,
    )


def _show_correction(correction: Fact, naming: dict[bytes, list[Naming]]) -> CorrectionShown:
    void = isinstance(correction.touchpoint, TouchpointVoided)
    reason: str = getattr(correction.touchpoint, "reason", "")
    return CorrectionShown(
        kind="voided" if void else "corrected",
        entry_id=uuid_text(correction.entry_id),
        id=correction.event_id,
        occurred_at=moment(correction.occurred_at),
        reason=reason,
        # A void is final: voiding it changes nothing.
        voided=not void and _is_voided(naming.get(correction.entry_id, ())),
        position=correction.position,
    )
