"""Redeeming over HTTP: reserve, capture, release, redeem at once, reverse; transfers; off line."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import msgspec
import psycopg
import structlog
from msgspec import Meta

from api.answers import Answer
from api.calls import Call
from api.idempotency import request_id
from api.ledger import answered, booked, read_asked, refusal, submit
from api.problems import Problem
from domain.errors import Refused
from domain.instants import day_of, instant_of
from domain.ledger.commands import Capture, Redeem, Release, Reserve, Reverse
from journal.ledger import Answer as Given
from journal.ledger import Order, ReserveOffline, TransferPoints, offline_order
from journal.ledger.reading import read_request
from projections.customer.shown import uuid_text

_log = structlog.get_logger(__name__)
_REDEMPTIONS_KEPT_MAX = 100_000
_BEGINNING = ("reserve", "redeem", "offline")

Points = Annotated[int, Meta(ge=1, le=10**12)]
Currency = Annotated[str, Meta(min_length=1, max_length=40)]
RewardCode = Annotated[str, Meta(min_length=1, max_length=40)]
Reference = Annotated[str, Meta(max_length=200)]
Till = Annotated[str, Meta(min_length=1, max_length=100)]


class ReservationAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points to set aside: so many of a currency, or the price of a reward.

    Args:
        currency: of the points.
        points: how many.
        reward: code in the catalogue; then currency and points may be left out.
        until: from then on they go back; absent for the programme's own time.
        reference: of whoever asks, such as a ticket number; names no person.

    """

    currency: Currency | None = None
    points: Points | None = None
    reward: RewardCode | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    reference: Reference = ""


class RedemptionAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points to redeem at once: so many of a currency, or the price of a reward.

    Args:
        currency: of the points.
        points: how many.
        reward: code in the catalogue; then currency and points may be left out.
        reference: of whoever asks, such as a ticket number; names no person.
        elsewhere: it has already happened, at a till without a line: it is booked even beyond the
            balance, and needs currency and points.

    """

    currency: Currency | None = None
    points: Points | None = None
    reward: RewardCode | None = None
    reference: Reference = ""
    elsewhere: bool = False


class CaptureAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to redeem of a reservation.

    Args:
        points: how many; absent for all that is left.
        final: whether the rest goes back at once.

    """

    points: Points | None = None
    final: bool = True


class ReversalAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to undo of a redemption.

    Args:
        points: how many; absent for all that is left of it.

    """

    points: Points | None = None


class TransferAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points to give to another account of the programme.

    Args:
        to_account: its id.
        currency: of the points.
        points: how many.

    """

    to_account: Annotated[
        str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
    ]
    currency: Currency
    points: Points


class OfflineAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a till may redeem on a day without asking.

    Args:
        currency: of the points.
        day: business day, at whose end what is left goes back.
        till: its name; the same till and day are told the same again.

    """

    currency: Currency
    day: date
    till: Till


async def reserve(call: Call) -> Answer:
    """Set points aside."""
    asked = await read_asked(call, ReservationAsked)
    _require_what(asked)
    key = request_id(call)
    command = Reserve(
        redemption_id=key,
        currency=asked.currency or "",
        points=asked.points or 0,
        until=None if asked.until is None else instant_of(asked.until),
        reward=asked.reward or "",
        reference=asked.reference,
        by=call.holder_name,
    )
    return await _begun(call, Order(request_id=key, account_id=_account(call), command=command))


async def redeem(call: Call) -> Answer:
    """Redeem at once."""
    asked = await read_asked(call, RedemptionAsked)
    _require_what(asked)
    key = request_id(call)
    command = Redeem(
        redemption_id=key,
        currency=asked.currency or "",
        points=asked.points or 0,
        reward=asked.reward or "",
        reference=asked.reference,
        elsewhere=asked.elsewhere,
        by=call.holder_name,
    )
    order = Order(request_id=key, account_id=_account(call), command=command)
    if not asked.elsewhere:
        return await _begun(call, order)
    try:
        given = await submit(call, order)
    except Refused as refused:
        return refusal(refused)
    await _alarm(call, given)
    return _remembered(call, given)


async def allow_offline(call: Call) -> Answer:
    """Set aside what a till may redeem without asking."""
    asked = await read_asked(call, OfflineAsked)
    request_id(call)  # needed as everywhere; what is asked for has an id of its own
    command = ReserveOffline(
        currency=asked.currency, day=day_of(asked.day), till=asked.till, by=call.holder_name
    )
    return await _begun(call, offline_order(_account(call), command))


async def capture(call: Call) -> Answer:
    """Redeem what was reserved, all or part."""
    asked = await read_asked(call, CaptureAsked)
    redemption_id = call.uuid("redemption_id")
    command = Capture(
        redemption_id=redemption_id, points=asked.points, final=asked.final, by=call.holder_name
    )
    return await _continued(call, redemption_id, command)


async def release(call: Call) -> Answer:
    """Let what was reserved go back."""
    await call.body(0)
    redemption_id = call.uuid("redemption_id")
    command = Release(redemption_id=redemption_id, by=call.holder_name)
    return await _continued(call, redemption_id, command)


async def reverse(call: Call) -> Answer:
    """Undo a redemption, all or part."""
    asked = await read_asked(call, ReversalAsked)
    redemption_id = call.uuid("redemption_id")
    command = Reverse(redemption_id=redemption_id, points=asked.points, by=call.holder_name)
    return await _continued(call, redemption_id, command)


async def transfer(call: Call) -> Answer:
    """Give points to another account."""
    asked = await read_asked(call, TransferAsked)
    command = TransferPoints(
        to_account=bytes.fromhex(asked.to_account.replace("-", "")),
        currency=asked.currency,
        points=asked.points,
        by=call.holder_name,
    )
    order = Order(request_id=request_id(call), account_id=_account(call), command=command)
    return await answered(call, order)


async def _begun(call: Call, order: Order) -> Answer:
    try:
        given = await submit(call, order)
    except Refused as refused:
        call.services.metrics.order(order.kind, refused=refused.code)
        return refusal(refused)
    return _remembered(call, given)


def _remembered(call: Call, given: Given) -> Answer:
    """Answer, and remember which account a redemption is of: it is asked about soon."""
    known = call.services.redemptions
    if len(known) >= _REDEMPTIONS_KEPT_MAX:
        known.clear()
    known[given.request_id] = given.account_id
    return booked(given, given.request_id)


async def _continued(
    call: Call, redemption_id: bytes, command: Capture | Release | Reverse
) -> Answer:
    key = request_id(call)
    account_id = call.services.redemptions.get(redemption_id)
    if account_id is None:
        services = call.services
        found = await services.desk.run(read_request, services.logs.decisions, redemption_id)
        if found is None or found.answer.kind not in _BEGINNING:
            detail = (
                "redemption: expected the redemption_id of a reservation or redemption, found one "
                "that was never given; take it from the answer that began it"
            )
            return refusal(Refused("redemption_unknown", detail))
        account_id = found.answer.account_id
    order = Order(request_id=key, account_id=account_id, command=command)
    return await answered(call, order, redemption_id)


async def _alarm(call: Call, given: Given) -> None:
    """Raise an alarm where what happened elsewhere takes an account further down than tolerated."""
    if given.repeated or given.balance.available >= 0:
        return
    if given.balance.available < -await _tolerated(call, given):
        call.services.metrics.overdrafts += 1
        _log.warning(
            "ledger.overdrawn",
            account_id=uuid_text(given.account_id),
            redemption_id=uuid_text(given.request_id),
            currency=given.currency,
            available=given.balance.available,
            uncovered=given.uncovered,
            alarm=True,
        )


async def _tolerated(call: Call, given: Given) -> int:
    """Return how far below zero the programme lets an account go before there is an alarm."""
    desk = call.services.accounts
    try:
        read, rulebook = await desk.ask((given.account_id,)), await desk.rulebook()
    except psycopg.Error:
        return 0  # it is booked; who asks again is not alarmed again
    for account in read.accounts:
        version = rulebook.in_force(account.programme, given.at)
        for currency in () if version is None else version.written.currencies:
            if currency.code == given.currency and currency.burn is not None:
                return currency.burn.overdraft_tolerated
    return 0


def _account(call: Call) -> bytes:
    return call.uuid("account_id")


def _require_what(asked: ReservationAsked | RedemptionAsked) -> None:
    stated = asked.currency is not None and asked.points is not None
    booked_as_told = isinstance(asked, RedemptionAsked) and asked.elsewhere
    if not stated and (asked.reward is None or booked_as_told):
        raise Problem(
            422,
            "points_missing",
            expected="currency and points, or a reward whose price they are",
            found="neither" if asked.reward is None else "a reward alone of what has happened",
            do="state currency and points",
        )
