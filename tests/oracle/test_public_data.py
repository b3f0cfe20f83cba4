"""The public data sets come out at totals that were counted another way.

Skipped where the files are absent: they are no part of the repository.
"""

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from types import ModuleType

import pytest

from tests.oracle import cdnow, complete_journey, online_retail
from tests.oracle.figures import Recomputation
from tests.oracle.lifecycle import Stage
from tests.oracle.sources import data_folder, minor_units, missing


@cache
def recomputed(data: ModuleType) -> Recomputation:
    """The data set, read once for all tests of this file."""
    reason = missing(data.FILES)
    if reason is not None:
        pytest.skip(reason)
    found: Recomputation = data.recomputed()
    return found


@pytest.fixture
def retail() -> Recomputation:
    return recomputed(online_retail)


@pytest.fixture
def journey() -> Recomputation:
    return recomputed(complete_journey)


@pytest.fixture
def discs() -> Recomputation:
    return recomputed(cdnow)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0.001", 0), ("0.005", 1), ("-0.005", -1), ("2.675", 268), ("4.440892e-16", 0)],
)
def test_an_amount_is_rounded_half_away_from_zero(amount: str, expected: int) -> None:
    assert expected == minor_units(Decimal(amount))


def test_absent_data_are_a_reason_to_skip_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.setenv("VINCULO_DATA", str(empty))
    assert empty == data_folder()
    reason = missing(cdnow.FILES)
    assert reason is not None
    assert "cdnow_sample.csv.gz" in reason


def test_every_invoice_of_online_retail_is_a_purchase_a_return_or_left_out(
    retail: Recomputation,
) -> None:
    touchpoints = {"PurchaseMade": 19_960, "PurchaseReturned": 3_836}
    assert touchpoints == retail.touchpoints
    left_out_rows = {online_retail.STOCK: 2_515, online_retail.BAD_DEBT: 2}
    assert left_out_rows == retail.left_out_by_reason()
    left_out_whole, beside_bought_lines = 25_900 - 19_960 - 3_836, 53
    assert left_out_whole + beside_bought_lines == len({row.key for row in retail.left_out})


def test_online_retail_adds_up_to_the_known_total_of_all_its_lines(retail: Recomputation) -> None:
    """Quantity × price over the whole file is 9,747,747.93; two lines of -11,062.06 are out."""
    expected = 974_774_793 + 2 * 1_106_206
    assert expected == sum(one.net for one in retail.figures.values())


def test_online_retail_has_4371_customers_of_whom_33_only_returned(retail: Recomputation) -> None:
    customers = [one for one in retail.figures.values() if not one.anonymous]
    counted = (len(customers), len([one for one in customers if one.purchases == 0]))
    receipts = len(retail.figures) - len(customers)
    expected = (4_371, 33, 1_610)
    assert expected == (*counted, receipts)
    assert "crm:13256" not in retail.figures


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("crm:12346", (1, 7_718_360, 1, 7_718_360, 0)),
        ("crm:12347", (7, 431_000, 0, 0, 431_000)),
        ("crm:14646", (73, 28_020_602, 3, 71_700, 27_948_902)),
        ("receipt:A563185", (1, 1_106_206, 0, 0, 1_106_206)),
    ],
)
def test_a_customer_of_online_retail_comes_out_as_added_up_by_other_means(
    retail: Recomputation, subject: str, expected: tuple[int, ...]
) -> None:
    one = retail.figures[subject]
    assert expected == (one.purchases, one.gross, one.returns, one.returned, one.net)


def test_the_first_and_last_day_of_a_customer_are_those_of_purchases(retail: Recomputation) -> None:
    """Customer 12346 bought once, on 2011-01-18, and returned it all."""
    one, expected = retail.figures["crm:12346"], date(2011, 1, 18)
    assert expected == one.first_purchase_on
    assert expected == one.last_purchase_on


def test_a_receipt_has_figures_and_no_stage(retail: Recomputation) -> None:
    staged = retail.stages(online_retail.STAGE_DAYS[:1])
    expected = {one.subject for one in retail.figures.values() if one.subject.startswith("crm:")}
    assert expected == set(staged)


def test_complete_journey_adds_up(journey: Recomputation) -> None:
    expected = {
        "PurchaseMade": 47_243,
        "CampaignSent": 6_589,
        "CampaignResponded": 2_102,
        "DemographicsRecorded": 801,
    }
    assert expected == journey.touchpoints
    assert not journey.left_out
    households = journey.figures.values()
    money = (23_393_524, 4_177_972)
    assert money == (
        sum(one.gross for one in households),
        sum(one.discount for one in households),
    )
    sent_and_answered = (6_589, 2_102)
    assert sent_and_answered == (
        sum(one.campaigns for one in households),
        sum(one.responses for one in households),
    )


def test_complete_journey_has_2379_households_of_whom_two_bought_nothing(
    journey: Recomputation,
) -> None:
    households, expected = journey.figures.values(), (2_379, 2)
    assert expected == (len(households), len([one for one in households if one.purchases == 0]))
    first, as_by_hand = journey.figures["household:1"], (25, 10_981, 2_159)
    assert as_by_hand == (first.purchases, first.gross, first.discount)


def test_baskets_of_the_skipped_hour_are_an_hour_on(journey: Recomputation) -> None:
    """Clocks skipped 02:00 to 03:00 on 2017-03-12, at 07:00 UTC; five baskets lie in between."""
    expected = {
        datetime(2017, 3, 12, 7, minute, second, tzinfo=UTC)
        for minute, second in ((2, 51), (6, 30), (8, 5), (15, 27), (41, 34))
    }
    assert expected <= {at for one in journey.figures.values() for at in one.purchase_instants}


def test_cdnow_adds_up(discs: Recomputation) -> None:
    customers, expected = discs.figures.values(), (2_357, 6_919, 24_409_194)
    assert expected == (
        len(customers),
        sum(one.purchases for one in customers),
        sum(one.gross for one in customers),
    )
    fourth, figures = discs.figures["crm:4"], (4, 10_050)
    assert figures == (fourth.purchases, fourth.gross)
    days = (date(1997, 1, 1), date(1997, 12, 12))
    assert days == (fourth.first_purchase_on, fourth.last_purchase_on)


@pytest.mark.parametrize("data", [online_retail, complete_journey, cdnow])
def test_every_customer_with_a_dated_touchpoint_has_a_stage_at_the_end(data: ModuleType) -> None:
    found = recomputed(data)
    days = data.STAGE_DAYS
    stages = found.stages(days)
    at_the_end = Counter(of_customer[days[-1]] for of_customer in stages.values())
    assert None not in at_the_end
    assert {
        Stage.DEVELOPMENT,
        Stage.LOYALTY,
        Stage.PREVENTION,
        Stage.LAPSED,
        Stage.WON_BACK,
    } <= set(at_the_end)
    known_early = sum(1 for of_customer in stages.values() if of_customer[days[0]] is not None)
    assert 0 < known_early <= len(stages)
