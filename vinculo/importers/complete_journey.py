"""84.51° "Complete Journey": households' grocery baskets, campaigns and coupons of 2017.

- A purchase per basket, at the earliest time of its lines; its id is ``basket-<basket_id>``. A
  line's amount is ``sales_value``, its discount the three discounts together (rounded once, half
  away from zero), its quantity in thousandths (zero is allowed), its category the
  ``product_category`` of the catalogue, absent where the catalogue has none.
- CampaignSent for every household of a campaign, at 00:00 of the campaign's start date.
- CampaignResponded for every coupon redeemed, at 12:00 of its date (the hour is not stated, and
  a response on the campaign's first day must come after the send).
- DemographicsRecorded at 00:00 of 2018-01-01, when the study's year was over: the file has no
  date, and an earlier one would turn households into prospects before anything is known of them.

The subject is ``household:<id>``. Which products a coupon is for (``cj_coupons``) belongs to no
household and is not carried over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from domain.touchpoints import (
    CampaignResponded,
    CampaignSent,
    DemographicsRecorded,
    Line,
    PurchaseMade,
)
from vinculo.importers.exact import read_exact
from vinculo.importers.lines import within_limit
from vinculo.importers.local import read_local
from vinculo.importers.message import Message
from vinculo.importers.profile import SourceProfile
from vinculo.importers.publisher import Publisher, Stated, row_numbers, sequence_in
from vinculo.importers.report import ImportReport
from vinculo.importers.table import Row, read_groups, read_rows

PROFILE = SourceProfile(
    source="urn:vinculo:import:complete-journey",
    topic="vinculo.import.complete-journey",
    namespaces=("household",),
    zone="America/New_York",
    stable_time=True,
    currencies=("USD",),
)
TRANSACTIONS = "cj_transactions_sample.csv.gz"
PRODUCTS = "cj_products.csv.gz"
CAMPAIGNS = "cj_campaigns.csv.gz"
CAMPAIGN_DESCRIPTIONS = "cj_campaign_descriptions.csv.gz"
REDEMPTIONS = "cj_coupon_redemptions.csv.gz"
DEMOGRAPHICS = "cj_demographics.csv.gz"
FILES = (TRANSACTIONS, PRODUCTS, CAMPAIGNS, CAMPAIGN_DESCRIPTIONS, REDEMPTIONS, DEMOGRAPHICS)
DEMOGRAPHICS_DATE = date(2018, 1, 1)

_TRANSACTIONS_HEADER = (
    "household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value",
    "retail_disc", "coupon_disc", "coupon_match_disc", "week", "transaction_timestamp",
)  # fmt: skip
_HOUSEHOLD, _STORE, _BASKET, _PRODUCT, _QUANTITY, _SALES = range(6)
_DISCOUNTS = slice(6, 9)
_TIMESTAMP = 10
_PRODUCTS_HEADER = (
    "product_id", "manufacturer_id", "department", "brand", "product_category", "product_type",
    "package_size",
)  # fmt: skip
_CATEGORY = 4
_CAMPAIGNS_HEADER = ("campaign_id", "household_id")
_DESCRIPTIONS_HEADER = ("campaign_id", "campaign_type", "start_date", "end_date")
_REDEMPTIONS_HEADER = ("household_id", "coupon_upc", "campaign_id", "redemption_date")
_DEMOGRAPHICS_HEADER = (
    "household_id", "age", "income", "home_ownership", "marital_status", "household_size",
    "household_comp", "kids_count",
)  # fmt: skip
_ZONE = ZoneInfo(PROFILE.zone)
_MIDNIGHT, _NOON = time(0), time(12)
_CENTS, _THOUSANDTHS = 2, 3


class _Item(msgspec.Struct, frozen=True, gc=False):
    row: Row
    time: datetime
    line: Line


def messages(folder: Path, report: ImportReport) -> Iterator[Message]:
    """Yield baskets, sends, redemptions and demographics as messages, file by file.

    Args:
        folder: where the files lie.
        report: filled while the messages are taken.

    Raises:
        UnreadableDataError: a file is missing or is another one.

    """
    yield from _baskets(folder, report)
    yield from _sends(folder, report)
    yield from _each(folder / REDEMPTIONS, _REDEMPTIONS_HEADER, report, _redemption())
    yield from _each(folder / DEMOGRAPHICS, _DEMOGRAPHICS_HEADER, report, _demographics)


def _baskets(folder: Path, report: ImportReport) -> Iterator[Message]:
    path = folder / TRANSACTIONS
    publisher = Publisher(PROFILE, path, report)
    catalogue = read_rows(folder / PRODUCTS, _PRODUCTS_HEADER, ImportReport())
    categories = {row.cells[0]: row.cells[_CATEGORY] for row in catalogue}
    for basket, rows in read_groups(path, _TRANSACTIONS_HEADER, _BASKET, report):
        items = [item for row in rows if (item := _item(row, categories, publisher))]
        items = _of_one_household(items, publisher)
        if items:
            yield from publisher.publish(_basket(basket, items))
        else:
            report.groups_empty += 1


def _basket(basket: str, items: list[_Item]) -> Stated:
    household, store = items[0].row.cells[_HOUSEHOLD], items[0].row.cells[_STORE]
    purchase = PurchaseMade(
        number=basket,
        currency="USD",
        lines=within_limit([item.line for item in items]),
        store=store,
        channel="shop",
    )
    return Stated(
        id=f"basket-{basket}",
        subject=f"household:{household}",
        time=min(item.time for item in items),
        touchpoint=purchase,
        rows=row_numbers([item.row for item in items]),
        sequence=sequence_in(basket),
    )


def _item(row: Row, categories: dict[str, str], publisher: Publisher) -> _Item | None:
    cells = row.cells
    try:
        quantity = read_exact(cells[_QUANTITY])
        amount = read_exact(cells[_SALES])
        retail, coupon, coupon_match = map(read_exact, cells[_DISCOUNTS])
        moment = read_local(cells[_TIMESTAMP], _ZONE)
    except ValueError as error:
        publisher.leave_out((row.line,), "unreadable", str(error))
        return None
    discount = (retail + coupon + coupon_match).scaled(_CENTS)
    if min(quantity.units, amount.units, discount) < 0:
        detail = f"quantity {cells[_QUANTITY]}, sales_value {cells[_SALES]}, discount {discount}"
        publisher.leave_out((row.line,), "negative", detail)
        return None
    line = Line(
        product=cells[_PRODUCT],
        quantity=quantity.scaled(_THOUSANDTHS),
        amount=amount.scaled(_CENTS),
        category=categories.get(cells[_PRODUCT]) or None,
        discount=discount,
    )
    return _Item(row, moment, line)


def _of_one_household(items: list[_Item], publisher: Publisher) -> list[_Item]:
    """Keep the items of the basket's first household and store; a basket has one of each."""
    owner = items[0].row.cells[: _STORE + 1] if items else []
    kept = [item for item in items if item.row.cells[: _STORE + 1] == owner]
    for item in items:
        if item.row.cells[: _STORE + 1] != owner:
            detail = "the basket's earlier lines name another household or store"
            publisher.leave_out((item.row.line,), "another_household", detail)
    return kept


