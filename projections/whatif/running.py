"""Running a what-if: one question, one pass over the history, one report. Writes nothing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from domain.calendar import Calendar
from domain.earning.scenario import Scenario, measures_of
from domain.errors import VinculoError
from domain.instants import instant_of, moment_of
from domain.programmes.rulebook import ProgrammeRulebook
from journal.connecting import connect
from journal.reading import head_of
from journal.tenants import Logs
from projections.whatif.apart import replay_apart
from projections.whatif.replayed import (
    CancelledError,
    Progress,
    Replayed,
    ReplayTask,
    quiet_collector,
    replay_share,
)
from projections.whatif.report import Question, WhatIf, make_report
from projections.whatif.rules import LAST, Rulebooks, money_of, value_by
from projections.whatif.sharing import Share, shares
from projections.whatif.stages import UNKNOWN, Stages

_encode = msgspec.json.Encoder(order="deterministic").encode


class ScenarioError(VinculoError):
    """A scenario that nothing can be asked with."""


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
        processes: among which the accounts are shared; 0 for none but this one.

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
        processes: int = 0,
    ) -> None:
        self._conninfo = conninfo
        self._logs = logs
        self._calendar = calendar
        self._scenario = _beginning(scenario, begins)
        self._processes = processes
        self._stopping = threading.Event()
        self._come: dict[int, Progress] = {}
        self.programme = _programme_of(self._scenario, programme)
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
        with connect(self._conninfo, name="vinculo what if") as connection:
            stages = Stages(connection, self._logs)
            task = ReplayTask(
                self._conninfo, self._logs, self._calendar, self._scenario, self.programme,
                head_of(connection, self._logs.decisions), stages.of_accounts(self.programme),
            )  # fmt: skip
            rules = Rulebooks(connection, self._logs, self._calendar, self.programme)
            other = rules.with_versions(self._scenario.versions)
            books = rules.at(LAST), other(LAST)
            parts = shares(connection, self._logs, self._processes or 1)
            replayed = self._replay(task, parts, told)
            _look_up_stages(replayed, stages)
            question = self._question(replayed.facts, task.up_to, stages)
            return make_report(
                question,
                replayed.truth,
                replayed.hypothesis,
                (_Money(books[0], self.programme), _Money(books[1], self.programme)),
            )

    def _replay(
        self, task: ReplayTask, parts: list[Share], told: Callable[[Progress], None]
    ) -> Replayed:
        def come(number: int, progress: Progress) -> None:
            if self._stopping.is_set():
                message = "what if: expected to come to its end, found it cancelled"
                raise CancelledError(message)
            self._come[number] = progress
            self.progress = _slowest(self._come.values(), len(parts))
            told(self.progress)

        if not self._processes:
            with quiet_collector():
                return replay_share(task, parts[0], lambda progress: come(0, progress))
        return replay_apart(task, parts, come)

    def _question(self, facts: int, decisions: int, stages: Stages) -> Question:
        scenario = self._scenario
        instants = [instant_of(one.effective_from) for one in scenario.versions]
        instants += [at for at, _ in measures_of(scenario)]
        return Question(
            programme=self.programme,
            scenario=hashlib.sha256(_encode(scenario)).hexdigest(),
            begins=min(instants, default=0),
            versions=tuple(one.version for one in scenario.versions),
            facts=facts,
            decisions=decisions,
            stages_at=stages.known_at,
            stages_fold=stages.fold,
        )


class _Money:
    """What points are worth in the end, by one side's rules."""

    def __init__(self, rulebook: ProgrammeRulebook, programme: str) -> None:
        self._rulebook = rulebook
        self._programme = programme
        self._value = value_by(rulebook, programme)

    def name(self, currency: str) -> str:
        """Return in which money, ISO 4217, empty for none."""
        return money_of(self._rulebook, self._programme, currency)

    def value(self, currency: str) -> int:
        """Return what 1,000 points are worth, minor units."""
        return self._value(currency, LAST)


def _slowest(come: Iterable[Progress], count: int) -> Progress:
    """Return how far the slowest of so many shares has come; those that say nothing have not."""
    known = list(come)
    first = known[0]
    if len(known) < count:
        return Progress(0, 0, first.decisions_total, sum(one.accounts for one in known))
    return Progress(
        min(one.facts for one in known),
        min(one.decisions for one in known),
        first.decisions_total,
        sum(one.accounts for one in known),
    )


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


def _look_up_stages(replayed: Replayed, stages: Stages) -> None:
    """Give accounts that are only there under other rules the stages of their customers."""
    if replayed.personas:
        found = stages.of_personas(set(replayed.personas.values()))
        named: dict[str | bytes, str] = {
            one: found.get(who, UNKNOWN) for one, who in replayed.personas.items()
        }
        replayed.hypothesis.rename(named)
