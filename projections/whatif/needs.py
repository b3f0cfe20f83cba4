"""Which types of touchpoints a rulebook may need; all others may stay unread."""

from __future__ import annotations

from domain.earning.activity import activities
from domain.programmes.rulebook import ProgrammeRulebook
from domain.touchpoints import CATALOGUE

_ALWAYS = frozenset({"purchase_returned", "touchpoint_corrected", "touchpoint_voided"})


def needed_types(rulebook: ProgrammeRulebook) -> list[str]:
    """Return the names of the types, every version of each, sorted."""
    needed = set(_ALWAYS)
    for programme in rulebook.programmes():
        for instant in rulebook.starts(programme):
            version = rulebook.in_force(programme, instant)
            if version is not None:
                needed |= activities(version)
                needed |= {name for rule in version.written.rules for name in rule.touchpoints}
    return sorted(name for name in CATALOGUE.types if name.split(".")[1] in needed)
