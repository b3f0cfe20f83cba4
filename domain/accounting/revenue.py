"""Revenue of points by IFRS 15 (paragraphs 74 to 86, B39 to B47; Illustrative Example 52).

Points given with a sale are a *material right* (B40): part of the sale's price was paid for them.

1. That part is found by relative stand-alone selling prices (74, 76, B42): points count with their
   price times the likelihood that they are redeemed. It is a *contract liability*.
2. It becomes revenue as points are redeemed, breakage in proportion to the pattern of redemption
   (B46): ``cumulative revenue = price of the points × redeemed / expected to be redeemed in all``.
3. A changed estimate changes the divisor, never the price (88: stand-alone prices are not looked
   at again); what follows is recognised at once, a *cumulative catch-up*. Cumulative revenue is a
   function of price, points and the present estimate alone, so it is always as if the estimate had
   been known from the start.
4. Points that have expired cannot be redeemed any more: at most what was granted less what expired
   is expected. When nothing is left, all is recognised (B44).
5. Points clawed back take their share of the price out again: the sale was undone.

*Promotional* points were given without a sale, so nobody paid for them: what they are expected to
cost is a provision and a cost, never a contract liability (ruling 28). *Paid* points were bought:
all that was paid is their price.

Rounding: every cumulative figure is its exact value to the nearest minor unit, halves up, and a
period's figure is the difference of two cumulative ones; a price is divided by largest remainders.
So parts always sum up to the whole, and revenue and liability to the price.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from domain.accounting.estimates import PRICED_POINTS, WHOLE, Estimate
from domain.accounting.movements import Activity
from domain.accounting.portfolios import Portfolio
from domain.accounting.rounding import allocate, half_up
from domain.errors import VinculoError


class RevenueError(VinculoError):
    """Points and prices that do not belong together."""


class Option(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Points that a sale gives, as an option on future goods.

    Args:
        points: at least 0.
        price: stand-alone selling price of 1,000 points, minor units.
        redemption: how many will be redeemed, ten-thousandths.

    """

    points: int
    price: int
    redemption: int


def stand_alone(option: Option) -> Fraction:
    """Return the stand-alone selling price of points in minor units (IFRS 15.B42), exactly."""
    return Fraction(option.points * option.price * option.redemption, PRICED_POINTS * WHOLE)


