"""Histories: effective touchpoints of some personas, moved ones too, as known at a position."""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
import pytest

from domain.fact import Fact
from domain.identifiers import parse_identifier
from domain.touchpoints import (
    ConsentGiven,
    IdentifierLinked,
    PurchaseMade,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)
from journal.history import Histories, PersonaRange, by_subject
from journal.reading import FactReader
from tests.engine import Engine
from tests.events import event, lines, reference

EVERYTHING = 2**62
PURCHASE = "vinculo.purchase_made.v1"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant without any facts."""
    made = Engine(database_url)
    yield made
    made.close()


def bought(subject: str, number: str, day: str = "2024-01-01", **more: Any) -> bytes:
    """A purchase whose id is its number."""
    return event(
        PurchaseMade, subject, day, id=number, number=number, currency="EUR", lines=lines(5), **more
    )


def correct(target: str, number: str, *, stated_by: str = "card:9", **changes: Any) -> bytes:
    """A correction of a purchase of the first of January; ``subject`` moves it."""
    values: dict[str, Any] = {
        "reference": reference(target, "2024-01-01"), "corrected_type": PURCHASE, "reason": "x",
    }  # fmt: skip
    return event(TouchpointCorrected, stated_by, "2024-02-01", id=number, **values, **changes)


def move(target: str, number: str, to: str) -> bytes:
    """A correction of who it was."""
    return _with_subject(correct(target, number), to)


def _with_subject(correction: bytes, to: str) -> bytes:
    plain = msgspec.json.decode(correction)
    plain["data"]["subject"] = to
    return msgspec.json.encode(plain)


def void(target: str, number: str, day: str = "2024-01-01", subject: str = "card:9") -> bytes:
    """A void of a purchase, or of a correction of the first of February."""
    return event(
        TouchpointVoided, subject, "2024-03-01", id=number, reason="x",
        reference=reference(target, day),
    )  # fmt: skip


def persona(engine: Engine, text: str) -> bytes:
    """The persona id of an identifier."""
    return engine.intake.personas.name(parse_identifier(text)).persona_id


def histories(engine: Engine, touching: Collection[type[Touchpoint]] | None = None) -> Histories:
    """Histories of the engine's tenant."""
    return Histories(engine.logs.facts, FactReader(), touching)


def ids_of(
    engine: Engine,
    subject: str,
    up_to: int = EVERYTHING,
    touching: Collection[type[Touchpoint]] | None = None,
) -> list[str]:
    """Event ids of the facts that belong to a subject, sorted; by list and by range alike."""
    one = persona(engine, subject)
    read = histories(engine, touching)
    listed = read.of_personas(engine.connection, [one], up_to).facts
    for apart in ((), (ConsentGiven, IdentifierLinked)):
        ranged = read.of_range(engine.connection, PersonaRange(one, one), up_to, apart)
        told = [*ranged.facts, *FactReader().facts(ranged.alone)]
        assert _sorted(listed) == _sorted(told)
    return _sorted(by_subject(listed).get(one, []))


def _sorted(facts: Collection[Fact]) -> list[str]:
    return sorted(fact.event_id for fact in facts)


def test_a_history_holds_what_its_subject_did_and_nothing_of_others(engine: Engine) -> None:
    engine.take_in([bought("card:1", "a"), bought("card:2", "b"), bought("card:1", "c")])
    assert ["a", "c"] == ids_of(engine, "card:1")
    assert ["b"] == ids_of(engine, "card:2")
    assert [] == ids_of(engine, "card:3")


@pytest.mark.parametrize("first", ["purchase", "correction"])
def test_a_touchpoint_that_was_moved_is_read_with_its_new_subject_only(
    engine: Engine, first: str
) -> None:
    pair = [bought("card:1", "a"), move("a", "m", "card:2")]
    engine.take_in(pair if first == "purchase" else reversed(pair))
    assert [] == ids_of(engine, "card:1")
    assert ["a"] == ids_of(engine, "card:2")
    assert [] == ids_of(engine, "card:9")


def test_a_touchpoint_moved_twice_belongs_to_one_and_to_nobody_else(engine: Engine) -> None:
    outcomes = engine.take_in(
        [bought("card:1", "a"), move("a", "m1", "card:2"), move("a", "m2", "card:3")]
    )
    # Equal instants of one source without a sequence: the greater entry id is the last.
    first, second = (one.entry_id or b"" for one in outcomes[1:])
    home = "card:3" if second > first else "card:2"
    expected = {"card:1": [], "card:2": [], "card:3": [], home: ["a"]}
    assert expected == {one: ids_of(engine, one) for one in ("card:1", "card:2", "card:3")}


def test_voiding_the_move_brings_a_touchpoint_home(engine: Engine) -> None:
    engine.take_in([bought("card:1", "a"), move("a", "m", "card:2"), void("m", "v", "2024-02-01")])
    assert ["a"] == ids_of(engine, "card:1")
    assert [] == ids_of(engine, "card:2")


def test_a_voided_touchpoint_is_nobodys(engine: Engine) -> None:
    engine.take_in([bought("card:1", "a"), bought("card:1", "b"), void("a", "v")])
    assert ["b"] == ids_of(engine, "card:1")


