"""The rules of a replay: as they were heard at each position, and with others in their place."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from msgspec.structs import replace

from domain.calendar import Calendar
from domain.programmes.format import ProgrammeVersion
from domain.programmes.rulebook import ProgrammeRulebook
from journal.programmes import load_rulebook
from journal.tenants import Logs
from projections.whatif.playing import RulebookAt

Value = Callable[[str, int], int]
"""Returns what 1,000 points of a currency are worth at an instant, minor units; 0 if unsaid."""

LAST = 2**61
"""A position, and an instant, behind all that there are."""


class Rulebooks:
    """Rulebooks as they were heard at positions of the decisions log, of one programme."""

    def __init__(
        self, connection: psycopg.Connection, logs: Logs, calendar: Calendar, programme: str
    ) -> None:
        self._connection = connection
        self._log_id = logs.decisions
        self._calendar = calendar
        self._programme = programme
        self._known: dict[int, ProgrammeRulebook] = {}

    def at(self, position: int) -> ProgrammeRulebook:
        """Return the actual rules as known at a position."""
        found = self._known.get(position)
        if found is None:
            found = self._known[position] = load_rulebook(
                self._connection, self._log_id, self._calendar, position
            )
        return found

    def with_versions(self, versions: tuple[ProgrammeVersion, ...]) -> RulebookAt:
        """Return the rules that would have been: from the first of these versions on only these."""
        if not versions:
            return self.at
        begins = min(one.effective_from for one in versions)
        made: dict[int, ProgrammeRulebook] = {}

        def at(position: int) -> ProgrammeRulebook:
            found = made.get(position)
            if found is None:
                actual = self.at(position).versions(self._programme)
                kept = [one for one in actual if one.effective_from < begins]
                taken = {one.version for one in kept}
                added = [_named_apart(one, taken) for one in versions]
                found = made[position] = ProgrammeRulebook((*kept, *added), self._calendar)
            return found

        return at


def _named_apart(version: ProgrammeVersion, taken: set[str]) -> ProgrammeVersion:
    """Return a version under a name that none before it has."""
    name = version.version
    while name in taken:
        name = f"{name}-if"
    return version if name == version.version else replace(version, version=name)


def value_by(rulebook: ProgrammeRulebook, programme: str) -> Value:
    """Return what points are worth by a rulebook, in the first money that it names."""

    def value(currency: str, at: int) -> int:
        version = rulebook.in_force(programme, at)
        found = version.currencies.get(currency) if version is not None else None
        if found is None or found.burn is None or not found.burn.values:
            return 0
        return found.burn.values[0].minor_units_per_1000

    return value


def money_of(rulebook: ProgrammeRulebook, programme: str, currency: str) -> str:
    """Return in which money the points of a currency are valued in the end, empty for none."""
    version = rulebook.in_force(programme, LAST)
    found = version.currencies.get(currency) if version is not None else None
    if found is None or found.burn is None or not found.burn.values:
        return ""
    return found.burn.values[0].currency
