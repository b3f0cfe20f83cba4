import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.touchpoints.base import Touchpoint
from domain.touchpoints.catalogue import CATALOGUE
from tests.strategies import facts, structs

TYPES = sorted(CATALOGUE.types.items())


@pytest.mark.parametrize(("name", "touchpoint"), TYPES, ids=[name for name, _ in TYPES])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_touchpoint_of_the_strategy_is_accepted_by_its_decoder(
    name: str, touchpoint: type[Touchpoint], data: st.DataObject
) -> None:
    stated = data.draw(structs(touchpoint))

    assert stated == CATALOGUE.decode(name, msgspec.json.encode(stated))


@settings(max_examples=50, deadline=None)
@given(fact=facts())
def test_facts_hold_neither_identifiers_nor_personal_fields(fact: object) -> None:
    touchpoint = fact.touchpoint  # type: ignore[attr-defined]
    personal = CATALOGUE.personal_fields[type(touchpoint)]

    assert () == touchpoint.identifiers
    assert [None] * len(personal) == [getattr(touchpoint, name) for name in personal]
