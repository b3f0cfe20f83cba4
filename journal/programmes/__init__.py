"""Programmes in the decisions log: drafted, approved and withdrawn, listed, and heard as rules.

A programme is an aggregate of the decisions log; its versions are decided by
:class:`~journal.programmes.deciding.ProgrammeOffice`. Whoever judges by them asks
:class:`~journal.programmes.rules.HeardRules` each time anew: that costs one look into an index of
few entries, and so an approval is in force in every process without a restart.
"""

from __future__ import annotations

from journal.programmes.deciding import NO_PREVIEWS, Decided, Previews, ProgrammeOffice
from journal.programmes.reading import (
    HeardProgrammes,
    KnownProgrammes,
    programmes_at,
    read_programmes,
)
from journal.programmes.rules import HeardRules, load_rulebook

__all__ = [
    "NO_PREVIEWS",
    "Decided",
    "HeardProgrammes",
    "HeardRules",
    "KnownProgrammes",
    "Previews",
    "ProgrammeOffice",
    "load_rulebook",
    "programmes_at",
    "read_programmes",
]
