"""Online Retail: a gift wholesaler, 2010-12-01 to 2011-12-09, in pounds and London time.

By the README of the data: one touchpoint per invoice at the earliest time of its lines, subject
`crm:<CustomerID>` or, without one, `receipt:<InvoiceNo>`. A return's amount is positive.

What the data hold (asserted below or by the tests): no invoice has both bought and returned
lines, two customers, or lines on two days. 53 invoices have bought lines beside lines of price
zero, at the same time. Four lines of 0.001 round to nothing and are bought all the same.

Readings:
    R1. Identical lines of an invoice (5,268 repetitions) are different lines: each counts.
    R2. A563185, the bad-debt booking with a positive price, is a purchase by the letter of the
        README, which leaves out only the two with a negative one.
    R3. Customer 13256 has nothing but a line of price zero: no touchpoint, no figures.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.calendar import instant_of
from tests.oracle.figures import Fact, FactKind, LeftOut, Recomputation, recompute
from tests.oracle.sources import minor_units, rows

FILE = "uci_online_retail.csv.gz"
FILES = (FILE,)
CURRENCY = "GBP"
ZONE = ZoneInfo("Europe/London")
STAGE_DAYS = (date(2011, 1, 31), date(2011, 6, 30), date(2011, 12, 9))

STOCK = "price zero: a movement of stock"
BAD_DEBT = "price negative: a bad-debt booking"
NOTHING = "quantity zero: nothing bought or returned"

_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is kept: pence are positive for what was bought, negative for a return."""

    customer: str
    at: str
    bought: bool
    pence: int


def recomputed() -> Recomputation:
    """The figures of every customer and every receipt, straight from the file."""
    invoices, left_out = _invoices()
    facts = [_fact(number, lines) for number, lines in invoices.items()]
    return recompute(facts, left_out, CURRENCY, ZONE)


def _invoices() -> tuple[dict[str, list[Line]], list[LeftOut]]:
    invoices, left_out = defaultdict[str, list[Line]](list), list[LeftOut]()
    for number, row in enumerate(rows(FILE, _HEADER), start=1):
        invoice, _, _, quantity_text, at, price_text, customer, _ = row
        quantity, price = int(quantity_text), Decimal(price_text)
        reason = _reason_to_leave_out(quantity, price)
        if reason is not None:
            left_out.append(LeftOut(FILE, number, invoice, reason))
            continue
        pence = minor_units(quantity * price)
        invoices[invoice].append(Line(customer, at, quantity > 0, pence))
    return invoices, left_out


def _reason_to_leave_out(quantity: int, price: Decimal) -> str | None:
    if price == 0:
        return STOCK
    if price < 0:
        return BAD_DEBT
    return NOTHING if quantity == 0 else None


def _fact(number: str, lines: list[Line]) -> Fact:
    customers = {line.customer for line in lines}
    directions = {line.bought for line in lines}
    if len(customers) != 1 or len(directions) != 1:
        raise ValueError(
            f"invoice {number}: expected one customer and either purchases or returns, "
            f"found customers {sorted(customers)} and {len(directions)} directions"
        )
    (customer,), (bought,) = customers, directions
    kind: FactKind = "PurchaseMade" if bought else "PurchaseReturned"
    return Fact(
        subject=f"crm:{customer}" if customer else f"receipt:{number}",
        kind=kind,
        at=instant_of(datetime.fromisoformat(min(line.at for line in lines)), ZONE),
        amount=abs(sum(line.pence for line in lines)),
    )
