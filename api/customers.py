"""The customer document: read by the thousand, or with what identifies the customer."""

from __future__ import annotations

import msgspec
import psycopg
import structlog

from api.answers import JSON_TYPE, Answer, Headers
from api.calls import Call
from api.customer_answers import (
    absorbed,
    found_by,
    headers_of,
    id_text,
    personas_of,
    reach,
    state_of,
    unknown_customer,
)
from api.dispatch import forbidden
from api.parameters import Parameter, flag
from api.services import Services
from projections.customer.reading.display import Personal
from projections.customer.reading.documents import Stored, as_of_text
from projections.customer.reading.finding import FoundRow

_log = structlog.get_logger(__name__)
_PRIVATE = (b"cache-control", b"private, no-cache")
_NOT_MODIFIED = 304
_encode = msgspec.json.Encoder().encode

PERSONAL = Parameter(
    name="personal",
    meaning="Whether to add what identifies the customer; needs the scope read_personal.",
    schema={"type": "boolean", "default": False},
    read=flag,
)


async def read_customer(call: Call) -> Answer:
    """Answer with the whole document of a customer."""
    persona_id = call.uuid("customer_id")
    if call.scope["query_string"] and call.parameters().get("personal"):
        return await _read_personal(call, persona_id)
    await reach(call)
    read = await call.services.reader.ask(persona_id)
    kept = read.kept
    if kept is None or read.customer_id is None:
        raise unknown_customer((read.position,))
    headers: Headers = (read.position, (b"etag", kept.etag), _PRIVATE)
    if read.customer_id != persona_id:
        headers += absorbed(persona_id, read.customer_id)
    if_none_match = call.header(b"if-none-match")
    if if_none_match is not None and _matches(if_none_match, kept.etag):
        return Answer(_NOT_MODIFIED, b"", b"", headers)
    return Answer(200, kept.rendered.at(read.as_of), JSON_TYPE, headers)


async def _read_personal(call: Call, persona_id: bytes) -> Answer:
    """Answer with the document and what identifies the customer; never kept by anybody."""
    services = call.services
    holder = call.holder
    if holder is not None and "read_personal" not in holder.scopes:
        raise forbidden(holder, ("read_personal",))
    await reach(call)
    found, personal = await services.desk.snapshot(_personal, services, persona_id)
    now = services.clock()
    row = Stored(found.customer_id or b"", found.state or b"", found.members)
    plain = services.documents.render(row, now).at(as_of_text(now))
    body = b"".join((plain[:-1], b',"personal":', _encode(personal), b"}"))
    _log.info("personal.read", holder=call.holder_name, customer_id=id_text(found.customer_id))
    return Answer(200, body, JSON_TYPE, headers_of(found))


def _matches(if_none_match: bytes, etag: bytes) -> bool:
    """Compare weakly (RFC 9110, section 13.1.2)."""
    if if_none_match.strip() == b"*":
        return True
    opaque = etag.removeprefix(b"W/")
    return any(one.strip().removeprefix(b"W/") == opaque for one in if_none_match.split(b","))


def _personal(
    connection: psycopg.Connection, services: Services, persona_id: bytes
) -> tuple[FoundRow, Personal]:
    found = found_by(connection, services, persona_id)
    state = state_of(services, found)
    personas = personas_of(found, state)
    return found, services.display.read(connection, state.identity, personas, found.facts)
