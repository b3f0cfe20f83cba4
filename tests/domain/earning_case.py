"""A small business of facts for the tests of earning: written in the order of their log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from domain.calendar import UTC_CALENDAR
from domain.correcting import Naming
from domain.earning.earning import Earning
from domain.earning.store import EarningStore
from domain.fact import Fact
from domain.identifiers import Persona
from domain.instants import DAY, instant_of, moment_of
from domain.ledger.account import Account, check_lots
from domain.ledger.projecting import account_id
from domain.programmes.compiling import CompiledVersion, compile_version
from domain.programmes.format import ProgrammeVersion
from domain.touchpoints import (
    IdentifierLinked,
    IdentifierUnlinked,
    PurchaseMade,
    PurchaseReturned,
    Reference,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)
from domain.touchpoints.commercial import Line, PurchaseReference

SOURCE = "urn:test:till"
START = instant_of(datetime(2026, 3, 2, 12, tzinfo=UTC))
ANA = Persona("crm", b"ana".ljust(16, b"."))
BEN = Persona("crm", b"ben".ljust(16, b"."))
TICKET = Persona("receipt", b"ticket".ljust(16, b"."))


class OneProgramme:
    """Rules of one programme that never change."""

    def __init__(self, written: ProgrammeVersion) -> None:
        self.version = compile_version(written, UTC_CALENDAR)

    def programmes(self) -> Iterable[str]:
        """Return its code."""
        return (self.version.programme,)

    def in_force(self, programme: str, instant: int) -> CompiledVersion | None:
        """Return its only version, from its beginning on."""
        known = programme == self.version.programme and instant >= self.version.effective_from
        return self.version if known else None


class Case:
    """Facts judged one after the other."""

    def __init__(self, written: ProgrammeVersion) -> None:
        self.rules = OneProgramme(written)
        self.earning = Earning(self.rules)
        self.store = EarningStore()
        self._count = 0

    def buy(self, number: str, *amounts: int, who: Persona = ANA, day: int = 0) -> Fact:
        """Let somebody buy lines of these amounts."""
        purchase = PurchaseMade(number=number, currency="EUR", lines=_lines(amounts))
        return self.tell(purchase, who=who, day=day)

    def give_back(self, number: str, *amounts: int, who: Persona = ANA, day: int = 1) -> Fact:
        """Let somebody give back lines of these amounts."""
        returned = PurchaseReturned(
            number=f"return-{self._count}", currency="EUR", lines=_lines(amounts),
            purchase=PurchaseReference(SOURCE, number),
        )  # fmt: skip
        return self.tell(returned, who=who, day=day)

    def void(self, fact: Fact) -> Fact:
        """Let the source say that something never happened."""
        return self.tell(TouchpointVoided(reference=_reference(fact), reason="test"), names=fact)

    def correct(self, fact: Fact, subject: Persona | None = None, **fields: Any) -> Fact:
        """Let the source state other fields, or another subject."""
        kind = "vinculo.purchase_made.v1"
        correction = TouchpointCorrected(
            reference=_reference(fact), corrected_type=kind, fields=fields, reason="test"
        )
        return self.tell(correction, names=fact, subject=subject)

    def link(self, one: Persona, other: Persona, day: int = 2) -> Fact:
        """Let somebody say that two are one."""
        return self.tell(IdentifierLinked(), who=one, day=day, linked=(other,))

    def unlink(self, one: Persona, other: Persona, day: int = 3) -> Fact:
        """Let somebody say that two are not one."""
        return self.tell(IdentifierUnlinked(), who=one, day=day, linked=(other,))

    def tell(
        self, touchpoint: Touchpoint, *, who: Persona = ANA, day: int = 0,
        linked: tuple[Persona, ...] = (), names: Fact | None = None,
        subject: Persona | None = None,
    ) -> Fact:  # fmt: skip
        """Judge a fact."""
        self._count += 1
        fact = Fact(
            self._count.to_bytes(16), SOURCE, f"event-{self._count}", -1, who,
            START + day * DAY + self._count, touchpoint, linked, self._count,
        )  # fmt: skip
        naming = None if names is None else Naming(fact, names.entry_id, subject)
        self.earning.judge(self.store, fact, naming)
        return fact

    def account(self, who: Persona = ANA) -> Account:
        """Return somebody's account, its lots checked."""
        account = self.store.desk(account_id(self.rules.version.programme, who.persona_id)).account
        for book in account.books:
            check_lots(book)
        return account

    def points(self, who: Persona = ANA, currency: str = "points") -> int:
        """Return what somebody holds, pending points included."""
        book = self.account(who).book(currency)
        return book.available + book.pending


def moment(day: int) -> datetime:
    """Return a moment of the test's days."""
    return moment_of(START + day * DAY)


def _lines(amounts: tuple[int, ...]) -> tuple[Line, ...]:
    return tuple(
        Line(product=f"p{place}", quantity=1_000, amount=amount)
        for place, amount in enumerate(amounts)
    )


def _reference(fact: Fact) -> Reference:
    return Reference(SOURCE, fact.event_id, moment_of(fact.occurred_at))
