"""CDNOW: CD purchases of a cohort, 1997-01 to 1998-06 (Fader and Hardie's sample).

A purchase per row, at 12:00 UTC; ``cds`` is the quantity, ``value`` the amount in USD (0 is
allowed). The subject is ``crm:<master_id>``; ``sample_id`` names the same customers again and is
not carried over. Rows of the same customer and day are different purchases: the number
``<master_id>-<date>-<n>`` counts them in the file's order, and ``n`` is the ``sequence``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from domain.touchpoints import Line, PurchaseMade
from vinculo.importers.exact import read_exact, read_whole
from vinculo.importers.message import Message
from vinculo.importers.profile import SourceProfile
from vinculo.importers.publisher import Publisher, Stated
from vinculo.importers.report import ImportReport
from vinculo.importers.table import Row, read_rows

PROFILE = SourceProfile(
    source="urn:vinculo:import:cdnow",
    topic="vinculo.import.cdnow",
    namespaces=("crm",),
    zone="UTC",
    stable_time=True,
    currencies=("USD",),
)
FILE = "cdnow_sample.csv.gz"
FILES = (FILE,)

_HEADER = ("master_id", "sample_id", "date", "cds", "value")
_CUSTOMER, _, _DATE, _QUANTITY, _VALUE = range(len(_HEADER))
_NOON = time(12, tzinfo=UTC)
_PRODUCT = "CD"
_CENTS = 2
_THOUSAND = 1_000


def messages(folder: Path, report: ImportReport) -> Iterator[Message]:
    """Yield the rows as messages.

    Args:
        folder: where the file lies.
        report: filled while the messages are taken.

    Raises:
        UnreadableDataError: the file is missing or is another one.

    """
    path = folder / FILE
    publisher = Publisher(PROFILE, path, report)
    purchases_of_day: Counter[tuple[str, str]] = Counter()
    for row in read_rows(path, _HEADER, report):
        customer_day = row.cells[_CUSTOMER], row.cells[_DATE]
        purchases_of_day[customer_day] += 1
        try:
            stated = _stated(row, purchases_of_day[customer_day])
        except ValueError as error:
            publisher.leave_out((row.line,), "unreadable", str(error))
        else:
            yield from publisher.publish(stated)


def _stated(row: Row, count: int) -> Stated:
    customer, day = row.cells[_CUSTOMER], row.cells[_DATE]
    number = f"{customer}-{day}-{count}"
    line = Line(
        product=_PRODUCT,
        quantity=read_whole(row.cells[_QUANTITY]) * _THOUSAND,
        amount=read_exact(row.cells[_VALUE]).scaled(_CENTS),
    )
    return Stated(
        id=number,
        subject=f"crm:{customer}",
        time=datetime.combine(date.fromisoformat(day), _NOON),
        touchpoint=PurchaseMade(number=number, currency="USD", lines=(line,), channel="web"),
        rows=(row.line,),
        sequence=count,
    )