class AllocatedSale(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A sale's price, divided.

    Args:
        goods: the part of the goods, minor units.
        options: the part of each option, in their order.

    """

    goods: int
    options: tuple[int, ...]


def allocate_sale(price: int, goods: int, options: Sequence[Option]) -> AllocatedSale:
    """Divide a sale's price between goods and points by relative stand-alone selling prices.

    IFRS 15.76: ``part = price × own stand-alone price / all stand-alone prices``; rounded by
    largest remainders, so that the parts sum up to the price. Where nothing has a stand-alone price
    the whole is the goods'.

    Args:
        price: what the customer pays, without tax (47), minor units, at least 0.
        goods: stand-alone selling price of the goods, minor units, at least 0; usually the price.
        options: the points given with this one sale, all of them.

    Raises:
        AllocationError: if anything is negative.

    """
    scale = PRICED_POINTS * WHOLE
    weights = [one.points * one.price * one.redemption for one in options]
    if not goods and not any(weights):
        return AllocatedSale(price, (0,) * len(weights))
    parts = allocate(price, [goods * scale, *weights])
    return AllocatedSale(parts[0], parts[1:])


def recognised(price: int, redeemed: int, expected: Fraction | int) -> int:
    """Return the cumulative revenue of points (IFRS 15.B46), to the nearest minor unit, halves up.

    ``price × redeemed / expected``; all of it once no more is expected than was redeemed.

    Args:
        price: allocated to the points, minor units, at least 0.
        redeemed: points so far.
        expected: points in all, those redeemed among them.

    """
    if redeemed >= expected:
        return price
    share = Fraction(max(redeemed, 0)) / expected
    return half_up(price * share.numerator, share.denominator)


def expected_points(granted: int, redeemed: int, expired: int, redemption: int) -> Fraction:
    """Return how many points are expected to be redeemed in all.

    By the published estimate, but not more than can still be, and not less than have been.

    Args:
        granted: points given and not taken back.
        redeemed: points so far.
        expired: points so far.
        redemption: of all granted, ten-thousandths.

    """
    by_estimate = Fraction(granted * redemption, WHOLE)
    return max(Fraction(redeemed), min(by_estimate, Fraction(granted - expired)))


class Pool(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A portfolio's points first issued in one month: all that their value is reckoned from.

    Points count from the beginning. A pool may hold negative points where an account was overdrawn;
    nothing here depends on their sign.

    Args:
        portfolio: whose points.
        cohort: the month of their issue, months since 1970-01.
        money: ISO 4217 currency of its amounts.
        price: of 1,000 points by the estimate last used, minor units.
        redemption: by the estimate last used, ten-thousandths.
        granted: points issued, adjusted and transferred, less those clawed back.
        redeemed: points.
        expired: points.
        added: price allocated to the points less that of points clawed back; of promotional points
            the cost recognised so far. Minor units.
        released: revenue recognised so far; of promotional points the cost used by redemptions.

    """

    portfolio: Portfolio
    cohort: int
    money: str
    price: int
    redemption: int
    granted: int = 0
    redeemed: int = 0
    expired: int = 0
    added: int = 0
    released: int = 0

    @property
    def outstanding(self) -> int:
        """Points that can still be redeemed."""
        return self.granted - self.redeemed - self.expired

    @property
    def liability(self) -> int:
        """The contract liability, or the provision of promotional points, in minor units."""
        return self.added - self.released

    @property
    def expected(self) -> Fraction:
        """Points expected to be redeemed in all."""
        return expected_points(self.granted, self.redeemed, self.expired, self.redemption)

    @property
    def breakage(self) -> int:
        """The part of the revenue so far that is owed to points never to be redeemed.

        What was recognised beyond ``price × redeemed / granted``; 0 for promotional points.
        """
        if self.portfolio.kind == "promotional" or self.granted <= 0:
            return 0
        redeemed = min(max(self.redeemed, 0), self.granted)
        return self.released - half_up(self.added * redeemed, self.granted)


def begin(portfolio: Portfolio, cohort: int, estimate: Estimate) -> Pool:
    """Return a pool without points."""
    return Pool(portfolio, cohort, estimate.money, estimate.price, estimate.redemption)


def estimate_anew(pool: Pool, estimate: Estimate) -> Pool:
    """Return a pool under another estimate: the difference in liability is the catch-up.

    Raises:
        RevenueError: if the estimate is another portfolio's or in another currency.

    """
    if (pool.portfolio, pool.money) != (estimate.portfolio, estimate.money):
        message = (
            f"{pool.portfolio} in {pool.money}: expected its own estimate, found one of "
            f"{estimate.portfolio} in {estimate.money}; value each portfolio by its own"
        )
        raise RevenueError(message)
    terms = {"price": estimate.price, "redemption": estimate.redemption}
    return _value(msgspec.structs.replace(pool, **terms))


def advance(pool: Pool, activity: Activity) -> Pool:
    """Return a pool after movements of its points.

    Within them, what was given comes before what was clawed back, whatever their order was.

    Raises:
        RevenueError: if promotional points carry a price.

    """
    _check_price(pool, activity)
    given = pool.granted + activity.issued + activity.adjusted + activity.transferred
    clawed_back = -activity.clawed_back
    moved = msgspec.structs.replace(
        pool,
        granted=given - clawed_back,
        redeemed=pool.redeemed - activity.redeemed,
        expired=pool.expired - activity.expired,
    )
    if pool.portfolio.kind == "promotional":
        used = half_up(-activity.redeemed * pool.price, PRICED_POINTS)
        return _value(msgspec.structs.replace(moved, released=pool.released + used))
    price = pool.added + activity.price
    taken = half_up(price * min(clawed_back, given), given) if given > 0 else 0
    return _value(msgspec.structs.replace(moved, added=price - taken))


def _value(pool: Pool) -> Pool:
    """Return a pool with what follows from its points, its price and its estimate."""
    if pool.portfolio.kind == "promotional":
        to_come = (pool.expected - pool.redeemed) * pool.price / PRICED_POINTS
        provision = half_up(to_come.numerator, to_come.denominator)
        return msgspec.structs.replace(pool, added=pool.released + provision)
    revenue = recognised(pool.added, pool.redeemed, pool.expected)
    return msgspec.structs.replace(pool, released=revenue)


def _check_price(pool: Pool, activity: Activity) -> None:
    if pool.portfolio.kind == "promotional" and activity.price:
        message = (
            f"{pool.portfolio}: expected promotional points without a price, found "
            f"{activity.price} minor units; points given with a sale are of kind `earned`"
        )
        raise RevenueError(message)
