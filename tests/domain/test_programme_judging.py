"""What a touchpoint earns, by example: amounts, tiers, caps, groups, terms."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.fact import Fact
from domain.identifiers import Persona
from domain.instants import instant_of
from domain.ledger.terms import NEVER, Standing
from domain.programmes.compiling import in_order
from domain.programmes.conditions import (
    FirstPurchase,
)
from domain.programmes.earn_rules import (
    Cap,
    Fixed,
    LineFilter,
    PerAmount,
    PerQuantity,
    SharedCap,
    TenderKind,
)
from domain.programmes.judging import Occasion, cap_keys, explain, judge
from domain.programmes.occasion import occasion_of, weekday_of
from domain.touchpoints import (
    CompetitorOfferSeen,
    CostToServeRecorded,
    InteractionRecorded,
    SurveyAnswered,
    Tender,
)
from tests.domain.programme_cases import (
    MADRID,
    NOBODY,
    SATURDAY,
    TUESDAY,
    bought,
    club,
    compiled,
    earned,
    line,
    on,
    points,
    rule,
)

PLAIN = bought(line(4_250), line(1_999))


# ------------------------------------------------------------------ amounts


def test_points_are_reckoned_on_the_whole_receipt_and_rounded_once() -> None:
    assert 62 == earned(PLAIN)
    assert 62 == earned(bought(line(4_199), line(2_050)))


@pytest.mark.parametrize(
    ("amount", "rounding", "expected"),
    [
        (149, "down", 1), (150, "half_up", 2), (149, "half_up", 1), (101, "up", 2),
        (100, "up", 1), (99, "down", 0), (50, "half_up", 1), (49, "half_up", 0), (1, "up", 1),
    ],
)  # fmt: skip
def test_rounding_is_as_stated(amount: int, rounding: str, expected: int) -> None:
    assert expected == earned(bought(line(amount)), rounding=rounding)


def test_net_of_tax_leaves_the_tax_of_each_line_out() -> None:
    net = PerAmount(points=1, per=100, currency="EUR", basis="net_of_tax")
    assert 100 == earned(bought(line(12_100, tax=2_100)), earn=net)
    assert 0 == earned(bought(line(100, tax=500)), earn=net)


def test_what_is_paid_in_points_earns_nothing_and_is_taken_from_all_lines_alike() -> None:
    receipt = bought(
        line(4_000, category="tea"), line(6_000),
        tenders=(Tender("points", 3_000), Tender("gift_card", 7_000)),
    )  # fmt: skip
    assert 70 == earned(receipt)
    assert 28 == earned(receipt, lines=LineFilter(categories=("tea",)))
    both: tuple[TenderKind, ...] = ("points", "gift_card")
    assert 0 == earned(
        receipt, earn=PerAmount(points=1, per=100, currency="EUR", tenders_except=both)
    )
    assert 100 == earned(
        receipt, earn=PerAmount(points=1, per=100, currency="EUR", tenders_except=())
    )


def test_a_tender_pays_for_shipping_too() -> None:
    receipt = bought(line(5_000), shipping=5_000, tenders=(Tender("points", 5_000),))
    assert 25 == earned(receipt)
    assert 0 == earned(bought(line(5_000), tenders=(Tender("points", 6_000),)))


def test_a_gift_card_sold_earns_nothing_unless_the_rule_says_so() -> None:
    receipt = bought(line(1_000), line(5_000, kind="stored_value"))
    assert 10 == earned(receipt)
    assert 50 == earned(receipt, lines=LineFilter(kinds=("stored_value",)))


def test_shipping_counts_where_the_rule_says_so_and_only_with_something_bought() -> None:
    shipped = PerAmount(points=1, per=100, currency="EUR", shipping=True)
    receipt = bought(line(1_000), shipping=500)
    assert (10, 15) == (earned(receipt), earned(receipt, earn=shipped))
    assert 0 == earned(bought(line(0, quantity=0), shipping=500), earn=shipped)


def test_another_currency_of_money_earns_nothing() -> None:
    assert 0 == earned(bought(line(5_000), currency="GBP"))


def test_points_by_quantity_count_thousandths_of_the_lines_that_count() -> None:
    each = PerQuantity(points=5, per=1_000)
    receipt = bought(line(1, quantity=2_500, category="tea"), line(1, quantity=9_000))
    assert 57 == earned(receipt, earn=each)
    assert 12 == earned(receipt, earn=each, lines=LineFilter(categories=("tea",)))


def test_points_by_a_field_of_a_touchpoint() -> None:
    called = InteractionRecorded(direction="inbound", duration_seconds=125)
    timed: dict[str, Any] = {
        "touchpoints": ("interaction_recorded",),
        "earn": PerQuantity(points=1, per=60, field="duration_seconds"),
    }
    assert 2 == earned(called, **timed)
    assert 0 == earned(InteractionRecorded(direction="inbound"), **timed)


def test_points_by_the_amount_of_a_touchpoint_without_lines() -> None:
    cost = CostToServeRecorded(currency="EUR", amount=1_234)
    assert 12 == earned(cost, touchpoints=("cost_to_serve_recorded",))
    assert 0 == earned(
        CostToServeRecorded(currency="GBP", amount=1_234), touchpoints=("cost_to_serve_recorded",)
    )


def test_fixed_points_need_a_line_that_counts_and_is_not_given_back() -> None:
    fixed: dict[str, Any] = {"earn": Fixed(points=50)}
    assert 50 == earned(bought(line(0)), **fixed)
    assert 0 == earned(bought(line(0, quantity=0)), **fixed)
    assert 0 == earned(PLAIN, **fixed, lines=LineFilter(categories=("tea",)))
    assert 50 == earned(
        bought(line(9, category="tea")), **fixed, lines=LineFilter(categories=("tea",))
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (LineFilter(products=("A",)), 1),
        (LineFilter(products_except=("A",)), 110),
        (LineFilter(categories=("tea",)), 11),
        (LineFilter(categories_except=("tea",)), 100),
        (LineFilter(categories=("tea",), products_except=("A",)), 10),
        (LineFilter(categories=("tea", "bread"), categories_except=("coffee",)), 11),
        (LineFilter(products=("A", "C"), categories_except=("tea",)), 100),
    ],
)
def test_lines_are_counted_by_product_and_category(lines: LineFilter, expected: int) -> None:
    receipt = bought(
        line(100, product="A", category="tea"), line(1_000, product="B", category="tea"),
        line(10_000, product="C"),
    )  # fmt: skip
    assert expected == earned(receipt, lines=lines)


# ------------------------------------------------------------------ tiers, caps, groups


def test_a_tier_multiplies_before_rounding() -> None:
    tiers = {"silver": 125, "gold": 150}
    assert [1, 2, 2] == [
        earned(bought(line(160)), Standing(tier=tier), tiers=tiers)
        for tier in ("", "silver", "gold")
    ]
    assert 1 == earned(bought(line(160)), Standing(tier="platinum"), tiers=tiers)
    assert 0 == earned(bought(line(160)), Standing(tier="gold"), tiers={"gold": 0})


@pytest.mark.parametrize(
    ("period", "key"),
    [
        ("day", "base|day|2026-01-01"),
        ("week", "base|week|2026-W01"),
        ("month", "base|month|2026-01"),
        ("year", "base|year|2026"),
        ("ever", "base|ever|"),
    ],
)
def test_a_cap_gives_what_is_left_of_its_period(period: Any, key: str) -> None:
    version = compiled(rule(caps=(Cap(period=period, points=50),)))
    occasion = on(date(2026, 1, 1), bought(line(3_000)))
    assert (key,) == cap_keys(version, occasion)
    for used, expected in ((0, 30), (20, 30), (21, 29), (50, 0), (70, 0)):
        awards = judge(version, occasion, Standing(used={key: used}))
        assert expected == sum(points(awards).values())
        assert [(key,)] * bool(expected) == [one.caps for award in awards for one in award.shares]


def test_the_week_of_a_cap_carries_its_iso_year() -> None:
    version = compiled(rule(caps=(Cap(period="week", points=50),)))
    assert ("base|week|2026-W53",) == cap_keys(version, on(date(2027, 1, 3), PLAIN))


def test_a_cap_on_one_touchpoint_leaves_no_key() -> None:
    version = compiled(rule(caps=(Cap(period="touchpoint", points=50),)))
    occasion = on(TUESDAY, PLAIN)
    ((award,), keys) = (judge(version, occasion, NOBODY), cap_keys(version, occasion))
    assert (50, (), ()) == (award.shares[0].points, award.shares[0].caps, keys)
    assert "capped" == explain(version, occasion, NOBODY)[0].code


def test_rules_draw_on_a_shared_cap_in_their_order() -> None:
    shared = SharedCap(code="all", period="month", points=100, rules=("one", "two", "three"))
    version = compiled(
        rule("one", caps=(Cap(period="year", points=60),)), rule("two"), rule("three"),
        rule("free"), caps=(shared,),
    )  # fmt: skip
    key = "all|month|2026-05"
    awards = judge(version, on(TUESDAY, PLAIN), NOBODY)
    assert {"one": 60, "two": 40, "free": 62} == points(awards)
    assert [("one|year|2026", key), (key,), ()] == [one.caps for one in awards[0].shares]
    less = judge(version, on(TUESDAY, PLAIN), Standing(used={key: 50, "one|year|2026": 55}))
    assert {"one": 5, "two": 45, "free": 62} == points(less)
    once = SharedCap(code="all", period="touchpoint", points=70, rules=("one", "two"))
    version = compiled(rule("one"), rule("two"), caps=(once,))
    assert {"one": 62, "two": 8} == points(judge(version, on(TUESDAY, PLAIN), NOBODY))
    assert () == cap_keys(version, on(TUESDAY, PLAIN))


def test_of_a_group_the_first_by_priority_that_would_give_points_gives_them() -> None:
    version = compiled(
        rule("second", group="g", priority=2, earn=Fixed(points=2)),
        rule("first", group="g", priority=1, earn=Fixed(points=1), when=(FirstPurchase(),)),
        rule("other"),
    )
    occasion = on(TUESDAY, PLAIN)
    assert {"second": 2, "other": 62} == points(judge(version, occasion, NOBODY))
    first = Standing(first=True)
    assert {"first": 1, "other": 62} == points(judge(version, occasion, first))
    assert ["group", "fired", "fired"] == [one.code for one in explain(version, occasion, first)]
    assert ["fired", "condition", "fired"] == [
        one.code for one in explain(version, occasion, NOBODY)
    ]


def test_a_cap_that_is_used_up_does_not_pass_the_turn_to_the_rest_of_a_group() -> None:
    version = compiled(
        rule("first", group="g", priority=1, caps=(Cap(period="ever", points=5),)),
        rule("second", group="g", priority=2),
    )
    assert () == judge(version, on(TUESDAY, PLAIN), Standing(used={"first|ever|": 5}))


# ------------------------------------------------------------------ awards


def test_points_of_two_currencies_are_two_awards() -> None:
    awards = judge(club(), on(TUESDAY, PLAIN), NOBODY)
    assert ["points", "status"] == [award.currency for award in awards]


def test_pending_days_and_expiry_are_business_days_of_the_tenant() -> None:
    (award, status) = judge(club(), on(date(2026, 3, 20), PLAIN), NOBODY)
    terms = award.shares[0].terms
    # 14 days later it is summer in Madrid.
    assert instant_of(datetime(2026, 4, 2, 22, tzinfo=UTC)) == terms.active_from
    assert instant_of(datetime(2028, 3, 31, 22, tzinfo=UTC)) == terms.expires_at
    at = instant_of(datetime(2026, 3, 20, 10, tzinfo=UTC))
    assert (at, NEVER) == (status.shares[0].terms.active_from, status.shares[0].terms.expires_at)


def test_a_lot_says_who_owes_and_who_pays() -> None:
    version = compiled(rule(kind="promotional", issuer="Club Ltd", funder="roaster"))
    terms = judge(version, on(TUESDAY, PLAIN), NOBODY)[0].shares[0].terms
    assert ("promotional", "Club Ltd", "roaster") == (terms.kind, terms.issuer, terms.funder)


def test_an_amount_beyond_all_reason_gives_no_more_than_a_million_million_points() -> None:
    huge = bought(*[line(10**13)] * 50)
    earn = PerAmount(points=10**9, per=1, currency="EUR")
    assert 10**12 == earned(huge, Standing(tier="gold"), earn=earn, tiers={"gold": 100_000})


def test_upstream_authority_silences_every_rule() -> None:
    version = compiled(rule(), authority="upstream")
    occasion = on(TUESDAY, PLAIN)
    assert ((), ()) == (judge(version, occasion, NOBODY), cap_keys(version, occasion))
    assert "upstream" == explain(version, occasion, NOBODY)[0].code


def test_a_rule_of_several_types_fires_on_each() -> None:
    version = compiled(
        rule("any", touchpoints=("survey_answered", "interaction_recorded"), earn=Fixed(points=4))
    )
    for touchpoint in (
        SurveyAnswered(survey="nps", score=9),
        InteractionRecorded(direction="inbound"),
    ):
        assert {"any": 4} == points(judge(version, on(TUESDAY, touchpoint), NOBODY))
    (answer,) = explain(version, on(TUESDAY, PLAIN), NOBODY)
    assert ("other_type", "purchase_made") == (answer.code, answer.figures["touchpoint"])


def test_the_day_of_an_occasion_is_the_tenants() -> None:
    at = instant_of(datetime(2026, 5, 16, 22, 30, tzinfo=UTC))
    fact = Fact(bytes(16), "till", "e", -1, Persona("crm", bytes(16)), at, PLAIN)
    occasion = occasion_of(fact, MADRID)
    assert Occasion(PLAIN, at, occasion.day, 7, "till") == occasion
    assert [4, 5, 1] == [weekday_of(day) for day in (0, 1, 4)]


# ------------------------------------------------------------------ the worked example


def test_the_club_on_a_saturday_with_a_first_purchase() -> None:
    receipt = bought(line(4_200, category="coffee and tea"), line(1_999))
    awards = judge(club(), on(SATURDAY, receipt), Standing(first=True))
    assert {"base": 61, "weekend": 61, "coffee": 210, "welcome": 500, "status": 61} == points(
        awards
    )
    gold = judge(club(), on(TUESDAY, receipt), Standing(tier="gold"))
    assert {"base": 92, "coffee": 210, "status": 61} == points(gold)


def test_an_explanation_names_every_rule_with_its_figures() -> None:
    receipt = bought(line(4_200, category="coffee and tea"), line(1_999))
    standing = Standing(
        first=True, used={"base|month|2026-05": 19_990, "coffee|week|2026-W20": 500}
    )
    answers = {one.rule: one for one in explain(club(), on(SATURDAY, receipt), standing)}
    codes = {
        "base": "capped", "weekend": "fired", "spring": "condition", "coffee": "cap_used_up",
        "welcome": "fired", "survey": "other_type", "status": "fired",
    }  # fmt: skip
    assert codes == {name: answer.code for name, answer in answers.items()}
    assert "cut from 61 by a limit" in answers["base"].sentence
    assert (10, 61, "6199") == (
        answers["base"].figures["room base|month|2026-05"],
        answers["base"].figures["before_limits"],
        answers["base"].figures["counted"],
    )
    assert "coffee|week|2026-W20" in answers["coffee"].sentence
    assert (
        "below_one_point"
        == explain(compiled(rule()), on(TUESDAY, bought(line(99))), NOBODY)[0].code
    )
    silent = explain(compiled(rule()), on(TUESDAY, bought(line(0))), NOBODY)[0]
    assert ("nothing_counted", "0") == (silent.code, silent.figures["counted"])


def test_an_amount_below_nothing_earns_nothing() -> None:
    version = compiled(rule(touchpoints=("competitor_offer_seen",)))
    for amount, expected in ((-500, {}), (None, {}), (500, {"base": 5})):
        seen = CompetitorOfferSeen(currency="EUR", amount=amount)
        assert expected == points(judge(version, on(TUESDAY, seen), NOBODY))


def test_the_order_of_rules_is_that_of_the_version_with_groups_brought_together() -> None:
    rules = (
        rule("a"), rule("b", group="g", priority=9), rule("c"), rule("d", group="g", priority=0),
        rule("e"),
    )  # fmt: skip
    assert ["a", "d", "b", "c", "e"] == [one.code for one in in_order(rules)]
