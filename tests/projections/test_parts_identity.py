import random

from domain.identifiers import Persona
from domain.touchpoints.commercial import Line, PurchaseMade
from domain.touchpoints.identity import (
    CustomerRegistered,
    LeadCaptured,
    LeadDisqualified,
    LeadQualified,
    ProfileUpdated,
    RelationshipEnded,
)
from domain.touchpoints.interaction import InteractionRecorded
from projections.customer.parts.identity import PART
from tests.folding import ANA, CANONICAL, CARD, fact, fold, shown

BOUGHT = PurchaseMade(
    number="1", currency="EUR", lines=(Line(product="p", quantity=1000, amount=100),)
)
CALLED = InteractionRecorded(direction="inbound")


def entry(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012x}"


def test_every_touchpoint_counts_for_its_source_and_its_persona() -> None:
    document = shown(
        PART,
        [
            fact(BOUGHT, "2024-05-02", source="till", persona=CARD),
            fact(CALLED, "2024-03-01", source="desk"),
            fact(BOUGHT, "2024-04-01", source="till", persona=CARD),
        ],
    )

    assert 3 == document["touchpoints"]
    assert "2024-03-01T12:00:00Z" == document["first_seen_at"]
    assert "2024-05-02T12:00:00Z" == document["last_seen_at"]
    assert [
        {
            "source": "desk",
            "touchpoints": 1,
            "first_seen_at": "2024-03-01T12:00:00Z",
            "last_seen_at": "2024-03-01T12:00:00Z",
        },
        {
            "source": "till",
            "touchpoints": 2,
            "first_seen_at": "2024-04-01T12:00:00Z",
            "last_seen_at": "2024-05-02T12:00:00Z",
        },
    ] == document["sources"]


def test_subjects_are_remembered_and_linked_personas_are_none() -> None:
    linked = Persona("email", bytes(15) + b"\x03")
    facts = [fact(CALLED, persona=ANA, linked=(linked,)), fact(BOUGHT, persona=CARD)]

    assert [CARD, ANA] == fold(PART, facts).personas


def test_each_profile_field_is_the_last_stated_and_registration_the_first() -> None:
    document = shown(
        PART,
        [
            fact(CustomerRegistered(kind="organisation", language="es"), "2024-03-05", entry=3),
            fact(CustomerRegistered(country="PT"), "2024-02-05", entry=1),
            fact(ProfileUpdated(language="en"), "2024-02-07", entry=2),
            fact(ProfileUpdated(), "2024-03-09", entry=4),
        ],
    )

    assert "organisation" == document["kind"]
    assert "es" == document["language"]
    assert "PT" == document["country"]
    assert "2024-02-05T12:00:00Z" == document["registered_at"]
    assert [entry(4), entry(3), entry(2), entry(1)] == document["profile_entries"]
    assert document["profile_entries_complete"]


def test_of_the_same_instant_source_then_sequence_then_entry_decide() -> None:
    by_source = [
        fact(ProfileUpdated(language="b"), source="b", sequence=1, entry=1),
        fact(ProfileUpdated(language="a"), source="a", sequence=9, entry=9),
    ]
    by_sequence = [
        fact(ProfileUpdated(language="late"), sequence=2, entry=1),
        fact(ProfileUpdated(language="early"), sequence=1, entry=2),
    ]
    by_entry = [
        fact(ProfileUpdated(language="late"), entry=2),
        fact(ProfileUpdated(language="early"), entry=1),
    ]

    assert "b" == shown(PART, by_source)["language"]
    assert "late" == shown(PART, by_sequence)["language"]
    assert "late" == shown(PART, by_entry)["language"]


def test_of_many_profile_statements_the_first_and_the_newest_and_the_current_are_kept() -> None:
    registered = [fact(CustomerRegistered(), "2024-01-01", entry=1)]
    current = [fact(ProfileUpdated(country="PT"), "2024-01-20", entry=500)]
    updated = [
        fact(ProfileUpdated(), f"2024-02-01T00:00:{second:02}+00:00", entry=100 + second)
        for second in range(40)
    ]
    facts = registered + current + updated
    bytes_kept = set()
    for seed in range(20):
        random.Random(seed).shuffle(facts)
        bytes_kept.add(CANONICAL.encode(fold(PART, facts)))
    document = shown(PART, facts)

    assert 1 == len(bytes_kept)
    newest = [entry(100 + second) for second in range(39, 31, -1)]
    assert [*newest, entry(500), entry(1)] == document["profile_entries"]
    assert "PT" == document["country"]
    assert not document["profile_entries_complete"]


def test_a_current_value_outlives_the_statements_that_are_dropped() -> None:
    facts = [
        fact(ProfileUpdated(country="PT" if day == 10 else None), f"2024-01-{day:02}")
        for day in range(1, 31)
    ]

    assert "PT" == shown(PART, facts)["country"]
    assert 11 == len(shown(PART, facts)["profile_entries"])


def test_the_last_judgement_of_a_lead_counts() -> None:
    captured = fact(LeadCaptured(language="fr"), "2024-01-01")
    qualified = fact(LeadQualified(score=800), "2024-01-02")
    disqualified = fact(LeadDisqualified(), "2024-01-03")

    assert {"status": "qualified", "since": "2024-01-02T12:00:00Z"} == shown(
        PART, [qualified, captured]
    )["lead"]
    assert "disqualified" == shown(PART, [disqualified, captured, qualified])["lead"]["status"]
    assert "fr" == shown(PART, [captured])["language"]
    assert shown(PART, [fact(CALLED)])["lead"] is None


def test_a_later_purchase_or_registration_reopens_what_ended_but_not_after_a_death() -> None:
    ended = fact(RelationshipEnded(reason="request"), "2024-02-01")
    dead = fact(RelationshipEnded(reason="death"), "2024-01-15")
    bought_before = fact(BOUGHT, "2024-01-31")
    bought_at_once = fact(BOUGHT, "2024-02-01")
    bought_after = fact(BOUGHT, "2024-02-02")
    registered_after = fact(CustomerRegistered(), "2024-02-02")

    closed = {"reason": "request", "at": "2024-02-01T12:00:00Z", "reopened": False}
    assert closed == shown(PART, [bought_before, ended])["ended"]
    assert closed == shown(PART, [bought_at_once, ended])["ended"]
    assert closed == shown(PART, [ended, fact(CALLED, "2024-03-01")])["ended"]
    assert closed | {"reopened": True} == shown(PART, [bought_after, ended])["ended"]
    assert closed | {"reopened": True} == shown(PART, [ended, registered_after])["ended"]
    assert {"reason": "death", "at": "2024-01-15T12:00:00Z", "reopened": False} == shown(
        PART, [ended, dead, bought_after]
    )["ended"]
