"""A desk: an account that is being decided about, and what has been decided so far."""

from __future__ import annotations

from domain.decisions.base import Decision
from domain.ledger.account import Account
from domain.ledger.evolving import evolve


class Desk:
    """Decide about one account, decision after decision.

    Args:
        account: as its log has it; changed in place.

    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.decisions: list[Decision] = []

    def post(self, decision: Decision) -> None:
        """Let a decision happen.

        Raises:
            UnbalancedLedgerError: if it contradicts the account.

        """
        evolve(self.account, decision)
        self.decisions.append(decision)
