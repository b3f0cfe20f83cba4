"""Books of a made-up tenant, closed as far as a test needs them."""

from collections.abc import Iterable, Mapping

from domain.accounting.books import Books, Coordinate, MonthClosed, Preparation
from domain.accounting.closing import close, evolve
from domain.accounting.estimates import Estimates
from domain.accounting.months import first_day, month_of
from domain.accounting.movements import Movement
from domain.accounting.portfolios import Portfolio
from domain.accounting.reckoning import prepare
from domain.accounting.revenue import Option, allocate_sale
from tests.domain.accounting_samples import NOVEMBER, PORTFOLIOS, approved, estimate, movement

DECEMBER, JANUARY = NOVEMBER + 1, NOVEMBER + 2
LATER = first_day(JANUARY + 12)
ALL = approved(*(estimate(portfolio) for portfolio in PORTFOLIOS))


def ledger(movements: Iterable[Movement], month: int, known_at: int) -> dict[Portfolio, int]:
    """What balances hold at a month's end, for movements that came in time or late alike."""
    points: dict[Portfolio, int] = {}
    for one in movements:
        if one.position <= known_at and month_of(one.day) <= month:
            points[one.portfolio] = points.get(one.portfolio, 0) + one.points
    return points


def prepared(
    books: Books,
    month: int,
    movements: Iterable[Movement],
    known_at: int = 1_000,
    estimates: Estimates = ALL,
    held: Mapping[Portfolio, int] | None = None,
) -> Preparation:
    """A month as it would be closed; the ledger agrees if nothing else is said."""
    movements = list(movements)
    return prepare(
        books,
        month=month,
        coordinate=Coordinate(facts=5_000, decisions=known_at),
        movements=movements,
        ledger=ledger(movements, month, known_at) if held is None else held,
        estimates=estimates,
    )


def closed(
    books: Books,
    month: int,
    movements: Iterable[Movement],
    known_at: int = 1_000,
    estimates: Estimates = ALL,
) -> tuple[Books, MonthClosed]:
    """The books after the close of a month, and the close."""
    preparation = prepared(books, month, movements, known_at, estimates)
    (decision,) = close(books, preparation, by="carla", today=LATER)
    return evolve(books, decision), decision


def example() -> tuple[Estimates, list[Movement]]:
    """DOMAIN's example over two months, a unit being a minor unit."""
    estimates = approved(
        estimate(redemption=9_500), estimate(redemption=9_700, effective_from="2026-12-01")
    )
    price = allocate_sale(100_000, 100_000, [Option(10_000, 1_000, 9_500)]).options[0]
    return estimates, [
        movement("issued", 10_000, NOVEMBER, position=10, price=price),
        movement("redeemed", -4_500, NOVEMBER, position=20),
        movement("redeemed", -4_000, DECEMBER, position=30, cohort=NOVEMBER),
    ]
