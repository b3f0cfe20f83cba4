"""Correcting: every combination of corrections, voids and voids of corrections, in any order."""

from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.correcting import Naming, effective, subjects
from domain.fact import Fact
from domain.identifiers import Persona
from domain.instants import instant_of
from domain.touchpoints import (
    Catalogue,
    IncidentOpened,
    Line,
    PurchaseMade,
    Reference,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)

START = instant_of(datetime(2024, 1, 1, tzinfo=UTC))
REFERENCE = Reference("urn:test", "p", datetime(2024, 1, 1, tzinfo=UTC))
PERSONAS = tuple(Persona("card", bytes(15) + bytes((number,))) for number in range(4))
TYPE = "vinculo.purchase_made.v1"
LINES = [{"product": "p", "quantity": 1_000, "amount": 5}]
BASE = 0
PURCHASE = PurchaseMade(
    number="1", currency="EUR", lines=(Line(product="p", quantity=1_000, amount=9),), store="s"
)
# New values that fit, that take a field away, and that cannot be applied.
FIELDS: tuple[dict[str, Any], ...] = (
    {}, {"store": "other"}, {"store": None}, {"number": "2"}, {"lines": LINES}, {"shipping": 7},
    {"shipping": None}, {"store": "third", "number": "3"}, {"number": None}, {"lines": []},
    {"store": "fourth", "number": 5},
)  # fmt: skip
FIT = len(FIELDS) - 3


class Statement(msgspec.Struct, frozen=True):
    """A correction or void, as the model and the product are told of it."""

    number: int
    target: int
    kind: str
    at: int
    source: str
    sequence: int
    fields: int = 0
    subject: int = 0
    moved_to: int | None = None
    type_fits: bool = True


@st.composite
def histories(draw: st.DrawFn) -> list[Statement]:
    """Corrections and voids of a purchase, of each other, and of nothing."""
    count = draw(st.integers(0, 7))
    return [
        Statement(
            number,
            draw(st.integers(0, count + 1)),
            draw(st.sampled_from(["correction", "correction", "void"])),
            draw(st.integers(1, 3)),
            draw(st.sampled_from("ab")),
            draw(st.integers(-1, 1)),
            draw(st.integers(0, len(FIELDS) - 1)),
            draw(st.integers(0, 3)),
            draw(st.none() | st.integers(0, 5)),
            draw(st.sampled_from([True, True, True, False])),
        )
        for number in range(1, count + 1)
    ]


def entry(number: int) -> bytes:
    """An entry id; they do not sort as their numbers do."""
    return bytes(((number * 7) % 11,)) * 16


def model(statements: list[Statement]) -> dict[str, Any] | None:
    """What a purchase counts as, by the words of ruling 8, with plain dictionaries."""
    voided = {one.target for one in statements if one.kind == "void"}
    if BASE in voided:
        return None
    fields: dict[str, Any] = _plain(PURCHASE)
    persona, occurred_at = 0, START
    standing = [
        one
        for one in statements
        if one.kind == "correction" and one.target == BASE and one.number not in voided
    ]
    for one in sorted(
        standing, key=lambda one: (one.at, one.source, one.sequence, entry(one.number))
    ):
        if not one.type_fits or one.fields >= FIT:
            continue
        for name, value in FIELDS[one.fields].items():
            fields.pop(name, None)
            if value is not None:
                fields[name] = value
        persona = one.subject or persona
        occurred_at = START + one.moved_to if one.moved_to is not None else occurred_at
    return {"fields": fields, "persona": persona, "occurred_at": occurred_at}


def namings(statements: list[Statement]) -> dict[bytes, list[Naming]]:
    """What the journal finds, by the entry that is named."""
    found: dict[bytes, list[Naming]] = {}
    for one in statements:
        subject = PERSONAS[one.subject] if one.kind == "correction" and one.subject else None
        naming = Naming(_fact(one.number, _touchpoint(one), one), entry(one.target), subject)
        found.setdefault(naming.target, []).append(naming)
    return found


def _touchpoint(one: Statement) -> Touchpoint:
    if one.kind == "void":
        return TouchpointVoided(reference=REFERENCE, reason="wrong")
    moved = None if one.moved_to is None else datetime(2024, 1, 1, 0, 0, 0, one.moved_to, UTC)
    return TouchpointCorrected(
        reference=REFERENCE,
        corrected_type=TYPE if one.type_fits else "vinculo.incident_opened.v1",
        reason="wrong",
        fields=FIELDS[one.fields],
        occurred_at=moved,
    )


def _fact(number: int, touchpoint: Touchpoint, one: Statement | None = None) -> Fact:
    return Fact(
        entry_id=entry(number),
        source=one.source if one else "a",
        event_id=f"e{number}",
        sequence=one.sequence if one else -1,
        persona=PERSONAS[0],
        occurred_at=START + one.at if one else START,
        touchpoint=touchpoint,
    )


