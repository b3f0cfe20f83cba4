"""What the simulated company sells: a shop for kitchen, table and garden, with a deli counter."""

from __future__ import annotations

from random import Random

import msgspec

from domain.touchpoints import Line

_PRODUCTS_PER_CATEGORY = 24
_WEIGHED_GRAMS = (80, 1_400)
_ONE = 1_000
_LINES_MAX = 14
_LOYAL_TO_SHELF, _SINGLE, _ON_OFFER = 0.70, 0.78, 0.14  # shares of lines


class Category(msgspec.Struct, frozen=True):
    """A shelf: cheapest and dearest price in cents, tax and cost of goods in percent."""

    name: str
    prefix: str
    cheapest: int
    dearest: int
    tax_percent: int
    cost_percent: int
    weighed: bool = False


class Product(msgspec.Struct, frozen=True):
    """An article: its price in cents per unit (per kilogram where weighed)."""

    code: str
    price: int
    category: Category


CATEGORIES = (
    Category("coffee and tea", "COF", 350, 2_400, 10, 52),
    Category("delicatessen", "DEL", 900, 5_800, 10, 61, weighed=True),
    Category("wine", "WIN", 490, 4_900, 21, 64),
    Category("bread and pastry", "BRE", 90, 1_200, 4, 45),
    Category("kitchenware", "KIT", 590, 12_900, 21, 55),
    Category("table linen", "LIN", 790, 7_900, 21, 48),
    Category("garden", "GAR", 290, 8_900, 21, 57),
    Category("cookery books", "BOO", 990, 4_500, 4, 68),
)
GIFT_CARDS = (2_500, 5_000, 10_000)
"""Face values of the gift cards that are sold, in cents."""


def stock_shelves(random: Random) -> tuple[tuple[Product, ...], ...]:
    """Return the articles of each category, cheapest first."""
    return tuple(_shelf(category, random) for category in CATEGORIES)


def _shelf(category: Category, random: Random) -> tuple[Product, ...]:
    prices = sorted(
        random.randrange(category.cheapest, category.dearest, 5)
        for _ in range(_PRODUCTS_PER_CATEGORY)
    )
    return tuple(
        Product(f"{category.prefix}-{number:03d}", price, category)
        for number, price in enumerate(prices, start=1)
    )


def fill_basket(
    shelves: tuple[tuple[Product, ...], ...],
    favourites: tuple[int, ...],
    thrift: float,
    random: Random,
) -> list[Line]:
    """Return the lines of one purchase.

    Args:
        shelves: the articles, by category.
        favourites: the categories from which this customer mostly buys.
        thrift: 1 buys evenly over the price range; above 1, the cheap end.
        random: decides.

    """
    lines = 1 + min(int(random.expovariate(0.62)), _LINES_MAX - 1)
    draw = random.random
    basket = []
    for _ in range(lines):
        among = (
            favourites[int(draw() * len(favourites))]
            if draw() < _LOYAL_TO_SHELF
            else int(draw() * len(shelves))
        )
        shelf = shelves[among]
        basket.append(_line(shelf[int(draw() ** thrift * len(shelf))], random))
    return basket


def gift_card(value: int) -> Line:
    """Return the line of a gift card sold; its value is no revenue."""
    product = f"GIFT-{value // 100}"
    return Line(product=product, quantity=_ONE, amount=value, category="gift", kind="stored_value")


def included_tax(amount: int, percent: int) -> int:
    """Return the tax that an amount contains, rounded half up; minor units."""
    return (2 * amount * percent + 100 + percent) // (2 * (100 + percent))


def _line(product: Product, random: Random) -> Line:
    category = product.category
    if category.weighed:
        quantity = random.randint(*_WEIGHED_GRAMS)
    else:
        quantity = _ONE if random.random() < _SINGLE else _ONE * random.randint(2, 4)
    full = max(1, (product.price * quantity + 500) // 1_000)
    discount = full * random.choice((10, 20, 30)) // 100 if random.random() < _ON_OFFER else 0
    return Line(
        product=product.code,
        quantity=quantity,
        amount=full - discount,
        category=category.name,
        discount=discount,
        tax=included_tax(full - discount, category.tax_percent),
        cost=full * category.cost_percent // 100,
    )
