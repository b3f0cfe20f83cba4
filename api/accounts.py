"""Owned accounts over HTTP: opened, read by their id."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import psycopg
from msgspec import Meta

from api.answers import Answer, json_answer
from api.calls import Call
from api.coordinates import Coordinate
from api.customer_answers import found_by, state_of, wanted_by
from api.idempotency import replayed, request_id
from api.ledger import read_asked, refusal, submit
from api.problems import Problem
from api.services import Services
from domain.errors import Refused
from domain.identifiers import Persona, is_blocked, parse_identifier
from domain.ledger.projecting import account_id
from domain.programmes.format import may_enrol
from journal.ledger import open_order
from projections.customer.reading.personas import members_shown

_SECRET = (b"cache-control", b"no-store")
_CREATED = 201
Code = Annotated[str, Meta(min_length=1, max_length=100)]


class AccountAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose account is to be opened; one of the two.

    Args:
        identifier: ``namespace:value`` of the persona that is to have it.
        customer_id: of a customer: the first of its personas that may have one has it.

    """

    identifier: Annotated[str, Meta(min_length=3, max_length=200)] | None = None
    customer_id: (
        Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")] | None
    ) = None


async def open_owned(call: Call) -> Answer:
    """Open an account; one that is there already is told as it stands."""
    asked = await read_asked(call, AccountAsked)
    key, programme = request_id(call), call.scope["path_params"]["code"]
    try:
        persona = await _persona(call, asked, programme)
    except Refused as refused:
        return refusal(refused)
    order = open_order(key, programme, persona, by=call.holder_name)
    try:
        given = await submit(call, order)
    except Refused as refused:
        if refused.code != "account_exists":
            return refusal(refused)
        return await _told(call, order.account_id)
    further = (
        Coordinate(decisions=given.position).header(),
        *replayed(repeated=given.repeated),
    )
    return await _told(call, given.account_id, _CREATED, further)


async def read_owned(call: Call) -> Answer:
    """Tell how an account stands now."""
    asked = call.uuid("account_id")
    wanted = wanted_by(call)
    if wanted is not None:
        await _reach(call, wanted)
    return await _told(call, asked)


async def _told(
    call: Call,
    asked: bytes,
    status: int = 200,
    further: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    read = await call.services.accounts.ask((asked,))
    position = read.coordinate.header()
    if not read.accounts:
        raise Problem(
            404,
            "account_unknown",
            expected="the id of an owned account",
            found="one under which there is none",
            do="see GET /v1/customers/{customer_id}/accounts",
            headers=(position,),
        )
    return json_answer(read.accounts[0], (*(further or (position,)), _SECRET), status)


async def _reach(call: Call, wanted: Coordinate) -> None:
    """Wait until earning has judged the facts that are asked for; decisions are always there."""
    services = call.services
    limits = services.settings.limits
    deadline = asyncio.get_running_loop().time() + limits.wait_seconds
    while True:
        reached = (await services.accounts.ask()).coordinate
        if reached.reaches(wanted):
            return
        if asyncio.get_running_loop().time() >= deadline:
            raise Problem(
                503,
                "position_not_reached",
                expected=f"to reach {wanted} within {limits.wait_seconds:g} seconds",
                found=str(reached),
                do="ask again, or see /v1/projections how far earning is behind",
                headers=((b"retry-after", b"1"), reached.header()),
                reached=str(reached),
            )
        await asyncio.sleep(limits.poll_seconds)


async def _persona(call: Call, asked: AccountAsked, programme: str) -> bytes:
    """Return whose account it is to be, 16 bytes.

    Raises:
        Refused: if nobody is named, or who is may not have one.

    """
    services = call.services
    if (asked.identifier is None) == (asked.customer_id is None):
        raise Refused("whose_account", "expected identifier or customer_id, found both or neither")
    if asked.identifier is not None:
        identifier = parse_identifier(asked.identifier)
        if is_blocked(identifier):
            detail = "identifier: expected a value that names somebody, found one of nobody"
            raise Refused("identifier_of_nobody", detail)
        personas = [services.personas.name(identifier)]
    else:
        wanted = bytes.fromhex((asked.customer_id or "").replace("-", ""))
        personas = await services.desk.snapshot(_members, services, wanted)
    return await _eligible(call, personas, programme)


async def _eligible(call: Call, personas: list[Persona], programme: str) -> bytes:
    services = call.services
    ids = {account_id(programme, one.persona_id): one for one in personas}
    there = (await services.accounts.ask(tuple(ids))).accounts
    if there:
        return bytes.fromhex(there[0].persona_id.replace("-", ""))
    rulebook, _ = await services.desk.run(services.accounts.rules)
    version = rulebook.in_force(programme, services.clock())
    for one in personas:
        if version is None or may_enrol(version.written, one.namespace):
            return one.persona_id  # without a version the ledger itself refuses
    found = ", ".join(sorted({one.namespace for one in personas}))
    detail = (
        f"expected somebody who may have an account of programme {programme}, found {found}; name "
        "an identifier of a namespace that its version admits"
    )
    raise Refused("may_not_enrol", detail)


def _members(
    connection: psycopg.Connection, services: Services, customer_id: bytes
) -> list[Persona]:
    found = found_by(connection, services, customer_id)
    state = state_of(services, found)
    return [
        Persona(one.namespace, bytes.fromhex(one.persona_id.replace("-", "")))
        for one in members_shown(found.customer_id or b"", state.identity, found.members)
    ]
