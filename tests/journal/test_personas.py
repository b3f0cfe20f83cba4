"""Names of personas: for ever the same under one secret, unrelated under another."""

import hmac
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import Identifier, parse_identifier
from journal.entry_ids import mark_uuid8
from journal.personas import PersonaNames

SECRET = bytes(range(32))


@pytest.mark.parametrize(
    ("text", "golden"),
    [
        ("crm:4711", "0c64640edbfc8d79ae1a7d1be3813dc5"),
        ("email:Ana@Example.test", "57b8f2d2e9468d189c0b7131592991ab"),
        ("email: ana@example.test", "57b8f2d2e9468d189c0b7131592991ab"),
        ("phone:+34 600-100-200", "57c1e51db4698acf86934a361009a510"),
    ],
)
def test_personas_that_were_once_named_keep_their_names(text: str, golden: str) -> None:
    persona = PersonaNames(SECRET).name(parse_identifier(text))
    assert golden == persona.persona_id.hex()
    assert text.partition(":")[0] == persona.namespace


@given(st.text("abc:", max_size=5), st.text(max_size=20))
def test_every_name_is_a_uuid_of_version_8(namespace: str, value: str) -> None:
    uuid = UUID(bytes=PersonaNames(SECRET).name(Identifier(namespace, value)).persona_id)
    assert 8 == uuid.version
    assert "specified in RFC 4122" == uuid.variant


def test_whoever_has_another_secret_finds_nobody() -> None:
    identifier = parse_identifier("email:ana@example.test")
    mine, other = PersonaNames(SECRET).name(identifier), PersonaNames(SECRET[::-1]).name(identifier)
    assert mine.persona_id != other.persona_id


def test_namespace_and_value_cannot_be_shifted_into_each_other() -> None:
    names = PersonaNames(SECRET)
    ids = {
        names.name(Identifier(namespace, value)).persona_id
        for namespace, value in (("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"))
    }
    assert 4 == len(ids)


def test_the_same_value_in_two_namespaces_is_two_personas() -> None:
    names = PersonaNames(SECRET)
    one, other = names.name(parse_identifier("crm:1")), names.name(parse_identifier("card:1"))
    assert one.persona_id != other.persona_id


def test_what_is_remembered_is_what_would_be_hashed_and_never_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("journal.personas._CACHE_MAX", 3)
    names = PersonaNames(SECRET)
    identifiers = [parse_identifier(f"crm:{number}") for number in range(1, 9)]
    for identifier in identifiers * 2:
        assert PersonaNames(SECRET).name(identifier) == names.name(identifier)
        assert len(names._known) <= 3
    assert names.name(identifiers[-1]) is names.name(identifiers[-1])


@given(st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True), st.text(max_size=200))
def test_an_id_is_the_hmac_of_the_standard_library(namespace: str, value: str) -> None:
    key = hmac.digest(SECRET, b"vinculo persona v1", "sha256")
    message = len(namespace).to_bytes(4) + namespace.encode() + value.encode()
    expected = mark_uuid8(hmac.digest(key, message, "sha256"))
    assert expected == PersonaNames(SECRET).persona_id(Identifier(namespace, value))
