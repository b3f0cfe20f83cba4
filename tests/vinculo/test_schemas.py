"""The published contract: what is committed is what the types say, and what was released stays."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from domain.cloudevent import read_structured
from domain.touchpoints import CATALOGUE, PurchaseMade, Touchpoint
from journal.connecting import connect
from journal.intake.message import Message
from journal.intake.pipeline import Intake
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import create_tenant
from tests.strategies import touchpoints
from vinculo.cli import cli
from vinculo.schemas.files import FOLDER, differences, generate, release, write
from vinculo.schemas.releases import ReleasedChangedError, digest_of, meaning, read_released
from vinculo.schemas.samples import SOURCE, sample_data
from vinculo.schemas.touchpoint import touchpoint_schema

NAMES = sorted(CATALOGUE.types)


def schema_of(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / "touchpoints" / f"{name}.json").read_bytes())
    return document


def sample_of(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / "samples" / f"{name}.json").read_bytes())
    return document


def nodes(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
    inner = document.values() if isinstance(document, dict) else document
    for one in inner if isinstance(document, (dict, list)) else ():
        yield from nodes(one)


# ------------------------------------------------------------------ committed files


def test_committed_files_are_what_the_types_say() -> None:
    assert [] == differences()


def test_the_check_ends_with_one_where_a_file_differs(tmp_path: Path) -> None:
    write(tmp_path)
    assert 0 == CliRunner().invoke(cli, ["schemas", "--check", "--folder", str(tmp_path)]).exit_code
    path = tmp_path / "cloudevent.json"
    path.write_text(path.read_text().replace("200", "300"))
    (tmp_path / "touchpoints" / "vinculo.forgotten.v1.json").write_text("{}")
    result = CliRunner().invoke(cli, ["schemas", "--check", "--folder", str(tmp_path)])
    assert 1 == result.exit_code
    for name in ("cloudevent.json", "touchpoints/vinculo.forgotten.v1.json"):
        assert name in result.stderr
    assert ["cloudevent.json", "touchpoints/vinculo.forgotten.v1.json"] == write(tmp_path)
    assert [] == differences(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_every_type_has_a_schema_that_says_what_it_is(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert (CATALOGUE.types[name].__name__, f"urn:vinculo:schema:{name}") == (
        schema["title"],
        schema["$id"],
    )
    assert schema["description"].endswith((".", "!"))
    assert "ruling" not in json.dumps(schema)


@pytest.mark.parametrize("name", NAMES)
def test_every_personal_field_is_marked(name: str) -> None:
    schema = schema_of(name)
    marked = {
        field
        for field, stated in schema["properties"].items()
        if any(node.get("x-personal") for node in nodes(stated))
    }
    personal = set(CATALOGUE.personal_fields[CATALOGUE.types[name]])
    assert personal | {"identifiers"} == marked - {"subject"}


# ------------------------------------------------------------------ samples


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_valid_and_decodes_with_every_field_filled(name: str) -> None:
    event = sample_of(name)
    Draft202012Validator(schema_of(name)).validate(event["data"])
    envelope = json.loads((FOLDER / "cloudevent.json").read_bytes())
    Draft202012Validator(envelope).validate(event)
    read = read_structured(json.dumps(event).encode())
    touchpoint = CATALOGUE.decode(read.type, read.data)
    assert type(touchpoint) is CATALOGUE.types[name]
    assert schema_of(name)["properties"].keys() == event["data"].keys()


def test_every_sample_is_stored_by_the_real_intake(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        logs = create_tenant(connection, "test")
    register = SourceRegister((Source(name=SOURCE),))
    intake = Intake(logs.facts, register, TenantSecret(b"a secret of the tests, 32 bytes!"))
    messages = [Message((FOLDER / "samples" / f"{name}.json").read_bytes()) for name in NAMES]
    with connect(database_url, name="test") as connection:
        outcomes = intake.take_in(connection, "file", messages)
    refused = [(name, one) for name, one in zip(NAMES, outcomes, strict=True) if one.code]
    assert [] == refused
    assert {"stored"} == {one.kind for one in outcomes}


@given(st.data())
def test_a_schema_accepts_what_the_decoder_accepts(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    touchpoint = data.draw(touchpoints(CATALOGUE.types[name]))
    encoded = json.loads(msgspec.json.encode(touchpoint))
    Draft202012Validator(touchpoint_schema(name, CATALOGUE.types[name])).validate(encoded)


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "EURO"},
        {"lines": []},
        {"colour": "blue"},
        {"number": ""},
        {"shipping": -1},
        {"lines": [{"product": "A", "quantity": 1, "amount": 1.5}]},
    ],
)
def test_a_schema_refuses_what_the_decoder_refuses(change: dict[str, Any]) -> None:
    name = "vinculo.purchase_made.v1"
    data = sample_data(PurchaseMade) | change
    assert not Draft202012Validator(schema_of(name)).is_valid(data)
    with pytest.raises(Exception, match=name):
        CATALOGUE.decode(name, json.dumps(data).encode())


# ------------------------------------------------------------------ AsyncAPI and OpenAPI


def test_every_reference_of_asyncapi_leads_somewhere_and_its_examples_are_valid() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_bytes())
    assert "3.0.0" == document["asyncapi"]
    references = {node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)}
    for reference in references:
        if reference.startswith("#/"):
            place = document
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]
        else:
            assert (FOLDER / reference).is_file()
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (name, Resource.from_contents(json.loads((FOLDER / name).read_bytes())))
        for name in files
        if name.startswith("touchpoints/") or name == "cloudevent.json"
    )
    assert set(NAMES) == document["components"]["messages"].keys()
    for message in document["components"]["messages"].values():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **message["payload"]["schema"],
        }
        Draft202012Validator(schema, registry=registry).validate(message["examples"][0]["payload"])


def test_openapi_is_the_one_that_the_api_serves() -> None:
    document = json.loads((FOLDER / "openapi.json").read_bytes())
    assert document["openapi"].startswith("3.1")
    assert "/v1/customers/{customer_id}" in document["paths"]


# ------------------------------------------------------------------ released


def test_every_schema_of_version_one_is_released_and_stays_as_it_was() -> None:
    released = read_released(FOLDER)
    assert {f"touchpoints/{name}.json" for name in NAMES} == released.keys()
    found = {name: digest_of((FOLDER / name).read_bytes()) for name in released}
    assert released == found, "a released schema changed: raise the touchpoint's version"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with everything written and released."""
    write(tmp_path)
    assert len(NAMES) == len(release(tmp_path))
    return tmp_path


