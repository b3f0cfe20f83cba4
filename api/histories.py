"""Histories of one customer: the timeline, the lifecycle, the loyalty accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from api.answers import Answer, json_answer
from api.calls import Call
from api.cursors import read_cursor, write_cursor
from api.customer_answers import found_by, headers_of, id_text, personas_of, reach, state_of
from api.owned_accounts import OwnedAccount
from api.parameters import Parameter, one_of
from api.services import Services
from domain.fact import OrderKey
from domain.touchpoints import CATALOGUE
from projections.customer.part import Reading
from projections.customer.reading.biography import (
    AccountShown,
    AccountsShown,
    LifecycleShown,
    accounts_of,
    lifecycle_of,
)
from projections.customer.reading.finding import FoundRow, live_view
from projections.customer.reading.timeline import (
    FAMILIES,
    TimelineEntry,
    TimelinePage,
    TimelineQuestion,
    read_timeline,
)
from projections.generations import Generation

_TYPES = tuple(CATALOGUE.names[kind] for kind in FAMILIES)
_FAMILY_NAMES = tuple(dict.fromkeys(FAMILIES.values()))
TIMELINE_FILTERS: tuple[Parameter, ...] = (
    Parameter(
        name="type",
        meaning="Only touchpoints of this type; may be given several times.",
        schema={"type": "array", "items": {"type": "string", "enum": list(_TYPES)}},
        read=one_of(_TYPES),
        several=True,
    ),
    Parameter(
        name="family",
        meaning="Only touchpoints of this family; may be given several times.",
        schema={"type": "array", "items": {"type": "string", "enum": list(_FAMILY_NAMES)}},
        read=one_of(_FAMILY_NAMES),
        several=True,
    ),
)


class TimelineDocument(msgspec.Struct, frozen=True):
    """A page of a timeline, the newest first.

    Args:
        customer_id: whose it is.
        entries: the page.
        next: the cursor of the next page; null at the end.

    """

    customer_id: str
    entries: list[TimelineEntry]
    next: str | None


class CustomerAccounts(msgspec.Struct, frozen=True):
    """The loyalty accounts of a customer; they never merge.

    Args:
        customer_id: whose they are.
        as_of: the instant up to which timers of mirrored accounts were run.
        accounts: mirrored ones (what another system states), by programme, source and number.
        owned: ours, of all personas of the customer, each with an instant of its own; read from
            the ledger, so never older than what was answered to a redemption.

    """

    customer_id: str
    as_of: datetime
    accounts: tuple[AccountShown, ...]
    owned: tuple[OwnedAccount, ...]


async def read_timeline_page(call: Call) -> Answer:
    """Answer with a page of a customer's timeline."""
    services = call.services
    asked = call.parameters()
    persona_id = call.uuid("customer_id")
    cursor = asked.get("cursor")
    question = TimelineQuestion(
        types=frozenset(asked.get("type", ())),
        families=frozenset(asked.get("family", ())),
        before=None if cursor is None else read_cursor(cursor, asked, OrderKey),
        limit=asked.get("limit", services.settings.limits.page_default),
    )
    await reach(call)
    found, page = await services.desk.snapshot(_timeline, services, persona_id, question)
    following = None if page.before is None else write_cursor(page.before, asked)
    document = TimelineDocument(id_text(found.customer_id), page.entries, following)
    return json_answer(document, headers_of(found))


async def read_lifecycle(call: Call) -> Answer:
    """Answer with a customer's lifecycle and how it came there."""
    return await _from_state(call, _lifecycle)


async def read_accounts(call: Call) -> Answer:
    """Answer with a customer's loyalty accounts: those of its view, and those of our ledger."""
    services = call.services
    persona_id = call.uuid("customer_id")
    call.parameters()
    await reach(call)
    found, mirrored = await services.desk.snapshot(_tell, services, persona_id, _accounts)
    personas = personas_of(found, state_of(services, found))
    owned = await services.accounts.ask(personas=tuple(personas))
    document = CustomerAccounts(
        mirrored.customer_id, mirrored.as_of, mirrored.accounts, owned.accounts
    )
    return json_answer(document, headers_of(found))


async def _from_state(call: Call, tell: Callable[[Services, FoundRow, Generation], Any]) -> Answer:
    services = call.services
    persona_id = call.uuid("customer_id")
    call.parameters()
    await reach(call)
    found, document = await services.desk.snapshot(_tell, services, persona_id, tell)
    return json_answer(document, headers_of(found))


def _timeline(
    connection: psycopg.Connection,
    services: Services,
    persona_id: bytes,
    question: TimelineQuestion,
) -> tuple[FoundRow, TimelinePage]:
    found = found_by(connection, services, persona_id)
    personas = personas_of(found, state_of(services, found))
    return found, read_timeline(connection, services.histories, personas, found.facts, question)


def _tell(
    connection: psycopg.Connection,
    services: Services,
    persona_id: bytes,
    tell: Callable[[Services, FoundRow, Generation], Any],
) -> tuple[FoundRow, Any]:
    live = live_view(connection, services.logs.facts)
    found = found_by(connection, services, persona_id)
    return found, tell(services, found, live)


def _lifecycle(services: Services, found: FoundRow, live: Generation) -> LifecycleShown:
    reading = Reading(services.fold.context, services.clock())
    customer_id = found.customer_id or b""
    return lifecycle_of(customer_id, state_of(services, found), reading, live.horizon)


def _accounts(services: Services, found: FoundRow, _live: Generation) -> AccountsShown:
    reading = Reading(services.fold.context, services.clock())
    return accounts_of(found.customer_id or b"", state_of(services, found), reading)
