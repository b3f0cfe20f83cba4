"""What accounts have let expire by date, for activities that are learnt of too late (ruling 27)."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from domain.decisions.base import Decision
from domain.ledger.decisions import (
    LotsExpired,
    PointsReinstated,
    RedemptionReleased,
    RedemptionReversed,
)
from domain.ledger.lots import Allocation

LOSING: tuple[type[Decision], ...] = (
    LotsExpired,
    RedemptionReleased,
    RedemptionReversed,
    PointsReinstated,
)
"""The decisions that say what has expired, or that it has been reinstated."""


class LostLots:
    """Points that have expired by date and were not reinstated, by account and currency.

    Filled decision by decision, in the order of each account's stream.
    """

    def __init__(self) -> None:
        self._lost: dict[tuple[bytes, str], list[Allocation]] = defaultdict(list)

    def hear(self, account_id: bytes, decision: Decision) -> None:
        """Take a decision in; those that are not of :data:`LOSING` change nothing."""
        match decision:
            case LotsExpired(reason="date") | LotsExpired(reason="inactivity"):
                self._lost[account_id, decision.currency] += decision.allocations
            case RedemptionReleased() if decision.expired:
                self._lost[account_id, decision.currency] += decision.expired
            case RedemptionReversed() if decision.forfeited:
                self._lost[account_id, decision.currency] += decision.forfeited
            case PointsReinstated():
                self._reinstate((account_id, decision.currency), decision)
            case _:
                pass

    def __call__(self, account_id: bytes, currency: str, at: int) -> tuple[Allocation, ...]:
        """Return what an account has lost in a currency after an instant."""
        lost = self._lost.get((account_id, currency), ())
        return tuple(one for one in lost if one.expires_at > at)

    def _reinstate(self, key: tuple[bytes, str], decision: PointsReinstated) -> None:
        back: dict[int, int] = {}
        for one in decision.allocations:
            back[one.lot] = back.get(one.lot, 0) + one.points
        left: list[Allocation] = []
        for one in self._lost[key]:
            part = min(back.get(one.lot, 0), one.points)
            if part:
                back[one.lot] -= part
            if one.points > part:
                left.append(msgspec.structs.replace(one, points=one.points - part))
        self._lost[key] = left
