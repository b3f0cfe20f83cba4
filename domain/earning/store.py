"""Where earning finds accounts and records of award: the same for a worker and for a replay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from domain.decisions.base import Decision
from domain.earning.activity import Lost
from domain.earning.knowledge import Knowledge
from domain.earning.records import AwardRecord
from domain.fact import Fact
from domain.ledger.account import Account
from domain.ledger.desk import Desk
from domain.ledger.lots import Allocation

RecordKey = tuple[str, bytes]
"""Programme and touchpoint."""


def _nothing(_account_id: bytes, _currency: str, _at: int) -> tuple[Allocation, ...]:
    return ()


class EarningStore:
    """Accounts, records of award and knowledge, in memory.

    A worker puts into it what a batch of facts needs, and takes out of it what has changed; an
    account that is not in it is held to be one that was never opened.

    Args:
        make_desk: makes the desk of an account.
        lost: tells what an account has let expire.

    """

    def __init__(self, make_desk: Callable[[Account], Desk] = Desk, lost: Lost = _nothing) -> None:
        self._make_desk = make_desk
        self.lost = lost
        self.knowledge = Knowledge()
        self.desks: dict[bytes, Desk] = {}
        self.records: dict[RecordKey, dict[bytes, AwardRecord]] = defaultdict(dict)
        self.changed: set[tuple[RecordKey, bytes]] = set()

    def desk(self, account_id: bytes) -> Desk:
        """Return an account's desk."""
        desk = self.desks.get(account_id)
        if desk is None:
            desk = self.desks[account_id] = self._make_desk(Account(account_id))
        return desk

    def put_account(self, account: Account) -> None:
        """Put an account in as it stands."""
        self.desks[account.id] = self._make_desk(account)

    def put_record(self, record: AwardRecord) -> None:
        """Put a record of award in as it stands."""
        self.records[record.programme, record.touchpoint][record.account] = record

    def keep(self, record: AwardRecord) -> None:
        """Keep a record that is new or has changed."""
        self.put_record(record)
        self.changed.add(((record.programme, record.touchpoint), record.account))

    def forget(self, fact: Fact, programmes: Iterable[str]) -> None:
        """Forget a fact that nothing will bring back into question."""
        self.knowledge.forget(fact)
        for programme in programmes:
            self.records.pop((programme, fact.entry_id), None)
        self.changed.clear()

    def take_changes(self) -> tuple[list[Desk], list[AwardRecord]]:
        """Return accounts with new decisions, and changed records; from here on nothing is new."""
        desks = [desk for desk in self.desks.values() if desk.decisions]
        records = [self.records[key][account] for key, account in sorted(self.changed)]
        self.changed.clear()
        return desks, records

    def decisions(self) -> dict[bytes, list[Decision]]:
        """Return what was decided, by account."""
        return {desk.account.id: desk.decisions for desk in self.desks.values() if desk.decisions}
