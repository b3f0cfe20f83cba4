"""An account to try things on: short words for what the ledger is asked."""

from __future__ import annotations

import msgspec

from domain.ledger.account import Account, Book, check_book, check_lots
from domain.ledger.commands import AccountCommand, Redeem, Reserve, Reverse
from domain.ledger.crediting import Accrual, accrue
from domain.ledger.decisions import Balance, LedgerAccountOpened
from domain.ledger.desk import Desk
from domain.ledger.handling import handle
from domain.ledger.redeeming import DEFAULT_TERMS, RedemptionTerms
from domain.ledger.taking import ClawBack, ClawBackPolicy, claw_back
from domain.ledger.terms import NEVER, LotKind, LotTerms, Share
from domain.ledger.timers import run_timers

POINTS = "points"
ID = b"r" * 16


class Case:
    """One account of the programme ``club``, opened at 0."""

    def __init__(self, name: bytes = b"a") -> None:
        self.desk = Desk(Account(name * 16))
        self.desk.post(LedgerAccountOpened(at=0, programme="club", persona=b"p" * 16))
        self.terms: RedemptionTerms = DEFAULT_TERMS

    @property
    def account(self) -> Account:
        return self.desk.account

    @property
    def book(self) -> Book:
        return self.account.book(POINTS)

    @property
    def balance(self) -> Balance:
        check_book(self.book)
        check_lots(self.book)
        return self.book.balance()

    @property
    def available(self) -> int:
        return self.balance.available

    def earn(
        self, points: int, active_from: int = 0, expires_at: int = NEVER, *, at: int = 0,
        kind: LotKind = "earned", issuer: str = "", currency: str = POINTS,
    ) -> int:  # fmt: skip
        """Earn one lot and return its number."""
        number = self.account.book(currency).next_lot
        terms = LotTerms(active_from, expires_at, kind, issuer, "bank" if issuer else "")
        accrue(
            self.desk,
            Accrual(
                posting_id=b"x" * 16, touchpoint=b"t" * 16, cause=b"t" * 16, currency=currency,
                at=at, day=at, version="v1", shares=(Share("base", points, terms, ("cap",)),),
            ),
        )  # fmt: skip
        return number

    def give_back(self, due: int, *lots: int, policy: ClawBackPolicy = "within_balance") -> int:
        """Return goods; return the points that are forgiven."""
        claw = ClawBack(
            posting_id=b"y" * 16, touchpoint=b"t" * 16, cause=b"c" * 16, currency=POINTS, at=0,
            day=0, due=due, lots=frozenset(lots), policy=policy,
        )  # fmt: skip
        return claw_back(self.desk, claw)

    def do(self, command: AccountCommand, at: int) -> None:
        handle(self.desk, command, at, self.terms)

    def redeem(
        self, points: int, at: int = 1, *, elsewhere: bool = False, name: bytes = ID
    ) -> None:
        command = Redeem(
            redemption_id=name, currency=POINTS, points=points, elsewhere=elsewhere, by="till"
        )
        self.do(command, at)

    def reserve(self, points: int, until: int, at: int = 1, *, name: bytes = ID) -> None:
        command = Reserve(redemption_id=name, currency=POINTS, points=points, until=until)
        self.do(command, at)

    def reverse(self, points: int | None = None, at: int = 2, *, name: bytes = ID) -> None:
        self.do(Reverse(redemption_id=name, points=points), at)

    def pass_time(self, until: int) -> None:
        run_timers(self.desk, until)

    def copy(self) -> Case:
        """Return the same account on another desk, nothing decided there yet."""
        other = Case()
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(self.account), type=Account)
        other.desk = Desk(again)
        other.terms = self.terms
        return other

    def state(self) -> bytes:
        return msgspec.msgpack.encode(self.account)

    def lots(self) -> list[tuple[int, int, int]]:
        """Return number, points left and expiry of the active lots, in the order of burning."""
        return [(lot.number, lot.remaining, lot.expires_at) for lot in self.book.lots]

    def happened(self, since: int = 0) -> list[tuple[str, int]]:
        """Return names and instants of what was decided."""
        return [(type(one).__name__, getattr(one, "at", -1)) for one in self.desk.decisions[since:]]
