"""Rows and leaves: their bytes are what proofs rest on, so they never change."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.rows import (
    BOUND_COLUMNS,
    COLUMNS,
    COPY_HEAD,
    COPY_TAIL,
    NULL,
    FactRows,
    bound_decision,
    entry_persona_row,
    field,
    instant_field,
    integer_field,
    leaf_of,
    row,
)

AT = 1_704_110_400_000_000
FACT: dict[str, Any] = {
    "log_id": 3, "occurred_at": AT, "recorded_at": AT + 5, "entry_id": bytes(range(16)),
    "persona_id": bytes(range(16, 32)), "refers_to": None,
    "source_and_type": field(b"urn:till") + field(b"vinculo.purchase_made.v1"),
    "content_digest": bytes(16), "body": b"{}", "sealed": None,
}  # fmt: skip
DECISION: dict[str, Any] = {
    "log_id": 4, "stream_version": 2, "occurred_at": AT, "recorded_at": AT + 5,
    "entry_id": bytes(range(16)), "stream_id": bytes(range(16, 32)),
    "source_and_type": field(b"vinculo") + field(b"vinculo.time_advanced.v1"),
    "content_digest": bytes(16), "body": b"{}",
}  # fmt: skip
FACT_BYTES = (
    "0000000400000003ffffffff000000080002b0dfe3d4f000000000080002b0dfe3d4f005"
    "00000010000102030405060708090a0b0c0d0e0f00000010101112131415161718191a1b1c1d1e1f"
    "ffffffffffffffff0000000875726e3a74696c6c"
    "0000001876696e63756c6f2e70757263686173655f6d6164652e7631"
    "0000001000000000000000000000000000000000000000027b7dffffffff"
)
FACT_LEAF = "eb946057c7c7bad962271579af335a94e009349b9c8458563ff91050220b6271"


def bound_fact(log_id: int, recorded_at: int, **columns: Any) -> bytes:
    """The bound fields of a fact, alone in its batch."""
    return FactRows(log_id, recorded_at).bound(**columns)


def fields_of(encoded: bytes) -> list[bytes | None]:
    """The fields of some bytes, by a reader that knows nothing of columns."""
    fields: list[bytes | None] = []
    at = 0
    while at < len(encoded):
        length = int.from_bytes(encoded[at : at + 4], signed=True)
        at += 4
        fields.append(None if length < 0 else encoded[at : at + length])
        at += max(length, 0)
    return fields


def test_the_bytes_and_the_leaf_of_a_fact_never_change() -> None:
    bound = bound_fact(**FACT)
    assert FACT_BYTES == bound.hex()
    assert FACT_LEAF == leaf_of(bound).hex()


def test_the_leaf_of_a_sealed_correction_never_changes() -> None:
    bound = bound_fact(**{**FACT, "refers_to": b"\x09" * 16, "sealed": b"\x01sealed"})
    golden = "560612704304df7e2d43ac21feda5762b0a553a520f8fb3bc2645a467f3ebf3e"
    assert golden == leaf_of(bound).hex()


def test_the_leaf_of_a_decision_never_changes() -> None:
    golden = "e7858893ea18b521682db7254e05429c237a53020b31e1c041f868d8a005af19"
    assert golden == leaf_of(bound_decision(**DECISION)).hex()


def test_a_leaf_is_the_leaf_hash_of_rfc_9162() -> None:
    assert sha256(b"\x00abc").digest() == leaf_of(b"abc")


def test_a_fact_has_one_field_for_each_bound_column_in_their_order() -> None:
    changed = {**FACT, "refers_to": b"\x09" * 16, "sealed": b"\x01sealed"}
    fields = dict(zip(BOUND_COLUMNS, fields_of(bound_fact(**changed)), strict=True))
    assert {
        "log_id": (3).to_bytes(4), "stream_version": None,
        "occurred_at": (AT - 946_684_800_000_000).to_bytes(8),
        "recorded_at": (AT + 5 - 946_684_800_000_000).to_bytes(8),
        "entry_id": bytes(range(16)), "persona_id": bytes(range(16, 32)), "stream_id": None,
        "refers_to": b"\x09" * 16, "source": b"urn:till", "type": b"vinculo.purchase_made.v1",
        "content_digest": bytes(16), "body": b"{}", "sealed": b"\x01sealed",
    } == fields  # fmt: skip


def test_a_decision_has_one_field_for_each_bound_column_in_their_order() -> None:
    fields = dict(zip(BOUND_COLUMNS, fields_of(bound_decision(**DECISION)), strict=True))
    assert (2).to_bytes(4) == fields["stream_version"]
    assert bytes(range(16, 32)) == fields["stream_id"]
    assert [None] * 3 == [fields[name] for name in ("persona_id", "refers_to", "sealed")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_id", 4), ("occurred_at", AT + 1), ("recorded_at", AT + 6), ("entry_id", bytes(16)),
        ("persona_id", bytes(16)), ("refers_to", bytes(16)),
        ("source_and_type", field(b"urn:tillv") + field(b"inculo.purchase_made.v1")),
        ("content_digest", b"\x01" + bytes(15)), ("body", b"{ }"), ("sealed", b""),
    ],
)  # fmt: skip
def test_every_column_of_a_fact_is_bound_by_its_leaf(name: str, value: Any) -> None:
    assert FACT_LEAF != leaf_of(bound_fact(**{**FACT, name: value})).hex()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_id", 3), ("stream_version", 3), ("occurred_at", AT + 1), ("recorded_at", AT),
        ("entry_id", bytes(16)), ("stream_id", bytes(16)),
        ("source_and_type", field(b"vinculo") + field(b"x")),
        ("content_digest", b"\x01" + bytes(15)), ("body", b""),
    ],
)  # fmt: skip
def test_every_column_of_a_decision_is_bound_by_its_leaf(name: str, value: Any) -> None:
    bound = leaf_of(bound_decision(**DECISION))
    assert bound != leaf_of(bound_decision(**{**DECISION, name: value}))


def test_a_row_is_position_then_what_is_bound_then_the_leaf_and_nothing_more() -> None:
    bound = bound_fact(**FACT)
    encoded = row(7, bound, leaf_of(bound))
    assert len(COLUMNS) == int.from_bytes(encoded[:2])
    assert [(7).to_bytes(8), *fields_of(bound), leaf_of(bound)] == fields_of(encoded[2:])


def test_the_position_is_bound_by_the_tree_and_not_by_the_leaf() -> None:
    assert set(COLUMNS) - set(BOUND_COLUMNS) == {"position", "leaf"}
    assert ("position", "leaf") == (COLUMNS[0], COLUMNS[-1])


def test_the_row_of_a_further_persona_never_changes() -> None:
    golden = "0003000000040000000300000008000000000000000700000010000102030405060708090a0b0c0d0e0f"
    assert golden == entry_persona_row(3, 7, bytes(range(16))).hex()


def test_the_frame_of_binary_copy_is_postgresqls() -> None:
    assert b"PGCOPY\n\xff\r\n\x00" + bytes(8) == COPY_HEAD
    assert b"\xff\xff" == COPY_TAIL


@given(st.none() | st.binary(max_size=300))
def test_a_field_is_its_length_and_its_bytes(value: bytes | None) -> None:
    assert [value] == fields_of(field(value))


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_are_signed_and_as_wide_as_their_column(value: int) -> None:
    (found,) = fields_of(integer_field(value, 8))
    assert found is not None
    assert value == int.from_bytes(found, signed=True)
    assert 8 == len(found)


def test_null_is_the_length_minus_one() -> None:
    assert NULL == b"\xff\xff\xff\xff" == integer_field(None, 8) == field(None)
    assert field(b"") != NULL


def test_an_instant_counts_from_the_servers_epoch() -> None:
    assert [bytes(8)] == fields_of(instant_field(946_684_800_000_000))
    assert [(-1).to_bytes(8, signed=True)] == fields_of(instant_field(946_684_799_999_999))
