"""The directory: customers by identifiers, and lists of customers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import psycopg
from msgspec import Meta

from api.answers import Answer, json_answer
from api.calls import Call
from api.cursors import read_cursor, write_cursor
from api.customer_answers import SECRET, position_of, reach, read_json
from api.parameters import Parameter, flag, instant, one_of
from api.problems import bad_parameter
from api.services import Services
from domain.errors import Refused
from domain.identifiers import is_blocked, parse_identifier
from domain.lifecycle.stages import Stage
from projections.customer.reading.documents import as_of_text
from projections.customer.reading.finding import customers_of, live_view
from projections.customer.reading.listing import BriefCustomer, Filters, list_customers
from projections.customer.shown import uuid_text
from projections.generations import BEFORE_TIME, Generation

_ID_BYTES = 16
_NOBODY = (
    "expected a value that names somebody, found one that stands for nobody (empty, zeros, "
    "'unknown' and the like); look up by another identifier"
)


class LookupRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Identifiers to look up, each as ``namespace:value``."""

    identifiers: Annotated[
        tuple[str, ...],
        Meta(min_length=1, max_length=1_000, examples=[["email:ana@example.test", "card:6001"]]),
    ]


class LookupResult(msgspec.Struct, frozen=True):
    """What is known of one identifier.

    Args:
        index: of the identifier in the request; the identifier itself is not repeated.
        status: found; unknown (nothing is known under it at this position); nobody (its value
            stands for nobody, such as zeros or ``unknown``, and is never followed); malformed.
        customer_id: whose it is.
        detail: of the last two: expected, found, what to do.

    """

    index: int
    status: Literal["found", "unknown", "nobody", "malformed"]
    customer_id: str | None = None
    detail: str | None = None


class LookupDocument(msgspec.Struct, frozen=True):
    """One result for each identifier, in their order."""

    results: tuple[LookupResult, ...]


class CustomerPage(msgspec.Struct, frozen=True):
    """A page of customers, in the order of their ids.

    Args:
        horizon: up to when timers were run: what is listed is as of then; null before the first
            tick.
        customers: the page.
        next: the cursor of the next page; null at the end.

    """

    horizon: str | None
    customers: list[BriefCustomer]
    next: str | None


def _instant_parameter(name: str, meaning: str) -> Parameter:
    schema = {"type": "string", "format": "date-time"}
    return Parameter(name=name, meaning=meaning, schema=schema, read=instant)


def _flag_parameter(name: str, meaning: str) -> Parameter:
    return Parameter(name=name, meaning=meaning, schema={"type": "boolean"}, read=flag)


_ANONYMOUS: dict[str, bool | None] = {"without": False, "with": None, "only": True}
_STAGES = tuple(str(stage) for stage in Stage)
FILTERS: tuple[Parameter, ...] = (
    Parameter(
        name="stage",
        meaning="Only customers in this stage.",
        schema={"type": "string", "enum": list(_STAGES)},
        read=one_of(_STAGES),
    ),
    _flag_parameter("at_risk", "Only customers with, or without, a risk."),
    Parameter(
        name="anonymous",
        meaning="Customers of whom nothing but receipts, cookies and devices is known: left out "
        "unless asked for.",
        schema={"type": "string", "enum": list(_ANONYMOUS), "default": "without"},
        read=one_of(tuple(_ANONYMOUS)),
    ),
    _instant_parameter("purchased_since", "Last purchase then or later."),
    _instant_parameter("purchased_before", "Last purchase before."),
    _instant_parameter("seen_since", "Last touchpoint then or later."),
    _instant_parameter("seen_before", "Last touchpoint before."),
)


async def look_up(call: Call) -> Answer:
    """Answer with the customers of identifiers."""
    services = call.services
    body = await call.body(services.settings.limits.body_bytes_max)
    request = read_json(body, LookupRequest)
    most = services.settings.limits.identifiers_max
    if len(request.identifiers) > most:
        raise bad_parameter("identifiers", f"at most {most}", f"{len(request.identifiers)}")
    await reach(call)
    results, personas = _named(services, request.identifiers)
    live, found = await services.desk.snapshot(_customers, services.logs.facts, personas)
    for index, persona_id in personas.items():
        customer_id = found.get(persona_id)
        if customer_id is not None:
            results[index] = LookupResult(index, "found", uuid_text(customer_id))
    document = LookupDocument(tuple(results))
    return json_answer(document, (position_of(live), SECRET))


async def list_all(call: Call) -> Answer:
    """Answer with a page of customers."""
    services = call.services
    asked = call.parameters()
    limit = asked.get("limit", services.settings.limits.page_default)
    cursor = asked.get("cursor")
    after = None if cursor is None else read_cursor(cursor, asked, bytes)
    if after is not None and len(after) != _ID_BYTES:
        raise bad_parameter("cursor", "the 'next' of an earlier page", "something else")
    await reach(call)
    given = {p.name: asked[p.name] for p in FILTERS if p.name in asked}
    filters = Filters(**{**given, "anonymous": _ANONYMOUS[asked.get("anonymous", "without")]})
    live, customers = await services.desk.snapshot(
        _list, services.logs.facts, filters, after, limit + 1
    )
    page = customers[:limit]
    more = len(customers) > limit
    place = bytes.fromhex(page[-1].customer_id.replace("-", "")) if more else None
    horizon = None if live.horizon == BEFORE_TIME else as_of_text(live.horizon).decode()
    following = None if place is None else write_cursor(place, asked)
    return json_answer(CustomerPage(horizon, page, following), (position_of(live), SECRET))


def _named(
    services: Services, identifiers: tuple[str, ...]
) -> tuple[list[LookupResult], dict[int, bytes]]:
    results: list[LookupResult] = []
    personas: dict[int, bytes] = {}
    for index, text in enumerate(identifiers):
        try:
            identifier = parse_identifier(text)
        except Refused as refusal:
            results.append(LookupResult(index, "malformed", detail=refusal.detail))
            continue
        if is_blocked(identifier):
            results.append(LookupResult(index, "nobody", detail=_NOBODY))
            continue
        personas[index] = services.personas.name(identifier).persona_id
        results.append(LookupResult(index, "unknown"))
    return results, personas


def _customers(
    connection: psycopg.Connection, log_id: int, personas: dict[int, bytes]
) -> tuple[Generation, dict[bytes, bytes]]:
    live = live_view(connection, log_id)
    return live, customers_of(connection, live, set(personas.values()))


def _list(
    connection: psycopg.Connection, log_id: int, filters: Filters, after: bytes | None, limit: int
) -> tuple[Generation, list[BriefCustomer]]:
    live = live_view(connection, log_id)
    return live, list_customers(connection, live, filters, after=after, limit=limit)
