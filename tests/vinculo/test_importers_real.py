"""Where the public data are present, imports equal a plain recount of the files."""

import csv
import gzip
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.cloudevent import read_structured
from domain.touchpoints import CATALOGUE
from vinculo.importers import DATA_SETS, ImportReport

_FOLDER = Path(
    os.environ.get("VINCULO_DATA") or Path(__file__).resolve().parents[2].parent / "shared" / "data"
)


class Imported:
    def __init__(self, name: str) -> None:
        self.report = ImportReport()
        self.ids: set[str] = set()
        self.types: Counter[str] = Counter()
        self.sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for message in DATA_SETS[name].messages(_FOLDER, self.report):
            read = read_structured(message.payload)
            CATALOGUE.decode(read.type, read.data)
            self.ids.add(read.id)
            self.types[read.type] += 1
            lines: list[dict[str, Any]] = msgspec.json.decode(read.data).get("lines", [])
            if lines:
                self._add(read.subject, read.type, lines)

    def _add(self, subject: str, kind: str, lines: list[dict[str, Any]]) -> None:
        sums = self.sums[subject, kind]
        sums[0] += 1
        sums[1] += sum(line["amount"] for line in lines)
        sums[2] += sum(line["quantity"] for line in lines)


def _import(name: str) -> Imported:
    absent = [file for file in DATA_SETS[name].files if not (_FOLDER / file).is_file()]
    if absent:
        pytest.skip(f"public data absent: {', '.join(absent)} (set VINCULO_DATA)")
    return Imported(name)


def _rows(file: str) -> Iterator[dict[str, str]]:
    with gzip.open(_FOLDER / file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _cents(amount: Decimal) -> int:
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def test_online_retail_equals_a_recount() -> None:
    found = _import("online-retail")
    invoices: dict[tuple[str, str], set[str]] = defaultdict(set)
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    left_out = Counter[str]()
    for row in _rows("uci_online_retail.csv.gz"):
        quantity, price = int(row["Quantity"]), Decimal(row["UnitPrice"])
        if price <= 0:
            left_out["bad_debt" if price else "stock_movement"] += 1
            continue
        kind = f"vinculo.purchase_{'made' if quantity > 0 else 'returned'}.v1"
        customer, number = row["CustomerID"], row["InvoiceNo"]
        key = (f"crm:{customer}" if customer else f"receipt:{number}"), kind
        invoices[key].add(number)
        sums[key][1] += _cents(abs(quantity) * price)
        sums[key][2] += abs(quantity) * 1_000
    for key, numbers in invoices.items():
        sums[key][0] = len(numbers)
    assert sums == found.sums
    assert dict(left_out) == found.report.reasons()
    made = {"vinculo.purchase_made.v1": 19_960, "vinculo.purchase_returned.v1": 3_836}
    assert made == found.types
    assert (23_796, 2_104) == (len(found.ids), found.report.groups_empty)
    assert found.report.balances()


def test_complete_journey_equals_a_recount() -> None:
    found = _import("complete-journey")
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    baskets: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in _rows("cj_transactions_sample.csv.gz"):
        key = f"household:{row['household_id']}", "vinculo.purchase_made.v1"
        baskets[key].add(row["basket_id"])
        sums[key][1] += _cents(Decimal(row["sales_value"]))
        sums[key][2] += int(Decimal(row["quantity"]) * 1_000)
    for key, numbers in baskets.items():
        sums[key][0] = len(numbers)
    assert sums == found.sums
    assert {} == found.report.reasons()
    expected = {
        "vinculo.purchase_made.v1": 47_243,
        "vinculo.campaign_sent.v1": 6_589,
        "vinculo.campaign_responded.v1": 2_102,
        "vinculo.demographics_recorded.v1": 801,
    }
    assert expected == found.types
    assert sum(expected.values()) == len(found.ids)


def test_cdnow_equals_a_recount() -> None:
    found = _import("cdnow")
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in _rows("cdnow_sample.csv.gz"):
        total = sums[f"crm:{row['master_id']}", "vinculo.purchase_made.v1"]
        total[0] += 1
        total[1] += _cents(Decimal(row["value"]))
        total[2] += int(row["cds"]) * 1_000
    assert sums == found.sums
    assert (6_919, 2_357) == (len(found.ids), len(found.sums))
    assert {} == found.report.reasons()
