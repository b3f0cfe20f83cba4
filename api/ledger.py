"""Orders of the ledger over HTTP: submitted to the writer, awaited, answered; refusals told."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

import msgspec

from api.answers import Answer, json_answer
from api.calls import Call
from api.coordinates import Coordinate
from api.customer_answers import read_json
from api.idempotency import replayed
from api.problems import Problem, problem_answer
from domain.errors import Refused
from domain.ledger.decisions import Balance
from domain.ledger.terms import NEVER
from journal.intake.writer import WriterFullError
from journal.ledger import Answer as Given
from journal.ledger import InsufficientPointsError, Order
from projections.customer.shown import moment, uuid_text

_CREATED, _CONFLICT, _UNPROCESSABLE = 201, 409, 422
_SECRET = (b"cache-control", b"no-store")
STATUSES: Final[dict[str, int]] = {
    "account_unknown": 404,
    "programme_unknown": 404,
    "adjustment_unknown": 404,
    "redemption_unknown": 404,
    "reward_unknown": 404,
    "same_person": 403,
    "currency_unknown": _UNPROCESSABLE,
    "not_redeemable": _UNPROCESSABLE,
    "points_invalid": _UNPROCESSABLE,
    "until_passed": _UNPROCESSABLE,
    "day_invalid": _UNPROCESSABLE,
    "reward_price": _UNPROCESSABLE,
    "reward_whole": _UNPROCESSABLE,
    "same_account": _UNPROCESSABLE,
    "other_programme": _UNPROCESSABLE,
    "idempotency_conflict": _UNPROCESSABLE,
}
"""By the code of a refusal; all others are conflicts with how things stand."""

Kind = Literal[
    "open", "reserve", "offline", "capture", "release", "redeem", "reverse", "adjust", "transfer"
]


class BalanceShown(msgspec.Struct, frozen=True, gc=False):
    """What is there of a currency."""

    available: int
    pending: int
    reserved: int


class Booked(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What came of a request; asked again under the same key, the same is told.

    Args:
        kind: what was asked.
        account_id: of the account that was asked.
        at: when it was decided.
        balance: of the currency, afterwards.
        redemption_id: by which it is captured, released or reversed.
        adjustment_id: by which it was approved.
        currency: of the points.
        points: reserved, captured, released, redeemed, reversed or transferred; given, or below
            zero taken, by an adjustment.
        until: of a reservation: from then on the points go back.
        uncovered: points that no lot covered: the account owes them.
        forfeited: points that expired on their way back.
        returned: points that a final capture let go back.

    """

    kind: Kind
    account_id: str
    at: datetime
    balance: BalanceShown
    redemption_id: str | None = None
    adjustment_id: str | None = None
    currency: str = ""
    points: int = 0
    until: datetime | None = None
    uncovered: int = 0
    forfeited: int = 0
    returned: int = 0


T = TypeVar("T")


async def read_asked(call: Call, kind: type[T]) -> T:
    """Return what a request asks for; no body asks for all that may be left out.

    Raises:
        Problem: 400, 408 or 413.

    """
    body = await call.body(call.services.settings.limits.event_bytes_max)
    return read_json(body or b"{}", kind)


async def submit(call: Call, order: Order) -> Given:
    """Have an order carried out, and return the answer once it is committed.

    Raises:
        Problem: 503, if too many wait; nothing was done.
        Refused: it cannot be carried out; nothing was done.

    """
    services = call.services
    try:
        future = services.ledger.submit(order)
    except WriterFullError as error:
        raise Problem(
            503,
            "ledger_full",
            expected="room among the orders that may wait",
            found="none",
            do="send the same again after a second, under the same key",
            headers=((b"retry-after", b"1"),),
        ) from error
    given = await asyncio.wrap_future(future)
    services.metrics.order(given.kind, repeated=given.repeated)
    return given


async def answered(call: Call, order: Order, redemption_id: bytes | None = None) -> Answer:
    """Carry an order out and answer with what came of it, or why not.

    Args:
        call: who asks.
        order: what is asked.
        redemption_id: that the answer names.

    """
    try:
        given = await submit(call, order)
    except Refused as refused:
        call.services.metrics.order(order.kind, refused=refused.code)
        return refusal(refused)
    return booked(given, redemption_id)


def booked(given: Given, redemption_id: bytes | None = None) -> Answer:
    """Return the answer that tells what came of an order."""
    position = Coordinate(decisions=given.position).header()
    headers = (position, _SECRET, *replayed(repeated=given.repeated))
    return json_answer(booked_document(given, redemption_id), headers, _CREATED)


def booked_document(given: Given, redemption_id: bytes | None = None) -> Booked:
    """Return what came of an order, as it is told."""
    return Booked(
        kind=given.kind,  # type: ignore[arg-type] # one of them
        account_id=uuid_text(given.account_id),
        at=moment(given.at),
        balance=_balance(given.balance),
        redemption_id=None if redemption_id is None else uuid_text(redemption_id),
        adjustment_id=uuid_text(given.request_id) if given.kind == "adjust" else None,
        currency=given.currency,
        points=given.points,
        until=None if given.until >= NEVER else moment(given.until),
        uncovered=given.uncovered,
        forfeited=given.forfeited,
        returned=given.returned,
    )


def refusal(refused: Refused) -> Answer:
    """Return the problem of an order that was refused, with what is available where that is why."""
    members: dict[str, Any] = {}
    if isinstance(refused, InsufficientPointsError):
        members["available"] = refused.available
    status = STATUSES.get(refused.code, _CONFLICT)
    return problem_answer(status, refused.code, refused.detail, **members)


def _balance(balance: Balance) -> BalanceShown:
    return BalanceShown(balance.available, balance.pending, balance.reserved)
