"""Concurrent redemptions on one account and on many, against a serial model.

Whatever the order in which they came, there is one serial order, that of the log, in which every
answer is right; no account is ever overdrawn, and the books are zero together. A small number in
the normal suite; 1,000,000 in the slow one.
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack

import msgspec
import psycopg
import pytest

from domain.errors import Refused
from domain.ledger.decisions import RedemptionMade
from domain.ledger.totals import Totals
from journal.connecting import binary_cursor, connect
from journal.decisions.mapper import DecisionMapper
from journal.ledger import Answer, LedgerWriter, Order
from journal.ledger.verifying import verify
from tests.journal.ledger_orders import (
    account_of,
    adjusting,
    connecting,
    opening,
    redeeming,
    running,
    tenant_log,
)

SMALL = 4_000
LARGE = int(os.environ.get("VINCULO_REDEMPTIONS", "1000000"))
CLIENTS = 64
POINTS_MAX = 5
REPEATED_ONE_IN = 20
_decision = DecisionMapper().decision


class Told(msgspec.Struct):
    """What one client heard.

    Args:
        accepted: by position: account, points, and what was available afterwards.
        refused: account, points, why.

    """

    accepted: dict[int, tuple[int, int, int]] = {}
    refused: list[tuple[int, int, str]] = []


def redeem(
    submit: Callable[[Order], Future[Answer]], client: int, count: int, accounts: int
) -> Told:
    """One client: redemptions of random sizes on random accounts, some of them asked twice."""
    draw, told = random.Random(client), Told()
    for number in range(count):
        account, points = draw.randrange(accounts), draw.randint(1, POINTS_MAX)
        order = redeeming(account, points, f"{client}:{number}")
        try:
            answer = submit(order).result(120)
        except Refused as refused:
            told.refused.append((account, points, refused.code))
            continue
        told.accepted[answer.position] = (account, points, answer.balance.available)
        if not draw.randrange(REPEATED_ONE_IN):
            again = submit(order).result(120)
            assert again.repeated
            assert (answer.position, answer.balance) == (again.position, again.balance)
    return told


def all_clients(writers: Sequence[LedgerWriter], count: int, accounts: int) -> list[Told]:
    told: list[Told] = []
    failures: list[BaseException] = []

    def work(client: int) -> None:
        try:
            submit = writers[client % len(writers)].submit
            told.append(redeem(submit, client, count // CLIENTS, accounts))
        except BaseException as error:
            failures.append(error)
            raise

    clients = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert [] == failures
    return told


def check(database_url: str, log_id: int, told: Sequence[Told], accounts: int, funds: int) -> None:
    """Hold what clients heard against the log, and the log against a serial model."""
    heard = {
        position: (account_of(account), points, available)
        for one in told
        for position, (account, points, available) in one.accepted.items()
    }
    assert len(heard) == sum(len(one.accepted) for one in told)
    with connect(database_url, name="test") as connection:
        model = serial_model(connection, log_id, accounts, funds, heard)
        verified = verify(connection, log_id)
    assert [] == verified.faults
    assert {} == heard, "every accepted redemption stands in the log, once"
    for one in told:
        for account, points, why in one.refused:
            assert "insufficient_points" == why
            # Balances only fall here, so what was refused could not be paid at the end either.
            assert model[account_of(account)] < points
    assert sum(model.values()) == verified.books["points"]["available"]


def serial_model(
    connection: psycopg.Connection,
    log_id: int,
    accounts: int,
    funds: int,
    heard: dict[int, tuple[bytes, int, int]],
) -> Counter[bytes]:
    """Redeem in the order of the log from plain numbers; take what is found out of ``heard``."""
    model = Counter({account_of(number): funds for number in range(accounts)})
    totals = Totals()
    cursor = binary_cursor(connection)
    rows = cursor.stream(
        "SELECT position, stream_id, type, body FROM journal.entry WHERE log_id = %s"
        " ORDER BY position", (log_id,), size=5_000,
    )  # fmt: skip
    for position, account, topic, body in rows:
        decision = _decision(topic, body)
        totals.book(decision)
        if isinstance(decision, RedemptionMade):
            model[account] -= decision.points
            assert model[account] >= 0, "overdrawn"
            assert (account, decision.points, model[account]) == heard.pop(position)
    return model


def run(database_url: str, redemptions: int, accounts: int, writers: int) -> None:
    log_id = tenant_log(database_url)
    funds = redemptions * (1 + POINTS_MAX) // 2 * 9 // 10 // accounts  # for nine in ten of them
    with ExitStack() as stack:
        serving = [
            stack.enter_context(running(LedgerWriter(log_id, connecting(database_url))))
            for _ in range(writers)
        ]
        orders = [opening(number) for number in range(accounts)]
        orders += [adjusting(number, funds, f"funds {number}") for number in range(accounts)]
        for future in [serving[0].submit(order) for order in orders]:
            future.result(120)
        told = all_clients(serving, redemptions, accounts)
        answered = sum(len(one.accepted) + len(one.refused) for one in told)
        assert redemptions // CLIENTS * CLIENTS == answered
        assert sum(len(one.refused) for one in told) > 0
        assert sum(one.batches for one in serving) < redemptions
    check(database_url, log_id, told, accounts, funds)


@pytest.mark.parametrize("writers", [1, 3])
@pytest.mark.parametrize("accounts", [1, 50])
def test_no_order_of_arrival_overdraws(database_url: str, accounts: int, writers: int) -> None:
    run(database_url, SMALL, accounts, writers)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(("accounts", "writers"), [(1, 2), (1_000, 2)])
def test_a_million_redemptions_overdraw_nothing(
    database_url: str, accounts: int, writers: int
) -> None:
    run(database_url, LARGE, accounts, writers)
