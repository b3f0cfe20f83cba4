"""The ledger's writer: many callers, one thread, one connection, few transactions.

A commit costs the same whatever it holds, so orders that come at about the same time share one;
each is decided by itself, in memory, while the heads of its accounts are locked. Any number of
these writers, in any number of processes, may work on one log: the locks put them in a line. Nobody
hears an answer that is not committed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

import psycopg
import structlog

from domain.errors import Refused
from journal.intake.pipeline import clock
from journal.intake.writer import WriterClosedError, WriterLimits
from journal.ledger.deciding import Deciding, PoisonedOrderError
from journal.ledger.gathering import Gathering, Waiting
from journal.ledger.heads import tune_for_keys
from journal.ledger.orders import Answer, Order
from journal.ledger.spending import RulesHeard, plain_rules

TRIES_MAX: Final = 3

_log = structlog.get_logger(__name__)
_Told = Answer | Refused | BaseException
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)


class LedgerWriter:
    """Carry out orders of many callers on the accounts of one decisions log.

    Args:
        log_id: of the decisions log.
        connect: opens the writer's own connection.
        rules: tells what programmes say of spending; asked once a transaction, before the locks.
        now: the clock, microseconds since 1970; asked once a transaction, after the locks.
        limits: of batches and queue; an order is an event.

    """

    def __init__(
        self,
        log_id: int,
        connect: Callable[[], psycopg.Connection],
        *,
        rules: RulesHeard = plain_rules,
        now: Callable[[], int] = clock,
        limits: WriterLimits | None = None,
    ) -> None:
        self.limits = limits or WriterLimits()
        self.batches = 0
        self.orders = 0
        self._log_id = log_id
        self._connect = connect
        self._rules = rules
        self._now = now
        self._connection: psycopg.Connection | None = None
        self._queue: Gathering[Order, Answer] = Gathering(self.limits)
        self._thread = threading.Thread(target=self._run, name="ledger writer", daemon=True)

    @property
    def waiting(self) -> int:
        """Return how many orders wait."""
        return len(self._queue)

    @property
    def alive(self) -> bool:
        """Say whether orders are being worked on."""
        return self._thread.is_alive() and not self._queue.closed

    def start(self) -> None:
        """Begin to work on orders."""
        self._thread.start()

    def submit(self, order: Order) -> Future[Answer]:
        """Queue an order; does not block.

        Returns:
            The answer, once it is committed. The future fails with
            :class:`~domain.errors.Refused` where the order cannot be carried out (nothing is
            recorded then; ``idempotency_conflict`` says that its key was used for something else);
            with ``psycopg.Error`` where the database is away: whether the order was carried out is
            unknown then, and the same order under the same key finds out; with
            :class:`WriterClosedError` if the writer was closed before. An order whose future is
            cancelled before its turn is not carried out.

        Raises:
            WriterFullError: nothing was queued.
            WriterClosedError: nothing was queued.

        """
        if not self._thread.is_alive():
            message = "expected a running writer, found none; start the process again"
            raise WriterClosedError(message)
        return self._queue.submit(order)

    def close(self) -> None:
        """Carry out what is queued, end the thread, close the connection."""
        self._queue.close()
        if self._thread.ident is not None:
            self._thread.join(self.limits.close_seconds)
        self._queue.refuse_the_rest()

    def _run(self) -> None:
        try:
            while batch := self._queue.gather():
                self._serve(batch)
        except BaseException:
            _log.exception("ledger_writer.died")
            raise
        finally:
            self._queue.refuse_the_rest()
            self._disconnect()

    def _serve(self, batch: list[Waiting[Order, Answer]]) -> None:
        try:
            told = self._carry_out([one.submitted for one in batch])
        except BaseException as error:
            for one in batch:
                one.future.set_exception(error)
            raise
        for one, outcome in zip(batch, told, strict=True):
            if isinstance(outcome, BaseException):
                one.future.set_exception(outcome)
            else:
                one.future.set_result(outcome)

    def _carry_out(self, orders: Sequence[Order]) -> list[_Told]:
        """Return what to tell each caller; what one order does wrong is no other's business."""
        if not orders:
            return []
        try:
            return [*self._insist(orders)]
        except _AWAY as error:
            _log.warning("ledger_writer.database_away", error=str(error), orders=len(orders))
            return [error] * len(orders)
        except PoisonedOrderError as error:
            return self._without(orders, error)
        except Exception as error:  # noqa: BLE001 - whatever one order does, the others go on
            self._disconnect()
            if len(orders) == 1:
                _log.exception("ledger_writer.order_failed", kind=orders[0].kind)
                return [error]
            half = len(orders) // 2
            return [*self._carry_out(orders[:half]), *self._carry_out(orders[half:])]

    def _without(self, orders: Sequence[Order], error: PoisonedOrderError) -> list[_Told]:
        index = error.index
        _log.error("ledger_writer.order_failed", kind=orders[index].kind, exc_info=error.__cause__)
        told = self._carry_out([*orders[:index], *orders[index + 1 :]])
        told.insert(index, error.__cause__ or error)
        return told

    def _insist(self, orders: Sequence[Order]) -> Sequence[Answer | Refused]:
        """Carry out orders in one transaction; begin again where that may help.

        That is where the connection was lost, or another writer was first to open an account or to
        be asked under a key. Nothing is done twice if the first transaction was committed after
        all: then the requests are found to be answered. A server that is still busy with it holds
        its locks, and is waited for.

        """
        for tries in range(1, TRIES_MAX + 1):
            try:
                return self._transact(orders)
            except psycopg.errors.UniqueViolation:
                if tries == TRIES_MAX:
                    raise
            except _AWAY:
                self._disconnect()
                if tries == TRIES_MAX:
                    raise
        raise AssertionError

    def _transact(self, orders: Sequence[Order]) -> Sequence[Answer | Refused]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            tune_for_keys(self._connection)
        deciding = Deciding(self._log_id, self._rules, self._now)
        with self._connection.transaction():
            told = deciding.decide(self._connection, orders)
        self.batches += 1
        self.orders += len(orders)
        return told

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
