"""Concurrent clients that redeem at the ledger's writer, and what they find."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from random import Random

import msgspec

from benchmarks.servers import Place
from domain.errors import Refused
from domain.ledger.commands import Adjust, Redeem
from journal.intake.writer import WriterLimits
from journal.ledger import LedgerWriter, Order, open_order, request_id_of
from journal.ledger.verifying import Verified, verify

PROGRAMME, CURRENCY, HOLDER = "bench", "points", "bench"
_AT_ONCE = 2_000
_WAIT_SECONDS = 120.0
_keys = count()

Redeemed = Callable[[bytes, int], bool]
"""Redeem so many points of an account; whether that was accepted."""


class Round(msgspec.Struct):
    """What clients found.

    Args:
        seconds: from the first request to the last answer.
        accepted: redemptions.
        refused: redemptions.
        milliseconds: that each answer took.

    """

    seconds: float = 0.0
    accepted: int = 0
    refused: int = 0
    milliseconds: list[float] = []

    @property
    def rate(self) -> float:
        """Return accepted redemptions a second."""
        return self.accepted / self.seconds if self.seconds else 0.0


class Ledger:
    """A writer and accounts with points.

    Args:
        place: whose decisions log it is.
        limits: of the writer.

    """

    def __init__(self, place: Place, limits: WriterLimits | None = None) -> None:
        self._place = place
        self.writer = LedgerWriter(place.logs.decisions, place.connect, limits=limits)
        self.writer.start()

    def endow(self, accounts: int, points: int) -> list[bytes]:
        """Open accounts, give each so many points, and return their ids."""
        base = next(_keys) * 10**9
        orders = [
            open_order(_key(), PROGRAMME, (base + number).to_bytes(16))
            for number in range(accounts)
        ]
        self._carry_out(orders)
        self._carry_out([_gift(order.account_id, points) for order in orders])
        return [order.account_id for order in orders]

    def _carry_out(self, orders: Sequence[Order]) -> None:
        for first in range(0, len(orders), _AT_ONCE):
            futures = [self.writer.submit(one) for one in orders[first : first + _AT_ONCE]]
            for future in futures:
                future.result(_WAIT_SECONDS)

    def redeem(self, account_id: bytes, points: int) -> bool:
        """Redeem under a new key."""
        key = _key()
        command = Redeem(redemption_id=key, currency=CURRENCY, points=points, by="till 4")
        order = Order(request_id=key, account_id=account_id, command=command)
        try:
            self.writer.submit(order).result(_WAIT_SECONDS)
        except Refused as refused:
            if refused.code != "insufficient_points":
                raise
            return False
        return True

    def checked(self) -> Verified:
        """Read the whole log again and compare every row with it."""
        with self._place.connect() as connection:
            return verify(connection, self._place.logs.decisions)

    def overdrafts(self) -> int:
        """Count the decisions after which an account had less than nothing available."""
        with self._place.owner() as owner:
            found = owner.execute(
                "SELECT count(*) FROM journal.entry WHERE log_id = %s AND"
                " (convert_from(body, 'UTF8')::jsonb #>> '{after,0}')::bigint < 0",
                (self._place.logs.decisions,),
            ).fetchone()
        return int(found[0]) if found else 0

    def close(self) -> None:
        """End the writer."""
        self.writer.close()


def clients(redeem: Redeemed, accounts: Sequence[bytes], number: int, redemptions: int) -> Round:
    """Let so many clients redeem at once, each as soon as it has its last answer.

    Args:
        redeem: called by many threads at once.
        accounts: drawn from at random.
        number: of clients.
        redemptions: of all clients together, one point each.

    """
    found = [Round(milliseconds=[]) for _ in range(number)]
    start = threading.Barrier(number + 1)

    def work(mine: Round, seed: int) -> None:
        draw = Random(seed)
        start.wait()
        for _ in range(max(1, redemptions // number)):
            began = time.perf_counter()
            if redeem(draw.choice(accounts), 1):
                mine.accepted += 1
            else:
                mine.refused += 1
            mine.milliseconds.append((time.perf_counter() - began) * 1_000)

    threads = [threading.Thread(target=work, args=one) for one in zip(found, range(number))]  # noqa: B905 - as many by construction
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return Round(
        time.perf_counter() - began,
        sum(one.accepted for one in found),
        sum(one.refused for one in found),
        [each for one in found for each in one.milliseconds],
    )


def _key() -> bytes:
    return request_id_of(HOLDER, str(next(_keys)))


def _gift(account_id: bytes, points: int) -> Order:
    key = _key()
    command = Adjust(
        adjustment_id=key, currency=CURRENCY, points=points, reason="benchmark", by="one",
        approved_by="another",
    )  # fmt: skip
    return Order(request_id=key, account_id=account_id, command=command)
