"""What an order is answered, out of what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.decisions.base import Decision
from domain.ledger import decisions as made
from domain.ledger.commands import Release, SetOpeningBalance
from domain.ledger.desk import Desk
from domain.ledger.lots import points_of
from domain.ledger.terms import Share
from journal.ledger.orders import Answer, Order


def answer_of(order: Order, desk: Desk, decided: Iterable[Decision], at: int) -> Answer:
    """Return the answer to an order; it has no position yet.

    Args:
        order: what was asked.
        desk: of the account that was asked, afterwards.
        decided: in order, timers included.
        at: when, microseconds since 1970.

    """
    told: dict[str, Any] = {}
    for decision in decided:
        said = _redeemed(decision) or _otherwise(order, decision)
        if said and isinstance(decision, made.Posting):
            told.update(said, currency=decision.currency)
    account = desk.account
    return Answer(
        order.request_id, order.account_id, order.kind, at, account.version,
        balance=account.book(told.get("currency", "")).balance(), **told,
    )  # fmt: skip


def _redeemed(decision: Decision) -> dict[str, int]:
    """Return what an answer says of a decision about a redemption, nothing of any other."""
    match decision:
        case made.RedemptionMade():
            return {"points": decision.points, "uncovered": decision.uncovered}
        case made.RedemptionReserved():
            return {"points": decision.points, "until": decision.until}
        case made.RedemptionCaptured():
            return {"points": decision.points}
        case made.RedemptionReversed():
            return {"points": decision.points, "forfeited": points_of(decision.forfeited)}
        case made.RedemptionReleased(reason="rest"):
            back, forfeited = points_of(decision.allocations), points_of(decision.expired)
            return {"returned": back, "forfeited": forfeited}
        case _:
            return {}


def _otherwise(order: Order, decision: Decision) -> dict[str, int]:
    """Return what an answer says of any other decision; nothing of those that only time brought."""
    match decision:
        case made.RedemptionReleased(reason="released") if isinstance(order.command, Release):
            back, forfeited = points_of(decision.allocations), points_of(decision.expired)
            return {"points": back + forfeited, "forfeited": forfeited}
        case made.PointsTransferredOut():
            return {"points": points_of(decision.allocations)}
        case made.BalanceAdjusted(share=Share() as share):
            return {"points": share.points}
        case made.BalanceAdjusted():
            taken = points_of(decision.allocations) + decision.uncovered
            return {"points": -taken, "uncovered": decision.uncovered}
        case made.OpeningBalanceSet() if isinstance(order.command, SetOpeningBalance):
            return {"points": sum(lot.points for lot in order.command.lots)}
        case _:
            return {}
