"""Conditions of rules: each holds and fails by example, says so in words, on any touchpoint."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger.terms import Standing
from domain.programmes.checking import faults_of
from domain.programmes.conditions import (
    AmountAtLeast,
    BetweenDays,
    ByAgent,
    ByChannel,
    ByLocation,
    ByOffer,
    BySource,
    Condition,
    FieldAtLeast,
    FieldIs,
    FirstPurchase,
    OnWeekdays,
    TierAtLeast,
)
from domain.programmes.earn_rules import (
    Fixed,
)
from domain.programmes.judging import explain, judge
from domain.programmes.rule_types import TYPES
from domain.touchpoints import (
    CATALOGUE,
    SurveyAnswered,
    Tender,
)
from tests.domain.programme_cases import (
    NOBODY,
    SATURDAY,
    TUESDAY,
    bought,
    compiled,
    earned,
    line,
    on,
    points,
    rule,
    version_of,
)
from tests.strategies import touchpoints

PLAIN = bought(line(4_250), line(1_999))


# ------------------------------------------------------------------ conditions


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        (OnWeekdays(days=(6, 7)), {"day": SATURDAY}, {"day": TUESDAY}),
        (BetweenDays(first=SATURDAY), {"day": SATURDAY}, {"day": date(2026, 5, 15)}),
        (BetweenDays(last=TUESDAY), {"day": TUESDAY}, {"day": date(2026, 5, 13)}),
        (ByChannel(any_of=("web",)), {"channel": "web"}, {"channel": None}),
        (ByChannel(none_of=("web",)), {"channel": None}, {"channel": "web"}),
        (ByLocation(any_of=("S1",)), {"store": "S1"}, {"store": "S2"}),
        (ByLocation(any_of=("S1",)), {"location": "S1", "store": "S2"}, {}),
        (ByLocation(none_of=("S1",)), {"location": "S2"}, {"location": "S2", "store": "S1"}),
        (ByAgent(any_of=("a",)), {"agent": "a"}, {"agent": "b"}),
        (ByOffer(none_of=("o",)), {"offer": "p"}, {"offer": "o"}),
        (BySource(any_of=("till",)), {"source": "till"}, {"source": "web"}),
        (BySource(none_of=("web",)), {"source": "till"}, {"source": "web"}),
        (AmountAtLeast(currency="EUR", amount=6_249), {}, {"lines": (line(6_248),)}),
        (
            AmountAtLeast(currency="EUR", amount=3_000),
            {"lines": (line(4_000),), "tenders": (Tender("points", 1_000),)},
            {"lines": (line(4_000),), "tenders": (Tender("points", 1_001),)},
        ),
        (AmountAtLeast(currency="EUR", amount=0), {}, {"currency": "GBP"}),
        (FieldIs(field="till", any_of=("1", "2")), {"till": "2"}, {"till": "3"}),
        (FieldIs(field="till", any_of=("1",)), {"till": "1"}, {"till": None}),
        (FieldAtLeast(field="shipping", least=5), {"shipping": 5}, {"shipping": 4}),
        (TierAtLeast(tier="silver"), {"standing": Standing(tier="gold")}, {}),
        (TierAtLeast(tier="gold"), {"standing": Standing(tier="gold")},
         {"standing": Standing(tier="silver")}),
        (FirstPurchase(), {"standing": Standing(first=True)}, {}),
    ],
)  # fmt: skip
def test_a_condition_holds_and_fails_and_says_so(
    condition: Condition, holds: dict[str, Any], fails: dict[str, Any]
) -> None:
    version = compiled(rule(earn=Fixed(points=7), when=(condition,)))
    for fields, expected in ((holds, 7), (fails, 0)):
        stated = dict(fields)
        standing = stated.pop("standing", NOBODY)
        day, source = stated.pop("day", TUESDAY), stated.pop("source", "till")
        lines = stated.pop("lines", (line(4_250), line(1_999)))
        occasion = on(day, bought(*lines, **stated), source)
        assert expected == sum(points(judge(version, occasion, standing)).values())
        (answer,) = explain(version, occasion, standing)
        assert (expected == 7, expected) == (answer.fired, answer.points)
        if not expected:
            assert "condition" == answer.code
            assert type(condition).__struct_config__.tag == answer.figures["condition"]
            assert f"expected {answer.figures['expected']}, found " in answer.sentence


def test_a_yes_is_no_one() -> None:
    told: dict[str, Any] = {"touchpoints": ("survey_answered",), "earn": Fixed(points=3)}
    one = FieldIs(field="score", any_of=(1,))
    answer = SurveyAnswered(survey="nps", score=1)
    assert 3 == earned(answer, when=(one,), **told)
    assert 0 == earned(SurveyAnswered(survey="nps", score=2), when=(one,), **told)


def test_every_condition_must_hold() -> None:
    both = (OnWeekdays(days=(6,)), ByChannel(any_of=("web",)))
    web = bought(line(100), channel="web")
    assert 1 == earned(web, day=SATURDAY, when=both)
    assert 0 == earned(web, day=TUESDAY, when=both)
    assert 0 == earned(bought(line(100)), day=SATURDAY, when=both)


# ------------------------------------------------------------------ any touchpoint


@given(st.data())
def test_sound_rules_judge_any_touchpoint_and_its_own_values_pass(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(TYPES)))
    touchpoint = data.draw(touchpoints(TYPES[name]))
    stated = {
        field: getattr(touchpoint, field)
        for field in touchpoint.__struct_fields__
        if type(getattr(touchpoint, field)) in {str, int, bool}
    }
    field = data.draw(st.sampled_from([*stated, "channel"]))
    value = stated.get(field, "web")
    asking = rule(
        touchpoints=(name,), earn=Fixed(points=3), when=(FieldIs(field=field, any_of=(value,)),)
    )
    if field in CATALOGUE.personal_fields[TYPES[name]]:
        assert ["rules[0].when[0].field"] == [one.field for one in faults_of(version_of(asking))]
        return
    version = compiled(asking)
    occasion = on(TUESDAY, touchpoint)
    awards = judge(version, occasion, NOBODY)
    left = not hasattr(touchpoint, "lines") or any(
        one.kind in {"goods", "service"} and (one.amount or one.quantity)
        for one in touchpoint.lines
    )
    assert ({"base": 3} if field in stated and left else {}) == points(awards)
    assert points(awards) == {
        one.rule: one.points for one in explain(version, occasion, NOBODY) if one.fired
    }


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (FieldIs(field="survey", any_of=("csat",)), "expected survey to be csat, found nps"),
        (FieldAtLeast(field="score", least=9), "expected score of at least 9, found 7"),
        (ByAgent(any_of=("b", "a")), "expected agent one of a, b, found none"),
        (
            ByAgent(any_of=tuple("gfedcba"), none_of=("z",)),
            "expected agent one of a, b, c, d, e …, agent none of z, found none",
        ),
        (BetweenDays(first=SATURDAY), "expected a day from 2026-05-16, found 2026-05-12"),
        (
            BetweenDays(first=date(2026, 1, 1), last=date(2026, 2, 1)),
            "expected a day from 2026-01-01 to 2026-02-01, found 2026-05-12",
        ),
        (TierAtLeast(tier="gold"), "expected tier gold or higher, found no tier"),
        (OnWeekdays(days=(7, 6)), "expected Saturday or Sunday, found Tuesday"),
        (BySource(any_of=("web",)), "expected source one of web, found till"),
    ],
)
def test_what_fails_is_said_in_words(condition: Condition, sentence: str) -> None:
    version = compiled(
        rule("survey", touchpoints=("survey_answered",), earn=Fixed(points=1), when=(condition,))
    )
    answer = SurveyAnswered(survey="nps", score=7)
    (said,) = explain(version, on(TUESDAY, answer), NOBODY)
    assert f"survey: no points: {sentence}" == said.sentence
