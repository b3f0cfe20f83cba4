"""Complete Journey: groceries of households, 2017, in dollars and New York time.

By the README of the data: one purchase per basket at the earliest time of its lines, amount
`sales_value`, discount the three discounts together; coupon redemptions are responses, campaigns
are sent at their start date. Nothing is left out: quantities and amounts of zero are allowed.

What the data hold: no basket has two households, two times or two stores. Five baskets lie in the
hour that clocks skipped on 2017-03-12, four in the hour that they repeated on 2017-11-05. One
line of 4.440892e-16 is a zero that went through floating point. The last basket is of 2018-01-01.

Readings:
    J1. The subject is `household:<household_id>`.
    J2. Amounts and each of the three discounts are rounded to cents per line.
    J3. Every redemption is a response of its own, also several of a household, campaign and day.
    J4. A redemption and a sending have a day and no time: they happen at the day's first instant.
    J5. Demographics have no date: they count as touchpoints and make nobody known on any day.
        Every household in them has purchases, but as of 2017-03-12 forty, and as of 2017-08-31
        one, of those without a stage would be prospects if demographics were dated before.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracle.calendar import day_start, instant_of
from tests.oracle.figures import Fact, Recomputation, recompute
from tests.oracle.sources import minor_units, rows

TRANSACTIONS = "cj_transactions_sample.csv.gz"
CAMPAIGNS = "cj_campaigns.csv.gz"
CAMPAIGN_DATES = "cj_campaign_descriptions.csv.gz"
REDEMPTIONS = "cj_coupon_redemptions.csv.gz"
DEMOGRAPHICS = "cj_demographics.csv.gz"
FILES = (TRANSACTIONS, CAMPAIGNS, CAMPAIGN_DATES, REDEMPTIONS, DEMOGRAPHICS)
CURRENCY = "USD"
ZONE = ZoneInfo("America/New_York")
NAMESPACE = "household"
STAGE_DAYS = (date(2017, 3, 12), date(2017, 8, 31), date(2018, 1, 1))

_TRANSACTIONS_HEADER = (
    "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,"
    "coupon_match_disc,week,transaction_timestamp"
)
_CAMPAIGNS_HEADER = "campaign_id,household_id"
_CAMPAIGN_DATES_HEADER = "campaign_id,campaign_type,start_date,end_date"
_REDEMPTIONS_HEADER = "household_id,coupon_upc,campaign_id,redemption_date"
_DEMOGRAPHICS_HEADER = (
    "household_id,age,income,home_ownership,marital_status,household_size,household_comp,kids_count"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a basket; amounts in cents."""

    household: str
    at: str
    amount: int
    discount: int


def recomputed() -> Recomputation:
    """The figures of every household, straight from the files."""
    facts = [*_purchases(), *_sendings(), *_responses(), *_demographics()]
    return recompute(facts, [], CURRENCY, ZONE)


def _purchases() -> Iterator[Fact]:
    baskets = defaultdict[str, list[Line]](list)
    for row in rows(TRANSACTIONS, _TRANSACTIONS_HEADER):
        household, _, basket, _, _, amount, *discounts, _, at = row
        discount = sum(_cents(each) for each in discounts)
        baskets[basket].append(Line(household, at, _cents(amount), discount))
    for basket, lines in baskets.items():
        yield _purchase(basket, lines)


def _purchase(basket: str, lines: list[Line]) -> Fact:
    households = {line.household for line in lines}
    if len(households) != 1:
        raise ValueError(f"basket {basket}: expected one household, found {sorted(households)}")
    return Fact(
        subject=_subject(households.pop()),
        kind="PurchaseMade",
        at=instant_of(datetime.fromisoformat(min(line.at for line in lines)), ZONE),
        amount=sum(line.amount for line in lines),
        discount=sum(line.discount for line in lines),
    )


def _sendings() -> Iterator[Fact]:
    starts = {
        campaign: date.fromisoformat(start)
        for campaign, _, start, _ in rows(CAMPAIGN_DATES, _CAMPAIGN_DATES_HEADER)
    }
    for campaign, household in rows(CAMPAIGNS, _CAMPAIGNS_HEADER):
        yield Fact(_subject(household), "CampaignSent", day_start(starts[campaign], ZONE))


def _responses() -> Iterator[Fact]:
    for household, _, _, redeemed_on in rows(REDEMPTIONS, _REDEMPTIONS_HEADER):
        at = day_start(date.fromisoformat(redeemed_on), ZONE)
        yield Fact(_subject(household), "CampaignResponded", at)


def _demographics() -> Iterator[Fact]:
    for household, *_ in rows(DEMOGRAPHICS, _DEMOGRAPHICS_HEADER):
        yield Fact(_subject(household), "DemographicsRecorded", None)


def _subject(household: str) -> str:
    return f"{NAMESPACE}:{household}"


def _cents(amount: str) -> int:
    return minor_units(Decimal(amount))
