"""The parts of the customer 360, in the order of the document. A new part is one line here."""

from __future__ import annotations

from domain.touchpoints import (
    ConsentExpired,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    ExclusionListed,
    IdentifierLinked,
    IdentifierUnlinked,
    ObjectionRaised,
    Touchpoint,
)
from projections.customer.part import Part
from projections.customer.parts import (
    commercial,
    consent,
    demographics,
    financial,
    identity,
    interaction,
    lifecycle,
    loyalty,
    marketing,
    preferences,
    quality,
)

PARTS: tuple[Part, ...] = (
    identity.PART,
    lifecycle.PART,
    commercial.PART,
    financial.PART,
    quality.PART,
    marketing.PART,
    interaction.PART,
    consent.PART,
    loyalty.PART,
    demographics.PART,
    preferences.PART,
)

SHARED: frozenset[type[Touchpoint]] = frozenset({
    ConsentGiven, ConsentRefused, ConsentWithdrawn, ConsentExpired, ObjectionRaised,
    ExclusionListed,
})  # fmt: skip
"""Statements that count for every persona they name, not only their subject's (ruling 17)."""

TIES: frozenset[type[Touchpoint]] = frozenset({IdentifierLinked, IdentifierUnlinked})
"""Statements that say who is who and nothing else: no part sees them, so that a link and its
unlink leave no trace in anybody's 360."""

SHARED_PART = consent.PART.name
