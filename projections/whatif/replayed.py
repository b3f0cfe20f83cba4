"""Replaying one share of the accounts, here or in a process of its own."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from domain.calendar import Calendar
from domain.earning.scenario import Scenario, measures_of
from domain.errors import VinculoError
from journal.connecting import connect
from journal.tenants import Logs
from projections.whatif.history import History
from projections.whatif.playing import Playing
from projections.whatif.rules import LAST, Rulebooks, value_by
from projections.whatif.sharing import Share
from projections.whatif.tallying import Hypothesis, Tally, Truth


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


class ReplayTask(msgspec.Struct, frozen=True):
    """What is to be replayed.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        calendar: the tenant's.
        scenario: to be tried.
        programme: its code.
        up_to: position in the decisions log.
        stages: of the accounts' customers, by account id.

    """

    conninfo: str
    logs: Logs
    calendar: Calendar
    scenario: Scenario
    programme: str
    up_to: int
    stages: dict[bytes, str]


class Replayed(msgspec.Struct):
    """What came of it.

    Args:
        facts: position in the facts log up to which was judged.
        truth: of what was decided.
        hypothesis: of what would have been.
        personas: of the accounts that are only there under other rules.

    """

    facts: int
    truth: Tally
    hypothesis: Tally
    personas: dict[bytes, bytes]

    def add(self, other: Replayed) -> None:
        """Add another share."""
        self.truth.add_all(other.truth)
        self.hypothesis.add_all(other.hypothesis)
        self.personas.update(other.personas)


def replay_share(task: ReplayTask, share: Share, told: Callable[[Progress], None]) -> Replayed:
    """Replay the accounts of a share.

    Args:
        task: what is to be replayed.
        share: which accounts.
        told: is told now and then how far it has come; it may raise to stop.

    """
    with connect(task.conninfo, name="vinculo what if") as connection:
        rules = Rulebooks(connection, task.logs, task.calendar, task.programme)
        others = rules.with_versions(task.scenario.versions)
        truth, hypothesis = (
            Tally(task.calendar, task.stages, value_by(one(LAST), task.programme))
            for one in (rules.at, others)
        )
        playing = Playing(
            task.programme, others, Hypothesis(hypothesis),
            Truth(truth), measures_of(task.scenario), share,
        )  # fmt: skip
        history = History(task.conninfo, task.logs, task.up_to)

        def come(facts: int, decisions: int) -> None:
            told(Progress(facts, decisions, task.up_to, len(hypothesis.accounts)))

        told(Progress(0, 0, task.up_to, 0))
        history.play(playing, come)
        playing.end()
    desks = playing.replay.store.desks
    unknown = [one for one, known in hypothesis.accounts.items() if isinstance(known.stage, bytes)]
    personas = {one: desks[one].account.persona for one in unknown}
    return Replayed(history.facts, truth, hypothesis, personas)


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Let Python's cyclic collector look seldom: a replay keeps millions of objects, no cycles."""
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
