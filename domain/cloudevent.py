"""CloudEvents 1.0: the envelope in which touchpoints travel (JSON and Kafka binary mode)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.errors import Refused
from domain.explaining import explained

ATTRIBUTE_LENGTH_MAX = 200
TRACEPARENT_LENGTH_MAX = 100
SPEC_VERSION: Literal["1.0"] = "1.0"
STRUCTURED_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"

Attribute = Annotated[str, Meta(min_length=1, max_length=ATTRIBUTE_LENGTH_MAX)]


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An event as it came, its ``data`` not yet read.

    Unknown extension attributes are ignored, as CloudEvents asks (ruling 3).

    Args:
        id: unique in its source.
        source: who publishes it.
        type: such as ``vinculo.purchase_made.v1``.
        subject: whose touchpoint it is, as ``namespace:value``.
        time: when it happened, with its offset.
        data: the touchpoint, JSON.
        sequence: the source's own count of its events, an integer (a number or its digits).
        traceparent: W3C Trace Context.

    """

    specversion: Literal["1.0"]
    id: Attribute
    source: Attribute
    type: Attribute
    subject: Annotated[str, Meta(min_length=3, max_length=ATTRIBUTE_LENGTH_MAX)]
    time: Annotated[datetime, Meta(tz=True)]
    data: msgspec.Raw
    datacontenttype: str | None = None
    sequence: int | str | None = None
    traceparent: Annotated[str, Meta(max_length=TRACEPARENT_LENGTH_MAX)] | None = None


_DECODER = msgspec.json.Decoder(CloudEvent)
_BATCH_DECODER = msgspec.json.Decoder(list[msgspec.Raw])
_TIME_DECODER: msgspec.json.Decoder[datetime] = msgspec.json.Decoder(
    Annotated[datetime, Meta(tz=True)]
)
_REQUIRED = ("specversion", "id", "source", "type", "subject", "time")


def read_structured(payload: bytes | msgspec.Raw) -> CloudEvent:
    """Return the event of structured mode: one JSON object that holds attributes and data.

    Raises:
        Refused: ``bad_envelope`` or ``bad_json``.

    """
    try:
        return _DECODER.decode(payload)
    except msgspec.ValidationError as error:
        raise Refused("bad_envelope", f"CloudEvents 1.0 attributes: {explained(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("bad_json", f"expected one JSON object, found: {error}") from error


def read_batch(payload: bytes) -> list[msgspec.Raw]:
    """Return the events of a batch (a JSON array), each still unread.

    Raises:
        Refused: ``bad_json``, if the payload is not a JSON array.

    """
    try:
        return _BATCH_DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("bad_json", f"expected a JSON array of events, found: {error}") from error


def read_binary(attributes: Mapping[str, str], payload: bytes) -> CloudEvent:
    """Return the event of binary mode: attributes from headers, data from the value.

    Args:
        attributes: CloudEvents attributes without their ``ce_`` or ``ce-`` prefix.
        payload: the touchpoint, JSON.

    Raises:
        Refused: ``bad_envelope``, naming the attribute that is missing or wrong.

    """
    try:
        specversion, event_id = attributes["specversion"], attributes["id"]
        source, kind = attributes["source"], attributes["type"]
        subject, time = attributes["subject"], attributes["time"]
    except KeyError as error:
        message = f"expected the attributes {', '.join(_REQUIRED)}; {error.args[0]} is missing"
        raise Refused("bad_envelope", message) from None
    if specversion != SPEC_VERSION:
        message = f"specversion: expected {SPEC_VERSION}, found {specversion[:20]!r}"
        raise Refused("bad_envelope", message)
    if not (
        0 < len(event_id) <= ATTRIBUTE_LENGTH_MAX
        and 0 < len(source) <= ATTRIBUTE_LENGTH_MAX
        and 0 < len(kind) <= ATTRIBUTE_LENGTH_MAX
        and 0 < len(subject) <= ATTRIBUTE_LENGTH_MAX
    ):
        raise _refuse_length(attributes)
    traceparent = attributes.get("traceparent")
    if traceparent is not None and len(traceparent) > TRACEPARENT_LENGTH_MAX:
        message = f"traceparent: expected at most {TRACEPARENT_LENGTH_MAX} characters"
        raise Refused("bad_envelope", f"{message}, found {len(traceparent)}")
    return CloudEvent(
        specversion=SPEC_VERSION, id=event_id, source=source, type=kind, subject=subject,
        time=_read_time(time), data=msgspec.Raw(payload),
        datacontenttype=attributes.get("datacontenttype"),
        sequence=attributes.get("sequence"), traceparent=traceparent,
    )  # fmt: skip


def _refuse_length(attributes: Mapping[str, str]) -> Refused:
    for key in ("id", "source", "type", "subject"):
        length = len(attributes[key])
        if not 0 < length <= ATTRIBUTE_LENGTH_MAX:
            message = f"{key}: expected 1 to {ATTRIBUTE_LENGTH_MAX} characters, found {length}"
            return Refused("bad_envelope", message)
    raise AssertionError


def sequence_of(event: CloudEvent) -> int:
    """Return the source's own sequence, -1 if it has none.

    Raises:
        Refused: ``bad_envelope``, if it is not an integer of at most 18 digits.

    """
    stated = event.sequence
    if stated is None:
        return -1
    text = str(stated)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - digits of int64
        message = f"sequence: expected at most 18 decimal digits, found {len(text)} characters"
        raise Refused("bad_envelope", message)
    return int(text)


def _read_time(text: str) -> datetime:
    try:
        return _TIME_DECODER.decode(f'"{text}"')
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        message = f"time: expected RFC 3339 with an offset, found {text[:40]!r}: {error}"
        raise Refused("bad_envelope", message) from error
