"""CloudEvents 1.0 in structured, binary and batched form: what is read, what is refused and why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from domain.cloudevent import (
    ATTRIBUTE_LENGTH_MAX,
    CloudEvent,
    read_batch,
    read_binary,
    read_structured,
    sequence_of,
)
from domain.errors import Refused

ATTRIBUTES = {
    "specversion": "1.0",
    "id": "T-1",
    "source": "urn:till",
    "type": "vinculo.purchase_made.v1",
    "subject": "crm:4711",
    "time": "2024-03-01T12:30:00.000001+01:00",
}
MOMENT = datetime(2024, 3, 1, 11, 30, 0, 1, tzinfo=UTC)
NAIVE_TIMES = ("2024-03-01T12:30:00", "2024-03-01", "12:30:00Z", "1709292600", "", "yesterday")
LONG = "x" * (ATTRIBUTE_LENGTH_MAX + 1)


def structured(**changes: Any) -> bytes:
    """A structured event; None leaves an attribute out."""
    attributes = {**ATTRIBUTES, "data": {"a": [1]}, **changes}
    return msgspec.json.encode({key: one for key, one in attributes.items() if one is not None})


def binary(**changes: str | None) -> dict[str, str]:
    """Attributes of a binary event; None leaves an attribute out."""
    attributes = {**ATTRIBUTES, **changes}
    return {key: one for key, one in attributes.items() if one is not None}


def refusal(payload: bytes | dict[str, str]) -> Refused:
    """The refusal of a structured payload, or of binary attributes."""
    with pytest.raises(Refused) as caught:
        _read(payload)
    return caught.value


def _read(payload: bytes | dict[str, str]) -> CloudEvent:
    if isinstance(payload, bytes):
        return read_structured(payload)
    return read_binary(payload, b"{}")


def test_a_structured_event_keeps_its_attributes_and_its_data_unread() -> None:
    event = read_structured(structured(sequence=7, traceparent="00-a-b-01"))
    assert ("T-1", "urn:till", "vinculo.purchase_made.v1", "crm:4711") == (
        event.id, event.source, event.type, event.subject,
    )  # fmt: skip
    assert b'{"a":[1]}' == bytes(event.data)
    assert (7, "00-a-b-01") == (event.sequence, event.traceparent)


def test_both_modes_read_the_same_event() -> None:
    from_value = read_structured(structured(sequence="7", datacontenttype="application/json"))
    headers = binary(sequence="7", datacontenttype="application/json")
    from_headers = read_binary(headers, b'{"a":[1]}')
    assert _plain(from_value) == _plain(from_headers)


def _plain(event: CloudEvent) -> dict[str, Any]:
    return {**msgspec.structs.asdict(event), "data": bytes(event.data)}


def test_a_time_keeps_its_offset_and_its_microseconds_in_both_modes() -> None:
    for event in (read_structured(structured()), read_binary(binary(), b"{}")):
        assert MOMENT == event.time
        assert timedelta(hours=1) == event.time.utcoffset()


def test_unknown_extension_attributes_are_ignored_as_cloudevents_asks() -> None:
    assert "T-1" == read_structured(structured(dataschema="urn:x", partitionkey=5)).id
    assert "T-1" == read_binary(binary(partitionkey="5", knativearrivaltime="x"), b"{}").id


@pytest.mark.parametrize("name", [*ATTRIBUTES, "data"])
def test_a_missing_attribute_of_a_structured_event_is_refused_by_name(name: str) -> None:
    refused = refusal(structured(**{name: None}))
    assert "bad_envelope" == refused.code
    assert f"`{name}`" in refused.detail


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_missing_attribute_of_a_binary_event_is_refused_by_name(name: str) -> None:
    refused = refusal(binary(**{name: None}))
    assert "bad_envelope" == refused.code
    assert refused.detail.endswith(f"{name} is missing")


@pytest.mark.parametrize("version", ["0.3", "1.1", "2.0", ""])
def test_another_version_of_cloudevents_is_refused(version: str) -> None:
    for payload in (structured(specversion=version), binary(specversion=version)):
        refused = refusal(payload)
        assert "bad_envelope" == refused.code
        assert "specversion" in refused.detail


@pytest.mark.parametrize("name", ["id", "source", "type", "subject"])
@pytest.mark.parametrize("value", ["", LONG], ids=["empty", "long"])
def test_attributes_without_or_with_too_many_characters_are_refused(name: str, value: str) -> None:
    for payload in (structured(**{name: value}), binary(**{name: value})):
        refused = refusal(payload)
        assert "bad_envelope" == refused.code
        assert name in refused.detail


@pytest.mark.parametrize("name", ["id", "source", "type", "subject"])
def test_attributes_of_exactly_the_greatest_length_are_read(name: str) -> None:
    longest = LONG[:-1]
    assert longest == getattr(read_structured(structured(**{name: longest})), name)
    assert longest == getattr(read_binary(binary(**{name: longest}), b"{}"), name)


@pytest.mark.parametrize("time", NAIVE_TIMES)
def test_a_time_that_is_no_moment_with_an_offset_is_refused(time: str) -> None:
    for payload in (structured(time=time), binary(time=time)):
        refused = refusal(payload)
        assert "bad_envelope" == refused.code
        assert "time" in refused.detail


def test_a_header_cannot_smuggle_json_into_the_time() -> None:
    refused = refusal(binary(time='2024-03-01T12:30:00Z","x":"'))
    assert "bad_envelope" == refused.code


@pytest.mark.parametrize("time", [0, 1709292600, True, ["2024-03-01T12:30:00Z"]])
def test_a_time_that_is_no_text_is_refused(time: Any) -> None:
    assert "bad_envelope" == refusal(structured(time=time)).code


@pytest.mark.parametrize("payload", [b"", b"{", b"nonsense", b'{"id": NaN}', b"\xff\xfe{}"])
def test_bytes_that_are_no_json_are_refused_as_such(payload: bytes) -> None:
    assert "bad_json" == refusal(payload).code


@pytest.mark.parametrize("payload", [b"[]", b'"text"', b"5", b"null"])
def test_json_that_is_no_object_is_no_envelope(payload: bytes) -> None:
    assert "bad_envelope" == refusal(payload).code


def test_a_second_value_behind_the_event_is_refused() -> None:
    assert "bad_json" == refusal(structured() + b"{}").code


def test_a_batch_gives_its_events_in_order_and_unread() -> None:
    good, bad = structured(), b'{"id": 5}'
    events = read_batch(b"[" + good + b"," + bad + b"]")
    assert [good, bad] == [bytes(one) for one in events]
    assert "T-1" == read_structured(events[0]).id
    with pytest.raises(Refused, match="bad_envelope"):
        read_structured(events[1])


def test_an_empty_batch_has_no_events() -> None:
    assert [] == read_batch(b"[]")


@pytest.mark.parametrize("payload", [b"{}", b"5", b"[", b"", b"[{},]", b"\xff"])
def test_a_batch_that_is_no_json_array_is_refused(payload: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_batch(payload)
    assert "bad_json" == caught.value.code


@pytest.mark.parametrize(
    ("stated", "sequence"),
    [(None, -1), (0, 0), (12, 12), ("12", 12), ("0", 0), ("9" * 18, 10**18 - 1), ("007", 7)],
)
def test_a_sequence_is_a_number_or_its_digits_and_minus_one_without_any(
    stated: int | str | None, sequence: int
) -> None:
    assert sequence == sequence_of(read_structured(structured(sequence=stated)))


@pytest.mark.parametrize(
    "stated",
    ["", "-1", "+1", "1.0", "1e3", "ten", "\uff11\uff12", "\u00b2", " 1", "9" * 19, -1, 10**18],
)  # fmt: skip
def test_a_sequence_that_is_no_natural_number_of_64_bits_is_refused(stated: int | str) -> None:
    with pytest.raises(Refused) as caught:
        sequence_of(read_structured(structured(sequence=stated)))
    assert "bad_envelope" == caught.value.code
    assert "sequence" in caught.value.detail


@pytest.mark.parametrize("stated", [1.5, True, [1], "1" * 5_000, 10**30])
def test_a_sequence_of_another_type_or_without_bounds_is_refused(stated: Any) -> None:
    with pytest.raises(Refused) as caught:
        sequence_of(read_structured(structured(sequence=stated)))
    assert "bad_envelope" == caught.value.code


def test_a_structured_trace_longer_than_its_limit_is_refused() -> None:
    assert "x" * 100 == read_structured(structured(traceparent="x" * 100)).traceparent
    assert "traceparent" in refusal(structured(traceparent="x" * 101)).detail


def test_a_refusal_shows_its_code_first_and_keeps_the_cause() -> None:
    refused = refusal(b"{")
    assert str(refused).startswith("bad_json: ")
    assert isinstance(refused.__cause__, msgspec.DecodeError)
