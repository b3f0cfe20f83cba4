"""Rows of the public data sets become touchpoints by their rules; nothing is dropped in silence."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from domain.cloudevent import read_structured
from domain.identifiers import parse_identifier
from domain.touchpoints import CATALOGUE, Line
from vinculo.importers import DATA_SETS, ImportReport, Message, UnreadableDataError, json_lines
from vinculo.importers.exact import NotANumberError, read_exact, read_whole
from vinculo.importers.lines import within_limit
from vinculo.importers.local import read_local

RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
CDNOW = "master_id,sample_id,date,cds,value"
TRANSACTIONS = (
    "household_id,store_id,basket_id,product_id,quantity,sales_value,retail_disc,coupon_disc,"
    "coupon_match_disc,week,transaction_timestamp"
)
PRODUCTS = "product_id,manufacturer_id,department,brand,product_category,product_type,package_size"
DEMOGRAPHICS = (
    "household_id,age,income,home_ownership,marital_status,household_size,household_comp,kids_count"
)


def write(folder: Path, name: str, *lines: str) -> None:
    with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join(lines) + "\n")


def run(name: str, folder: Path) -> tuple[list[dict[str, Any]], list[Message], ImportReport]:
    report = ImportReport()
    messages = list(DATA_SETS[name].messages(folder, report))
    return [msgspec.json.decode(message.payload) for message in messages], messages, report


def event(source: str, kind: str, **attributes: object) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "source": f"urn:vinculo:import:{source}",
        "type": f"vinculo.{kind}.v1",
        "datacontenttype": "application/json",
        **attributes,
    }


def test_an_invoice_is_one_purchase_at_its_earliest_time_wherever_its_lines_stand(
    tmp_path: Path,
) -> None:
    write(
        tmp_path, "uci_online_retail", RETAIL,
        "536365,85123A,LANTERN,6,2011-07-01 08:27:00,2.55,17850,United Kingdom",
        "536366,22633,WARMER,1,2010-12-01 08:28:00,0.001,,United Kingdom",
        '536365,71053,"RED, SMALL",7,2011-07-01 08:26:00,0.125,17850,United Kingdom',
    )  # fmt: skip
    events, messages, report = run("online-retail", tmp_path)
    bought = [
        {"product": "85123A", "quantity": 6_000, "amount": 1_530},
        {"product": "71053", "quantity": 7_000, "amount": 88},
    ]
    warmer = [{"product": "22633", "quantity": 1_000, "amount": 0}]
    assert [
        event(
            "online-retail", "purchase_made", id="536366", subject="receipt:536366",
            time="2010-12-01T08:28:00Z", sequence=536366,
            data={"channel": "web", "number": "536366", "currency": "GBP", "lines": warmer},
        ),
        event(
            "online-retail", "purchase_made", id="536365", subject="crm:17850",
            time="2011-07-01T08:26:00+01:00", sequence=536365,
            data={"channel": "web", "number": "536365", "currency": "GBP", "lines": bought},
        ),
    ] == [dict(one) for one in events]  # fmt: skip
    assert {"vinculo.import.online-retail"} == {message.topic for message in messages}
    assert {"vinculo.purchase_made.v1": 2} == report.messages
    assert report.balances()


def test_cancellations_are_returns_and_what_is_no_sale_is_listed(tmp_path: Path) -> None:
    write(
        tmp_path, "uci_online_retail", RETAIL,
        "C536379,D,Discount,-1,2010-12-01 09:41:00,27.505,14527,United Kingdom",
        "536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom",
        "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom",
        "536415,22139,BOX,0,2010-12-01 11:52:00,1.00,14527,United Kingdom",
        "536416,22139,BOX,many,2010-12-01 11:52:00,1.00,14527,United Kingdom",
        "536417,22139,BOX,1",
    )  # fmt: skip
    events, _, report = run("online-retail", tmp_path)
    assert [
        event(
            "online-retail", "purchase_returned", id="C536379", subject="crm:14527",
            time="2010-12-01T09:41:00Z", sequence=536379,
            data={
                "channel": "web", "number": "C536379", "currency": "GBP",
                "lines": [{"product": "D", "quantity": 1_000, "amount": 2_751}],
            },
        )
    ] == events  # fmt: skip
    assert [
        (3, "stock_movement"), (4, "bad_debt"), (5, "no_quantity"), (6, "unreadable"),
        (7, "unreadable"),
    ] == sorted((one.row, one.reason) for one in report.left_out)  # fmt: skip
    assert (4, 6) == (report.groups_empty, report.rows_read["uci_online_retail.csv.gz"])
    assert report.balances()


def test_an_invoice_that_buys_and_returns_is_both(tmp_path: Path) -> None:
    write(
        tmp_path, "uci_online_retail", RETAIL,
        "7,A,,2,2011-01-01 10:00:00,1.5,1,X",
        "7,B,,-1,2011-01-01 10:00:00,1.5,1,X",
        "7,C,,1,2011-01-01 10:00:00,1.5,2,X",
    )  # fmt: skip
    events, _, report = run("online-retail", tmp_path)
    assert ["7", "7-returned"] == [one["id"] for one in events]
    assert ["vinculo.purchase_made.v1", "vinculo.purchase_returned.v1"] == [
        one["type"] for one in events
    ]
    assert {"another_customer": 1} == report.reasons()


def test_what_the_types_refuse_is_listed_with_the_domains_reason(tmp_path: Path) -> None:
    write(
        tmp_path, "uci_online_retail", RETAIL,
        "8,,,1,2011-01-01 10:00:00,1.5,1,X",
        "8,A,,1,2011-01-01 10:00:00,1.5,1,X",
    )  # fmt: skip
    events, _, report = run("online-retail", tmp_path)
    assert [] == events
    assert {"bad_data": 2} == report.reasons()
    assert report.balances()


def test_more_lines_than_a_purchase_may_have_become_one_per_product(tmp_path: Path) -> None:
    rows = [f"9,P{n % 1_500},,2,2011-01-01 10:00:00,0.5,1,X" for n in range(2_001)]
    write(tmp_path, "uci_online_retail", RETAIL, *rows)
    events, _, report = run("online-retail", tmp_path)
    lines = events[0]["data"]["lines"]
    assert (1, 1_500) == (len(events), len(lines))
    assert 2_001 * 100 == sum(line["amount"] for line in lines)
    assert {"product": "P0", "quantity": 4_000, "amount": 200} == lines[0]
    assert 2_001 == report.rows_used["uci_online_retail.csv.gz"]


def test_lines_within_the_limit_stay_as_they_are() -> None:
    lines = [Line(product="A", quantity=1_000, amount=5, discount=1, tax=1)] * 2
    assert tuple(lines) == within_limit(lines, 2)
    together = Line(product="A", quantity=2_000, amount=10, discount=2, tax=2)
    assert (together,) == within_limit(lines, 1)


def test_each_row_of_cdnow_is_a_purchase_at_noon(tmp_path: Path) -> None:
    write(
        tmp_path, "cdnow_sample", CDNOW,
        "4,1,1997-01-01,2,29.33", "4,1,1997-01-01,2,29.33", "21,2,1998-06-30,1,0.00",
        "21,2,someday,1,1.00",
    )  # fmt: skip
    events, _, report = run("cdnow", tmp_path)
    found = [
        (one["id"], one["subject"], one["time"], one["sequence"], one["data"]["lines"])
        for one in events
    ]
    two = [{"product": "CD", "quantity": 2_000, "amount": 2_933}]
    one = [{"product": "CD", "quantity": 1_000, "amount": 0}]
    assert [
        ("4-1997-01-01-1", "crm:4", "1997-01-01T12:00:00Z", 1, two),
        ("4-1997-01-01-2", "crm:4", "1997-01-01T12:00:00Z", 2, two),
        ("21-1998-06-30-1", "crm:21", "1998-06-30T12:00:00Z", 1, one),
    ] == found
    assert {"USD"} == {one["data"]["currency"] for one in events}
    assert {"unreadable": 1} == report.reasons()


def journey(
    folder: Path, transactions: Sequence[str] = (), redemptions: Sequence[str] = ()
) -> None:
    write(folder, "cj_transactions_sample", TRANSACTIONS, *transactions)
    write(
        folder, "cj_products", PRODUCTS,
        "940996,2,GROCERY,National,FRZN ICE,ICE,22 LB", "26081,2,MISC,National,,,",
    )  # fmt: skip
    write(folder, "cj_campaigns", "campaign_id,household_id", "26,2261", "99,2261")
    write(
        folder, "cj_campaign_descriptions", "campaign_id,campaign_type,start_date,end_date",
        "26,Type B,2016-12-28,2017-02-19",
    )  # fmt: skip
    write(
        folder, "cj_coupon_redemptions", "household_id,coupon_upc,campaign_id,redemption_date",
        *redemptions,
    )  # fmt: skip
    write(folder, "cj_demographics", DEMOGRAPHICS, "1003,35-44,25-34K,,Unmarried,1,1 Adult,0")


def test_a_basket_is_one_purchase_with_discounts_and_categories(tmp_path: Path) -> None:
    journey(
        tmp_path,
        [
            "2261,309,31625220889,940996,1.0,3.86,0.43,0.1,0.05,5,2017-03-12 02:30:00",
            "2261,309,31625220889,26081,0.0,4.440892e-16,0.0,0.0,0.0,5,2017-03-12 02:30:01",
            "511,316,32445856036,1,0.455,1.005,0.0,0.0,0.0,13,2017-06-26 17:22:21",
            "511,316,32445856036,1,1.0,-1.0,0.0,0.0,0.0,13,2017-06-26 17:22:21",
        ],
    )
    events, _, report = run("complete-journey", tmp_path)
    first, second = events[:2]
    assert (
        event(
            "complete-journey", "purchase_made", id="basket-31625220889",
            subject="household:2261", time="2017-03-12T03:30:00-04:00", sequence=31625220889,
            data={
                "channel": "shop", "number": "31625220889", "currency": "USD", "store": "309",
                "lines": [
                    {
                        "product": "940996", "quantity": 1_000, "amount": 386,
                        "category": "FRZN ICE", "discount": 58,
                    },
                    {"product": "26081", "quantity": 0, "amount": 0},
                ],
            },
        ) == first
    )  # fmt: skip
    assert "2017-06-26T17:22:21-04:00" == second["time"]
    assert [{"product": "1", "quantity": 455, "amount": 101}] == second["data"]["lines"]
    assert {"negative": 1, "unreadable": 1} == report.reasons()
    assert report.balances()


def test_campaigns_redemptions_and_demographics_have_their_dates(tmp_path: Path) -> None:
    redeemed = "2261,51380041013,26,2017-07-01"
    journey(tmp_path, redemptions=[redeemed, redeemed])
    events, _, report = run("complete-journey", tmp_path)
    response = {
        "subject": "household:2261",
        "time": "2017-07-01T12:00:00-04:00",
        "data": {"campaign": "26", "coupon": "51380041013"},
    }
    demographics = {
        "age_band": "35-44", "income_band": "25-34K", "marital_status": "Unmarried",
        "household_size": "1", "household_composition": "1 Adult", "children": "0",
    }  # fmt: skip
    name = "complete-journey"
    assert [
        event(
            name, "campaign_sent", id="campaign-26-2261", subject="household:2261",
            time="2016-12-28T00:00:00-05:00", data={"campaign": "26"},
        ),
        event(
            name, "campaign_responded", id="redemption-2261-51380041013-26-2017-07-01-1",
            **response,
        ),
        event(
            name, "campaign_responded", id="redemption-2261-51380041013-26-2017-07-01-2",
            **response,
        ),
        event(
            name, "demographics_recorded", id="demographics-1003", subject="household:1003",
            time="2018-01-01T00:00:00-05:00", data=demographics,
        ),
    ] == events  # fmt: skip
    assert ["campaign '99' has no start date"] == [one.detail for one in report.left_out]


def test_a_basket_of_two_households_is_the_first_ones(tmp_path: Path) -> None:
    tail = "1,1.0,1.0,0.0,0.0,0.0,1,2017-06-26 17:22:21"
    journey(tmp_path, [f"1,300,5,{tail}", f"2,300,5,{tail}"])
    events, _, report = run("complete-journey", tmp_path)
    assert "household:1" == events[0]["subject"]
    assert {"another_household": 1, "unreadable": 1} == report.reasons()


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableDataError, match=r"expected the file \w+\.csv\.gz"):
        run(name, tmp_path)


def test_another_header_or_no_gzip_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "cdnow_sample", "a,b,c")
    with pytest.raises(UnreadableDataError, match="expected the header master_id"):
        run("cdnow", tmp_path)
    (tmp_path / "cdnow_sample.csv.gz").write_text(CDNOW)
    with pytest.raises(UnreadableDataError, match="expected a gzipped CSV file"):
        run("cdnow", tmp_path)


def test_importing_twice_gives_the_same_messages(tmp_path: Path) -> None:
    write(tmp_path, "cdnow_sample", CDNOW, "4,1,1997-01-01,2,29.33", "5,2,1997-01-01,1,9.33")
    assert run("cdnow", tmp_path)[1] == run("cdnow", tmp_path)[1]


def test_messages_keep_what_their_source_promises(tmp_path: Path) -> None:
    """Namespaces, topic, and a key that many share, so that it tells nothing."""
    rows = [f"{n},1,1997-01-01,1,1.00" for n in range(20_000)]
    write(tmp_path, "cdnow_sample", CDNOW, *rows)
    _, messages, _ = run("cdnow", tmp_path)
    profile = DATA_SETS["cdnow"].profile
    for message in messages[:100]:
        read = read_structured(message.payload)
        CATALOGUE.decode(read.type, read.data)
        assert parse_identifier(read.subject).namespace in profile.namespaces
        assert (profile.source, profile.topic) == (message.source, message.topic)
    assert 4_000 < len({message.key for message in messages}) <= 4_096
    assert [message.payload + b"\n" for message in messages] == list(json_lines(messages))


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        ("2.55", 2, 255), ("0.005", 2, 1), ("-0.005", 2, -1), ("0.0049", 2, 0), ("3", 3, 3_000),
        ("4.440892e-16", 2, 0), ("1.5E2", 2, 15_000), ("-2.675", 2, -268), ("+1.0", 3, 1_000),
    ],
)  # fmt: skip
def test_decimals_are_exact_and_round_half_away_from_zero(
    text: str, places: int, expected: int
) -> None:
    assert expected == read_exact(text).scaled(places)


@pytest.mark.parametrize("text", ["", "1,5", "1_000", " 1", "NaN", "1e999", "٣", "0x1", "-", "."])
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(NotANumberError, match="expected a decimal number"):
        read_exact(text)


def test_a_fraction_is_no_integer() -> None:
    assert -6 == read_whole("-6")
    with pytest.raises(NotANumberError, match="expected an integer"):
        read_whole("6.0")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2017-03-12 01:59:59", "America/New_York", "2017-03-12T01:59:59-05:00"),
        ("2017-03-12 02:00:00", "America/New_York", "2017-03-12T03:00:00-04:00"),
        ("2017-11-05 01:30:00", "America/New_York", "2017-11-05T01:30:00-04:00"),
        ("2011-07-01 08:26:00", "Europe/London", "2011-07-01T08:26:00+01:00"),
    ],
)
def test_local_times_carry_the_offset_in_force(text: str, zone: str, expected: str) -> None:
    assert expected == read_local(text, ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize("text", ["", "yesterday", "2017-03-12T02:00:00Z", "0001-01-01 00:00:00"])
def test_what_is_no_local_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|Invalid isoformat"):
        read_local(text, ZoneInfo("Asia/Tokyo"))
