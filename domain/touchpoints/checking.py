"""Checks that one field cannot make: applied when a touchpoint arrives, never when it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from domain.errors import Refused
from domain.instants import OCCURRED_MIN, STATED_MAX, instant_of
from domain.money import CURRENCIES
from domain.touchpoints.base import Touchpoint
from domain.touchpoints.commercial import CompetitorOfferSeen, PurchaseMade, PurchaseReturned
from domain.touchpoints.consent import ConsentGiven
from domain.touchpoints.financial import CostToServeRecorded
from domain.touchpoints.identity import IdentifierLinked, IdentifierUnlinked
from domain.touchpoints.loyalty import PointsAdjusted, PointsEarned
from domain.touchpoints.quality import SurveyAnswered

Receipt = PurchaseMade | PurchaseReturned
Check = Callable[[Any], None]

# Nine thousand receipts of this size still fit into 64 bits, so no sum of a customer overflows.
RECEIPT_MAX = 10**15
# So few lines cannot come to more: four amounts a line, none above domain.money.AMOUNT_MAX.
_LINES_NEVER_TOO_MUCH = 19
_ABSENT: dict[str, Any] = {"currency": None, "lines": (), "shipping": 0, "tenders": ()}
SURVEY_SCORES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}


def check(touchpoint: Touchpoint) -> None:
    """Check what a publisher must hold to beyond the type.

    Raises:
        Refused: ``bad_data``, naming the field.

    """
    for one in checks_of(type(touchpoint)):
        one(touchpoint)


def checks_of(kind: type[Touchpoint]) -> tuple[Check, ...]:
    """Return the checks of :func:`check` for one type, looked up once for many touchpoints."""
    checks = [partial(_check_stated_instant, name) for name in _INSTANTS.get(kind, ())]
    checker = _CHECKS.get(kind)
    return (*checks, checker) if checker is not None else tuple(checks)


def check_fields(kind: type[Touchpoint], values: Mapping[str, Any]) -> None:
    """Check new values of a correction as far as they speak for themselves.

    Args:
        kind: the type that is corrected.
        values: checked values of its fields, by name; None takes a field away.

    Raises:
        Refused: ``bad_data``, naming the field.

    """
    for name in _INSTANTS.get(kind, ()):
        _check_instant(name, values.get(name))
    checker = _CHECKS.get(kind)
    if checker is _check_survey and not {"survey", "score"} <= values.keys():
        return
    if checker is not None and checker is not _check_named:
        stated = {name: value for name, value in values.items() if value is not None}
        checker(SimpleNamespace(**{**_ABSENT, **stated}))


def _check_stated_instant(name: str, touchpoint: Touchpoint) -> None:
    _check_instant(name, getattr(touchpoint, name))


def _check_instant(name: str, stated: datetime | None) -> None:
    if stated is not None and not OCCURRED_MIN <= instant_of(stated) < STATED_MAX:
        detail = (
            f"{name}: expected a moment from 1900 to 2999, found {stated}; for never, leave it out"
        )
        raise Refused("bad_data", detail)


def _check_currency(stated: CompetitorOfferSeen | CostToServeRecorded | Receipt) -> None:
    if stated.currency is not None and stated.currency not in CURRENCIES:
        detail = f"currency: expected an ISO 4217 code, found {stated.currency!r}"
        raise Refused("bad_data", detail)


def _check_receipt(receipt: Receipt) -> None:
    _check_currency(receipt)
    if len(receipt.lines) <= _LINES_NEVER_TOO_MUCH:
        return
    total = receipt.shipping
    for line in receipt.lines:
        total += line.amount + line.discount + line.tax + (line.cost or 0)
    for tender in receipt.tenders:
        total += tender.amount
    if total > RECEIPT_MAX:
        detail = f"lines: expected amounts of at most {RECEIPT_MAX} in all, found {total}"
        raise Refused("bad_data", detail)


def _check_survey(answer: SurveyAnswered) -> None:
    least, most = SURVEY_SCORES[answer.survey]
    if not least <= answer.score <= most:
        detail = f"score: expected {least} to {most} for {answer.survey}, found {answer.score}"
        raise Refused("bad_data", detail)


def _check_named(link: IdentifierLinked | IdentifierUnlinked) -> None:
    if not link.identifiers:
        raise Refused("bad_data", "identifiers: expected at least one, found none")


_CHECKS: dict[type[Touchpoint], Check] = {
    PurchaseMade: _check_receipt,
    PurchaseReturned: _check_receipt,
    CompetitorOfferSeen: _check_currency,
    CostToServeRecorded: _check_currency,
    SurveyAnswered: _check_survey,
    IdentifierLinked: _check_named,
    IdentifierUnlinked: _check_named,
}
_INSTANTS: dict[type[Touchpoint], tuple[str, ...]] = {
    ConsentGiven: ("expires_at",),
    PointsEarned: ("active_from", "expires_at"),
    PointsAdjusted: ("expires_at",),
}
