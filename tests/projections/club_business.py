"""A loyalty programme in a real journal: purchases are judged, points redeemed, months closed.

Time is the test's own: every decision is recorded at the instant that it is made for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import count
from typing import Any, Self

import msgspec
import psycopg

from domain.accounting.books import MonthClosed
from domain.accounting.estimates import Estimate
from domain.accounting.months import first_day, month_named
from domain.accounting.portfolios import Portfolio
from domain.calendar import Calendar
from domain.earning.earning import Earning
from domain.identifiers import parse_identifier
from domain.instants import day_of, instant_of
from domain.ledger.commands import AccountCommand, Redeem
from domain.ledger.desk import Desk
from domain.ledger.handling import handle
from domain.ledger.projecting import account_id
from domain.programmes.earn_rules import EarnRule, PerAmount
from domain.programmes.format import Burn, Enrolment, PointsCurrency, ProgrammeVersion
from journal.accounting import approve_estimate, close_month, publish_estimate
from journal.connecting import connect
from journal.decisions import open_decisions
from journal.earning.writing import EarningLedger
from journal.intake.message import Message
from journal.intake.pipeline import Intake
from journal.ledger.heads import Heads
from journal.personas import PersonaNames
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import create_tenant, find_tenant
from projections.ledger.closing import Prepared, closed_month, prepare_month
from tests.domain.earning_case import OneProgramme

SECRET = b"a secret of the tests, 32 bytes or more"
TILL = "urn:test:club-till"
OWN = Portfolio("club", "points", "", "earned")
CLUB = ProgrammeVersion(
    programme="club", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    currencies=(PointsCurrency(code="points", claw_back="unlimited", burn=Burn()),),
    enrolment=Enrolment(namespaces=("crm",)),
    rules=(
        EarnRule(
            code="base", currency="points", touchpoints=("purchase_made",),
            earn=PerAmount(points=1, per=10, currency="EUR", basis="net_of_tax"),
        ),
    ),
)  # fmt: skip
_numbers = count(1)


def at(text: str) -> int:
    """An instant of a time in UTC."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


class ClubBusiness:
    """One tenant with one programme.

    Args:
        url: of a migrated database.
        tenant: its name.
        calendar: in which it reckons.
        rules: of the programme.
        secret: the tenant's.

    """

    def __init__(
        self, url: str, tenant: str = "main", calendar: Calendar | None = None,
        rules: ProgrammeVersion = CLUB,
        secret: bytes = SECRET,
    ) -> None:  # fmt: skip
        self.url = url
        with psycopg.connect(url, autocommit=True) as owner:
            create_tenant(owner, tenant)
        self.connection = connect(url, name="test club")
        self.logs = find_tenant(self.connection, tenant)
        self.calendar = calendar or Calendar.in_zone("Europe/Madrid")
        self.names = PersonaNames(secret)
        sources = SourceRegister((Source(name=TILL, simulated_time=True),))
        self._intake = Intake(self.logs.facts, sources, TenantSecret(secret))
        self._rules = OneProgramme(rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def account(self, subject: str) -> bytes:
        """The account of a subject."""
        return account_id("club", self.names.name(parse_identifier(subject)).persona_id)

    def tell(self, kind: str, subject: str, when: str, data: dict[str, Any]) -> None:
        """A fact, judged at once."""
        event = {
            "specversion": "1.0", "id": f"event-{next(_numbers)}", "source": TILL, "data": data,
            "type": f"vinculo.{kind}.v1", "subject": subject, "time": f"{when}:00+00:00",
        }  # fmt: skip
        [outcome] = self._intake.take_in(
            self.connection, "file", [Message(msgspec.json.encode(event))]
        )
        assert "stored" == outcome.kind, outcome
        self.judge(at(when))

    def judge(self, recorded_at: int) -> None:
        """Judge all facts there are."""
        ledger = EarningLedger(self.logs, Earning(self._rules), now=lambda: recorded_at)
        come = ledger.come(self.connection)
        while (further := ledger.judge(self.connection, come, 500)) != come:
            come = further

    def buy(self, subject: str, net: int, when: str, *, tax: int = 0) -> str:
        """A purchase; return its business number."""
        number = f"ticket-{next(_numbers)}"
        line = {"product": "P1", "quantity": 1_000, "amount": net + tax, "tax": tax}
        data = {"number": number, "currency": "EUR", "lines": [line]}
        self.tell("purchase_made", subject, when, data)
        return number

    def give_back(self, subject: str, number: str, net: int, when: str) -> None:
        """A return of what was bought under a number."""
        line = {"product": "P1", "quantity": 1_000, "amount": net}
        data = {
            "number": f"return-{next(_numbers)}", "currency": "EUR", "lines": [line],
            "purchase": {"source": TILL, "number": number},
        }  # fmt: skip
        self.tell("purchase_returned", subject, when, data)

    def decide(
        self, accounts: list[bytes], decide: Callable[[list[Desk]], None], recorded_at: int
    ) -> None:
        """Let something be decided about accounts, and written."""
        with self.connection.transaction():
            heads = Heads(self.logs.decisions)
            heads.lock(self.connection, accounts)
            desks = [heads.desk(one) for one in accounts]
            decide(desks)
            heads.take(*desks)
            heads.write(self.connection, recorded_at)

    def ask(self, subject: str, command: AccountCommand, when: str) -> None:
        """Ask something of an account."""
        self.decide(
            [self.account(subject)], lambda desks: handle(desks[0], command, at(when)), at(when)
        )

    def redeem(self, subject: str, points: int, when: str, *, elsewhere: bool = False) -> None:
        """Redeem points at once."""
        command = Redeem(
            redemption_id=next(_numbers).to_bytes(16), currency="points", points=points,
            elsewhere=elsewhere,
        )  # fmt: skip
        self.ask(subject, command, when)

    def estimate(
        self, effective_from: str, redemption: int, *, price: int = 1_000,
        portfolio: Portfolio = OWN,
    ) -> None:  # fmt: skip
        """An estimate that Ann publishes and Bob approves."""
        made = Estimate(
            portfolio=portfolio, effective_from=day_of(date.fromisoformat(effective_from)),
            money="EUR", price=price, redemption=redemption,
        )  # fmt: skip
        with open_decisions(self.url, self.logs.decisions) as decisions:
            published = publish_estimate(decisions, made, by="ann")
            assert approve_estimate(decisions, published.number, by="bob")

    def prepare(self, month: str) -> Prepared:
        """A month as it would be closed now."""
        return prepare_month(self.connection, self.logs, month_named(month), self.calendar)

    def close(self, month: str) -> MonthClosed:
        """Close a month on the first day of the next one."""
        prepared = self.prepare(month)
        with open_decisions(self.url, self.logs.decisions) as decisions:
            today = first_day(month_named(month) + 1)
            assert close_month(decisions, prepared.preparation, by="carla", today=today)
        return closed_month(self.connection, self.logs.decisions, month_named(month))