PURCHASE = "vinculo.purchase_made.v1"
PURCHASE_FILE = f"touchpoints/{PURCHASE}.json"


class _Reworded(PurchaseMade, frozen=True, kw_only=True):
    """A customer bought something, in other words than before."""


class _Extended(PurchaseMade, frozen=True, kw_only=True):
    """A customer bought."""

    weather: str | None = None


def _with(monkeypatch: pytest.MonkeyPatch, kind: type[Touchpoint]) -> None:
    kind.__name__ = "PurchaseMade"
    monkeypatch.setitem(CATALOGUE.types, PURCHASE, kind)


def test_a_released_schema_with_another_meaning_is_refused(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (published / PURCHASE_FILE).read_bytes()
    _with(monkeypatch, _Extended)
    with pytest.raises(ReleasedChangedError, match=re.escape(f"{PURCHASE_FILE}: expected the")):
        write(published)
    assert before == (published / PURCHASE_FILE).read_bytes()
    result = CliRunner().invoke(cli, ["schemas", "--check", "--folder", str(published)])
    assert (1, True) == (result.exit_code, "raise the touchpoint's version" in result.stderr)


def test_a_released_file_stays_where_only_words_change(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (published / PURCHASE_FILE).read_bytes()
    _with(monkeypatch, _Reworded)
    assert b"other words" in json.dumps(touchpoint_schema(PURCHASE, _Reworded)).encode()
    assert before == generate(published)[PURCHASE_FILE]


def test_a_released_file_that_was_edited_is_refused(published: Path) -> None:
    path = published / PURCHASE_FILE
    path.write_text(path.read_text().replace("A customer bought.", "Somebody bought."))
    released = read_released(published)
    assert digest_of(path.read_bytes()) != released[PURCHASE_FILE]
    # The types still say what was released: writing restores the file.
    assert [PURCHASE_FILE] == differences(published) == write(published)
    assert digest_of(path.read_bytes()) == released[PURCHASE_FILE]


def test_what_is_released_is_not_released_again(published: Path) -> None:
    assert [] == release(published)


def test_a_field_named_like_a_word_counts_as_meaning() -> None:
    one = {"properties": {"title": {"type": "string", "title": "a"}}, "title": "b"}
    other = {"properties": {"title": {"type": "integer", "title": "a"}}, "title": "b"}
    reworded = {"properties": {"title": {"type": "string", "title": "c"}}, "title": "d"}
    assert meaning(one) != meaning(other)
    assert meaning(one) == meaning(reworded)
