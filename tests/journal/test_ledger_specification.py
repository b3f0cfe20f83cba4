"""The specification: rows of the ledger are what the library's repository makes of the streams.

Random commands by several writers in batches of random sizes, while the clock goes on by leaps; at
the end every account is loaded through the eventsourcing application and compared.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import count
from uuid import UUID

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Refused
from domain.ledger.account import check_lots
from domain.ledger.commands import CloseAccount
from domain.ledger.totals import Totals
from journal.connecting import connect
from journal.decisions import Decisions, open_decisions
from journal.intake.writer import WriterLimits
from journal.ledger import Answer, LedgerWriter, Order
from journal.ledger.reading import read_account, read_request
from journal.ledger.verifying import verify
from journal.reading import head_of
from tests.journal.ledger_orders import (
    SECOND,
    Clock,
    account_of,
    adjusting,
    capturing,
    connecting,
    endowment,
    opening,
    redeeming,
    releasing,
    reserving,
    reversing,
    rid,
    running,
    specified,
    tenant_log,
    transferring,
)

ACCOUNTS = 4
KINDS = (
    "open", "endow", "redeem", "redeem", "elsewhere", "reserve", "reserve", "capture", "release",
    "reverse", "adjust", "adjust", "transfer", "close", "again", "again_other", "wait",
)  # fmt: skip
_tenants = count()


class Story:
    """Random orders: most may be carried out, many are repeated, some make no sense."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._given: list[Order] = []
        self._redemptions: list[tuple[int, str]] = []
        self._numbers = count()

    def order(self, kind: str, now: int) -> Order:
        order = self._again(kind) if kind.startswith("again") else self._fresh(kind, now)
        self._given.append(order)
        return order

    def _again(self, kind: str) -> Order:
        if not self._given:
            return opening(0)
        old = self._random.choice(self._given)
        if kind == "again":
            return old
        other = adjusting(self._random.randrange(ACCOUNTS), 3, "another")
        return Order(request_id=old.request_id, account_id=other.account_id, command=other.command)

    def _fresh(self, kind: str, now: int) -> Order:
        draw, name = self._random, f"{kind} {next(self._numbers)}"
        number, points = draw.randrange(ACCOUNTS), draw.choice((1, 3, 10, 40, 90))
        expires_at = now + draw.choice((1, 5, 60, 10**6)) * SECOND
        if kind in {"redeem", "elsewhere", "reserve"}:
            self._redemptions.append((number, name))
        of, of_name = draw.choice(self._redemptions or [(0, "none")])
        part = draw.choice((None, 1, 2, points))
        make: dict[str, Callable[[], Order]] = {
            "open": lambda: opening(number, name),
            "endow": lambda: endowment(number, (points, expires_at), (points, None), name=name),
            "redeem": lambda: redeeming(number, points, name),
            "elsewhere": lambda: redeeming(number, points, name, elsewhere=True),
            "reserve": lambda: reserving(number, points, name, now + draw.choice((1, 9)) * SECOND),
            "capture": lambda: capturing(of, of_name, name, part, final=draw.random() < 0.5),
            "release": lambda: releasing(of, of_name, name),
            "reverse": lambda: reversing(of, of_name, name, part),
            "adjust": lambda: adjusting(
                number, points * draw.choice((1, 1, -1)), name,
                None if points == 3 else expires_at, overdraw=draw.random() < 0.2,
            ),
            "transfer": lambda: transferring(number, draw.randrange(ACCOUNTS), points, name),
            "close": lambda: Order(
                request_id=rid(name), account_id=account_of(number),
                command=CloseAccount(reason="test"),
            ),
        }  # fmt: skip
        return make[kind]()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32),
    kinds=st.lists(st.sampled_from(KINDS), min_size=20, max_size=150),
    batch=st.sampled_from((1, 2, 7, 200)),
    writers=st.integers(1, 3),
)
def test_rows_equal_what_the_application_loads(
    database_url: str, seed: int, kinds: Sequence[str], batch: int, writers: int
) -> None:
    log_id, clock = tenant_log(database_url, f"tenant{next(_tenants)}"), Clock()
    story, draw = Story(seed), random.Random(seed + 1)
    pending: list[tuple[Order, Future[Answer]]] = []
    with ExitStack() as stack:
        serving = [
            stack.enter_context(
                running(
                    LedgerWriter(
                        log_id, connecting(database_url), now=clock,
                        limits=WriterLimits(batch_events_max=batch),
                    )
                )
            )
            for _ in range(writers)
        ]  # fmt: skip
        for number in range(ACCOUNTS):
            serving[0].submit(opening(number)).result(30)
        for kind in kinds:
            if kind == "wait":
                clock.wait(draw.choice((1, 4, 60)))
            else:
                order = story.order(kind, clock())
                pending.append((order, draw.choice(serving).submit(order)))
        answers = [(order, future.exception(60) or future.result()) for order, future in pending]
    check_answers(answers)
    check_rows(database_url, log_id)


def check_answers(answers: Sequence[tuple[Order, Answer | BaseException]]) -> None:
    """Each order is answered or refused; one key has one answer and is carried out once."""
    first: dict[bytes, Answer] = {}
    for order, answer in answers:
        if isinstance(answer, BaseException):
            assert isinstance(answer, Refused), answer
            continue
        assert order.request_id == answer.request_id
        same = first.setdefault(order.request_id, answer)
        assert (same.position, same.balance) == (answer.position, answer.balance)
    carried_out = [
        answer.request_id
        for _, answer in answers
        if isinstance(answer, Answer) and not answer.repeated
    ]
    assert len(carried_out) == len(set(carried_out))


def check_rows(database_url: str, log_id: int) -> None:
    with (
        connect(database_url, name="test") as connection,
        open_decisions(database_url, log_id) as decisions,
    ):
        for number in range(ACCOUNTS):
            check_account(connection, decisions, log_id, account_of(number))
        check_totals(decisions, head_of(connection, log_id))
        verified = verify(connection, log_id)
    assert [] == verified.faults
    assert ACCOUNTS == verified.accounts


def check_account(
    connection: psycopg.Connection, decisions: Decisions, log_id: int, account_id: bytes
) -> None:
    account = specified(decisions, account_id)
    for book in account.books:
        check_lots(book)
    for redemption_id, expected in account.redemptions.items():
        given_before = read_request(connection, log_id, redemption_id)
        assert given_before is not None
        assert expected == given_before.redemption
    found = read_account(connection, log_id, account_id)
    assert found is not None
    account.redemptions = {}
    assert account == found.account


def check_totals(decisions: Decisions, head: int) -> None:
    """Follow the library's notification log: zero-sum at every position (``book`` raises else)."""
    totals = Totals()
    for first in range(1, head + 1, 10):
        for notification in decisions.notification_log.select(first, 10):
            totals.book(decisions.mapper.to_domain_event(notification).decision)  # type: ignore[attr-defined]
    assert head == totals.decisions


def test_an_account_that_nobody_opened_is_in_neither(database_url: str) -> None:
    log_id = tenant_log(database_url)
    with (
        connect(database_url, name="test") as connection,
        open_decisions(database_url, log_id) as decisions,
    ):
        assert None is read_account(connection, log_id, account_of(1))
        with pytest.raises(AggregateNotFoundError):
            decisions.repository.get(UUID(bytes=account_of(1)))
