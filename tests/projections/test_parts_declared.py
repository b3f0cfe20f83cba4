import random
from itertools import pairwise

from domain.touchpoints.identity import DemographicsRecorded, PreferenceDeclared
from projections.customer.parts import demographics, preferences
from tests.folding import CANONICAL, fact, fold, shown


def test_each_circumstance_is_the_last_stated_with_its_source_and_day() -> None:
    first = fact(
        DemographicsRecorded(age_band="35-44", children="1"), "2024-03-01", source="survey"
    )
    later = fact(
        DemographicsRecorded(age_band="45-54"), "2024-06-01T22:30:00+00:00", source="broker"
    )

    for facts in ([first, later], [later, first]):
        document = shown(demographics.PART, facts)
        assert {"value": "45-54", "source": "broker", "on": "2024-06-02"} == document.pop(
            "age_band"
        )
        assert {"value": "1", "source": "survey", "on": "2024-03-01"} == document.pop("children")
        assert {None} == set(document.values())


def test_every_circumstance_has_its_own_place() -> None:
    stated = DemographicsRecorded(
        age_band="a",
        income_band="b",
        home_ownership="c",
        marital_status="d",
        household_size="e",
        household_composition="f",
        children="g",
    )
    document = shown(demographics.PART, [fact(stated)])

    assert stated == DemographicsRecorded(**{name: one["value"] for name, one in document.items()})


def test_circumstances_that_were_all_restated_leave_no_trace() -> None:
    restated = [fact(DemographicsRecorded(children=str(day)), f"2024-03-0{day}") for day in (1, 2)]
    nothing = fact(DemographicsRecorded(), "2024-03-03")

    assert 1 == len(fold(demographics.PART, [*restated, nothing]).statements)


def test_the_last_preference_of_a_topic_counts() -> None:
    red = fact(PreferenceDeclared(topic="colour", value="red"), "2024-03-01")
    green = fact(PreferenceDeclared(topic="colour", value="green"), "2024-03-02", source="app")
    size = fact(PreferenceDeclared(topic="size", value="M"), "2024-03-01")

    assert [
        {"topic": "colour", "value": "green", "source": "app", "on": "2024-03-02"},
        {"topic": "size", "value": "M", "source": "crm", "on": "2024-03-01"},
    ] == shown(preferences.PART, [size, green, red])["topics"]


def test_of_the_same_instant_source_then_sequence_then_entry_decide() -> None:
    keys = [("a", 9, 9), ("b", -1, 5), ("b", 1, 3), ("b", 1, 4)]
    facts = [
        fact(
            PreferenceDeclared(topic="colour", value=f"{source}{sequence}{entry}"),
            source=source,
            sequence=sequence,
            entry=entry,
        )
        for source, sequence, entry in keys
    ]
    for earlier, later in pairwise(facts):
        for both in ([earlier, later], [later, earlier]):
            (topic,) = shown(preferences.PART, both)["topics"]
            assert later.touchpoint.value == topic["value"]  # type: ignore[attr-defined]


def test_the_64_topics_spoken_of_last_are_kept_in_any_order() -> None:
    facts = [
        fact(
            PreferenceDeclared(topic=f"topic {number % 80:02}", value=str(number)),
            f"2024-03-01T00:{number // 60:02}:{number % 60:02}+00:00",
        )
        for number in range(200)
    ]
    stored = set()
    for seed in range(20):
        random.Random(seed).shuffle(facts)
        stored.add(CANONICAL.encode(fold(preferences.PART, facts)))
    topics = shown(preferences.PART, facts)["topics"]

    assert 1 == len(stored)
    # Topics 0 to 39 were spoken of last as 160 to 199, the others as 120 to 159.
    assert [f"topic {number:02}" for number in [*range(40), *range(56, 80)]] == [
        one["topic"] for one in topics
    ]
    assert [str(number) for number in [*range(160, 200), *range(136, 160)]] == [
        one["value"] for one in topics
    ]
