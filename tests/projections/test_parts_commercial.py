import random
from typing import Any

import pytest

from domain.touchpoints.commercial import (
    CancelIntentDeclared,
    CompetitorOfferSeen,
    Line,
    PurchaseMade,
    PurchaseReference,
    PurchaseReturned,
    Tender,
)
from domain.touchpoints.financial import CostToServeRecorded
from projections.customer.parts import commercial, financial
from tests.folding import CANONICAL, fact, fold, shown

LAMP = Line(
    product="lamp",
    quantity=2000,
    amount=12_100,
    discount=1_000,
    tax=2_100,
    cost=6_000,
    category="home",
)
REPAIR = Line(
    product="repair", quantity=1000, amount=2_420, tax=420, kind="service", category="help"
)
GIFT_CARD = Line(product="gift", quantity=1000, amount=5_000, kind="stored_value")
PARCEL = Line(product="parcel", quantity=1000, amount=605, tax=105, cost=400, kind="shipping")
BASKET = PurchaseMade(
    number="1",
    currency="EUR",
    lines=(LAMP, REPAIR, GIFT_CARD, PARCEL),
    shipping=300,
    tenders=(Tender("card", 17_425), Tender("points", 2_000), Tender("points", 1_000)),
)
LAMP_BACK = PurchaseReturned(
    number="r1",
    currency="EUR",
    lines=(
        Line(product="lamp", quantity=1000, amount=6_050, tax=1_050, cost=3_000, category="home"),
    ),
    purchase=PurchaseReference("till", "1"),
    tenders=(Tender("points", 1_000),),
)


def currency(document: Any, code: str = "EUR") -> Any:
    return next(one for one in document["currencies"] if one["currency"] == code)


def simple(amount: int, code: Any = "EUR", **fields: Any) -> PurchaseMade:
    line = Line(product="p", quantity=1000, amount=amount, **fields)
    return PurchaseMade(number="1", currency=code, lines=(line,))


def test_revenue_is_net_of_returns_tax_points_and_stored_value() -> None:
    document = shown(commercial.PART, [fact(LAMP_BACK, "2024-03-02"), fact(BASKET, "2024-03-01")])

    # Charged: 12100 + 2420 + 5000 + 605 + 300 = 20425; taxes 2100 + 420 + 105 = 2625.
    # Revenue: 20425 − 5000 − 2625 − 3000 = 9800, returned: 6050 − 1050 − 1000 = 4000.
    assert {
        "currency": "EUR",
        "purchases": 1,
        "returns": 1,
        "gross": 20_425,
        "returned": 6_050,
        "revenue": 5_800,
        "discount": 1_000,
        "tax": 1_575,
        "shipping": 905,
        "points": 2_000,
        "stored_value": 5_000,
        "cost_of_goods": 3_400,
        "units": 2_000,
        "average_order": 20_425,
        "biggest_purchase": 20_425,
        "categories": [
            {"category": "help", "amount": 2_000},
            {"category": "home", "amount": 5_000},
        ],
        "other_categories": 0,
    } == currency(document)
    assert 2 == document["distinct_products"]
    assert 0 == document["unreferenced_returns"]


def test_revenue_and_relationship_value_agree_and_unknown_costs_stay_out_of_the_margin() -> None:
    served = fact(CostToServeRecorded(currency="EUR", amount=700))
    document = shown(financial.PART, [fact(LAMP_BACK), served, fact(BASKET), served])

    # Uncosted is the repair: 2420 − 420. Costs: 6000 + 400 − 3000.
    assert {
        "currency": "EUR",
        "revenue": 5_800,
        "uncosted_revenue": 2_000,
        "cost_of_goods": 3_400,
        "margin": 400,
        "cost_to_serve": 1_400,
        "costs_recorded": 2,
        "relationship_value": 4_400,
    } == currency(document)


def test_margin_is_unknown_while_no_cost_is_known() -> None:
    document = currency(shown(financial.PART, [fact(simple(500))]))

    assert document["margin"] is None
    assert 500 == document["uncosted_revenue"] == document["relationship_value"]


def test_a_cost_of_zero_is_a_known_cost() -> None:
    assert 500 == currency(shown(financial.PART, [fact(simple(500, cost=0))]))["margin"]


