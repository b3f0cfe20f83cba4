"""A small business for tests of the API: its sources, its events, its view."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from types import TracebackType
from typing import Any, Self

import msgspec
import psycopg

from api.settings import ApiLimits, ApiSettings
from domain.calendar import Calendar
from domain.identifiers import parse_identifier
from domain.instants import instant_of
from domain.lifecycle.rules import LifecycleRulebook
from journal.connecting import connect
from journal.decisions import open_decisions
from journal.intake.message import Message, Outcome
from journal.intake.pipeline import Intake
from journal.personas import PersonaNames
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import create_tenant
from projections.customer.fold import Fold
from projections.customer.live import CustomerProjection
from projections.customer.part import Context
from projections.customer.shown import uuid_text

TENANT = "shop"
SECRET = bytes(range(32))
TILL, CRM, CLUB = "urn:test:till", "urn:test:crm", "urn:test:club"
SOURCES = SourceRegister((
    Source(name=TILL, topics=("till",), stable_time=True),
    Source(name=CRM),
    Source(name=CLUB),
))  # fmt: skip
CONTEXT = Context(Calendar.in_zone("Europe/Madrid"), LifecycleRulebook())
TODAY = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)

_numbers = count(1)


def days_ago(days: float) -> str:
    """The time so many days before yesterday's noon, as events state it."""
    return (TODAY - timedelta(days=days)).isoformat()


def event(
    kind: str,
    subject: str,
    data: Mapping[str, Any] | None = None,
    *,
    time: str | None = None,
    source: str = CRM,
    event_id: str | None = None,
) -> dict[str, Any]:
    """A CloudEvent in structured mode."""
    return {
        "specversion": "1.0",
        "id": event_id or f"event-{next(_numbers)}",
        "source": source,
        "type": f"vinculo.{kind}.v1",
        "subject": subject,
        "time": time or days_ago(10),
        "data": dict(data or {}),
    }


def purchase(
    subject: str, amount: int = 1_000, *, days: float = 10, **further: Any
) -> dict[str, Any]:
    """A purchase of one line."""
    line = {"product": "P1", "quantity": 1_000, "amount": amount}
    number = f"ticket-{next(_numbers)}"
    data = {"number": number, "currency": "EUR", "lines": [line]}
    return event("purchase_made", subject, data, time=days_ago(days), **further)


def reference(to: Mapping[str, Any]) -> dict[str, Any]:
    """How a correction names an event."""
    return {"source": to["source"], "id": to["id"], "occurred_at": to["time"]}


def customer_id_of(identifier: str) -> str:
    """The id of a customer that consists of one persona."""
    return uuid_text(PersonaNames(SECRET).name(parse_identifier(identifier)).persona_id)


class Business:
    """One tenant in a database of its own.

    Args:
        url: of a migrated database.

    """

    def __init__(self, url: str) -> None:
        self.url = url
        with closing(psycopg.connect(url, autocommit=True)) as owner:
            self.logs = create_tenant(owner, TENANT)
        self.connection = connect(url, name="test")
        self.secret = TenantSecret(SECRET)
        self.intake = Intake(self.logs.facts, SOURCES, self.secret)
        self._projection = CustomerProjection(self.logs, Fold(CONTEXT), owner="test")
        self._projection.claim(self.connection)

    def settings(self, limits: ApiLimits | None = None) -> ApiSettings:
        """The settings of an API of this tenant."""
        return ApiSettings(
            conninfo=self.url,
            tenant=TENANT,
            secret=SECRET,
            sources=SOURCES,
            context=CONTEXT,
            limits=limits or ApiLimits(wait_seconds=1.0, key_seconds=0.2),
        )

    def send(self, *events: Mapping[str, Any]) -> list[Outcome]:
        """Take events in as files are."""
        messages = [Message(msgspec.json.encode(one)) for one in events]
        return self.intake.take_in(self.connection, "file", messages)

    def keep(self, *payloads: bytes) -> list[Outcome]:
        """Take in what may not be readable."""
        messages = [Message(one) for one in payloads]
        return self.intake.take_in(self.connection, "file", messages)

    def project(self) -> int:
        """Bring the view up to date."""
        return self._projection.catch_up(self.connection)

    def advance_time(self, to: datetime) -> None:
        """Let time come to an instant, and run the timers."""
        with open_decisions(self.url, self.logs.decisions) as decisions:
            decisions.advance_time(instant_of(to))
        self.project()

    def open_shop(self) -> Sequence[Outcome]:
        """Two customers of several personas, one anonymous sale, something rejected."""
        return self.send(
            event("customer_registered", "crm:1", {"name": "Ana Pérez", "email": "ana@home.test",
                  "identifiers": ["email:ana@home.test"]}, time=days_ago(100)),
            purchase("crm:1", 2_000, days=90),
            purchase("email:ana@home.test", 3_000, days=5),
            event("customer_registered", "crm:2", {"name": "Blas Gil"}, time=days_ago(80)),
            purchase("receipt:7", 500, days=3, source=TILL),
            event("account_opened", "card:6001", {"programme": "club", "account": "6001",
                  "identifiers": ["crm:2"]}, time=days_ago(70), source=CLUB),
            event("points_earned", "card:6001", {"programme": "club", "account": "6001",
                  "currency": "points", "points": 100}, time=days_ago(60), source=CLUB),
            event("purchase_made", "crm:1", {"number": "broken"}),
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()
