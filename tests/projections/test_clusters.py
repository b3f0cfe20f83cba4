"""Clusters: parties are the components of links, named by the least persona, within the limit."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import Persona, namespace_rank, persona_key
from domain.links import Pair
from projections.identity.clusters import Clustering, cluster

NAMESPACES = ("cookie", "card", "crm", "email")
PERSONAS = tuple(
    Persona(NAMESPACES[(number * 7) % 4], bytes(15) + bytes(((number * 5) % 16,)))
    for number in range(12)
)
PAIRS = st.lists(
    st.tuples(st.sampled_from(PERSONAS), st.sampled_from(PERSONAS))
    .filter(lambda ends: ends[0] != ends[1])
    .map(lambda ends: Pair.of(*ends)),
    max_size=20,
)
NO_LIMIT = 1_000
CRM, MAIL, COOKIE, CARD = (
    Persona(namespace, bytes(15) + bytes((number,)))
    for number, namespace in enumerate(("crm", "email", "cookie", "card"), 1)
)


def groups(clustering: Clustering) -> set[frozenset[Persona]]:
    """The parties as sets."""
    return {frozenset(party.personas) for party in clustering.clusters}


def components(pairs: list[Pair]) -> set[frozenset[Persona]]:
    """The components of a graph, by spreading from every persona until nothing is new."""
    found = set()
    for start in {one for pair in pairs for one in (pair.one, pair.other)}:
        reached = {start}
        while more := {
            end
            for pair in pairs
            for one, end in ((pair.one, pair.other), (pair.other, pair.one))
            if one in reached and end not in reached
        }:
            reached |= more
        found.add(frozenset(reached))
    return found


@given(PAIRS)
def test_without_a_limit_parties_are_the_components_of_the_links(pairs: list[Pair]) -> None:
    clustering = cluster(pairs, NO_LIMIT)
    assert components(pairs) == groups(clustering)
    assert () == clustering.refused


@given(PAIRS, st.randoms(use_true_random=False), st.integers(1, 13))
def test_parties_depend_on_which_links_there_are_and_not_on_their_order(
    pairs: list[Pair], chance: Any, limit: int
) -> None:
    expected = cluster(pairs, limit)
    shuffled = pairs + pairs[:5]
    chance.shuffle(shuffled)
    found = cluster(shuffled, limit)
    assert groups(expected) == groups(found)
    assert expected.refused == found.refused
    assert {one.customer_id for one in expected.clusters} == {
        one.customer_id for one in found.clusters
    }


@given(PAIRS, st.integers(1, 13))
def test_no_party_is_larger_than_the_limit_and_none_could_be_joined_by_a_refused_link(
    pairs: list[Pair], limit: int
) -> None:
    clustering = cluster(pairs, limit)
    party = {one: group for group in groups(clustering) for one in group}
    assert all(1 < len(group) <= limit for group in party.values())
    for pair in clustering.refused:
        one = party.get(pair.one, frozenset({pair.one}))
        other = party.get(pair.other, frozenset({pair.other}))
        assert one is other or len(one | other) > limit


@given(PAIRS, st.integers(1, 13))
def test_the_links_that_were_followed_make_exactly_the_parties(
    pairs: list[Pair], limit: int
) -> None:
    clustering = cluster(pairs, limit)
    followed = [pair for pair in pairs if pair not in clustering.refused]
    assert components(followed) == groups(clustering)


@given(PAIRS, st.integers(2, 13))
def test_a_party_is_named_by_its_least_persona_and_lists_all_in_order(
    pairs: list[Pair], limit: int
) -> None:
    for party in cluster(pairs, limit).clusters:
        ordered = sorted(
            party.personas, key=lambda one: (namespace_rank(one.namespace), one.persona_id)
        )
        assert ordered == list(party.personas)
        assert ordered[0].persona_id == party.customer_id
        assert len(set(party.personas)) == len(party.personas)


def test_what_a_company_assigns_names_the_party_however_great_its_id() -> None:
    crm = Persona("crm", b"\xff" * 16)
    (party,) = cluster([Pair.of(MAIL, crm), Pair.of(COOKIE, MAIL)], NO_LIMIT).clusters
    assert (crm, MAIL, COOKIE) == party.personas
    assert crm.persona_id == party.customer_id


@pytest.mark.parametrize(("limit", "sizes"), [(1, []), (2, [2, 2]), (3, [2, 2]), (4, [4])])
def test_a_chain_is_cut_where_the_limit_bites(limit: int, sizes: list[int]) -> None:
    chain = [Pair.of(CRM, MAIL), Pair.of(MAIL, COOKIE), Pair.of(COOKIE, CARD)]
    clustering = cluster(chain, limit)
    assert sizes == sorted(len(party.personas) for party in clustering.clusters)
    assert (limit == 4) == (not clustering.refused)


def test_a_link_within_a_full_party_is_no_refusal() -> None:
    triangle = [Pair.of(CRM, MAIL), Pair.of(MAIL, COOKIE), Pair.of(CRM, COOKIE)]
    clustering = cluster(triangle, 3)
    assert () == clustering.refused
    assert 1 == len(clustering.clusters)


def test_nobody_is_a_party_of_one() -> None:
    assert Clustering((), ()) == cluster([], NO_LIMIT)
    assert () == cluster([Pair.of(CRM, MAIL)], 1).clusters
    assert (persona_key(CRM), persona_key(COOKIE)) == ((0, CRM.persona_id), (8, COOKIE.persona_id))
