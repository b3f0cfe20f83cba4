"""The types of touchpoints that may earn points, by the name that rules use."""

from __future__ import annotations

from domain.touchpoints import (
    CATALOGUE,
    PurchaseReturned,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
    loyalty,
)


def rule_name(kind: type[Touchpoint]) -> str:
    """Return the name of a type as rules use it: ``purchase_made``, whatever the version."""
    return CATALOGUE.names[kind].split(".")[1]


def _may_earn(kind: type[Touchpoint]) -> bool:
    undoing = {PurchaseReturned, TouchpointCorrected, TouchpointVoided}
    return kind not in undoing and kind.__module__ != loyalty.__name__


# A touchpoint is upcast when it is read, so rules only meet the newest version of each type.
_NEWEST = {rule_name(kind): kind for kind in CATALOGUE.names if kind not in CATALOGUE.upcasters}

TYPES = {name: kind for name, kind in _NEWEST.items() if _may_earn(kind)}
"""Those that may earn. Returns, corrections and voids change what another touchpoint earns, and
what an upstream system states of points is recorded, not booked."""

NEVER_EARN = frozenset(_NEWEST.keys() - TYPES.keys())
"""Those that exist and may not."""
