"""Running a what-if: one question, one pass over the history, one report. Writes nothing."""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
from msgspec.structs import replace

from domain.calendar import Calendar
from domain.earning.scenario import Scenario, measures_of
from domain.errors import VinculoError
from domain.instants import instant_of, moment_of
from domain.programmes.format import ProgrammeVersion
from domain.programmes.rulebook import ProgrammeRulebook
from journal.connecting import connect
from journal.programmes import load_rulebook
from journal.tenants import Logs
from projections.whatif.history import History
from projections.whatif.playing import Playing, RulebookAt
from projections.whatif.report import Question, WhatIf, make_report
from projections.whatif.stages import UNKNOWN, Stages
from projections.whatif.tallying import Hypothesis, Tally, Truth

_LAST = 2**61
_encode = msgspec.json.Encoder(order="deterministic").encode


class ScenarioError(VinculoError):
    """A scenario that nothing can be asked with."""


class CancelledError(VinculoError):
    """The what-if was cancelled; nothing was written."""


class Progress(msgspec.Struct, frozen=True):
    """How far a what-if has come.

    Args:
        facts: position in the facts log.
        decisions: position in the decisions log.
        decisions_total: where it ends.
        accounts: that are replayed so far.

    """

    facts: int
    decisions: int
    decisions_total: int
    accounts: int


class WhatIfRun:
    """One question about one programme.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        calendar: the tenant's.
        scenario: what is to be tried; empty means the rules as they were, which is the control.
        programme: its code; None where the scenario's versions say it.
        begins: the versions hold from this instant on, microseconds since 1970; None means from
            their own dates on.

    Raises:
        ScenarioError: if it is not clear which programme is meant, or versions of two are there.

    """

    def __init__(
        self,
        conninfo: str,
        logs: Logs,
        calendar: Calendar,
        scenario: Scenario,
        programme: str | None = None,
        begins: int | None = None,
    ) -> None:
        self._conninfo = conninfo
        self._logs = logs
        self._calendar = calendar
        self._scenario = _beginning(scenario, begins)
        self.programme = _programme_of(self._scenario, programme)
        self._stopping = threading.Event()
        self.progress = Progress(0, 0, 0, 0)

    def cancel(self) -> None:
        """Ask the run to end; it raises :class:`CancelledError`."""
        self._stopping.set()

    def run(self, told: Callable[[Progress], None] = lambda _: None) -> WhatIf:
        """Return the report.

        Args:
            told: is told every now and then how far it has come.

        Raises:
            CancelledError: it was cancelled.
            VinculoError: a log is damaged, or the rules make no sense.

        """
        with connect(self._conninfo, name="vinculo what if") as connection, _quiet_collector():
            stages = Stages(connection, self._logs)
            of_accounts = stages.of_accounts(self.programme)
            truth, hypothesis = (Tally(self._calendar, of_accounts) for _ in range(2))
            rules = _Rulebooks(connection, self._logs, self._calendar, self.programme)
            playing = Playing(
                self.programme, rules.with_versions(self._scenario.versions),
                Hypothesis(hypothesis), Truth(truth), measures_of(self._scenario),
            )  # fmt: skip
            history = History(self._conninfo, self._logs)

            def come(facts: int, decisions: int) -> None:
                if self._stopping.is_set():
                    message = "what if: expected to come to its end, found it cancelled"
                    raise CancelledError(message)
                accounts = len(hypothesis.accounts)
                self.progress = Progress(facts, decisions, history.decisions, accounts)
                told(self.progress)

            history.play(playing, come)
            playing.end()
            personas = {
                account_id: desk.account.persona
                for account_id, desk in playing.replay.store.desks.items()
            }
            for tally in (truth, hypothesis):
                _look_up_stages(tally, personas, stages)
            actual, other = rules.at(_LAST), rules.with_versions(self._scenario.versions)(_LAST)
            question = self._question(history, stages)
            in_the_end = tuple(one.in_force(self.programme, _LAST) for one in (actual, other))
            return make_report(question, truth, hypothesis, (in_the_end[0], in_the_end[1]))

    def _question(self, history: History, stages: Stages) -> Question:
        scenario = self._scenario
        instants = [instant_of(one.effective_from) for one in scenario.versions]
        instants += [at for at, _ in measures_of(scenario)]
        return Question(
            programme=self.programme,
            scenario=hashlib.sha256(_encode(scenario)).hexdigest(),
            begins=min(instants, default=0),
            versions=tuple(one.version for one in scenario.versions),
            facts=history.facts,
            decisions=history.decisions,
            stages_at=stages.known_at,
            stages_fold=stages.fold,
        )


class _Rulebooks:
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


def _beginning(scenario: Scenario, begins: int | None) -> Scenario:
    """Return a scenario whose versions begin at an instant, those that follow as much later."""
    if begins is None or not scenario.versions:
        return scenario
    first = min(instant_of(one.effective_from) for one in scenario.versions)
    moved = tuple(
        replace(one, effective_from=moment_of(begins + instant_of(one.effective_from) - first))
        for one in scenario.versions
    )
    return replace(scenario, versions=moved)


def _programme_of(scenario: Scenario, programme: str | None) -> str:
    codes = {one.programme for one in scenario.versions} | ({programme} if programme else set())
    if len(codes) != 1:
        found = ", ".join(sorted(codes)) or "none"
        message = (
            f"what if: expected one programme, found {found}; name it, and give versions of it only"
        )
        raise ScenarioError(message)
    return codes.pop()


def _look_up_stages(tally: Tally, personas: dict[bytes, bytes], stages: Stages) -> None:
    """Give accounts that are only there under other rules the stages of their customers."""
    asked = {
        one.stage: personas.get(one.stage, b"")
        for one in tally.accounts.values()
        if isinstance(one.stage, bytes)
    }
    if not asked:
        return
    found = stages.of_personas({persona for persona in asked.values() if persona})
    tally.rename({key: found.get(persona, UNKNOWN) for key, persona in asked.items()})


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """Let Python's cyclic collector look seldom: a replay keeps millions of objects, no cycles."""
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
