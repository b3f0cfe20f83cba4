"""Correcting: a touchpoint and all that name it make one effective touchpoint (ruling 8).

Nothing depends on which of them came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from domain.errors import Refused
from domain.fact import Fact, order_key
from domain.identifiers import Persona
from domain.instants import OCCURRED_MAX, OCCURRED_MIN, instant_of
from domain.touchpoints import (
    CATALOGUE,
    Catalogue,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)
from domain.touchpoints.checking import check_fields

CORRECTIONS: frozenset[type[Touchpoint]] = frozenset({TouchpointCorrected, TouchpointVoided})


class Naming(msgspec.Struct, frozen=True, gc=False):
    """A correction or void, and what it names.

    Args:
        fact: the correction.
        target: entry id of what it names, 16 bytes.
        subject: the right subject, if it states one.

    """

    fact: Fact
    target: bytes
    subject: Persona | None = None


def effective(
    fact: Fact, naming: Mapping[bytes, Iterable[Naming]], catalogue: Catalogue = CATALOGUE
) -> Fact | None:
    """Return what a touchpoint counts as, or None if it never happened.

    A void is final. A correction that was itself voided counts for nothing, so that what stood
    before stands again. Corrections apply in the order of ruling 5; one that speaks of another
    type than the touchpoint has, or that does not fit it, counts for nothing.

    Args:
        fact: the touchpoint as stated, in its publisher's version: corrections speak of that one.
        naming: corrections and voids by the entry id that they name.
        catalogue: the touchpoints that are understood.

    """
    corrections = list(naming.get(fact.entry_id, ()))
    if any(isinstance(one.fact.touchpoint, TouchpointVoided) for one in corrections):
        return None
    for one in sorted(corrections, key=lambda one: order_key(one.fact)):
        if not _is_voided(one.fact, naming):
            fact = _apply(fact, one, catalogue)
    return newest(fact, catalogue)


def newest(fact: Fact, catalogue: Catalogue = CATALOGUE) -> Fact:
    """Return a fact in the newest version of its touchpoint's type."""
    if type(fact.touchpoint) not in catalogue.upcasters:
        return fact
    return msgspec.structs.replace(fact, touchpoint=catalogue.upcast(fact.touchpoint))


def subjects(fact: Fact, corrections: Iterable[Naming]) -> set[bytes]:
    """Return every persona to whom a touchpoint may belong, whatever corrections count."""
    moved = {one.subject.persona_id for one in corrections if one.subject is not None}
    return {fact.persona.persona_id, *moved}


def _is_voided(correction: Fact, naming: Mapping[bytes, Iterable[Naming]]) -> bool:
    voids = naming.get(correction.entry_id, ())
    return any(isinstance(one.fact.touchpoint, TouchpointVoided) for one in voids)


def _apply(fact: Fact, naming: Naming, catalogue: Catalogue) -> Fact:
    correction = naming.fact.touchpoint
    assert isinstance(correction, TouchpointCorrected), "voids were dealt with before"  # noqa: S101
    if catalogue.types.get(correction.corrected_type) is not type(fact.touchpoint):
        return fact
    changes: dict[str, Any] = {}
    if correction.fields:
        plain = {**msgspec.to_builtins(fact.touchpoint), **correction.fields}
        kept = {name: value for name, value in plain.items() if value is not None}
        try:
            changes["touchpoint"] = msgspec.convert(kept, type(fact.touchpoint))
            check_fields(type(fact.touchpoint), msgspec.structs.asdict(changes["touchpoint"]))
        except (msgspec.ValidationError, Refused):
            return fact
    if naming.subject is not None:
        changes["persona"] = naming.subject
    if correction.occurred_at is not None:
        right = instant_of(correction.occurred_at)
        if not OCCURRED_MIN <= right <= OCCURRED_MAX:
            return fact
        changes["occurred_at"] = right
    return msgspec.structs.replace(fact, **changes) if changes else fact
