"""What holds of every commutative part of the customer 360."""

import importlib
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fact import Fact
from domain.instants import moment_of
from projections.customer.part import Part, Reading
from tests.folding import CANONICAL, CONTEXT, fold, fold_in_batches, numbers_in, show
from tests.strategies import histories, instants

NAMES = (
    "identity",
    "commercial",
    "financial",
    "quality",
    "marketing",
    "interaction",
    "consent",
    "demographics",
    "preferences",
)
PARTS: dict[str, Part] = {
    name: importlib.import_module(f"projections.customer.parts.{name}").PART for name in NAMES
}


def cut(facts: list[Fact], places: set[int]) -> list[list[Fact]]:
    """Return the facts in batches that begin at these places."""
    starts = [0, *sorted(place for place in places if 0 < place < len(facts)), len(facts)]
    return [facts[start:end] for start, end in pairwise(starts)]


def handled_by(part: Part) -> st.SearchStrategy[list[Fact]]:
    """Return histories of what moves a part, which meet each other more often than all do."""
    return histories(*part.handlers)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_order_and_any_batches_give_the_same_bytes(name: str, data: st.DataObject) -> None:
    part = PARTS[name]
    facts = data.draw(handled_by(part))
    shuffled = data.draw(st.permutations(facts))
    places = data.draw(st.sets(st.integers(0, 30), max_size=5))

    assert CANONICAL.encode(fold(part, facts)) == fold_in_batches(part, cut(shuffled, places))


@settings(max_examples=60, deadline=None)
@given(facts=histories(), now=instants())
def test_every_state_is_shown_as_json_without_floats(facts: list[Fact], now: int) -> None:
    for part in PARTS.values():
        document = show(part, fold(part, facts), moment_of(now).isoformat())
        assert [] == [one for one in numbers_in(document) if isinstance(one, float)]


@pytest.mark.parametrize("name", NAMES)
def test_a_customer_without_facts_is_shown(name: str) -> None:
    part = PARTS[name]

    assert name == part.name
    assert isinstance(show(part, part.state()), dict)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_frozen_and_documented(name: str) -> None:
    part = PARTS[name]
    view: Any = type(part.render(part.state(), Reading(CONTEXT, 0)))

    assert view.__struct_config__.frozen
    assert view.__doc__
    assert msgspec.json.schema(view)
