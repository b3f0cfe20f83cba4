"""Adjustments over HTTP, under four eyes: asked for by one key holder, approved by another."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers import Answer, json_answer
from api.calls import Call
from api.coordinates import Coordinate
from api.idempotency import replayed, request_id
from api.ledger import Booked, booked, booked_document, read_asked, refusal, submit
from api.problems import problem_answer
from api.redeeming import Currency
from domain.errors import Refused
from domain.instants import instant_of
from domain.ledger.adjusting import AdjustmentRequested
from domain.ledger.terms import LotKind
from journal.ledger.reading import read_account, read_request
from projections.customer.shown import moment, moment_or_never, uuid_text

_CREATED, _CONFLICT = 201, 409
_POINTS_MAX = 10**12
_SECRET = (b"cache-control", b"no-store")


class AdjustmentAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points to give or take by a person's decision.

    Args:
        currency: of the points.
        points: to give, below zero to take; not 0.
        reason: why, in words that name no person.
        expires_at: of the points that are given; absent for never.
        kind: of the points that are given; a cost if promotional.
        overdraw: whether more may be taken than there is.

    """

    currency: Currency
    points: Annotated[int, Meta(ge=-_POINTS_MAX, le=_POINTS_MAX)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    kind: LotKind = "promotional"
    overdraw: bool = False


class AdjustmentShown(msgspec.Struct, frozen=True, kw_only=True):
    """An adjustment that was asked for.

    Args:
        adjustment_id: by which it is approved.
        account_id: of the account.
        currency: of the points.
        points: to give, below zero to take.
        reason: why.
        by: who asked.
        at: when.
        expires_at: of the points that are given; null for never.
        kind: of the points that are given.
        overdraw: whether more may be taken than there is.
        booked: what came of it; null while nobody has approved it.

    """

    adjustment_id: str
    account_id: str
    currency: str
    points: int
    reason: str
    by: str
    at: datetime
    expires_at: datetime | None
    kind: LotKind
    overdraw: bool
    booked: Booked | None


async def ask_adjustment(call: Call) -> Answer:
    """Ask for points to be given or taken; nothing moves before somebody else approves."""
    asked = await read_asked(call, AdjustmentAsked)
    services, account_id = call.services, call.uuid("account_id")
    adjustment_id = request_id(call)
    if await services.desk.run(read_account, services.logs.decisions, account_id) is None:
        return refusal(Refused("account_unknown", "account: expected an owned one, found none"))
    if not asked.points:
        return refusal(Refused("points_invalid", "points: expected a number but 0, found 0"))
    request = AdjustmentRequested(
        account_id=account_id,
        currency=asked.currency,
        points=asked.points,
        reason=asked.reason,
        by=call.holder_name,
        at=services.clock(),
        expires_at=None if asked.expires_at is None else instant_of(asked.expires_at),
        kind=asked.kind,
        overdraw=asked.overdraw,
    )
    try:
        position = await asyncio.to_thread(services.adjustments.request, adjustment_id, request)
    except Refused as refused:
        return refusal(refused)
    shown = await _shown(call, adjustment_id)
    headers = (
        Coordinate(decisions=position).header() if position else None,
        _SECRET,
        *replayed(repeated=position is None),
    )
    return json_answer(shown, tuple(one for one in headers if one is not None), _CREATED)


async def read_adjustment(call: Call) -> Answer:
    """Tell what was asked for, and what came of it."""
    try:
        shown = await _shown(call, call.uuid("adjustment_id"))
    except Refused as refused:
        return refusal(refused)
    return json_answer(shown)


async def approve_adjustment(call: Call) -> Answer:
    """Approve what somebody else asked for; it is booked at once."""
    await call.body(0)
    request_id(call)  # needed as everywhere; what is approved has an id of its own
    adjustment_id, services = call.uuid("adjustment_id"), call.services
    try:
        order = await asyncio.to_thread(
            services.adjustments.approved, adjustment_id, call.holder_name
        )
        return booked(await submit(call, order))
    except Refused as refused:
        if refused.code != "idempotency_conflict":
            return refusal(refused)
    detail = "adjustment: expected one that nobody has approved, found that somebody else has"
    return problem_answer(_CONFLICT, "already_approved", detail)


async def _shown(call: Call, adjustment_id: bytes) -> AdjustmentShown:
    services = call.services
    adjustment = await asyncio.to_thread(services.adjustments.adjustment, adjustment_id)
    asked = adjustment.request
    if asked is None:
        detail = "adjustment: expected one that was asked for, found none under this id"
        raise Refused("adjustment_unknown", detail)
    given = await services.desk.run(read_request, services.logs.decisions, adjustment_id)
    return AdjustmentShown(
        adjustment_id=uuid_text(adjustment_id),
        account_id=uuid_text(asked.account_id),
        currency=asked.currency,
        points=asked.points,
        reason=asked.reason,
        by=asked.by,
        at=moment(asked.at),
        expires_at=moment_or_never(asked.expires_at),
        kind=asked.kind,
        overdraw=asked.overdraw,
        booked=None if given is None else booked_document(given.answer),
    )
