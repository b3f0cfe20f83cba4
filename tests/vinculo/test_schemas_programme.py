"""The published schema of programme rules: what it accepts is what the decoder accepts."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from domain.programmes.checking import faults_of
from domain.programmes.format import (
    FormatError,
    ProgrammeVersion,
    decode_version,
    encode_version,
)
from tests.domain.programme_cases import CLUB, CLUB_FILE, versions
from vinculo.schemas.files import FOLDER
from vinculo.schemas.programme import PROGRAMME_FILE, PROGRAMME_SAMPLE_FILE, programme_schema

SCHEMA = Draft202012Validator(json.loads((FOLDER / PROGRAMME_FILE).read_bytes()))


def club() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(CLUB_FILE.read_bytes())
    return document


def test_the_worked_example_and_the_sample_are_valid_and_sound() -> None:
    Draft202012Validator.check_schema(programme_schema())
    sample = (FOLDER / PROGRAMME_SAMPLE_FILE).read_bytes()
    for text in (CLUB_FILE.read_bytes(), sample):
        SCHEMA.validate(json.loads(text))
        assert CLUB == decode_version(text)
        assert () == faults_of(decode_version(text))


@settings(max_examples=30, deadline=None)
@given(versions())
def test_what_can_be_written_is_valid(version: ProgrammeVersion) -> None:
    SCHEMA.validate(json.loads(encode_version(version)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("version", "Über"),
        ("version", "a\n"),
        ("authority", "nobody"),
        ("currencies", []),
        ("colour", "blue"),
        ("claim_window_days", 1.5),
        ("claim_window_days", -1),
        ("rules", [{"code": "base"}]),
        ("tiers", {"measure": {"kind": "mood"}}),
    ],
)
def test_what_the_decoder_refuses_the_schema_refuses(place: str, value: Any) -> None:
    document = club() | {place: value}
    assert not SCHEMA.is_valid(document)
    with pytest.raises(FormatError, match="schemas/programme"):
        decode_version(json.dumps(document))


def test_every_struct_and_field_of_the_format_is_described() -> None:
    schema = programme_schema()
    for name, node in {"ProgrammeVersion": schema, **schema["$defs"]}.items():
        assert node["description"].endswith("."), name
        for field, stated in node["properties"].items():
            tag = field == "kind" and "enum" in stated and 1 == len(stated["enum"])
            assert tag or "$ref" in stated or stated.get("description"), (name, field)
