"""Identifiers: one spelling for one value, blocked values named, nothing personal in a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Refused
from domain.identifiers import (
    ANONYMOUS_NAMESPACES,
    IDENTIFIER_LENGTH_MAX,
    NAMESPACE_RANK_OTHER,
    Identifier,
    Persona,
    is_blocked,
    namespace_rank,
    parse_identifier,
    persona_key,
)

VALUES = st.text("aA0 zñÑé+-().@/_", max_size=20)
LOW, HIGH = bytes(15) + b"\x01", b"\xff" * 16


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("email:  Ana@Example.TEST ", "ana@example.test"),
        ("email:STRASSE@example.test", "strasse@example.test"),
        ("email:straße@example.test", "strasse@example.test"),
        ("phone:+34 (600) 10-20.30/4", "+346001020304"),
        ("crm: Abc-1 ", "Abc-1"),
        ("card:6001.2", "6001.2"),
        ("crm:jose\u0301", "jos\u00e9"),
        ("social:a:b:c", "a:b:c"),
        ("crm:", ""),
    ],
)
def test_a_value_is_normalised_by_what_its_namespace_means(text: str, value: str) -> None:
    assert value == parse_identifier(text).value


def test_two_spellings_of_one_accent_are_one_identifier() -> None:
    assert parse_identifier("crm:Mu\u00f1oz") == parse_identifier("crm:Mun\u0303oz")


def test_only_emails_ignore_case() -> None:
    assert parse_identifier("email:ANA@x.test") == parse_identifier("email:ana@x.test")
    assert parse_identifier("crm:ANA") != parse_identifier("crm:ana")


@given(namespace=st.sampled_from(["email", "phone", "crm", "a_1"]), value=VALUES)
def test_normalising_what_is_normal_changes_nothing(namespace: str, value: str) -> None:
    once = parse_identifier(f"{namespace}:{value}")
    assert once == parse_identifier(f"{once.namespace}:{once.value}")


@pytest.mark.parametrize(
    "text",
    [
        "", "crm", "4711", ":4711", "CRM:1", "Crm:1", "1crm:1", "_crm:1", "crm-x:1", "crm :1",
        " crm:1", "crm\n:1", "ñ:1", f"{'n' * 33}:1", "crm:" + "1" * IDENTIFIER_LENGTH_MAX,
    ],
)  # fmt: skip
def test_what_is_no_namespace_and_value_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_identifier(text)
    assert "bad_identifier" == caught.value.code


def test_the_longest_namespace_and_the_longest_text_are_read() -> None:
    assert "n" * 32 == parse_identifier(f"{'n' * 32}:1").namespace
    text = "crm:" + "1" * (IDENTIFIER_LENGTH_MAX - 4)
    assert text[4:] == parse_identifier(text).value


def test_a_refusal_never_repeats_the_value() -> None:
    for text in ("ana@example.test", "Crm:ana@example.test"):
        with pytest.raises(Refused) as caught:
            parse_identifier(text)
        assert "ana" not in caught.value.detail
        assert str(len(text)) in caught.value.detail


@pytest.mark.parametrize("namespace", ["crm", "email", "phone", "receipt", "other"])
@pytest.mark.parametrize(
    "value",
    ["", " ", "-1", "0", "0000000", "null", "NULL", "None", "unknown", "Unknown", "anonymous",
     "ANONYMOUS", "test", "Test"],
)  # fmt: skip
def test_values_that_name_nobody_are_blocked_in_every_namespace(namespace: str, value: str) -> None:
    assert is_blocked(parse_identifier(f"{namespace}:{value}"))


@pytest.mark.parametrize("local", ["", "0", "000", "-1", "null", "NONE", "Unknown", "test"])
@pytest.mark.parametrize("domain", ["example.test", "x", ""])
def test_emails_that_name_nobody_are_blocked_with_any_domain(local: str, domain: str) -> None:
    assert is_blocked(parse_identifier(f"email:{local}@{domain}"))


@pytest.mark.parametrize(
    "text",
    ["crm:1", "crm:10", "crm:01", "crm:-2", "crm:--1", "crm:nullx", "crm:tester", "crm:un known",
     "email:tester@example.test", "email:ana@test", "email:1@0", "crm:test@example.test"],
)  # fmt: skip
def test_values_that_only_look_like_blocked_ones_name_somebody(text: str) -> None:
    assert not is_blocked(parse_identifier(text))


def test_a_blocked_value_that_was_not_normalised_is_blocked_all_the_same() -> None:
    assert is_blocked(Identifier("crm", "ANONYMOUS"))


def test_what_a_company_assigns_names_a_party_before_what_a_device_makes_up() -> None:
    order = ["crm", "account", "card", "email", "phone", "social", "app", "device", "cookie"]
    ranks = [namespace_rank(namespace) for namespace in [*order, "receipt"]]
    assert sorted(set(ranks)) == ranks
    assert namespace_rank("social") == namespace_rank("never heard of") == NAMESPACE_RANK_OTHER


def test_equal_ranks_are_parted_by_the_least_persona_id() -> None:
    personas = [Persona("card", LOW), Persona("crm", HIGH), Persona("crm", LOW)]
    assert [
        Persona("crm", LOW), Persona("crm", HIGH), Persona("card", LOW),
    ] == sorted(personas, key=persona_key)  # fmt: skip


def test_the_kind_of_a_namespace_outranks_any_id() -> None:
    assert persona_key(Persona("crm", HIGH)) < persona_key(Persona("email", LOW))


def test_anonymous_namespaces_are_those_that_nobody_assigned_to_a_person() -> None:
    assert {"receipt", "cookie", "device"} == ANONYMOUS_NAMESPACES
