"""UCI "Online Retail": a UK gift wholesaler's invoices, 2010-12-01 to 2011-12-09.

One touchpoint per invoice, at the earliest time of its lines; its CloudEvents id is the invoice
number. A line's amount is quantity × price in pence, rounded half away from zero. Quantity > 0
is bought, quantity < 0 is returned; such an invoice names no purchase. Price 0 is a movement of
stock and a negative price a bad-debt booking: both are listed as left out. The subject is
``crm:<CustomerID>``, without one ``receipt:<InvoiceNo>``. Tax is not stated: 0. The description
and the country of a line have no place in a touchpoint and are not carried over.

No invoice of the published file holds both bought and returned lines. One that did would become
a purchase under its number and a return under ``<number>-returned``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from domain.touchpoints import Line, PurchaseMade, PurchaseReturned
from vinculo.importers.exact import read_exact, read_whole
from vinculo.importers.lines import within_limit
from vinculo.importers.local import read_local
from vinculo.importers.message import Message
from vinculo.importers.profile import SourceProfile
from vinculo.importers.publisher import Publisher, Stated, row_numbers, sequence_in
from vinculo.importers.report import ImportReport
from vinculo.importers.table import Row, read_groups

PROFILE = SourceProfile(
    source="urn:vinculo:import:online-retail",
    topic="vinculo.import.online-retail",
    namespaces=("crm", "receipt"),
    zone="Europe/London",
    stable_time=True,
    currencies=("GBP",),
)
FILE = "uci_online_retail.csv.gz"
FILES = (FILE,)

_HEADER = (
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
    "Country",
)  # fmt: skip
_NUMBER, _PRODUCT, _, _QUANTITY, _TIME, _PRICE, _CUSTOMER, _ = range(len(_HEADER))
_ZONE = ZoneInfo(PROFILE.zone)
_PENCE = 2
_THOUSAND = 1_000


class _Item(msgspec.Struct, frozen=True, gc=False):
    row: Row
    direction: Literal["bought", "returned"]
    time: datetime
    customer: str
    line: Line


def messages(folder: Path, report: ImportReport) -> Iterator[Message]:
    """Yield the invoices as messages, each as soon as its last line was read.

    Args:
        folder: where the file lies.
        report: filled while the messages are taken.

    Raises:
        UnreadableDataError: the file is missing or is another one.

    """
    path = folder / FILE
    publisher = Publisher(PROFILE, path, report)
    for number, rows in read_groups(path, _HEADER, _NUMBER, report):
        yield from _invoice(number, rows, publisher)


def _invoice(number: str, rows: list[Row], publisher: Publisher) -> Iterator[Message]:
    items = _of_one_customer([item for row in rows if (item := _item(row, publisher))], publisher)
    if not items:
        publisher.report.groups_empty += 1
        return
    bought = [item for item in items if item.direction == "bought"]
    returned = [item for item in items if item.direction == "returned"]
    if bought:
        lines = within_limit([item.line for item in bought])
        purchase = PurchaseMade(number=number, currency="GBP", lines=lines, channel="web")
        yield from publisher.publish(_stated(number, number, bought, purchase))
    if returned:
        lines = within_limit([item.line for item in returned])
        back = PurchaseReturned(number=number, currency="GBP", lines=lines, channel="web")
        event_id = f"{number}-returned" if bought else number
        yield from publisher.publish(_stated(event_id, number, returned, back))


def _stated(
    event_id: str, number: str, items: list[_Item], touchpoint: PurchaseMade | PurchaseReturned
) -> Stated:
    customer = items[0].customer
    return Stated(
        id=event_id,
        subject=f"crm:{customer}" if customer else f"receipt:{number}",
        time=min(item.time for item in items),
        touchpoint=touchpoint,
        rows=row_numbers([item.row for item in items]),
        sequence=sequence_in(number),
    )


def _item(row: Row, publisher: Publisher) -> _Item | None:
    try:
        quantity = read_whole(row.cells[_QUANTITY])
        price = read_exact(row.cells[_PRICE])
        time = read_local(row.cells[_TIME], _ZONE)
    except ValueError as error:
        publisher.leave_out((row.line,), "unreadable", str(error))
        return None
    reason = _reason_to_leave_out(quantity, price.units)
    if reason is not None:
        detail = f"{row.cells[_PRODUCT]}: quantity {quantity}, price {row.cells[_PRICE]}"
        publisher.leave_out((row.line,), reason, detail)
        return None
    line = Line(
        product=row.cells[_PRODUCT],
        quantity=abs(quantity) * _THOUSAND,
        amount=(price * read_exact(str(abs(quantity)))).scaled(_PENCE),
    )
    direction: Literal["bought", "returned"] = "bought" if quantity > 0 else "returned"
    return _Item(row, direction, time, row.cells[_CUSTOMER], line)


def _reason_to_leave_out(quantity: int, price_units: int) -> str | None:
    if price_units == 0:
        return "stock_movement"
    if price_units < 0:
        return "bad_debt"
    return "no_quantity" if quantity == 0 else None


def _of_one_customer(items: list[_Item], publisher: Publisher) -> list[_Item]:
    """Keep the items of the invoice's first customer; an invoice has one."""
    kept = [item for item in items if item.customer == items[0].customer]
    for item in items:
        if item.customer != items[0].customer:
            detail = "the invoice's earlier lines name another customer"
            publisher.leave_out((item.row.line,), "another_customer", detail)
    return kept
