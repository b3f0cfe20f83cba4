"""Adjustments in the decisions log: asked for by one person, carried out for another."""

from __future__ import annotations

from uuid import UUID

from eventsourcing.application import AggregateNotFoundError

from domain.ledger.adjusting import (
    Adjustment,
    AdjustmentRequested,
    approved,
    new_adjustment,
    project_adjustment,
    request,
)
from journal.decisions.application import Decisions
from journal.ledger.orders import Order


class AdjustmentOffice:
    """Records who asked for which adjustment; threads may share it.

    Args:
        decisions: of the tenant.

    """

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    def adjustment(self, adjustment_id: bytes) -> Adjustment:
        """Return an adjustment; one that nobody asked for has no request."""
        try:
            return self._decisions.repository.get(
                UUID(bytes=adjustment_id), projector_func=project_adjustment
            )
        except AggregateNotFoundError:
            return new_adjustment(adjustment_id)

    def request(self, adjustment_id: bytes, asked: AdjustmentRequested) -> int | None:
        """Record what is asked for.

        Args:
            adjustment_id: 16 bytes, of the request's key.
            asked: with the instant of asking.

        Returns:
            The position of the decision; None if just that was asked before under this id.

        Raises:
            Refused: ``idempotency_conflict``.
            ConflictError: if others were faster ten times.

        """
        recordings = self._decisions.decide(
            lambda: self.adjustment(adjustment_id), lambda found: request(found, asked)
        )
        return recordings[0].notification.id if recordings else None

    def approved(self, adjustment_id: bytes, by: str) -> Order:
        """Return the order that an approval gives; the same as often as the same person approves.

        Raises:
            Refused: ``adjustment_unknown`` or ``same_person``.

        """
        adjustment = self.adjustment(adjustment_id)
        command = approved(adjustment, by)
        assert adjustment.request is not None, "it was asked for"  # noqa: S101 - for the type checker
        return Order(
            request_id=adjustment_id, account_id=adjustment.request.account_id, command=command
        )
