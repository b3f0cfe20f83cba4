"""The rulebook: every approved version of every programme, and which is in force when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from domain.calendar import Calendar
from domain.errors import VinculoError
from domain.instants import instant_of
from domain.programmes.compiling import CompiledVersion, compile_version
from domain.programmes.format import ProgrammeVersion
from domain.programmes.versions import Programme


class ProgrammeRulebook:
    """Versions of programmes, ready for judging. It never changes: new approvals, new rulebook.

    Args:
        versions: in the order in which they were approved, of any programmes; of two from the same
            moment the later one is in force. Each is compiled when it is first asked for.
        calendar: of the tenant.

    Raises:
        VinculoError: if a programme has a version twice.

    """

    def __init__(self, versions: Iterable[ProgrammeVersion], calendar: Calendar) -> None:
        self.calendar = calendar
        by_name: dict[tuple[str, str], ProgrammeVersion] = {}
        latest: dict[str, dict[int, ProgrammeVersion]] = {}
        for version in versions:
            name = (version.programme, version.version)
            if name in by_name:
                message = f"expected each version once, found {' '.join(name)} twice; keep one"
                raise VinculoError(message)
            by_name[name] = version
            latest.setdefault(version.programme, {})[instant_of(version.effective_from)] = version
        self._by_name = by_name
        self._in_force = {
            code: [version for _, version in sorted(found.items())]
            for code, found in sorted(latest.items())
        }
        self._starts = {code: sorted(found) for code, found in latest.items()}
        self._compiled: dict[tuple[str, str], CompiledVersion] = {}

    @classmethod
    def of(cls, programmes: Iterable[Programme], calendar: Calendar) -> ProgrammeRulebook:
        """Return the rulebook of programmes: their approved versions."""
        return cls(
            (record.rules for programme in programmes for record in programme.approved()), calendar
        )

    def programmes(self) -> tuple[str, ...]:
        """Return the codes of all programmes that have an approved version, sorted."""
        return tuple(self._in_force)

    def versions(self, programme: str) -> tuple[ProgrammeVersion, ...]:
        """Return the versions of a programme that are in force at some time, by their moments."""
        return tuple(self._in_force.get(programme, ()))

    def in_force(self, programme: str, instant: int) -> CompiledVersion | None:
        """Return the version that judges what happens at an instant.

        Args:
            programme: its code.
            instant: microseconds since 1970.

        Returns:
            None for a programme that is not known, or had not begun.

        Raises:
            UnsoundRulesError: if the version makes no sense to this release.

        """
        starts = self._starts.get(programme)
        place = bisect_right(starts, instant) if starts else 0
        if not place:
            return None
        version = self._in_force[programme][place - 1]
        return self._compile(version)

    def version(self, programme: str, version: str) -> CompiledVersion | None:
        """Return an approved version by its name, in force or not; None if there is none."""
        found = self._by_name.get((programme, version))
        return None if found is None else self._compile(found)

    def starts(self, programme: str) -> tuple[int, ...]:
        """Return the instants at which the rules of a programme change, sorted."""
        return tuple(self._starts.get(programme, ()))

    def replacing(self, versions: Iterable[ProgrammeVersion]) -> ProgrammeRulebook:
        """Return another rulebook with further versions, as if they were approved last (what if).

        A version with the name of one that is here takes its place.
        """
        added = tuple(versions)
        names = {(one.programme, one.version) for one in added}
        kept = [version for name, version in self._by_name.items() if name not in names]
        return ProgrammeRulebook((*kept, *added), self.calendar)

    def _compile(self, version: ProgrammeVersion) -> CompiledVersion:
        name = (version.programme, version.version)
        compiled = self._compiled.get(name)
        if compiled is None:
            compiled = self._compiled[name] = compile_version(version, self.calendar)
        return compiled
