"""Texts that do not fit the rule format: every place is named, and nothing that fits is blamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.programmes.format import FormatError, decode_version, encode_version
from domain.programmes.misfits import MisfitError, read_version
from tests.domain.programme_cases import CLUB, CLUB_FILE, versions


def club(**changed: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(CLUB_FILE.read_bytes())
    return document | changed


def faults(document: Any) -> dict[str, str]:
    with pytest.raises(MisfitError) as raised:
        read_version(json.dumps(document))
    assert all(str(fault) in str(raised.value) for fault in raised.value.faults)
    return {fault.field: fault.message for fault in raised.value.faults}


def test_a_text_that_fits_is_read() -> None:
    assert CLUB == read_version(CLUB_FILE.read_bytes())


def test_every_place_that_does_not_fit_is_named() -> None:
    document = club(colour="blue", claim_window_days="thirty")
    del document["version"]
    document["rules"][0]["earn"]["points"] = 0
    document["rules"][2]["when"][0]["first"] = "1 March"
    document["rules"][2]["when"][1]["kind"] = "mood"
    document["rules"][3]["lines"] = {"categories": [1]}
    document["rules"][4]["caps"][0]["period"] = "decade"
    document["rules"][0]["tiers"]["gold"] = -1
    document["rules"][1]["tiers"] = {"Gold!": 120}
    document["currencies"][0]["burn"]["step"] = None
    document["currencies"][0]["reversal"] = {"kind": "reissue"}
    document["tiers"]["measure"]["period"] = "year"
    found = faults(document)
    assert {
        "colour", "claim_window_days", "version", "rules[0].earn.points",
        "rules[2].when[0].first", "rules[2].when[1]", "rules[3].lines.categories[0]",
        "rules[4].caps[0].period", "rules[0].tiers.gold", "rules[1].tiers",
        "currencies[0].burn.step",
        "currencies[0].reversal.days", "tiers.measure.period",
    } == set(found)  # fmt: skip
    assert "expected `int` >= 1, found 0; see schemas/programme" == found["rules[0].earn.points"]
    assert "expected `int`, found `str`; see schemas/programme" == found["claim_window_days"]
    assert found["version"].startswith("expected a value, found none")
    assert found["colour"].startswith("expected one of programme, version, effective_from")
    assert "mood" in found["rules[2].when[1]"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected JSON"),
        ("{", "expected JSON"),
        (b"\xff", "expected JSON"),
        ("[]", "expected `object`, found `array`"),
        ("null", "expected `object`, found `null`"),
        ("[" * 100_000, "nested a few levels"),
        ('{"currencies": ' + "[" * 100_000, "nested a few levels"),
        ('{"tiers": {"measure": {"a": ' + "[" * 100_000, "nested a few levels"),
    ],
)
def test_what_is_no_version_at_all_is_one_fault(text: str | bytes, said: str) -> None:
    with pytest.raises(MisfitError, match=said) as raised:
        read_version(text)
    assert ["text"] == [fault.field for fault in raised.value.faults]


def test_what_is_long_is_not_told_whole() -> None:
    assert len(faults(club(version="x" * 10_000))["version"]) < 200
    assert max(map(len, faults(club(**{"y" * 10_000: 1})))) < 100


leaves: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({})
)


@settings(max_examples=60, deadline=None)
@given(versions(), st.data())
def test_a_place_that_is_spoilt_is_named_and_no_other(version: Any, data: st.DataObject) -> None:
    """Of any version one place takes any other value: either it still fits, or it is blamed."""
    document = json.loads(encode_version(version))
    place, holder = "", document
    while True:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict)
                                        else range(len(holder))))  # fmt: skip
        place += f"[{key}]" if isinstance(key, int) else f".{key}"
        if not (isinstance(holder[key], (dict, list)) and holder[key]) or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(leaves)
    text = json.dumps(document)
    try:
        decode_version(text)
    except FormatError:
        for field in faults(document):
            assert place.removeprefix(".").startswith(field) or field.startswith(
                place.removeprefix(".").rpartition(".kind")[0]
            )
    else:
        assert decode_version(text) == read_version(text)