@settings(max_examples=400, deadline=None)
@given(statements=histories(), chance=st.randoms(use_true_random=False))
def test_what_a_touchpoint_counts_as_is_what_a_naive_model_says_in_any_order(
    statements: list[Statement], chance: Any
) -> None:
    expected = model(statements)
    for _ in range(3):
        chance.shuffle(statements)
        found = effective(_fact(BASE, PURCHASE), namings(statements))
        assert expected == (None if found is None else _shown(found))


def _plain(touchpoint: Touchpoint) -> Any:
    return msgspec.json.decode(msgspec.json.encode(touchpoint))


def _shown(fact: Fact) -> dict[str, Any]:
    return {
        "fields": _plain(fact.touchpoint),
        "persona": PERSONAS.index(fact.persona),
        "occurred_at": fact.occurred_at,
    }


def test_a_touchpoint_that_nobody_named_is_itself() -> None:
    fact = _fact(BASE, PURCHASE)
    assert fact is effective(fact, {})


@pytest.mark.parametrize("later", [0, 1])
def test_a_void_is_final_whatever_corrects_or_voids_it(later: int) -> None:
    statements = [
        Statement(1, BASE, "void", 1, "a", -1),
        Statement(2, 1, "void", 1 + later, "a", -1),
        Statement(3, BASE, "correction", 3, "a", -1, fields=1),
    ]
    assert effective(_fact(BASE, PURCHASE), namings(statements)) is None


def test_a_voided_correction_lets_the_one_before_it_stand_again() -> None:
    statements = [
        Statement(1, BASE, "correction", 1, "a", -1, fields=1, subject=1, moved_to=3),
        Statement(2, BASE, "correction", 2, "a", -1, fields=7, subject=2, moved_to=4),
        Statement(3, 2, "void", 3, "a", -1),
    ]
    found = effective(_fact(BASE, PURCHASE), namings(statements))
    assert found is not None
    assert isinstance(found.touchpoint, PurchaseMade)
    assert ("other", "1", PERSONAS[1], START + 3) == (
        found.touchpoint.store, found.touchpoint.number, found.persona, found.occurred_at,
    )  # fmt: skip


def test_a_correction_keeps_who_stated_what_under_which_id() -> None:
    fact = msgspec.structs.replace(_fact(BASE, PURCHASE), linked=(PERSONAS[3],), position=12)
    found = effective(fact, namings([Statement(1, BASE, "correction", 1, "b", 5, 1, 2, 3)]))
    assert found is not None
    names = ("entry_id", "source", "event_id", "sequence", "linked", "position")
    assert [getattr(fact, name) for name in names] == [getattr(found, name) for name in names]


def test_the_last_of_equal_instants_is_told_by_source_sequence_and_entry() -> None:
    def store_after(*statements: Statement) -> str | None:
        found = effective(_fact(BASE, PURCHASE), namings(list(statements)))
        assert found is not None
        assert isinstance(found.touchpoint, PurchaseMade)
        return found.touchpoint.store

    first, last = (
        Statement(1, BASE, "correction", 1, "a", 9, fields=1),
        Statement(2, BASE, "correction", 1, "b", -1, fields=7),
    )
    assert "third" == store_after(last, first)
    later = Statement(3, BASE, "correction", 1, "b", 0, fields=1)
    assert "other" == store_after(later, last, first)


@given(histories())
def test_everybody_to_whom_it_may_belong_is_among_its_subjects(statements: list[Statement]) -> None:
    fact, found = _fact(BASE, PURCHASE), namings(statements)
    possible = subjects(fact, found.get(fact.entry_id, ()))
    counted = effective(fact, found)
    assert PERSONAS[0].persona_id in possible
    assert counted is None or counted.persona.persona_id in possible


def test_a_correction_of_another_type_counts_for_nothing() -> None:
    incident = IncidentOpened(incident="i", severity=1)
    found = effective(
        _fact(BASE, incident), namings([Statement(1, BASE, "correction", 1, "a", -1, 1, 2)])
    )
    assert _fact(BASE, incident) == found


class Visited(Touchpoint, frozen=True, kw_only=True):
    """A touchpoint of these tests."""

    minutes: int


class VisitedTwo(Touchpoint, frozen=True, kw_only=True):
    """Its second version."""

    version: ClassVar[int] = 2
    seconds: int


def test_a_correction_in_the_words_of_an_old_version_still_counts_after_upcasting() -> None:
    catalogue = Catalogue(
        (Visited, VisitedTwo), {Visited: lambda old: VisitedTwo(seconds=old.minutes * 60)}
    )
    correction = TouchpointCorrected(
        reference=REFERENCE, corrected_type="vinculo.visited.v1", reason="x", fields={"minutes": 5}
    )
    fact = _fact(BASE, Visited(minutes=1))
    naming = Naming(_fact(1, correction), fact.entry_id)
    found = effective(fact, {fact.entry_id: [naming]}, catalogue)
    assert found is not None
    assert VisitedTwo(seconds=300) == found.touchpoint
