"""A simulated business with two programmes, whose customers spend while time and earning go on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count

from msgspec.structs import replace

from domain.earning.earning import Earning
from domain.errors import Refused
from domain.instants import DAY, HOUR, instant_of
from domain.ledger.account import Account
from domain.ledger.commands import (
    Adjust,
    Capture,
    CloseAccount,
    OpeningLot,
    Redeem,
    Release,
    Reserve,
    Reverse,
    SetOpeningBalance,
)
from domain.programmes.conditions import OnWeekdays
from domain.programmes.earn_rules import Cap, EarnRule, Fixed, PerAmount, SharedCap
from domain.programmes.format import (
    Burn,
    Enrolment,
    PointsCurrency,
    PointValue,
    ProgrammeVersion,
    Reissue,
    Transfers,
    version_digest,
)
from domain.programmes.lifetimes import (
    ExpiresAfterMonths,
    ExpiresWithoutActivity,
    NeverExpires,
)
from domain.programmes.tier_rules import (
    HoldsForMonths,
    Level,
    PeriodMeasure,
    RollingMonths,
    TierRules,
)
from journal.connecting import connect
from journal.decisions import open_decisions
from journal.earning.writing import Come, EarningLedger
from journal.ledger import LedgerWriter, Order, TransferPoints, open_order, request_id_of
from journal.ledger.orders import Asked
from journal.ledger.spending import RulebookSpending
from journal.ledger.states import decode_account
from journal.programmes import HeardRules, ProgrammeOffice
from tests.engine import CONTEXT, DEMO_SOURCES, Engine, simulated

BEGIN = instant_of(datetime(2020, 1, 1, tzinfo=UTC))
BASE = EarnRule(
    code="base", currency="points", touchpoints=("purchase_made",),
    earn=PerAmount(points=1, per=20, currency="EUR"), tiers={"silver": 125, "gold": 150},
    caps=(Cap(points=900, period="month"),),
)  # fmt: skip
WEEKEND = EarnRule(
    code="weekend", currency="points", touchpoints=("purchase_made",),
    earn=PerAmount(points=1, per=50, currency="EUR"), when=(OnWeekdays(days=(6, 7)),),
    kind="promotional",
)  # fmt: skip
STATUS = EarnRule(
    code="status", currency="status", touchpoints=("purchase_made",),
    earn=PerAmount(points=1, per=100, currency="EUR"),
)  # fmt: skip
SURVEY = EarnRule(
    code="survey", currency="points", touchpoints=("survey_answered",), earn=Fixed(points=50),
    pending_days=0, kind="promotional",
)  # fmt: skip
CLUB = ProgrammeVersion(
    programme="club", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    currencies=(
        PointsCurrency(
            code="points", pending_days=14, expiry=ExpiresAfterMonths(months=5, until="month"),
            reversal=Reissue(days=20),
            burn=Burn(values=(PointValue(currency="EUR", minor_units_per_1000=500),)),
        ),
        PointsCurrency(code="status", kind="qualifying", claw_back="unlimited"),
    ),
    enrolment=Enrolment(namespaces=("crm", "card", "email")),
    rules=(BASE, WEEKEND, STATUS, SURVEY),
    caps=(SharedCap(code="all", period="month", points=1_500, rules=("base", "weekend")),),
    tiers=TierRules(
        measure=PeriodMeasure(currency="status", period=RollingMonths(months=3)),
        levels=(Level(code="silver", threshold=150), Level(code="gold", threshold=400)),
        validity=HoldsForMonths(months=4),
    ),
    transfers=Transfers(),
)  # fmt: skip
RICHER = ProgrammeVersion(
    programme="club", version="v2", effective_from=datetime(2025, 5, 1, tzinfo=UTC),
    currencies=CLUB.currencies, enrolment=CLUB.enrolment, tiers=CLUB.tiers, caps=CLUB.caps,
    rules=(BASE, WEEKEND, STATUS), transfers=Transfers(),
)  # fmt: skip
LASTING = ProgrammeVersion(
    programme="lasting", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    currencies=(
        PointsCurrency(
            code="stars", claw_back="unlimited", burn=Burn(),
            expiry=ExpiresWithoutActivity(months=2, touchpoints=("survey_answered",)),
        ),
    ),
    enrolment=Enrolment(namespaces=("crm", "card")),
    rules=(
        EarnRule(
            code="stars", currency="stars", touchpoints=("purchase_made",),
            earn=PerAmount(points=1, per=100, currency="EUR"),
        ),
    ),
    transfers=Transfers(),
)  # fmt: skip
FOREVER = replace(
    CLUB, caps=(), rules=(replace(BASE, caps=(), tiers={}), STATUS),
    currencies=(replace(CLUB.currencies[0], expiry=NeverExpires()), CLUB.currencies[1]),
)  # fmt: skip
"""A club whose points never expire: the one of docs/what-if.md."""
CURRENCY = {"club": "points", "lasting": "stars"}


class WhatIfBusiness:
    """A tenant that lives through a simulated business.

    Args:
        url: of a migrated database.
        seed: of everything.
        customers: how many.
        days: how long it lives.
        versions: of its programmes from the beginning on.
        later: a version that is approved shortly before it begins.
        hurried: whether several ask at the same time; if not, all of it is the same every time.

    """

    def __init__(
        self,
        url: str,
        seed: int,
        customers: int = 50,
        days: int = 500,
        versions: tuple[ProgrammeVersion, ...] = (CLUB, LASTING),
        later: ProgrammeVersion | None = RICHER,
        *,
        hurried: bool = True,
    ) -> None:
        self.engine = Engine(url, DEMO_SOURCES)
        self._versions = versions
        self._later = later
        self._hurried = hurried
        self.logs = self.engine.logs
        self.calendar = CONTEXT.calendar
        self.clock = BEGIN
        self.refused = 0
        self.asked = 0
        self._messages = [
            one for one in simulated(customers, seed, days) if one.outcome != "rejected"
        ]
        self._chance = random.Random(seed)
        self._numbers = count(1)
        self._redemptions: list[tuple[bytes, bytes]] = []
        self._opened: Order | None = None
        self._opened_in = ""
        self._heard = HeardRules(self.logs.decisions, self.calendar)

    def live(self) -> None:
        """Live through all of it."""
        for version in self._versions:
            self.approve(version)
        chance, place = self._chance, 0
        with self._writer() as writer:
            while place < len(self._messages):
                some = self._messages[place : place + chance.randint(20, 200)]
                place += len(some)
                self.engine.take_in([one.payload for one in some])
                self.clock = max(self.clock, *(one.arrives_at for one in some))
                later = self._later
                if later is not None and self.clock > instant_of(later.effective_from) - 20 * DAY:
                    self.approve(later)
                if chance.random() < 0.8:
                    self._judge(writer)
                self._ask(writer, chance.randint(0, 12))
                if chance.random() < 0.3:
                    self._sweep(writer)
            self.clock += 40 * DAY
            self._judge(writer)
            self._sweep(writer)

    def approve(self, version: ProgrammeVersion) -> None:
        """Let two people put a version in force, shortly before it begins."""
        now = instant_of(version.effective_from) - DAY
        with open_decisions(self.engine.conninfo, self.logs.decisions) as decisions:
            office = ProgrammeOffice(decisions, now=lambda: now)
            if office.programme(version.programme).record(version.version) is None:
                office.draft(version, by="ana")
                digest = version_digest(version)
                office.approve(
                    version.programme, version.version, digest=digest, by="ben",
                )  # fmt: skip

    def streams(self, programme: str) -> dict[bytes, list[tuple[str, bytes]]]:
        """Return the stream of every account of a programme, as it is stored."""
        rows = self.engine.connection.execute(
            "SELECT stream_id, type, body FROM journal.entry JOIN ledger.account "
            "ON account.log_id = entry.log_id AND account_id = stream_id "
            "WHERE entry.log_id = %s AND programme = %s ORDER BY stream_id, stream_version",
            (self.logs.decisions, programme),
        )
        found: dict[bytes, list[tuple[str, bytes]]] = {}
        for stream_id, topic, body in rows:
            found.setdefault(stream_id.bytes, []).append((topic, bytes(body)))
        return found

    def rows(self) -> list[tuple[object, ...]]:
        """Return every row of every account, as it is stored."""
        return self.engine.connection.execute(
            "SELECT * FROM ledger.account WHERE log_id = %s ORDER BY account_id",
            (self.logs.decisions,),
        ).fetchall()

    @contextmanager
    def _writer(self) -> Iterator[LedgerWriter]:
        writer = LedgerWriter(
            self.logs.decisions,
            lambda: connect(self.engine.conninfo, name="test what if"),
            rules=lambda connection: RulebookSpending(self._heard(connection)[0]),
            now=lambda: self.clock,
        )
        writer.start()
        try:
            yield writer
        finally:
            writer.close()

    def _ledger(self) -> tuple[EarningLedger, Come]:
        rulebook, heard = self._heard(self.engine.connection)
        ledger = EarningLedger(self.logs, Earning(rulebook), heard, now=lambda: self.clock)
        return ledger, ledger.come(self.engine.connection)

    def _judge(self, writer: LedgerWriter) -> None:
        ledger, come = self._ledger()
        limit = self._chance.choice((7, 60, 500))
        while (further := ledger.judge(self.engine.connection, come, limit)) != come:
            come = further
            if self._chance.random() < 0.1:
                self._ask(writer, 1)

    def _sweep(self, writer: LedgerWriter) -> None:
        ledger, come = self._ledger()
        limit = self._chance.choice((3, 10, 1_000))
        # Time may be ahead of the clock where a business is simulated.
        to = self.clock + self._chance.choice((0, 0, 25 * DAY))
        while (further := ledger.sweep(self.engine.connection, come, to, limit)) != come:
            come = further
            self._ask(writer, self._chance.randint(0, 2))

    def _ask(self, writer: LedgerWriter, orders: int) -> None:
        accounts = [
            decode_account(account_id.bytes, version, state)
            for account_id, version, state in self.engine.connection.execute(
                "SELECT account_id, version, state FROM ledger.account WHERE log_id = %s "
                "ORDER BY account_id",
                (self.logs.decisions,),
            )
        ]
        if not accounts:
            return
        futures = []
        for _ in range(orders):
            future = writer.submit(self._order(accounts))
            if not self._hurried:
                wait([future])
            futures.append(future)
            self.asked += 1
            self.clock += self._chance.randint(0, HOUR)
        for future in futures:
            try:
                answer = future.result(60)
            except Refused:
                self.refused += 1
                continue
            if answer.kind in {"redeem", "reserve"}:
                self._redemptions.append((answer.account_id, answer.request_id))

    def _order(self, accounts: list[Account]) -> Order:
        chance = self._chance
        account = chance.choice(accounts)
        request_id = request_id_of("till", str(next(self._numbers)))
        currency = CURRENCY[account.programme]
        held = account.book(currency).available
        points = chance.randint(1, max(1, held))
        if chance.random() < 0.35 and self._redemptions:
            account_id, redemption_id = chance.choice(self._redemptions[-40:])
            command = chance.choice((
                Capture(redemption_id=redemption_id),
                Capture(redemption_id=redemption_id, points=1, final=chance.random() < 0.5),
                Release(redemption_id=redemption_id, by="till"),
                Reverse(redemption_id=redemption_id, by="till"),
                Reverse(redemption_id=redemption_id, points=1),
            ))  # fmt: skip
            return Order(request_id=request_id, account_id=account_id, command=command)
        kind = chance.choices(
            ("redeem", "reserve", "elsewhere", "give", "take", "transfer", "close", "open"),
            (40, 25, 6, 6, 6, 8, 2, 5),
        )[0]
        if kind == "open":
            return self._opening(request_id, account.programme)
        asked: dict[str, Asked] = {
            "redeem": Redeem(redemption_id=request_id, currency=currency, points=points),
            "elsewhere": Redeem(
                redemption_id=request_id, currency=currency, points=points + 30, elsewhere=True
            ),
            "reserve": Reserve(
                redemption_id=request_id, currency=currency, points=points,
                until=self.clock + chance.choice((HOUR, 10 * DAY, 200 * DAY)), by="till",
            ),
            "give": Adjust(
                adjustment_id=request_id, currency=currency, points=points, reason="goodwill",
                by="ana", approved_by="ben",
                expires_at=chance.choice((None, self.clock + 50 * DAY)),
                kind=chance.choice(("promotional", "paid")),
            ),
            "take": Adjust(
                adjustment_id=request_id, currency=currency, points=-points - 5, reason="mistake",
                by="ana", approved_by="ben", overdraw=chance.random() < 0.5,
            ),
            "transfer": TransferPoints(
                to_account=chance.choice(accounts).id, currency=currency, points=points
            ),
            "close": CloseAccount(reason="asked for it", by="ana"),
        }  # fmt: skip
        return Order(request_id=request_id, account_id=account.id, command=asked[kind])

    def _opening(self, request_id: bytes, programme: str) -> Order:
        """Open an account of somebody new, or give the last one opened what it had elsewhere."""
        if self._chance.random() < 0.5 or self._opened is None:
            self._opened = open_order(request_id, programme, self._chance.randbytes(16))
            self._opened_in = programme
            return self._opened
        at = self.clock
        lots = tuple(
            OpeningLot(
                points=self._chance.randint(1, 300), earned_at=at - days * DAY,
                active_from=at + self._chance.choice((-3, 5)) * DAY,
                expires_at=self._chance.choice((None, at - DAY, at + 30 * DAY)),
            )
            for days in (90, 60)
        )  # fmt: skip
        command = SetOpeningBalance(
            currency=CURRENCY[self._opened_in], lots=lots, reference="statement"
        )
        return Order(request_id=request_id, account_id=self._opened.account_id, command=command)
