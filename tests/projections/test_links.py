"""Links: what facts say of a pair is a semilattice; explicit outranks implied, ties unlink."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fact import Fact, order_key
from domain.identifiers import Persona
from domain.links import (
    IMPLIED,
    LinkState,
    Pair,
    combine,
    judged,
    sort_key,
    statements,
)
from domain.touchpoints import IdentifierLinked, IdentifierUnlinked, Touchpoint, Unsubscribed

PERSONAS = tuple(
    Persona(namespace, bytes(15) + bytes((number,)))
    for number, namespace in ((9, "crm"), (1, "card"), (5, "email"), (3, "crm"))
)
ANA, CARD, MAIL, EVA = PERSONAS
KINDS: tuple[Touchpoint, ...] = (IdentifierLinked(), IdentifierUnlinked(), Unsubscribed())

# A key says link or unlink once in life; only two facts of one sort key can disagree.
STATES = st.builds(
    lambda implied, key, linked: LinkState(implied, key, bool(key) and linked),
    st.booleans(),
    st.sampled_from([b"", b"a", b"b"]),
    st.booleans(),
)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """A fact that speaks of several personas."""
    subject = draw(st.sampled_from(PERSONAS))
    linked = draw(st.lists(st.sampled_from(PERSONAS), max_size=3, unique=True))
    return fact(
        draw(st.sampled_from(KINDS)), subject, linked, at=draw(st.integers(-2, 2)),
        source=draw(st.sampled_from(["a", "ab"])), sequence=draw(st.integers(-1, 1)),
        entry=draw(st.integers(0, 3)),
    )  # fmt: skip


def fact(
    touchpoint: Touchpoint,
    subject: Persona,
    linked: Sequence[Persona],
    *,
    at: int = 0,
    source: str = "a",
    sequence: int = -1,
    entry: int = 1,
) -> Fact:
    """A fact that names further personas."""
    return Fact(entry.to_bytes(16), source, "any", sequence, subject, at, touchpoint, tuple(linked))


@given(STATES, STATES)
def test_combining_is_commutative(one: LinkState, other: LinkState) -> None:
    assert combine(one, other) == combine(other, one)


@given(STATES, STATES, STATES)
def test_combining_is_associative(one: LinkState, other: LinkState, third: LinkState) -> None:
    assert combine(combine(one, other), third) == combine(one, combine(other, third))


@given(STATES)
def test_combining_is_idempotent_and_nothing_known_adds_nothing(state: LinkState) -> None:
    assert (
        state == combine(state, state) == combine(state, LinkState()) == combine(LinkState(), state)
    )


@pytest.mark.parametrize(
    ("state", "joined"),
    [
        (LinkState(), False), (IMPLIED, True),
        (LinkState(explicit=b"k", linked=True), True),
        (LinkState(explicit=b"k", linked=False), False),
        (LinkState(implied=True, explicit=b"k", linked=False), False),
        (LinkState(implied=True, explicit=b"k", linked=True), True),
    ],
)  # fmt: skip
def test_what_was_said_outright_outranks_what_was_implied(state: LinkState, joined: bool) -> None:
    assert joined == state.joined


def test_the_last_outright_statement_counts_and_a_tie_parts() -> None:
    link = LinkState(explicit=b"b", linked=True)
    earlier, later = LinkState(explicit=b"a"), LinkState(explicit=b"c")
    assert combine(link, earlier).joined
    assert not combine(link, later).joined
    assert not combine(link, LinkState(explicit=b"b")).joined


def test_a_pair_has_one_name_whoever_comes_first() -> None:
    assert Pair.of(ANA, CARD) == Pair.of(CARD, ANA) == Pair(CARD, ANA)


@given(facts(), facts())
def test_sort_keys_of_links_sort_as_facts_do(one: Fact, other: Fact) -> None:
    assert (order_key(one) < order_key(other)) == (sort_key(one) < sort_key(other))
    assert (order_key(one) == order_key(other)) == (sort_key(one) == sort_key(other))


@pytest.mark.parametrize(("at", "golden"), [(-1, "7f" + "ff" * 7), (0, "80" + "00" * 7)])
def test_the_bytes_of_a_sort_key_never_change(at: int, golden: str) -> None:
    key = sort_key(fact(KINDS[0], ANA, [CARD], at=at, source="ab", sequence=6))
    assert golden + "6162" + "00" + "0000000000000007" + "00" * 15 + "01" == key.hex()


@given(st.lists(facts(), max_size=8), st.randoms(use_true_random=False), st.integers(0, 8))
def test_what_is_judged_depends_on_no_order_no_batches_and_no_repetition(
    history: list[Fact], chance: Any, cut: int
) -> None:
    expected = judged(history)
    again = history + history[:3]
    chance.shuffle(again)
    assert expected == judged(again)
    batched = judged(again[:cut])
    for pair, state in judged(again[cut:]).items():
        batched[pair] = combine(batched.get(pair, LinkState()), state)
    assert expected == batched


@given(st.lists(facts(), max_size=8))
def test_judging_is_what_ruling_15_says_word_by_word(history: list[Fact]) -> None:
    for pair, state in judged(history).items():
        naming = [one for one in history if _names(one, pair)]
        outright = [one for one in naming if type(one.touchpoint) is not Unsubscribed]
        if outright:
            last = max(map(order_key, outright))
            said = {type(one.touchpoint) for one in outright if order_key(one) == last}
            assert ({IdentifierLinked} == said) == state.joined
        else:
            assert state.joined
    assert {pair for one in history for pair, _ in statements(one)} == judged(history).keys()


def _names(one: Fact, pair: Pair) -> bool:
    return any(Pair.of(one.persona, other) == pair for other in one.linked if other != one.persona)


def test_a_fact_ties_its_subject_to_each_persona_but_not_these_to_each_other() -> None:
    found = statements(fact(KINDS[2], ANA, [CARD, MAIL]))
    assert [(Pair.of(ANA, CARD), IMPLIED), (Pair.of(ANA, MAIL), IMPLIED)] == found


def test_whoever_names_itself_ties_nothing() -> None:
    assert [] == statements(fact(KINDS[0], ANA, [ANA]))
    assert [] == statements(fact(KINDS[0], ANA, []))


@pytest.mark.parametrize(("kind", "linked"), [(KINDS[0], True), (KINDS[1], False)])
def test_an_outright_statement_is_explicit_and_implies_nothing(
    kind: Touchpoint, linked: bool
) -> None:
    one = fact(kind, ANA, [EVA])
    assert [(Pair.of(ANA, EVA), LinkState(explicit=sort_key(one), linked=linked))] == statements(
        one
    )