def test_a_history_is_as_known_at_its_position(engine: Engine) -> None:
    engine.take_in([bought("card:1", "a"), move("a", "m", "card:2"), void("m", "v", "2024-02-01")])
    homes = [
        [one for one in ("card:1", "card:2") if ids_of(engine, one, up_to)] for up_to in range(4)
    ]
    assert [[], ["card:1"], ["card:2"], ["card:1"]] == homes


def test_corrected_values_and_what_made_them_are_told_together(engine: Engine) -> None:
    engine.take_in([
        bought("card:1", "a"),
        correct("a", "c", fields={"lines": lines(70)}, occurred_at="2024-01-09T00:00:00Z"),
    ])  # fmt: skip
    history = histories(engine).of_personas(
        engine.connection, [persona(engine, "card:1")], EVERYTHING
    )
    (fact,) = history.facts
    assert isinstance(fact.touchpoint, PurchaseMade)
    assert 70 == fact.touchpoint.lines[0].amount
    assert ["c"] == [naming.fact.event_id for naming in history.naming[fact.entry_id]]


def test_corrections_are_no_facts_of_anybody(engine: Engine) -> None:
    engine.take_in([bought("card:1", "a"), correct("a", "c", stated_by="card:1"), void("zz", "v")])
    assert ["a"] == ids_of(engine, "card:1")
    assert [] == ids_of(engine, "card:9")


def test_a_fact_of_another_that_names_a_persona_touches_it(engine: Engine) -> None:
    engine.take_in([
        event(ConsentGiven, "crm:1", "2024-01-01", id="c", purpose="news", identifiers=["card:1"]),
        event(IdentifierLinked, "crm:1", "2024-01-02", id="l", identifiers=["card:1"]),
        bought("crm:1", "p", identifiers=["card:1"]), bought("crm:1", "q"), bought("card:1", "r"),
    ])  # fmt: skip
    card = [persona(engine, "card:1")]

    def touched(touching: Collection[type[Touchpoint]] | None) -> list[str]:
        found = histories(engine, touching).of_personas(engine.connection, card, EVERYTHING)
        return _sorted(found.facts)

    assert ["c", "l", "p", "r"] == touched(None)
    assert ["c", "r"] == touched([ConsentGiven])
    assert ["r"] == touched([])
    assert ["c", "l", "p", "q"] == ids_of(engine, "crm:1", touching=[])


def test_a_moved_touchpoint_is_found_whatever_types_are_wanted(engine: Engine) -> None:
    engine.take_in([bought("card:1", "a"), move("a", "m", "card:2")])
    assert ["a"] == ids_of(engine, "card:2", touching=[])
    assert [] == ids_of(engine, "card:1", touching=[])


def test_links_are_read_between_positions_with_corrections_as_known(engine: Engine) -> None:
    engine.take_in([
        bought("crm:1", "one", identifiers=["card:1"]),
        bought("crm:1", "two", identifiers=["card:2"]),
        bought("crm:1", "alone"),
        bought("crm:1", "three", identifiers=["card:3"]),
        void("two", "v"),
    ])  # fmt: skip
    read = histories(engine)

    def linking(after: int, up_to: int, known_at: int) -> list[str]:
        return _sorted(read.linking(engine.connection, after, up_to, known_at).facts)

    assert ["one", "three", "two"] == linking(0, 4, 4)
    assert ["one", "three"] == linking(0, 4, 5)
    assert ["two"] == linking(1, 3, 4)
    assert [] == linking(4, 5, 5)


def test_entries_are_found_by_id_as_stated_with_what_they_name(engine: Engine) -> None:
    outcomes = engine.take_in(
        [bought("card:1", "a"), move("a", "m", "card:2"), bought("card:1", "b")]
    )
    first, moving, last = (one.entry_id or b"" for one in outcomes)
    read = histories(engine)
    asked = [first, moving, last, bytes(16)]
    stated = read.by_ids(engine.connection, asked, 2)
    assert ["a", "m"] == _sorted(stated)
    assert {persona(engine, "card:1"), persona(engine, "card:9")} == by_subject(stated).keys()
    found = read.with_targets(engine.connection, asked, EVERYTHING)
    assert {first: None, moving: first, last: None} == {
        fact.entry_id: target for fact, target in found
    }


def test_what_names_an_entry_is_found_down_to_the_last_void(engine: Engine) -> None:
    outcomes = engine.take_in([
        bought("card:1", "a"), correct("a", "c"), void("c", "v", "2024-02-01"),
        void("v", "w", "2024-03-01"), correct("other", "d"),
    ])  # fmt: skip
    first = outcomes[0].entry_id or b""
    naming = histories(engine).naming(engine.connection, [first], EVERYTHING)
    assert [["c"], ["v"], ["w"]] == [
        [one.fact.event_id for one in naming[outcome.entry_id or b""]] for outcome in outcomes[:3]
    ]
    assert 3 == len(naming)
    assert {} == histories(engine).naming(engine.connection, [], EVERYTHING)


def test_one_tenants_corrections_have_no_say_in_anothers_facts(engine: Engine) -> None:
    engine.take_in([bought("card:1", "a")])
    other = Engine(engine.conninfo)
    other.take_in([bought("card:1", "a"), void("a", "v")])
    assert ["a"] == ids_of(engine, "card:1")
    assert [] == ids_of(other, "card:1")
    other.close()
