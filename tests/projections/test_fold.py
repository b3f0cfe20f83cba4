"""The fold: one function over all parts; order, cuts and storage in between leave no trace."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import Calendar
from domain.fact import Fact
from domain.identifiers import Persona
from domain.lifecycle.rules import LifecycleRulebook, LifecycleRules
from domain.touchpoints import (
    CATALOGUE,
    ConsentGiven,
    ExclusionListed,
    IdentifierLinked,
    IdentifierUnlinked,
    PurchaseMade,
    Touchpoint,
    Unsubscribed,
)
from projections.customer.fold import BEFORE_TIME, Fold, deliveries
from projections.customer.part import Context, Part
from projections.customer.registry import PARTS, SHARED, TIES
from tests.folding import ANA, CARD, CONTEXT, fact, instant
from tests.strategies import histories

MAIL = Persona("email", bytes(15) + b"\x03")
FOLD = Fold(CONTEXT)
NEWS = ConsentGiven(purpose="news")


class Counter(msgspec.Struct, array_like=True, gc=False):
    """State of a part of these tests: what it saw, and up to when its timers ran."""

    seen: list[str] = msgspec.field(default_factory=list)
    reached: int = 0


def _see(state: Counter, one: Fact, _touchpoint: Touchpoint, _context: Context) -> None:
    state.seen.append(one.event_id)


def _settle_at(due: int | None) -> Any:
    def settle(state: Counter, horizon: int, _context: Context) -> int | None:
        state.reached = horizon
        return due

    return settle


def part(name: str, *kinds: type[Touchpoint], due: int | None = None, version: int = 1) -> Part:
    """A part that sees some types."""
    handlers = dict.fromkeys(kinds, _see)
    return Part(
        name, version, "ordered", Counter, handlers, lambda _state, _now: None, _settle_at(due)
    )


def told(
    one: Fact, parties: dict[Persona, bytes]
) -> list[tuple[bytes, Persona, tuple[Any, ...], bool]]:
    """To whom a fact is delivered, as (party, persona, linked, shared)."""
    by_id = {persona.persona_id: party for persona, party in parties.items()}
    return [
        (party, same.persona, same.linked, shared)
        for party, same, shared in deliveries(one, lambda persona: by_id.get(persona, persona))
    ]


@settings(max_examples=60, deadline=None)
@given(history=histories(max_size=12), chance=st.randoms(use_true_random=False))
def test_any_order_cut_anywhere_and_stored_in_between_gives_the_same_bytes(
    history: list[Fact], chance: Any
) -> None:
    expected = FOLD.fold(history)
    FOLD.settle(expected, instant("2025-01-01"))
    chance.shuffle(history)
    state = FOLD.new()
    for one in history:
        FOLD.evolve(state, one)
        if chance.random() < 0.3:
            FOLD.settle(state, instant("2024-03-01"))
            state = FOLD.decode(FOLD.encode(state))
    FOLD.settle(state, instant("2025-01-01"))
    assert FOLD.encode(expected) == FOLD.encode(state)


def test_a_new_party_is_older_than_any_fact_and_survives_storage() -> None:
    state = FOLD.new()
    assert BEFORE_TIME == state.latest
    assert state == FOLD.decode(FOLD.encode(state))
    assert ["latest", *(one.name for one in PARTS)] == list(state.__struct_fields__)


def test_two_parties_share_no_state() -> None:
    fold = Fold(CONTEXT, [part("one", Unsubscribed)])
    first, second = fold.new(), fold.new()
    fold.evolve(first, fact(Unsubscribed()))
    assert (1, 0) == (len(first.one.seen), len(second.one.seen))


def test_the_latest_fact_is_the_one_that_happened_last() -> None:
    fold, state = Fold(CONTEXT, []), Fold(CONTEXT, []).new()
    for day in ("2024-02-01", "2024-03-01", "2024-01-01"):
        fold.evolve(state, fact(Unsubscribed(), day))
    assert instant("2024-03-01") == state.latest


def test_a_part_sees_the_types_that_it_handles_and_no_others() -> None:
    fold = Fold(CONTEXT, [part("one", Unsubscribed), part("both", Unsubscribed, PurchaseMade)])
    state = fold.new()
    purchase = fact(PurchaseMade(number="1", currency="EUR", lines=()), entry=901)
    fold.evolve(state, purchase)
    fold.evolve(state, fact(Unsubscribed(), entry=902))
    assert ["event-902"] == state.one.seen
    assert ["event-901", "event-902"] == state.both.seen


def test_facts_are_folded_in_their_own_order() -> None:
    fold = Fold(CONTEXT, [part("one", Unsubscribed)])
    facts = [fact(Unsubscribed(), f"2024-01-0{day}", entry=day) for day in (3, 1, 2)]
    state = fold.fold(facts)
    assert ["event-1", "event-2", "event-3"] == state.one.seen


@pytest.mark.parametrize(
    ("horizon", "reached"), [("2024-02-01", "2024-03-01"), ("2024-04-01", "2024-04-01")]
)
def test_timers_run_up_to_the_horizon_or_the_partys_own_latest_fact(
    horizon: str, reached: str
) -> None:
    fold = Fold(CONTEXT, [part("one", Unsubscribed)])
    state = fold.new()
    fold.evolve(state, fact(Unsubscribed(), "2024-03-01"))
    fold.settle(state, instant(horizon))
    assert instant(reached) == state.one.reached


@pytest.mark.parametrize(
    ("dues", "expected"), [((None, 7, 5), 5), ((None, None), None), ((), None), ((0, 3), 0)]
)
def test_the_next_due_is_the_first_of_all_parts(
    dues: tuple[int | None, ...], expected: int | None
) -> None:
    parts = [part(f"p{number}", Unsubscribed, due=due) for number, due in enumerate(dues)]
    fold = Fold(CONTEXT, parts)
    assert expected == fold.settle(fold.new(), 0)


def test_a_fold_is_named_by_its_parts_their_versions_and_the_rules() -> None:
    names = {
        Fold(CONTEXT, parts).name
        for parts in (
            [part("one")], [part("one", version=2)], [part("two")], [part("one"), part("two")],
        )
    }  # fmt: skip
    assert 4 == len(names)
    assert Fold(CONTEXT, [part("one", version=3)]).name.startswith("one:3;")
    rules = "+".join(one.version for one in CONTEXT.lifecycle.versions)
    assert f";{rules};" in FOLD.name
    assert all(f"{one.name}:{one.version}" in FOLD.name for one in PARTS)


def test_other_settings_make_another_fold_whatever_their_label_says() -> None:
    elsewhere = Context(Calendar.in_zone("Asia/Tokyo"), CONTEXT.lifecycle)
    patient = Context(CONTEXT.calendar, LifecycleRulebook((LifecycleRules(loyal_days=99),)))
    assert 3 == len({Fold(context).name for context in (CONTEXT, elsewhere, patient)})


def test_every_type_that_is_known_can_be_folded() -> None:
    assert CATALOGUE.names.keys() == FOLD._handlers.keys()


def test_a_fact_that_names_nobody_else_goes_to_its_subjects_party_alone() -> None:
    one = fact(NEWS, persona=ANA)
    assert [(b"party", one, False)] == deliveries(one, lambda _persona: b"party")


@pytest.mark.parametrize("kind", [IdentifierLinked, IdentifierUnlinked])
def test_ties_reach_no_part_at_all(kind: type[Touchpoint]) -> None:
    assert kind in TIES
    assert [] == told(fact(kind(), persona=ANA, linked=(CARD,)), {})


def test_what_is_not_shared_stays_with_its_subject_and_keeps_whom_it_names() -> None:
    one = fact(Unsubscribed(), persona=ANA, linked=(CARD, MAIL))
    parties = {ANA: b"a", CARD: b"c", MAIL: b"a"}
    assert [(b"a", ANA, (CARD, MAIL), False)] == told(one, parties)


@pytest.mark.parametrize("touchpoint", [NEWS, ExclusionListed(purpose="p", list_name="robinson")])
def test_a_statement_about_several_reaches_each_party_with_its_own_personas_only(
    touchpoint: Touchpoint,
) -> None:
    assert type(touchpoint) in SHARED
    one = fact(touchpoint, persona=ANA, linked=(CARD, MAIL))
    assert [
        (b"a", ANA, (), False), (b"c", CARD, (), True), (b"m", MAIL, (), True),
    ] == told(one, {ANA: b"a", CARD: b"c", MAIL: b"m"})  # fmt: skip
    assert [(b"a", ANA, (MAIL,), False), (b"c", CARD, (), True)] == told(
        one, {ANA: b"a", CARD: b"c", MAIL: b"a"}
    )
    assert [(b"a", ANA, (), False), (b"c", CARD, (MAIL,), True)] == told(
        one, {ANA: b"a", CARD: b"c", MAIL: b"c"}
    )
    assert [(b"a", ANA, (CARD, MAIL), False)] == told(one, {ANA: b"a", CARD: b"a", MAIL: b"a"})


def test_a_shared_statement_moves_consent_and_nothing_else() -> None:
    state = FOLD.new()
    FOLD.evolve_shared(state, fact(NEWS, persona=CARD))
    untouched = FOLD.new()
    changed = [
        name for name in state.__struct_fields__ if getattr(state, name) != getattr(untouched, name)
    ]
    assert ["consent"] == changed


def test_a_fold_without_the_shared_part_takes_no_shared_statements() -> None:
    fold = Fold(CONTEXT, [part("one", ConsentGiven)])
    with pytest.raises(KeyError):
        fold.evolve_shared(fold.new(), fact(NEWS, persona=CARD))
