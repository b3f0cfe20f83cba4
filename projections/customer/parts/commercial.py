"""Commercial: what a customer buys and gives back, per currency, and signs of leaving.

Money is in minor units. Revenue is defined in :mod:`projections.customer.receipt`:

    revenue = (gross − stored value − tax − points) of the purchases
            − (gross − stored value − tax − points) of the returns

Business days are reckoned when the part is shown, from the instants that are kept.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from domain.calendar import Calendar
from domain.fact import Fact
from domain.touchpoints.commercial import (
    CancelIntentDeclared,
    CompetitorOfferSeen,
    PurchaseMade,
    PurchaseReturned,
)
from projections.customer import distinct
from projections.customer.last import Tally, counted
from projections.customer.part import Context, Part, Reading
from projections.customer.receipt import Totals, totals_of
from projections.customer.shown import business_date, moment, moment_or_never

CATEGORIES_MAX = 32


class Book(msgspec.Struct, array_like=True, gc=False):
    """Sums in one currency. Those marked *net* are purchases − returns.

    Args:
        purchases: number of receipts.
        returns: number of returns.
        gross: charged in purchases: lines of every kind and shipping, tax included.
        returned: given back in returns, likewise.
        discount: taken off in purchases.
        tax: contained, net; stored value left out.
        shipping: charged for shipping, net.
        points: tendered in points, net.
        stored_value: gift cards and the like sold, net.
        cost_of_goods: where it is stated, net.
        units: of goods and services in thousandths, net.
        biggest: gross of the biggest purchase.
        categories: amounts less tax, net, of the first :data:`CATEGORIES_MAX` by name. (A sum
            belongs to the first 32 names from its first line on or never, so what is kept does
            not depend on the order of the facts.)
        other_categories: the same, of all categories beyond those.

    """

    purchases: int = 0
    returns: int = 0
    gross: int = 0
    returned: int = 0
    discount: int = 0
    tax: int = 0
    shipping: int = 0
    points: int = 0
    stored_value: int = 0
    cost_of_goods: int = 0
    units: int = 0
    biggest: int = -1
    categories: dict[str, int] = msgspec.field(default_factory=dict)
    other_categories: int = 0


class CommercialState(msgspec.Struct, array_like=True, gc=False):
    """State of this part; instants in microseconds since 1970.

    Args:
        books: by currency.
        first_at: of the purchases.
        last_at: of the purchases.
        products: a sketch of the products bought.
        unreferenced: returns that name no purchase.
        cancel_intents: how many, and the last.
        competitor_offers: how many, and the last.

    """

    books: dict[str, Book] = msgspec.field(default_factory=dict)
    first_at: int | None = None
    last_at: int | None = None
    products: bytearray = msgspec.field(default_factory=bytearray)
    unreferenced: int = 0
    cancel_intents: Tally | None = None
    competitor_offers: Tally | None = None


class CategoryShown(msgspec.Struct, frozen=True, gc=False):
    """Purchases − returns in a category: amounts less tax, minor units."""

    category: str
    amount: int


class CurrencyShown(msgspec.Struct, frozen=True, gc=False):
    """Figures in one currency, minor units. Those marked *net* are purchases − returns.

    Args:
        currency: ISO 4217.
        purchases: number of purchases.
        returns: number of returns.
        gross: charged in purchases: lines of every kind and shipping, tax included.
        returned: given back in returns, likewise.
        revenue: gross − returned, less tax, stored value and points.
        discount: taken off in purchases; gross is already without it.
        tax: contained, net; stored value left out.
        shipping: charged for shipping, net.
        points: tendered in points, net.
        stored_value: gift cards and the like sold, net.
        cost_of_goods: where it is stated, net.
        units: of goods and services in thousandths, net.
        average_order: gross ÷ purchases, rounded half up; null without a purchase.
        biggest_purchase: the greatest gross of a purchase; null without one.
        categories: by name; at most 32 of them.
        other_categories: the same sum over all further categories.

    """

    currency: str
    purchases: int
    returns: int
    gross: int
    returned: int
    revenue: int
    discount: int
    tax: int
    shipping: int
    points: int
    stored_value: int
    cost_of_goods: int
    units: int
    average_order: int | None
    biggest_purchase: int | None
    categories: tuple[CategoryShown, ...]
    other_categories: int


class SignalsShown(msgspec.Struct, frozen=True, gc=False):
    """How often a sign of leaving was seen, and the last time."""

    count: int
    last_at: datetime | None


class Commercial(msgspec.Struct, frozen=True, gc=False):
    """What the customer buys.

    Args:
        purchases: number of purchases in all currencies (frequency).
        returns: number of returns in all currencies.
        unreferenced_returns: returns that name no purchase.
        first_purchase_at: instant of the first purchase.
        last_purchase_at: instant of the last purchase.
        first_purchase_on: business day of the first purchase.
        last_purchase_on: business day of the last purchase.
        recency_days: business days since the last purchase, as of the reading.
        distinct_products: how many different products were bought.
        distinct_products_exact: whether that is counted, else estimated (from 64 on).
        currencies: figures per currency, sorted by code.
        cancel_intents: declared intents to leave.
        competitor_offers: competitors' offers seen.

    """

    purchases: int
    returns: int
    unreferenced_returns: int
    first_purchase_at: datetime | None
    last_purchase_at: datetime | None
    first_purchase_on: date | None
    last_purchase_on: date | None
    recency_days: int | None
    distinct_products: int
    distinct_products_exact: bool
    currencies: tuple[CurrencyShown, ...]
    cancel_intents: SignalsShown
    competitor_offers: SignalsShown


def _purchased(
    state: CommercialState, fact: Fact, purchase: PurchaseMade, _context: Context
) -> None:
    at = fact.occurred_at
    if state.first_at is None or at < state.first_at:
        state.first_at = at
    if state.last_at is None or at > state.last_at:
        state.last_at = at
    totals = totals_of(purchase)
    book = _book(state, purchase.currency)
    book.purchases += 1
    book.gross += totals.gross
    book.discount += totals.discount
    if totals.gross > book.biggest:  # noqa: PLR1730 - max() takes four times as long
        book.biggest = totals.gross
    _enter(book, totals, 1)
    products = state.products
    for line in purchase.lines:
        kind = line.kind
        if kind != "stored_value":
            if kind != "shipping":
                distinct.add(products, line.product)
            if line.category is not None:
                _enter_category(book, line.category, line.amount - line.tax)


def _returned(
    state: CommercialState, _fact: Fact, returned: PurchaseReturned, _context: Context
) -> None:
    totals = totals_of(returned)
    book = _book(state, returned.currency)
    book.returns += 1
    book.returned += totals.gross
    if returned.purchase is None:
        state.unreferenced += 1
    _enter(book, totals, -1)
    for line in returned.lines:
        if line.category is not None and line.kind != "stored_value":
            _enter_category(book, line.category, line.tax - line.amount)


def _intended_to_cancel(
    state: CommercialState, fact: Fact, _touchpoint: CancelIntentDeclared, _context: Context
) -> None:
    state.cancel_intents = counted(state.cancel_intents, fact)


def _saw_competitor(
    state: CommercialState, fact: Fact, _touchpoint: CompetitorOfferSeen, _context: Context
) -> None:
    state.competitor_offers = counted(state.competitor_offers, fact)


def _book(state: CommercialState, currency: str) -> Book:
    book = state.books.get(currency)
    if book is None:
        book = state.books[currency] = Book()
    return book


def _enter(book: Book, totals: Totals, sign: int) -> None:
    book.units += sign * totals.units
    if totals.tax:
        book.tax += sign * totals.tax
    if totals.shipping:
        book.shipping += sign * totals.shipping
    if totals.points:
        book.points += sign * totals.points
    if totals.stored_value:
        book.stored_value += sign * totals.stored_value
    if totals.cost:
        book.cost_of_goods += sign * totals.cost


def _enter_category(book: Book, category: str, amount: int) -> None:
    categories = book.categories
    if category in categories:
        categories[category] += amount
        return
    categories[category] = amount
    if len(categories) > CATEGORIES_MAX:
        book.other_categories += categories.pop(max(categories))


def _render(state: CommercialState, reading: Reading) -> Commercial:
    calendar = reading.context.calendar
    books = state.books.values()
    return Commercial(
        purchases=sum(book.purchases for book in books),
        returns=sum(book.returns for book in books),
        unreferenced_returns=state.unreferenced,
        first_purchase_at=moment_or_never(state.first_at),
        last_purchase_at=moment_or_never(state.last_at),
        first_purchase_on=business_date(state.first_at, calendar),
        last_purchase_on=business_date(state.last_at, calendar),
        recency_days=_recency(state.last_at, reading.today, calendar),
        distinct_products=distinct.count(state.products),
        distinct_products_exact=distinct.is_exact(state.products),
        currencies=tuple(_show(code, book) for code, book in sorted(state.books.items())),
        cancel_intents=_show_signals(state.cancel_intents),
        competitor_offers=_show_signals(state.competitor_offers),
    )


def _recency(last_at: int | None, today: int, calendar: Calendar) -> int | None:
    return None if last_at is None else today - calendar.day(last_at)


def _show_signals(tally: Tally | None) -> SignalsShown:
    return SignalsShown(0, None) if tally is None else SignalsShown(tally.count, moment(tally.last))


def _show(currency: str, book: Book) -> CurrencyShown:
    bought = book.purchases > 0
    return CurrencyShown(
        currency=currency,
        purchases=book.purchases,
        returns=book.returns,
        gross=book.gross,
        returned=book.returned,
        revenue=book.gross - book.returned - book.tax - book.stored_value - book.points,
        discount=book.discount,
        tax=book.tax,
        shipping=book.shipping,
        points=book.points,
        stored_value=book.stored_value,
        cost_of_goods=book.cost_of_goods,
        units=book.units,
        average_order=_divide(book.gross, book.purchases) if bought else None,
        biggest_purchase=book.biggest if bought else None,
        categories=tuple(CategoryShown(*item) for item in sorted(book.categories.items())),
        other_categories=book.other_categories,
    )


def _divide(total: int, number: int) -> int:
    """Return total ÷ number, rounded half up."""
    return (2 * total + number) // (2 * number)


PART = Part(
    name="commercial",
    version=1,
    kind="commutative",
    state=CommercialState,
    handlers={
        PurchaseMade: _purchased,
        PurchaseReturned: _returned,
        CancelIntentDeclared: _intended_to_cancel,
        CompetitorOfferSeen: _saw_competitor,
    },
    render=_render,
)
