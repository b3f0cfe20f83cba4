"""Hypothesis strategies made from the types: every touchpoint that its decoder would accept.

Hypothesis itself ignores msgspec's Meta, so bounds are read from msgspec.inspect. Texts are drawn
from a small pool half of the time, so that codes, topics and campaigns meet each other.
"""

import string
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from domain.errors import Refused
from domain.fact import Fact
from domain.identifiers import Persona
from domain.instants import instant_of
from domain.money import INTEGER_MAX
from domain.touchpoints.base import Touchpoint
from domain.touchpoints.catalogue import CATALOGUE
from domain.touchpoints.checking import check
from domain.touchpoints.correction import TouchpointCorrected, TouchpointVoided

TEXT_LENGTH_MAX = 12
ITEMS_MAX = 4
SOURCES = ("till", "webshop", "crm")
PERSONAS = (
    Persona("crm", bytes(15) + b"\x01"),
    Persona("card", bytes(15) + b"\x02"),
    Persona("email", b"\xff" * 16),
)
START = datetime(2024, 2, 27, 22, tzinfo=UTC)
MOMENTS = tuple(START + timedelta(hours=7 * hours) for hours in range(40))
STATEMENTS = tuple(
    one for one in CATALOGUE.types.values() if one not in {TouchpointCorrected, TouchpointVoided}
)


def instants() -> st.SearchStrategy[int]:
    """Instants (microseconds since 1970): of twelve days, or of sixty years."""
    anywhere = st.integers(0, 60 * 366 * 86_400 * 1_000_000)
    return st.sampled_from([instant_of(moment) for moment in MOMENTS]) | anywhere


def equal_instants() -> st.SearchStrategy[int]:
    """Instants that are often equal: there are two of them."""
    return st.sampled_from([instant_of(moment) for moment in MOMENTS[:2]])


def touchpoints(*types: type[Touchpoint]) -> st.SearchStrategy[Any]:
    """Touchpoints of some types, or of all, as their publishers state them."""
    return st.sampled_from(types or tuple(CATALOGUE.types.values())).flatmap(structs)


@cache
def structs(struct: type[Any]) -> st.SearchStrategy[Any]:
    """Instances of a struct: required fields always, each of the others half of the time."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    asked = {field.name: field.required or _has_least(field.type) for field in info.fields}
    required = {field.name: _of(field.type) for field in info.fields if asked[field.name]}
    optional = {field.name: _of(field.type) for field in info.fields if not asked[field.name]}
    stated = st.fixed_dictionaries(required, optional=optional)
    made = stated.map(lambda fields: struct(**fields))
    return made.filter(_is_accepted) if issubclass(struct, Touchpoint) else made


def _has_least(info: inspect.Type) -> bool:
    """Whether a publisher must state some, although the journal stores none."""
    return isinstance(info, inspect.Metadata) and "minItems" in (info.extra_json_schema or {})


def _is_accepted(touchpoint: Touchpoint) -> bool:
    try:
        check(touchpoint)
    except Refused:
        return False
    return True


@st.composite
def facts(
    draw: st.DrawFn, *types: type[Touchpoint], at: st.SearchStrategy[int] | None = None
) -> Fact:
    """Facts of one party as folds see them: no identifiers, no personal fields, no corrections."""
    touchpoint = draw(touchpoints(*(types or STATEMENTS)))
    sealed = dict.fromkeys(CATALOGUE.personal_fields[type(touchpoint)])
    persona = draw(st.sampled_from(PERSONAS))
    linked = draw(st.sets(st.sampled_from(PERSONAS), max_size=2)) - {persona}
    return Fact(
        entry_id=draw(st.binary(min_size=16, max_size=16)),
        source=draw(st.sampled_from(SOURCES)),
        event_id=draw(st.uuids()).hex,
        sequence=draw(st.integers(-1, 3)),
        persona=persona,
        occurred_at=draw(instants() if at is None else at),
        touchpoint=msgspec.structs.replace(touchpoint, identifiers=(), **sealed),
        linked=tuple(sorted(linked, key=lambda one: one.namespace)),
    )


def histories(*types: type[Touchpoint], max_size: int = 30) -> st.SearchStrategy[list[Fact]]:
    """Facts of one party, each of them once, in any order; in half of them instants meet."""
    spread, met = (
        st.lists(facts(*types, at=at), max_size=max_size, unique_by=lambda fact: fact.entry_id)
        for at in (instants(), equal_instants())
    )
    return spread | met


def _of(info: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0912 - one case a type
    match info:
        case inspect.Metadata(extra_json_schema={"examples": examples}):
            return st.sampled_from(examples)
        case inspect.Metadata(type=inspect.VarTupleType(item_type=item)) if _has_least(info):
            return st.lists(_of(item), min_size=1, max_size=ITEMS_MAX).map(tuple)
        case inspect.Metadata(type=inner):
            return _of(inner)
        case inspect.UnionType(types=types):
            return st.one_of(*map(_of, types))
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case inspect.StructType(cls=struct):
            return structs(struct)
        case inspect.StrType(min_length=least, max_length=most):
            return _texts(least or 0, min(most or TEXT_LENGTH_MAX, TEXT_LENGTH_MAX))
        case inspect.IntType(ge=least, le=most):
            return _integers(least, most)
        case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
            size = max(least or 0, min(most or ITEMS_MAX, ITEMS_MAX))
            return st.lists(_of(item), min_size=least or 0, max_size=size).map(tuple)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of(key), _of(value), max_size=ITEMS_MAX)
        case inspect.DateTimeType():
            return st.sampled_from(MOMENTS)
        case inspect.DateType():
            return st.dates()
        case inspect.NoneType():
            return st.none()
        case inspect.AnyType():
            return st.none() | st.booleans() | _integers(None, None) | _texts(0, TEXT_LENGTH_MAX)
        case _:
            raise AssertionError(f"expected a type that touchpoints use, found {info}; teach _of()")


def _texts(least: int, most: int) -> st.SearchStrategy[str]:
    pool = st.sampled_from(string.ascii_uppercase[:4]).map(lambda letter: letter * max(least, 1))
    return pool | st.text(min_size=least, max_size=most)


def _integers(least: int | None, most: int | None) -> st.SearchStrategy[int]:
    low = -INTEGER_MAX if least is None else least
    # A billion: no receipt of a few lines comes near what intake refuses.
    high = min(10**9, INTEGER_MAX if most is None else most)
    return st.integers(max(low, 0), min(high, 100)) | st.integers(low, high)
