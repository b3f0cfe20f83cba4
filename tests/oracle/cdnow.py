"""CDNOW: purchases of compact discs, 1997-01 to 1998-06, in dollars and UTC.

By the README of the data: a purchase per row at 12:00, `value` the amount; rows of the same
customer and day are different purchases (223 of them, 21 equal to another in every column).
Nothing is left out: eight purchases of nothing (`value` 0.00) are purchases.

Readings:
    D1. The subject is `crm:<master_id>`; `sample_id` numbers the same customers one to one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.figures import Fact, Recomputation, recompute
from tests.oracle.sources import minor_units, rows

FILE = "cdnow_sample.csv.gz"
FILES = (FILE,)
CURRENCY = "USD"
ZONE = ZoneInfo("UTC")
NAMESPACE = "crm"
STAGE_DAYS = (date(1997, 4, 30), date(1997, 10, 31), date(1998, 6, 30))

_HEADER = "master_id,sample_id,date,cds,value"
_NOON = time(12, tzinfo=UTC)


def recomputed() -> Recomputation:
    """The figures of every customer, straight from the file."""
    return recompute(_purchases(), [], CURRENCY, ZONE)


def _purchases() -> Iterator[Fact]:
    for customer, _, bought_on, _, value in rows(FILE, _HEADER):
        at = datetime.combine(date.fromisoformat(bought_on), _NOON)
        amount = minor_units(Decimal(value))
        yield Fact(f"{NAMESPACE}:{customer}", "PurchaseMade", at, amount)