def _sends(folder: Path, report: ImportReport) -> Iterator[Message]:
    described = read_rows(folder / CAMPAIGN_DESCRIPTIONS, _DESCRIPTIONS_HEADER, ImportReport())
    starts = {row.cells[0]: row.cells[2] for row in described}

    def send(row: Row) -> Stated:
        campaign, household = row.cells
        if campaign not in starts:
            raise ValueError(f"campaign {campaign[:40]!r} has no start date")
        return Stated(
            id=f"campaign-{campaign}-{household}",
            subject=f"household:{household}",
            time=_on(starts[campaign], _MIDNIGHT),
            touchpoint=CampaignSent(campaign=campaign),
            rows=(row.line,),
        )

    return _each(folder / CAMPAIGNS, _CAMPAIGNS_HEADER, report, send)


def _redemption() -> Callable[[Row], Stated]:
    repetitions: Counter[str] = Counter()

    def redemption(row: Row) -> Stated:
        household, coupon, campaign, day = row.cells
        event_id = f"redemption-{household}-{coupon}-{campaign}-{day}"
        repetitions[event_id] += 1
        return Stated(
            id=f"{event_id}-{repetitions[event_id]}",
            subject=f"household:{household}",
            time=_on(day, _NOON),
            touchpoint=CampaignResponded(campaign=campaign, coupon=coupon),
            rows=(row.line,),
        )

    return redemption


def _demographics(row: Row) -> Stated:
    household = row.cells[0]
    age, income, home, marital, size, composition, children = (
        cell or None for cell in row.cells[1:]
    )
    recorded = DemographicsRecorded(
        age_band=age, income_band=income, home_ownership=home, marital_status=marital,
        household_size=size, household_composition=composition, children=children,
    )  # fmt: skip
    return Stated(
        id=f"demographics-{household}",
        subject=f"household:{household}",
        time=_on(DEMOGRAPHICS_DATE.isoformat(), _MIDNIGHT),
        touchpoint=recorded,
        rows=(row.line,),
    )


def _each(
    path: Path, header: tuple[str, ...], report: ImportReport, state: Callable[[Row], Stated]
) -> Iterator[Message]:
    publisher = Publisher(PROFILE, path, report)
    for row in read_rows(path, header, report):
        try:
            stated = state(row)
        except ValueError as error:
            publisher.leave_out((row.line,), "unreadable", str(error))
        else:
            yield from publisher.publish(stated)


def _on(day: str, hour: time) -> datetime:
    return read_local(f"{date.fromisoformat(day)}T{hour}", _ZONE)
