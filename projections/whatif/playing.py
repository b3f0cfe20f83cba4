"""Playing a history: recorded decisions are told to the truth, what was asked to a replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from domain.decisions.base import Decision
from domain.earning.earning import Earning
from domain.earning.replaying import ASKED, Replay
from domain.earning.scenario import Measure
from domain.earning.watching import Observer
from domain.ledger.decisions import LedgerAccountOpened, LotsExpired
from domain.programmes.compiling import CompiledVersion
from domain.programmes.rulebook import ProgrammeRulebook
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS
from journal.decisions.mapper import DecisionMapper
from journal.reading import FactReader, Row
from projections.whatif.history import DecisionRow
from projections.whatif.sharing import WHOLE, Share

_decision = DecisionMapper().decision
_ASKED = frozenset(kind.topic for kind in ASKED) - {LotsExpired.topic}
_opened = msgspec.json.Decoder(LedgerAccountOpened).decode

RulebookAt = Callable[[int], ProgrammeRulebook]
"""Returns the programmes as known at a position of the decisions log; the same object if equal."""


class Listener(Protocol):
    """Who hears recorded decisions as they are stored."""

    def hear(self, account_id: bytes, topic: str, body: bytes) -> None:
        """Take in a decision of an account."""


class OneProgrammeRules:
    """The rules of one programme of a rulebook."""

    def __init__(self, rulebook: ProgrammeRulebook, programme: str) -> None:
        self.rulebook = rulebook
        self._programme = programme

    def programmes(self) -> Iterable[str]:
        """Return its code, if it has rules at all."""
        return [one for one in self.rulebook.programmes() if one == self._programme]

    def in_force(self, programme: str, instant: int) -> CompiledVersion | None:
        """Return the version that judges what happens at an instant, None if there is none."""
        return self.rulebook.in_force(programme, instant)


class Playing:
    """Replays one programme, beside what was decided.

    Args:
        programme: its code.
        rulebook_at: tells by which rules to judge.
        observer: is told what comes of it.
        truth: hears what was decided.
        measures: what is done to balances, each with its instant, in order.
        share: of which personas the accounts are replayed.

    """

    def __init__(
        self,
        programme: str,
        rulebook_at: RulebookAt,
        observer: Observer,
        truth: Listener,
        measures: Iterable[tuple[int, Measure]] = (),
        share: Share = WHOLE,
    ) -> None:
        self._programme = programme
        self._rulebook_at = rulebook_at
        self._truth = truth
        self._reader = FactReader()
        self._position = -1
        self._rulebook = rulebook_at(0)
        self._mine: set[bytes] = set()
        self._is_mine = share.mine
        self._whole = share.count == 1
        self.replay = Replay(self._earning(), observer, measures)

    def heard(self, position: int) -> ProgrammeRulebook:
        """Judge from here on by the programmes as they were known at a position; return them."""
        if position != self._position:
            self._position = position
            self._rulebook = self._rulebook_at(position)
            self.replay.earning = self._earning()
        return self._rulebook

    def _earning(self) -> Earning:
        rules = OneProgrammeRules(self._rulebook, self._programme)
        return Earning(rules, None if self._whole else self._is_mine)

    def fact(self, row: Row, *, keep: bool) -> None:
        """Judge a fact; forget it if nothing brings it back into question."""
        if not keep and not self._whole and not self._is_mine(row[2]):
            self.replay.pass_time(row[6] + POSTGRES_EPOCH_MICROSECONDS)
            return
        reader = self._reader
        naming = None if row[3] is None else reader.naming(row)
        self.replay.fact(reader.stated(row), naming, keep=keep)

    def sweep(self, to: int, accounts: tuple[bytes, ...] | None) -> None:
        """Run the timers that are due, of all accounts or of some."""
        self.replay.sweep(to, accounts)

    def decided(self, row: DecisionRow) -> None:
        """Hear of a decision about an account."""
        _position, account_id, recorded_at, topic, body = row
        if topic == LedgerAccountOpened.topic:
            opened = _opened(body)
            if opened.programme == self._programme and self._is_mine(opened.persona):
                self._mine.add(account_id)
        if account_id not in self._mine:
            return
        self._truth.hear(account_id, topic, body)
        # Lots that expire by their date, which is what most do, do not state a reason.
        if topic in _ASKED or (topic == LotsExpired.topic and b'"reason"' in body):
            decision: Decision = _decision(topic, body)
            self.replay.decision(account_id, decision, recorded_at + POSTGRES_EPOCH_MICROSECONDS)

    def end(self) -> None:
        """Finish what the last decision began."""
        self.replay.end()
