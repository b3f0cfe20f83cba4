from typing import Any

import pytest

from domain.fact import Fact
from domain.touchpoints.quality import (
    IncidentClosed,
    IncidentOpened,
    IncidentPending,
    IncidentReopened,
    IncidentResolved,
    IncidentResponded,
    SurveyAnswered,
)
from projections.customer.parts.quality import PART
from tests.folding import fact, shown

HOUR = 3_600


def at(hour: int, touchpoint: Any) -> Fact:
    """Return a fact so many hours into 2024-03-01."""
    return fact(touchpoint, hours(hour))


def opened(incident: str = "A", severity: int = 2) -> IncidentOpened:
    return IncidentOpened(incident=incident, severity=severity)


def incidents(facts: list[Fact], hour: int = 30) -> Any:
    return shown(PART, facts, hours(hour))["incidents"]


def hours(hour: int) -> str:
    return f"2024-03-{1 + hour // 24:02}T{hour % 24:02}:00:00+00:00"


WHOLE_CASE = [
    at(0, opened()),
    at(1, IncidentResponded(incident="A")),
    at(4, IncidentPending(incident="A")),
    at(10, IncidentResponded(incident="A")),
    at(12, IncidentResolved(incident="A")),
    at(20, IncidentReopened(incident="A")),
    at(23, IncidentClosed(incident="A")),
]


def test_an_open_incident_shows_its_clock_without_the_times_of_waiting() -> None:
    document = incidents(WHOLE_CASE[:4], hour=11)

    assert [
        {
            "incident": "A",
            "severity": 2,
            "opened_at": "2024-03-01T00:00:00Z",
            "pending": False,
            "open_seconds": 5 * HOUR,
            "first_response_seconds": 1 * HOUR,
        }
    ] == document["open"]
    assert 2 == document["worst_open_severity"] == document["responded"]
    assert 0 == document["ended"]


def test_while_work_waits_for_the_customer_the_clock_stands_still() -> None:
    (shown_early,) = incidents(WHOLE_CASE[:3], hour=5)["open"]
    (shown_late,) = incidents(WHOLE_CASE[:3], hour=90)["open"]

    assert shown_early == shown_late
    assert shown_late["pending"]
    assert 4 * HOUR == shown_late["open_seconds"]


def test_an_ended_incident_adds_its_clock_to_the_resolution_time() -> None:
    document = incidents(list(reversed(WHOLE_CASE)))

    # 0–4, 10–12 and 20–23: nine hours; waiting and being resolved do not count.
    assert {
        "opened": 1,
        "responded": 2,
        "resolved": 1,
        "reopened": 1,
        "closed": 1,
        "open": [],
        "worst_open_severity": None,
        "ended": 1,
        "resolution_seconds": 9 * HOUR,
        "answered": 1,
        "first_response_seconds": 1 * HOUR,
    } == document


def test_open_incidents_stand_the_gravest_first_then_the_oldest() -> None:
    facts = [
        at(3, opened("late", 3)),
        at(1, opened("small", 1)),
        at(2, opened("early", 3)),
        at(0, opened("over", 4)),
        at(9, IncidentResolved(incident="over")),
        at(9, IncidentReopened(incident="unknown")),
    ]
    document = incidents(facts)

    assert ["early", "late", "small", "unknown"] == [one["incident"] for one in document["open"]]
    assert 3 == document["worst_open_severity"]
    assert document["open"][-1]["severity"] is None


def test_a_reopened_incident_keeps_its_severity_until_it_is_opened_with_another() -> None:
    again = [*WHOLE_CASE, at(25, IncidentReopened(incident="A"))]

    assert 2 == incidents(again)["open"][0]["severity"]
    assert 4 == incidents([*again, at(26, opened(severity=4))])["open"][0]["severity"]
    assert "2024-03-01T00:00:00Z" == incidents(again)["open"][0]["opened_at"]


@pytest.mark.parametrize(
    ("touchpoints", "open_now"),
    [
        ([IncidentResolved(incident="A"), opened()], False),
        ([IncidentReopened(incident="A"), IncidentResolved(incident="A"), opened()], True),
        ([IncidentClosed(incident="A"), IncidentReopened(incident="A")], False),
        ([opened(), IncidentPending(incident="A")], True),
    ],
)
def test_of_the_same_instant_steps_go_in_the_usual_order(
    touchpoints: list[Any], open_now: bool
) -> None:
    document = incidents([at(1, touchpoint) for touchpoint in touchpoints])

    assert open_now == bool(document["open"])


def test_a_response_without_an_opening_measures_nothing() -> None:
    document = incidents([at(1, IncidentResponded(incident="A"))])

    assert 1 == document["responded"]
    assert 0 == document["answered"] == document["ended"]
    assert [] == document["open"]


def test_a_response_stated_before_the_opening_took_no_time() -> None:
    document = incidents([at(1, IncidentResponded(incident="A")), at(2, opened())])

    assert 0 == document["open"][0]["first_response_seconds"]


def test_a_clock_that_starts_after_the_reading_has_not_run_yet() -> None:
    assert 0 == incidents([at(9, opened())], hour=8)["open"][0]["open_seconds"]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0, (0, 0, 1)),
        (6, (0, 0, 1)),
        (7, (0, 1, 0)),
        (8, (0, 1, 0)),
        (9, (1, 0, 0)),
        (10, (1, 0, 0)),
    ],
)
def test_nps_tells_promoters_passives_and_detractors(
    score: int, expected: tuple[int, int, int]
) -> None:
    nps = shown(PART, [fact(SurveyAnswered(survey="nps", score=score))])["nps"]

    assert expected == (nps["promoters"], nps["passives"], nps["detractors"])


def test_the_last_nps_answer_and_sums_of_the_other_surveys() -> None:
    document = shown(
        PART,
        [
            fact(SurveyAnswered(survey="nps", score=3), "2024-03-09"),
            fact(SurveyAnswered(survey="nps", score=10), "2024-03-08"),
            fact(SurveyAnswered(survey="csat", score=5)),
            fact(SurveyAnswered(survey="csat", score=2)),
            fact(SurveyAnswered(survey="ces", score=7)),
        ],
    )

    assert 3 == document["nps"]["last_score"]
    assert "2024-03-09T12:00:00Z" == document["nps"]["last_at"]
    assert {"count": 2, "sum": 7} == document["csat"]
    assert {"count": 1, "sum": 7} == document["ces"]