def test_currencies_are_never_mixed() -> None:
    facts = [fact(simple(100)), fact(simple(900, "USD")), fact(simple(50, "USD"))]
    served = fact(CostToServeRecorded(currency="GBP", amount=7))

    document = shown(commercial.PART, facts)
    assert ["EUR", "USD"] == [one["currency"] for one in document["currencies"]]
    assert 950 == currency(document, "USD")["gross"]
    assert 3 == document["purchases"]
    assert [("EUR", 100), ("GBP", -7), ("USD", 950)] == [
        (one["currency"], one["relationship_value"])
        for one in shown(financial.PART, [*facts, served])["currencies"]
    ]


@pytest.mark.parametrize(
    ("amounts", "average", "biggest"),
    [([100, 101], 101, 101), ([100, 100, 101], 100, 101), ([0], 0, 0), ([1, 2, 2], 2, 2)],
)
def test_the_average_order_is_rounded_half_up(
    amounts: list[int], average: int, biggest: int
) -> None:
    document = currency(shown(commercial.PART, [fact(simple(amount)) for amount in amounts]))

    assert average == document["average_order"]
    assert biggest == document["biggest_purchase"]


def test_a_return_without_a_purchase_is_accepted_and_flagged() -> None:
    returned = PurchaseReturned(
        number="r", currency="EUR", lines=(Line(product="p", quantity=1000, amount=300),)
    )
    document = shown(commercial.PART, [fact(returned)])

    assert 1 == document["returns"] == document["unreferenced_returns"]
    assert -300 == currency(document)["revenue"]
    assert currency(document)["average_order"] is None
    assert currency(document)["biggest_purchase"] is None
    assert document["last_purchase_on"] is None


def test_days_are_those_of_the_business_and_recency_counts_them_to_the_reading() -> None:
    # 22:30 in UTC is half past midnight of the next day in Madrid, in summer.
    late = fact(simple(1), "2024-06-30T22:30:00+00:00")
    early = fact(simple(1), "2024-06-30T21:30:00+00:00")
    document = shown(commercial.PART, [late, early], now="2024-07-11T22:00:00+00:00")

    assert "2024-06-30" == document["first_purchase_on"]
    assert "2024-07-01" == document["last_purchase_on"]
    assert "2024-06-30T22:30:00Z" == document["last_purchase_at"]
    assert 11 == document["recency_days"]


def test_signs_of_leaving_are_counted_with_the_last_one() -> None:
    document = shown(
        commercial.PART,
        [
            fact(CompetitorOfferSeen(competitor="Other"), "2024-03-03"),
            fact(CompetitorOfferSeen(), "2024-03-01"),
            fact(CancelIntentDeclared(), "2024-03-02"),
        ],
    )

    assert {"count": 2, "last_at": "2024-03-03T12:00:00Z"} == document["competitor_offers"]
    assert {"count": 1, "last_at": "2024-03-02T12:00:00Z"} == document["cancel_intents"]


def test_of_many_categories_the_first_by_name_are_kept_in_any_order() -> None:
    facts = [
        fact(simple(number + 1, category=f"category {number:02}"))
        for number in range(40)
        for _ in range(2)
    ]
    stored = set()
    for seed in range(20):
        random.Random(seed).shuffle(facts)
        stored.add(CANONICAL.encode(fold(commercial.PART, facts)))
    document = currency(shown(commercial.PART, facts))

    assert 1 == len(stored)
    assert [
        {"category": f"category {number:02}", "amount": 2 * (number + 1)} for number in range(32)
    ] == document["categories"]
    assert 2 * sum(range(33, 41)) == document["other_categories"]


def test_the_same_receipt_seen_by_two_parts_is_added_up_alike() -> None:
    """The totals are remembered for one receipt only; another one in between changes nothing."""
    first, second = fact(simple(100)), fact(simple(900))
    commercial_state, financial_state = fold(commercial.PART, []), fold(financial.PART, [])
    for one in (first, second, first):
        fold(commercial.PART, [one], commercial_state)
        fold(financial.PART, [one], financial_state)

    assert 1_100 == commercial_state.books["EUR"].gross == financial_state.accounts["EUR"].revenue
