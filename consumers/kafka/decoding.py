"""Kafka records become messages of the intake: CloudEvents in binary or structured mode.

Structured mode: the header ``content-type`` says ``application/cloudevents…``, or there is no
header that begins with ``ce_``. Everything else is binary mode. Nothing here refuses a message:
what is wrong with it, the pipeline finds, and keeps it with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka.record.util import decode_varint

from consumers.kafka.lazy_headers import HeaderBlock
from journal.intake.message import Message

_PREFIX = b"ce_"
_CONTENT_TYPE = b"content-type"
_STRUCTURED = b"application/cloudevents"
_SPREAD = 0x80
# The header blocks of nearly every structured message: no header, and the content type alone.
_STRUCTURED_BLOCKS = frozenset({b"\x00", b"\x02\x18content-type\x38" + _STRUCTURED + b"+json"})
_NAMES: dict[bytes, str] = {
    b"ce_" + name.encode(): name
    for name in (
        "specversion", "id", "source", "type", "subject", "time", "sequence", "traceparent",
        "tracestate", "dataschema", "partitionkey",
    )
}  # fmt: skip
_TEXT_NAMES = {name.decode(): known for name, known in _NAMES.items()}
_PREFIX_TEXT, _CONTENT_TYPE_TEXT = _PREFIX.decode(), _CONTENT_TYPE.decode()
_STRUCTURED_TEXT = _STRUCTURED.decode()


def message_of(record: Any) -> Message:  # noqa: ANN401 - a ConsumerRecord of a library without annotations
    """Return a record as the intake takes it.

    Args:
        record: its headers read (a list of pairs) or unread (:class:`HeaderBlock`).

    """
    headers = record.headers
    if type(headers) is HeaderBlock:
        raw = headers.raw
        attributes = None if raw in _STRUCTURED_BLOCKS else _read_block(raw)
    elif headers:
        attributes = _attributes((name.encode(), value) for name, value in headers)
    else:
        attributes = None
    return Message(record.value or b"", attributes, record.topic, record.partition, record.offset)


def _read_block(raw: bytes) -> dict[str, str] | None:
    """Return what :func:`_attributes` makes of a block, sooner where it is plain ASCII.

    There, one byte says each length (up to 63), and the text can be cut without decoding it again.
    """
    if not raw.isascii() or not raw or raw[0] & 1:  # an odd byte would count less than none
        return _attributes(_pairs(raw))
    text = raw.decode()
    attributes: dict[str, str] = {}
    content_type = ""
    pos = 1
    try:
        for _ in range(raw[0] >> 1):
            start = pos + 1
            pos = start + (raw[pos] >> 1)
            name = text[start:pos]
            size = raw[pos]
            if size & 1:  # no value, or no sense
                return _attributes(_pairs(raw))
            start = pos + 1
            pos = start + (size >> 1)
            known = _TEXT_NAMES.get(name)
            if known is not None:
                attributes[known] = text[start:pos]
            elif name == _CONTENT_TYPE_TEXT:
                content_type = text[start:pos]
            elif name.startswith(_PREFIX_TEXT):
                attributes[name[len(_PREFIX_TEXT) :]] = text[start:pos]
    except IndexError:
        return _attributes(_pairs(raw))
    if not attributes or content_type.startswith(_STRUCTURED_TEXT):
        return None
    if content_type:
        attributes["datacontenttype"] = content_type
    return attributes


def _pairs(raw: bytes) -> list[tuple[bytes, bytes | None]]:
    """Return the headers of a block, up to where it makes sense."""
    pairs: list[tuple[bytes, bytes | None]] = []
    try:
        count, pos = decode_varint(raw, 0)
        for _ in range(count):
            size = raw[pos]
            if size & _SPREAD:
                size, start = decode_varint(raw, pos)
            else:
                size, start = size >> 1, pos + 1
            pos = start + size
            name = raw[start:pos]
            size = raw[pos]
            if size & 0x81:  # longer than 63 bytes, or -1 for none
                size, start = decode_varint(raw, pos)
            else:
                size, start = size >> 1, pos + 1
            pos = start + max(size, 0)
            pairs.append((name, raw[start:pos] if size >= 0 else None))
    except (IndexError, ValueError):
        pass  # what is missing, the pipeline says
    return pairs


def _attributes(pairs: Iterable[tuple[bytes, bytes | None]]) -> dict[str, str] | None:
    """Return the CloudEvents attributes among headers, None in structured mode."""
    attributes: dict[str, str] = {}
    content_type = b""
    for name, value in pairs:
        known = _NAMES.get(name)
        if known is None:
            if name == _CONTENT_TYPE:
                content_type = value or b""
                continue
            if not name.startswith(_PREFIX):
                continue
            known = name[len(_PREFIX) :].decode(errors="backslashreplace")
        try:
            attributes[known] = (value or b"").decode()
        except UnicodeDecodeError:
            # Kept to be read by people, and missing under its own name, so that it is refused.
            escaped = (value or b"").decode(errors="backslashreplace")
            attributes[f"{known} (not UTF-8)"] = escaped
    if not attributes or content_type.startswith(_STRUCTURED):
        return None
    if content_type:
        attributes["datacontenttype"] = content_type.decode(errors="backslashreplace")
    return attributes
