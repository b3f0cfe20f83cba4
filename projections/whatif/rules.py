"""The rules of a replay: as they were heard at each position, and with others in their place."""

from __future__ import annotations

import psycopg
from msgspec.structs import replace

from domain.calendar import Calendar
from domain.programmes.format import ProgrammeVersion
from domain.programmes.rulebook import ProgrammeRulebook
from journal.programmes import load_rulebook
from journal.tenants import Logs
from projections.whatif.playing import RulebookAt

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
