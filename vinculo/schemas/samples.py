"""One sample of each touchpoint type, made from the type: the same at each generation."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from domain.touchpoints import Touchpoint

Sample = dict[str, Any]

SOURCE = "urn:example:shop"
SUBJECT = "crm:4711"
TIME = "2025-03-01T10:15:00+01:00"
_CORRECTED = "vinculo.purchase_made.v1"
_INTEGER = 10

# What a reader recognises, by the name of the field; any other value comes from the type alone.
_EXAMPLES: dict[str, Any] = {
    "account": "A-1002",
    "active_from": "2025-03-15T00:00:00+01:00",
    "address": "Calle Mayor 1",
    "age_band": "35-44",
    "agent": "agent-17",
    "amount": 1990,
    "born_on": "1984-05-17",
    "campaign": "C-2025-03",
    "category": "coffee and tea",
    "channel": "web",
    "contact_channel": "email",
    "corrected_type": _CORRECTED,
    "cost": 1030,
    "country": "ES",
    "coupon": "SPRING10",
    "currency": "EUR",
    "discount": 200,
    "email": "ana@example.test",
    "expires_at": "2026-03-01T00:00:00+01:00",
    "fields": {"location": "S02"},
    "id": f"sample-{_CORRECTED}",
    "identifiers": ["card:6001234"],
    "incident": "I-3007",
    "language": "es",
    "lives_days": 90,
    "location": "S01",
    "name": "Ana Example",
    "number": "T-20417",
    "occurred_at": TIME,
    "phone": "+44 7700 900001",
    "points": 120,
    "postcode": "28001",
    "product": "COF-001",
    "programme": "club",
    "purpose": "newsletter",
    "quantity": 1000,
    "score": 9,
    "severity": 2,
    "shipping": 0,
    "source": SOURCE,
    "store": "S01",
    "subject": "crm:4712",
    "survey": "nps",
    "tax": 181,
    "till": "S01-2",
    "topic": "delivery",
}


def sample_data(touchpoint: type[Touchpoint]) -> Sample:
    """Return the ``data`` of a sample, every field filled."""
    return _struct(inspect.type_info(touchpoint))


def sample_event(name: str, touchpoint: type[Touchpoint]) -> Sample:
    """Return a whole CloudEvent in structured mode.

    Args:
        name: CloudEvents type.
        touchpoint: its struct.

    """
    return {
        "specversion": "1.0",
        "id": f"sample-{name}",
        "source": SOURCE,
        "type": name,
        "subject": SUBJECT,
        "time": TIME,
        "datacontenttype": "application/json",
        "data": sample_data(touchpoint),
    }


def _struct(kind: inspect.Type) -> Sample:
    assert isinstance(kind, inspect.StructType)  # noqa: S101 - of our own types
    return {
        field.encode_name: _EXAMPLES[field.name]
        if _fits(field.name, field.type)
        else _value(field.name, field.type)
        for field in kind.fields
    }


def _fits(name: str, kind: inspect.Type) -> bool:
    """Say whether the example of a name is a value of the type that the field has here."""
    if name not in _EXAMPLES:
        return False
    plain = _unwrap(kind)
    match _EXAMPLES[name]:
        case str(text) if isinstance(plain, inspect.LiteralType):
            return text in plain.values
        case str():
            return isinstance(plain, (inspect.StrType, inspect.DateTimeType, inspect.DateType))
        case int(number):
            return isinstance(plain, inspect.IntType) and (plain.le is None or number <= plain.le)
        case list():
            return isinstance(plain, inspect.VarTupleType)
        case _:
            return isinstance(plain, inspect.DictType)


def _value(name: str, kind: inspect.Type) -> Any:  # noqa: ANN401 - a value of JSON
    match _unwrap(kind):
        case inspect.StructType() as struct:
            return _struct(struct)
        case inspect.VarTupleType(item_type=item):
            return [_value(name, item)]
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.IntType(ge=ge, le=le):
            return min(max(_INTEGER, ge or 0), le or _INTEGER)
        case inspect.DateTimeType():
            return TIME
        case inspect.DateType():
            return TIME[:10]
        case inspect.BoolType():
            return True
        case inspect.StrType(max_length=longest):
            return name.replace("_", " ")[:longest]
        case other:
            message = f"{name}: expected a type that samples know, found {other}; teach it here"
            raise msgspec.MsgspecError(message)


def _unwrap(kind: inspect.Type) -> inspect.Type:
    """Return a type without marks and without None among its alternatives."""
    while True:
        if isinstance(kind, inspect.Metadata):
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
        else:
            return kind
