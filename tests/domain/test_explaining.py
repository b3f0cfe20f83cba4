"""What publishers read of a field that does not fit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from domain.errors import Refused
from domain.explaining import explained
from domain.touchpoints import CATALOGUE, type_name
from domain.touchpoints.commercial import PurchaseMade


class _Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    amount: Annotated[int, Meta(ge=0)]
    kind: Literal["goods", "service"] = "goods"
    at: Annotated[datetime, Meta(tz=True)] | None = None
    name: Annotated[str, Meta(max_length=3)] = ""
    by_day: dict[str, int] = {}


class _Receipt(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    lines: tuple[_Line, ...]


_NUMBER = "send a whole number without quotes, money in minor units"
_TIME = "send a time with its offset, such as 2024-03-01T10:00:00Z"


def line(**fields: object) -> dict[str, object]:
    return {"lines": [{"amount": 1, **fields}]}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({}, "expected the field `lines`, found none; add it"),
        ([], "expected object, found array; send a JSON object in braces"),
        (line(amount="12"), f"lines[0].amount: expected int, found str; {_NUMBER}"),
        (line(amount=-1), f"lines[0].amount: expected int >= 0, found another value; {_NUMBER}"),
        (line(kind="ana@home.test"), "lines[0].kind: expected one of the values in the schema"),
        (line(at="1 March"), "lines[0].at: expected a time as RFC 3339 has it, found another"),
        (line(at="2024-03-01T10:00:00"), "lines[0].at: expected datetime with a timezone"),
        (line(at=5), f"lines[0].at: expected datetime or null, found int; {_TIME}"),
        (line(name="ana@home.test"), "lines[0].name: expected str of length <= 3, found"),
        (line(by_day={"ana@home.test": "x"}), "lines[0].by_day[...]: expected int, found str"),
        (line(amuont=2), "lines[0]: expected fields of the schema only, found `amuont`"),
    ],
)  # fmt: skip
def test_a_refusal_says_where_and_what_to_do_and_repeats_no_value(sent: object, told: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(msgspec.json.encode(sent), type=_Receipt)
    said = explained(refused.value)
    assert said.startswith(told)
    assert "; " in said
    assert "ana@home" not in said


@given(st.text(max_size=200))
def test_words_of_the_decoder_that_are_not_known_still_read_as_expected_and_found(
    text: str,
) -> None:
    told = explained(msgspec.ValidationError(text))
    assert "expected" in told
    assert "found" in told


def test_a_touchpoint_is_refused_with_its_type_and_the_path_of_the_field() -> None:
    data = b'{"number": "1", "currency": "EUR", "lines": [{"product": "p", "quantity": "1"}]}'
    with pytest.raises(Refused) as refused:
        CATALOGUE.decode(type_name(PurchaseMade), data)
    assert "bad_data" == refused.value.code
    assert refused.value.detail == (
        f"{type_name(PurchaseMade)}: lines[0].quantity: expected int, found str; send a whole "
        "number without quotes, money in minor units"
    )
