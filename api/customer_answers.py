"""What answers about one customer share: how it is found, and what their headers tell."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import psycopg

from api.answers import Headers
from api.calls import Call
from api.coordinates import MIN_POSITION, Coordinate, read_coordinate
from api.parameters import Parameter, short_text
from api.problems import Problem
from api.services import Services
from domain.explaining import explained
from projections.customer.fold import State
from projections.customer.reading.finding import FoundRow, find_customer
from projections.customer.reading.personas import members_shown
from projections.customer.shown import uuid_text
from projections.generations import Generation

SECRET = (b"cache-control", b"no-store")
T = TypeVar("T")

CURSOR = Parameter(
    name="cursor",
    meaning="The 'next' of the page before.",
    schema={"type": "string"},
    read=short_text,
)


def wanted_by(call: Call) -> Coordinate | None:
    """Return the coordinate that a request waits for."""
    text = call.header(MIN_POSITION)
    return None if text is None else read_coordinate(text)


async def reach(call: Call) -> None:
    """Wait for the coordinate that a request asks for."""
    wanted = wanted_by(call)
    if wanted is not None:
        await call.services.reach(wanted)


def read_json(body: bytes, kind: type[T]) -> T:
    """Return what a JSON body holds.

    Raises:
        Problem: 400; what is told names fields, never their values.

    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        told = "no JSON"
        if isinstance(error, msgspec.ValidationError):
            told = f"another ({explained(error)})"
        raise Problem(
            400,
            "bad_body",
            expected="a JSON body as documented",
            found=told,
            do="see /v1/openapi.json",
        ) from None


def unknown_customer(headers: Headers) -> Problem:
    """Return the problem of an id under which nobody is known, at the coordinate of the answer."""
    return Problem(
        404,
        "unknown_customer",
        expected="the id of a customer or of one of its personas",
        found="one of which nothing is known at this position",
        do="look it up by POST /v1/customers/lookup, or wait by Vinculo-Min-Position",
        headers=headers,
    )


def absorbed(asked: bytes, customer_id: bytes) -> Headers:
    """Return the headers of an answer that tells of another customer than was asked for."""
    survivor = uuid_text(customer_id).encode()
    return (
        (b"vinculo-absorbed", uuid_text(asked).encode()),
        (b"content-location", b"/v1/customers/" + survivor),
    )


def found_by(connection: psycopg.Connection, services: Services, persona_id: bytes) -> FoundRow:
    """Return the row of a persona's customer.

    Raises:
        Problem: 404, if nothing is known under that id.

    """
    found = find_customer(connection, services.logs.facts, persona_id)
    if found.customer_id is None or found.state is None:
        raise unknown_customer((Coordinate(found.facts, found.decisions).header(),))
    return found


def state_of(services: Services, found: FoundRow) -> State:
    """Return the state of a row."""
    return services.fold.decode(found.state or b"")


def personas_of(found: FoundRow, state: State) -> list[bytes]:
    """Return all personas of a customer, the one that names it first."""
    shown = members_shown(found.customer_id or b"", state.identity, found.members)
    personas = [bytes.fromhex(one.persona_id.replace("-", "")) for one in shown]
    return personas or [found.customer_id or b""]


def headers_of(found: FoundRow) -> Headers:
    """Return the headers of an answer about one customer."""
    headers: Headers = (Coordinate(found.facts, found.decisions).header(), SECRET)
    if found.customer_id is not None and found.customer_id != found.asked:
        headers += absorbed(found.asked, found.customer_id)
    return headers


def position_of(live: Generation) -> tuple[bytes, bytes]:
    """Return the header that tells how far a generation has read."""
    return Coordinate(live.facts, live.decisions).header()


def id_text(customer_id: bytes | None) -> str:
    """Return a customer_id as text."""
    return uuid_text(customer_id or b"")
