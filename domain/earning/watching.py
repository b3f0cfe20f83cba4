"""Watching a replay: every decision is told on as it is made, and none is kept."""

from __future__ import annotations

from typing import Protocol

from domain.decisions.base import Decision
from domain.earning.lost import LOSING, LostLots
from domain.ledger.account import Account
from domain.ledger.desk import Desk
from domain.ledger.evolving import evolve


class Observer(Protocol):
    """Who wants to know what a replay gives."""

    def posted(self, account: Account, decision: Decision) -> None:
        """Hear of a decision, the account being as it is after it."""

    def cut(self, account: Account, currency: str, at: int, points: int) -> None:
        """Hear of points that were asked for and could not have been paid."""


class WatchedDesk(Desk):
    """A desk whose decisions are told on and not kept."""

    def __init__(
        self, account: Account, observer: Observer, touched: set[bytes], lost: LostLots | None
    ) -> None:
        super().__init__(account)
        self._posted = observer.posted
        self._touched = touched
        self._lost = lost

    def post(self, decision: Decision) -> None:
        """Let a decision happen, and tell of it."""
        account = self.account
        evolve(account, decision)
        self._touched.add(account.id)
        if self._lost is not None and isinstance(decision, LOSING):
            self._lost.hear(account.id, decision)
        self._posted(account, decision)
