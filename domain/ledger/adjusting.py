"""Adjustments under four eyes: one person asks for points to be given or taken, another approves.

What was asked for stands in a stream of its own; what was approved is the posting in the account's
stream, which names both persons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar
from uuid import UUID

import msgspec

from domain.decisions.base import Aggregate, Decision, Recorded, projector
from domain.errors import Refused
from domain.ledger.commands import Adjust
from domain.ledger.terms import LotKind


class AdjustmentRequested(Decision, frozen=True, kw_only=True):
    """Somebody asked for points to be given or taken.

    Args:
        account_id: of the account, 16 bytes.
        currency: of the points.
        points: to give, negative to take.
        reason: why, in words.
        by: who asks.
        at: when, microseconds since 1970.
        expires_at: of the lot that is given, None for never.
        kind: of the lot that is given.
        overdraw: whether more may be taken than there is.

    """

    topic: ClassVar[str] = "vinculo.adjustment_requested.v1"

    account_id: bytes
    currency: str
    points: int
    reason: str
    by: str
    at: int
    expires_at: int | None = None
    kind: LotKind = "promotional"
    overdraw: bool = False


class Adjustment(Aggregate, frozen=True, kw_only=True):
    """An adjustment that was asked for.

    Args:
        request: None before anybody asked.

    """

    request: AdjustmentRequested | None = None


def new_adjustment(adjustment_id: bytes) -> Adjustment:
    """Return an adjustment before anybody asked for it."""
    return Adjustment(id=UUID(bytes=adjustment_id))


def request(adjustment: Adjustment, asked: AdjustmentRequested) -> tuple[AdjustmentRequested, ...]:
    """Decide that an adjustment is asked for; nothing to decide if just that was asked before.

    Raises:
        Refused: ``idempotency_conflict`` if something else was asked under its id.

    """
    known = adjustment.request
    if known is None:
        return (asked,)
    if msgspec.structs.replace(known, at=asked.at) != asked:
        detail = (
            "expected a key of its own for every request, found that it was used to ask for "
            "another adjustment; repeat a request as it was, or choose a new key"
        )
        raise Refused("idempotency_conflict", detail)
    return ()


def approved(adjustment: Adjustment, by: str) -> Adjust:
    """Return the command that an approval gives.

    Args:
        adjustment: that was asked for.
        by: who approves.

    Raises:
        Refused: ``adjustment_unknown``, or ``same_person``.

    """
    asked = adjustment.request
    if asked is None:
        detail = "adjustment: expected one that was asked for, found none under this id"
        raise Refused("adjustment_unknown", detail)
    if asked.by == by:
        detail = (
            f"adjustment: expected another person than {asked.by}, who asked for it, found the "
            "same; let somebody else approve it"
        )
        raise Refused("same_person", detail)
    return Adjust(
        adjustment_id=adjustment.id.bytes,
        currency=asked.currency,
        points=asked.points,
        reason=asked.reason,
        by=asked.by,
        approved_by=by,
        expires_at=asked.expires_at,
        kind=asked.kind,
        overdraw=asked.overdraw,
    )


def project_adjustment(
    adjustment: Adjustment | None, events: Iterable[Recorded[AdjustmentRequested]]
) -> Adjustment | None:
    """Return an adjustment after decisions of its stream, as the library's repository reads it.

    Raises:
        StreamBrokenError: if one does not continue the stream.

    """
    for event in events:
        adjustment = _projector(event.originator_id)(adjustment, (event,))
    return adjustment


def _projector(
    adjustment_id: UUID,
) -> Callable[[Adjustment | None, Iterable[Recorded[AdjustmentRequested]]], Adjustment | None]:
    return projector(
        lambda: Adjustment(id=adjustment_id),
        lambda adjustment, decision: msgspec.structs.replace(adjustment, request=decision),
    )
