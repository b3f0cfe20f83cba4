"""The books of a tenant: which months are closed, and what each of them is, for ever.

A close holds everything that the month is: points and money by portfolio, the state of each pool of
points that changed, the estimates that valued them, and a digest that binds all this and the close
before it. What is learnt later of a closed month counts in the first open one
(:mod:`domain.accounting.movements`); reopening is refused.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar, NoReturn
from uuid import UUID

import msgspec
from msgspec import Meta

from domain.accounting.estimates import EstimatePublished, Person
from domain.accounting.months import month_text
from domain.accounting.movements import Periods, RollForward, describe
from domain.accounting.portfolios import Portfolio
from domain.accounting.revenue import Pool
from domain.decisions.base import Aggregate, Decision, stream_id
from domain.errors import VinculoError

BOOKS_ID = stream_id("books")


class ClosingError(VinculoError):
    """A month that cannot be closed, or not like this."""


class ReopeningRefusedError(ClosingError):
    """A closed month never changes."""


class BooksDamagedError(VinculoError):
    """The log holds a close that does not follow from the one before it."""


class Coordinate(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was known: a position in each log (ruling 9)."""

    facts: int
    decisions: int


class Value(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A portfolio's month in money, minor units: opening + added − released = closing.

    Args:
        money: ISO 4217 currency.
        opening: contract liability, or provision of promotional points, at its beginning.
        added: price allocated to points, less that of points clawed back; cost of promotional ones.
        released: recognised as revenue; used by redemptions of promotional points.
        closing: the same at its end.
        catch_up: what a changed estimate alone did to what was open: part of ``released``, of
            ``added`` for promotional points.

    """

    money: str
    opening: int
    added: int
    released: int
    closing: int
    catch_up: int


class Total(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A portfolio's month.

    Args:
        portfolio: whose points.
        points: its roll-forward.
        prior: how much of each movement belongs to earlier months; opens and closes at 0 and their
            sum.
        value: in money.
        unpriced: points issued in the month without a sale's price though of a kind that is sold;
            the rule that gave them should give promotional ones (ruling 28).

    """

    portfolio: Portfolio
    points: RollForward
    prior: RollForward
    value: Value
    unpriced: int = 0


class MonthClosed(Decision, frozen=True, kw_only=True):
    """A month was closed.

    The digest binds the shape of all this as well: a field more in any of these types is a new
    version, with a topic of its own.

    Args:
        month: months since 1970-01.
        coordinate: what was known.
        totals: every portfolio that ever had points, in order.
        pools: those that changed, as they are now, in order of portfolio and cohort.
        estimates: what the totals were valued by, one for each.
        previous: digest of the close before it, "" for the first.
        digest: SHA-256, in hexadecimal, of everything above.
        by: the person who closed it.
        ahead: position of the first decision known to this close that counts in a later month, 0 if
            there is none; bound by the digest too. The next close reads from there.

    """

    topic: ClassVar[str] = "vinculo.month_closed.v1"

    month: Annotated[int, Meta(ge=0)]
    coordinate: Coordinate
    totals: tuple[Total, ...]
    pools: tuple[Pool, ...]
    estimates: tuple[EstimatePublished, ...]
    previous: str
    digest: str
    by: Person
    ahead: Annotated[int, Meta(ge=0)] = 0


class Books(Aggregate, frozen=True, kw_only=True):
    """The books of a tenant. Their tables are replaced, never changed.

    Args:
        periods: which months are closed.
        totals: of the month closed last, by portfolio.
        pools: by portfolio and cohort.
        digest: of the month closed last.
        ahead: as of the month closed last.

    """

    id: UUID = BOOKS_ID
    periods: Periods = Periods()
    totals: dict[Portfolio, Total] = msgspec.field(default_factory=dict)
    pools: dict[tuple[Portfolio, int], Pool] = msgspec.field(default_factory=dict)
    digest: str = ""
    ahead: int = 0

    @property
    def read_after(self) -> int:
        """The position behind which everything stands that the next close counts."""
        looked = self.periods.positions[-1] if self.periods.positions else 0
        return min(looked, self.ahead - 1) if self.ahead else looked


class Preparation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A month as it would be closed; shown before, decided once."""

    month: int
    coordinate: Coordinate
    totals: tuple[Total, ...]
    pools: tuple[Pool, ...]
    estimates: tuple[EstimatePublished, ...]
    previous: str
    ahead: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of everything in it, in hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


def preparation_of(closed: MonthClosed) -> Preparation:
    """Return what a month was closed as."""
    return Preparation(
        month=closed.month,
        coordinate=closed.coordinate,
        totals=closed.totals,
        pools=closed.pools,
        estimates=closed.estimates,
        previous=closed.previous,
        ahead=closed.ahead,
    )


def check_next(books: Books, month: int, coordinate: Coordinate) -> None:
    """Check that a month is the one to close next.

    Args:
        books: as they stand.
        month: any may be the first one.
        coordinate: what is known; never less than at the last close.

    Raises:
        ReopeningRefusedError: if the month is closed.
        ClosingError: if it is not the next one, or less is known.

    """
    periods = books.periods
    if periods.is_closed(month):
        reopen(books, month)
    if periods.first_open not in (None, month):
        message = (
            f"{month_text(month)}: expected months to be closed in order, found that "
            f"{describe(periods)}; close {month_text(month - 1)} first"
        )
        raise ClosingError(message)
    looked = periods.positions[-1] if periods.positions else 0
    if coordinate.decisions < looked:
        message = (
            f"{month_text(month)}: expected decisions from {looked} on, found "
            f"{coordinate.decisions}; a close never knows less than the one before it"
        )
        raise ClosingError(message)


def reopen(books: Books, month: int) -> NoReturn:
    """Refuse to reopen a month, always, and say what to do instead.

    Raises:
        ReopeningRefusedError: for a closed month.
        ClosingError: for one that is not closed.

    """
    if not books.periods.is_closed(month):
        message = (
            f"{month_text(month)}: expected a closed month, found {describe(books.periods)}; "
            "there is nothing to reopen"
        )
        raise ClosingError(message)
    open_month = month_text(books.periods.first + len(books.periods.positions))
    message = (
        f"{month_text(month)}: expected to leave a closed month alone, found a demand to change it;"
        f" its figures were reported. Post the correction with its own value date: it counts in "
        f"{open_month} and stands in the prior-period list with its original month"
    )
    raise ReopeningRefusedError(message)
