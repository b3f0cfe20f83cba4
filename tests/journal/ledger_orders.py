"""Orders as the tests of the ledger give them, and a clock that stands until it is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import psycopg

from domain.errors import Refused
from domain.ledger.account import Account
from domain.ledger.commands import (
    Adjust,
    Capture,
    OpeningLot,
    Redeem,
    Release,
    Reserve,
    Reverse,
    SetOpeningBalance,
)
from domain.ledger.projecting import account_id, project_account
from journal.connecting import connect
from journal.decisions import Decisions
from journal.ledger import Answer, LedgerWriter, Order, TransferPoints, open_order, request_id_of
from journal.tenants import create_tenant

PROGRAMME = "club"
START = 1_700_000_000_000_000
SECOND = 1_000_000


class Clock:
    """Microseconds since 1970; stands still."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return self.at

    def wait(self, seconds: int) -> None:
        self.at += seconds * SECOND


def tenant_log(url: str, tenant: str = "shop") -> int:
    """The decisions log of a new tenant."""
    with closing(psycopg.connect(url, autocommit=True)) as owner:
        return create_tenant(owner, tenant).decisions


@contextmanager
def running(writer: LedgerWriter) -> Iterator[LedgerWriter]:
    writer.start()
    try:
        yield writer
    finally:
        writer.close()


def connecting(url: str, name: str = "test ledger") -> Callable[[], psycopg.Connection]:
    return lambda: connect(url, name=name)


def rid(name: object) -> bytes:
    return request_id_of("till", str(name))


def account_of(number: int, programme: str = PROGRAMME) -> bytes:
    return account_id(programme, number.to_bytes(16))


def opening(number: int, name: object = None, programme: str = PROGRAMME) -> Order:
    return open_order(rid(f"open {number} {name}"), programme, number.to_bytes(16), by="till")


def endowment(number: int, *lots: tuple[int, int | None], name: object = "") -> Order:
    """Opening lots of (points, expires_at)."""
    return Order(
        request_id=rid(f"endow {number} {name}"),
        account_id=account_of(number),
        command=SetOpeningBalance(
            currency="points",
            lots=tuple(
                OpeningLot(points=points, earned_at=START - SECOND, expires_at=expires_at)
                for points, expires_at in lots
            ),
            reference="statement",
        ),
    )


def redeeming(number: int, points: int, name: object, *, elsewhere: bool = False) -> Order:
    command = Redeem(redemption_id=rid(name), currency="points", points=points, elsewhere=elsewhere)
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def reserving(number: int, points: int, name: object, until: int | None = None) -> Order:
    command = Reserve(redemption_id=rid(name), currency="points", points=points, until=until)
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def capturing(
    number: int, of: object, name: object, points: int | None = None, *, final: bool = True
) -> Order:
    command = Capture(redemption_id=rid(of), points=points, final=final)
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def releasing(number: int, of: object, name: object) -> Order:
    command = Release(redemption_id=rid(of))
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def reversing(number: int, of: object, name: object, points: int | None = None) -> Order:
    command = Reverse(redemption_id=rid(of), points=points)
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def adjusting(
    number: int, points: int, name: object, expires_at: int | None = None, *, overdraw: bool = False
) -> Order:
    command = Adjust(
        adjustment_id=rid(name), currency="points", points=points, reason="goodwill", by="ana",
        approved_by="luis", expires_at=expires_at, overdraw=overdraw,
    )  # fmt: skip
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def transferring(number: int, to: int, points: int, name: object) -> Order:
    command = TransferPoints(to_account=account_of(to), currency="points", points=points)
    return Order(request_id=rid(name), account_id=account_of(number), command=command)


def told(writer: LedgerWriter, *orders: Order) -> list[Answer | str]:
    """Submit orders together; the answer to each, or the code of its refusal."""
    futures = [writer.submit(order) for order in orders]
    answers: list[Answer | str] = []
    for future in futures:
        try:
            answers.append(future.result(60))
        except Refused as refused:
            answers.append(refused.code)
    return answers


def one(writer: LedgerWriter, order: Order) -> Answer:
    """Submit an order that is carried out."""
    [answer] = told(writer, order)
    assert isinstance(answer, Answer), answer
    return answer


def specified(decisions: Decisions, account: bytes) -> Account:
    """An account as the library's repository makes it of its stream."""
    found: object = decisions.repository.get(
        UUID(bytes=account),
        projector_func=project_account,
    )
    assert isinstance(found, Account)
    return found
