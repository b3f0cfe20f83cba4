"""Estimates: what a point is worth and how many will be redeemed; published, dated, approved.

An estimate is made by one person and approved by another (four eyes); it holds from a day until a
later one does. Nothing else values a point: a close without an approved estimate is refused.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.accounting.portfolios import Portfolio
from domain.decisions.base import Aggregate, Decision, projector, stream_id
from domain.errors import VinculoError
from domain.instants import date_of
from domain.money import CURRENCIES, Amount, Currency

ESTIMATES_ID = stream_id("estimates")
WHOLE = 10_000
"""Expected redemption counts in ten-thousandths: 9,500 is 95 %."""
PRICED_POINTS = 1_000
"""Prices are those of so many points, so that a point may be worth less than a cent."""

Person = Annotated[str, Meta(min_length=1, max_length=200)]


class EstimateError(VinculoError):
    """An estimate that cannot be published, approved or found."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What a portfolio's points are held to be worth.

    Args:
        portfolio: whose points.
        effective_from: the first day it holds on, days since 1970-01-01.
        money: the ISO 4217 currency of the price.
        price: the stand-alone selling price of 1,000 points that *will* be redeemed, in minor
            units; for promotional points what they cost us. 0 for points that buy nothing, such
            as those of a qualifying currency.
        redemption: of all points granted, how many will be redeemed sooner or later, in
            ten-thousandths; the rest is breakage.

    """

    portfolio: Portfolio
    effective_from: Annotated[int, Meta(ge=0, le=3_000_000)]
    money: Currency
    price: Amount
    redemption: Annotated[int, Meta(ge=0, le=WHOLE)]


class EstimatePublished(Decision, frozen=True, kw_only=True):
    """Somebody proposed an estimate; it holds nowhere before it is approved.

    Args:
        number: from 1 on, in order of publication.
        estimate: what was proposed.
        by: the person.
        reason: in words, such as the reference of the study behind it.

    """

    topic: ClassVar[str] = "vinculo.estimate_published.v1"

    number: Annotated[int, Meta(ge=1)]
    estimate: Estimate
    by: Person
    reason: Annotated[str, Meta(max_length=2_000)] = ""


class EstimateApproved(Decision, frozen=True, kw_only=True):
    """A second person approved an estimate.

    Args:
        number: of the estimate.
        by: the person; never the one who published it.

    """

    topic: ClassVar[str] = "vinculo.estimate_approved.v1"

    number: Annotated[int, Meta(ge=1)]
    by: Person


EstimateDecision: TypeAlias = EstimatePublished | EstimateApproved


class Estimates(Aggregate, frozen=True, kw_only=True):
    """All estimates of a tenant.

    Args:
        published: every one, number 1 first.
        approved: number of the estimate and who approved it, in order of approval.

    """

    id: UUID = ESTIMATES_ID
    published: tuple[EstimatePublished, ...] = ()
    approved: tuple[tuple[int, str], ...] = ()

    def holding(self, portfolio: Portfolio, day: int) -> EstimatePublished:
        """Return the approved estimate that holds for a portfolio on a day.

        It is the one with the latest ``effective_from`` not after the day; of several from one day
        the one approved last, so that a mistake is mended by another estimate from the same day.

        Raises:
            EstimateError: if there is none.

        """
        found = self.found(portfolio, day)
        if found is None:
            message = (
                f"{portfolio}: expected an approved estimate that holds on {date_of(day)}, found "
                "none; publish one and have a second person approve it"
            )
            raise EstimateError(message)
        return found

    def found(self, portfolio: Portfolio, day: int) -> EstimatePublished | None:
        """Return the approved estimate that holds for a portfolio on a day, None without one."""
        found: EstimatePublished | None = None
        for number, _ in self.approved:
            one = self.published[number - 1]
            starts = one.estimate.effective_from
            fits = one.estimate.portfolio == portfolio and starts <= day
            if fits and (found is None or starts >= found.estimate.effective_from):
                found = one
        return found

    def waiting(self) -> tuple[EstimatePublished, ...]:
        """Return the estimates that nobody has approved yet."""
        approved = {number for number, _ in self.approved}
        return tuple(one for one in self.published if one.number not in approved)


def publish(
    estimates: Estimates, estimate: Estimate, *, by: str, reason: str = ""
) -> tuple[EstimatePublished, ...]:
    """Decide to propose an estimate.

    Args:
        estimates: as they stand.
        estimate: what is proposed.
        by: the person who proposes it.
        reason: in words.

    Raises:
        EstimateError: if a figure is out of its bounds, the currency is none of ISO 4217, or the
            portfolio was valued in another currency before.

    """
    _check(estimate)
    for earlier in estimates.published:
        same = earlier.estimate.portfolio == estimate.portfolio
        if same and earlier.estimate.money != estimate.money:
            message = (
                f"{estimate.portfolio}: expected a price in {earlier.estimate.money} as in estimate"
                f" {earlier.number}, found {estimate.money}; a portfolio keeps its currency, use "
                "another issuer for another"
            )
            raise EstimateError(message)
    number = len(estimates.published) + 1
    return (EstimatePublished(number=number, estimate=estimate, by=_person(by), reason=reason),)


def approve(estimates: Estimates, number: int, *, by: str) -> tuple[EstimateApproved, ...]:
    """Decide that an estimate holds; nothing to decide if it was approved before.

    Raises:
        EstimateError: if there is no such estimate, or the same person published it.

    """
    if not 1 <= number <= len(estimates.published):
        message = (
            f"expected the number of an estimate from 1 to {len(estimates.published)}, found "
            f"{number}; list the published ones"
        )
        raise EstimateError(message)
    if estimates.published[number - 1].by == _person(by):
        message = (
            f"estimate {number}: expected the approval of a second person, found {by!r}, who "
            "published it; somebody else must approve"
        )
        raise EstimateError(message)
    if any(number == approved for approved, _ in estimates.approved):
        return ()
    return (EstimateApproved(number=number, by=by),)


def evolve(estimates: Estimates, decision: EstimateDecision) -> Estimates:
    """Return the estimates after a decision.

    Raises:
        EstimateError: if the log holds what could not have been decided.

    """
    match decision:
        case EstimatePublished():
            _check_number(decision.number, len(estimates.published) + 1)
            published = (*estimates.published, decision)
            return msgspec.structs.replace(estimates, published=published)
        case EstimateApproved():
            if not approve(estimates, decision.number, by=decision.by):
                message = f"estimate {decision.number}: found approved twice; the log is damaged"
                raise EstimateError(message)
            approved = (*estimates.approved, (decision.number, decision.by))
            return msgspec.structs.replace(estimates, approved=approved)


def _check(estimate: Estimate) -> None:
    """Check what a constructor does not: the bounds that decoding checks, and the currency."""
    try:
        msgspec.convert(msgspec.to_builtins(estimate), Estimate)
    except msgspec.ValidationError as error:
        message = f"{estimate.portfolio}: an estimate is out of bounds: {error}; mend the figure"
        raise EstimateError(message) from error
    if estimate.money not in CURRENCIES:
        message = (
            f"{estimate.portfolio}: expected a currency of ISO 4217, found {estimate.money!r}; "
            "mend it"
        )
        raise EstimateError(message)


def _check_number(found: int, expected: int) -> None:
    if found != expected:
        message = f"expected estimate {expected} next, found {found}; the decisions log is damaged"
        raise EstimateError(message)


def _person(by: str) -> str:
    if not by.strip():
        message = "expected the name of a person, found none; sign in with a personal key"
        raise EstimateError(message)
    return by


project_estimates = projector(Estimates, evolve)
"""The projector function of the estimates, for the library's repository."""
