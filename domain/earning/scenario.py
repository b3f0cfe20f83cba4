"""Scenarios: rules to be tried on a history, and what is to be done to balances on a day.

Only replays carry them out. What they do is posted with the decisions that there are, so a replay
of a scenario balances like every ledger.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.instants import instant_of
from domain.ledger.booking import settle_by
from domain.ledger.commands import CloseAccount
from domain.ledger.decisions import Balance, BalanceAdjusted, PointsMatured
from domain.ledger.desk import Desk
from domain.ledger.lots import OpenLot, points_of
from domain.ledger.taking import close
from domain.ledger.terms import LotTerms, Share
from domain.ledger.timers import put_back, run_timers
from domain.programmes.checking import require_sound
from domain.programmes.compiling import CompiledVersion
from domain.programmes.expiring import expires_at
from domain.programmes.format import FormatError, ProgrammeVersion, decode_version
from domain.programmes.kinds import Rate, RuleCode, Written
from domain.programmes.lifetimes import Expiry
from domain.touchpoints.base import Instant

CONVERTED = "converted"
REFUNDED = "refunded"


class Conversion(Written, frozen=True, kw_only=True):
    """All points of a currency are exchanged for new ones, with a new lifetime.

    Pending points mature before, what is reserved goes back, and each lot becomes one of
    ``points × its points ÷ per``, rounded down, as if earned on that day. What is asked for from
    then on is taken to be asked for in new points: as many as the old ones would have become.

    Args:
        at: when.
        currency: code of the points.
        points: new ones.
        per: old ones.
        expiry: of the new lots; absent means that each keeps its date.

    """

    at: Instant
    currency: RuleCode
    points: Rate = 1
    per: Rate = 1
    expiry: Expiry | None = None


class RunOff(Written, frozen=True, kw_only=True):
    """The programme ends: paid points are refunded, all others expire, accounts close.

    Nothing is earned and nobody enrols from then on.

    Args:
        at: when.

    """

    at: Instant


class Scenario(Written, frozen=True, kw_only=True):
    """What is to be tried.

    Args:
        versions: of one programme; each holds from its date on, whatever was approved for later.
        conversions: of points.
        run_off: absent means that the programme goes on.

    """

    versions: Annotated[tuple[ProgrammeVersion, ...], Meta(max_length=100)] = ()
    conversions: Annotated[tuple[Conversion, ...], Meta(max_length=20)] = ()
    run_off: RunOff | None = None


_decode = msgspec.json.Decoder(Scenario).decode
_named_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Measure = Conversion | RunOff
"""What is done to balances on a day."""


def decode_scenario(text: bytes | str) -> Scenario:
    """Return the scenario of a JSON text; a single version of a programme is one, too.

    Raises:
        FormatError: if it is neither.
        UnsoundRulesError: if a version makes no sense; every fault is named.

    """
    try:
        named = _named_fields(text)
    except msgspec.MsgspecError as error:
        message = f"what if: expected a JSON object, found: {error}; see docs/what-if.md"
        raise FormatError(message) from error
    if "programme" in named:
        scenario = Scenario(versions=(decode_version(text),))
    else:
        try:
            scenario = _decode(text)
        except msgspec.MsgspecError as error:
            message = (
                "what if: expected a version of a programme, or a scenario with 'versions', "
                f"'conversions' or 'run_off', found: {error}; see docs/what-if.md"
            )
            raise FormatError(message) from error
    for version in scenario.versions:
        require_sound(version)
    return scenario


def measures_of(scenario: Scenario) -> list[tuple[int, Measure]]:
    """Return what is done to balances, with its instant, in order."""
    measures: list[Measure] = [*scenario.conversions]
    if scenario.run_off is not None:
        measures.append(scenario.run_off)
    return sorted(((instant_of(one.at), one) for one in measures), key=lambda pair: pair[0])


def carry_out(desk: Desk, measure: Measure, version: CompiledVersion, at: int) -> None:
    """Do to one account what a scenario says; nothing to one that is not open.

    Args:
        desk: of the account.
        measure: what.
        version: in force then, for its calendar.
        at: when, microseconds since 1970.

    """
    account = desk.account
    if not account.is_open:
        return
    at = max(at, account.through)
    run_timers(desk, at)
    if isinstance(measure, Conversion):
        _convert(desk, measure, version, at)
    else:
        _run_off(desk, at)


def _convert(desk: Desk, measure: Conversion, version: CompiledVersion, at: int) -> None:
    book = desk.account.book(measure.currency)
    for reservation in list(book.reservations):
        put_back(desk, book, reservation, at, "released", CONVERTED)
    _mature_all(desk, measure.currency, at)
    lots = [msgspec.structs.replace(lot) for lot in book.lots]
    _take(desk, measure.currency, lots, at, CONVERTED)
    calendar = version.calendar
    until = (
        None if measure.expiry is None else expires_at(measure.expiry, calendar.day(at), calendar)
    )
    for lot in lots:
        points = lot.remaining * measure.points // measure.per
        if points:
            terms = LotTerms(at, until or lot.expires_at, lot.kind, lot.issuer, lot.funder)
            _give(desk, measure.currency, Share(CONVERTED, points, terms), at)


def _mature_all(desk: Desk, currency: str, at: int) -> None:
    book = desk.account.book(currency)
    pending = tuple(one.lot.allocate(one.lot.remaining) for one in book.pending_lots)
    if not pending:
        return
    points, before = points_of(pending), book.balance()
    desk.post(
        PointsMatured(
            currency=currency, at=at, before=before, allocations=pending,
            after=Balance(before.available + points, before.pending - points, before.reserved),
            repaid=settle_by(pending, book.overdrawn),
        )
    )  # fmt: skip


def _run_off(desk: Desk, at: int) -> None:
    for book in list(desk.account.books):
        for reservation in list(book.reservations):
            put_back(desk, book, reservation, at, "released", REFUNDED)
        paid = [msgspec.structs.replace(lot) for lot in book.lots if lot.kind == "paid"]
        _take(desk, book.currency, paid, at, REFUNDED)
    close(desk, CloseAccount(reason="programme closed"), at, "programme_closed")


def _take(desk: Desk, currency: str, lots: list[OpenLot], at: int, reason: str) -> None:
    allocations = tuple(lot.allocate(lot.remaining) for lot in lots)
    if not allocations:
        return
    before = desk.account.book(currency).balance()
    available = before.available - points_of(allocations)
    desk.post(
        BalanceAdjusted(
            currency=currency, at=at, before=before, adjustment_id=bytes(16), reason=reason,
            after=Balance(available, before.pending, before.reserved), by="what if",
            allocations=allocations,
        )
    )  # fmt: skip


def _give(desk: Desk, currency: str, share: Share, at: int) -> None:
    book = desk.account.book(currency)
    before = book.balance()
    lot = OpenLot(share.terms.expires_at, at, book.next_lot, share.points, share.terms.kind)
    desk.post(
        BalanceAdjusted(
            currency=currency, at=at, before=before, adjustment_id=bytes(16), reason=CONVERTED,
            after=Balance(before.available + share.points, before.pending, before.reserved),
            by="what if", share=share, first_lot=book.next_lot,
            repaid=settle_by((lot,), book.overdrawn),
        )
    )  # fmt: skip
