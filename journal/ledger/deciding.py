"""One transaction of the writer: orders of many callers, decided one after the other in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import msgspec
import psycopg

from domain.errors import Refused, VinculoError
from domain.ledger.account import UnbalancedLedgerError
from domain.ledger.commands import Capture, Release, Reverse
from domain.ledger.desk import Desk
from journal.ledger.answering import answer_of
from journal.ledger.carrying import Carrying
from journal.ledger.heads import Heads, NewRequest, RequestRow
from journal.ledger.orders import Answer, Order, content_digest
from journal.ledger.spending import RulesHeard
from journal.ledger.states import decode_answer, encode

_OF_A_REDEMPTION = (Capture, Release, Reverse)


class PoisonedOrderError(VinculoError):
    """An order failed for no reason that its caller could mend. Nothing was written.

    Args:
        index: its place among the orders; the cause is this error's cause.

    """

    def __init__(self, index: int) -> None:
        super().__init__(f"order {index}: expected an answer or a refusal, found a failure")
        self.index = index


class _Told(msgspec.Struct, frozen=True, gc=False):
    """An answer that may lack its position.

    Args:
        content_digest: of what was asked.
        answer: with its position, if number is 0.
        number: how many decisions of this transaction stand up to its last one.

    """

    content_digest: bytes
    answer: Answer
    number: int

    def placed(self, before: int) -> Answer:
        """Return the answer with its position; ``before`` is that before the transaction's own."""
        if not self.number:
            return self.answer
        return msgspec.structs.replace(self.answer, position=before + self.number)


class Deciding:
    """Decide orders in one transaction.

    Args:
        log_id: of the decisions log.
        rules: tells what programmes say of spending.
        now: the clock, microseconds since 1970.

    """

    def __init__(self, log_id: int, rules: RulesHeard, now: Callable[[], int]) -> None:
        self._log_id = log_id
        self._heads = Heads(log_id)
        self._rules = rules
        self._now = now
        self._known: dict[bytes, RequestRow] = {}
        self._fresh: dict[bytes, _Told] = {}

    def decide(
        self, connection: psycopg.Connection, orders: Sequence[Order]
    ) -> list[Answer | Refused]:
        """Lock, look up, decide, write. The caller begins and commits the transaction.

        Args:
            connection: in a transaction of its own.
            orders: in the order in which they are to be decided.

        Returns:
            What to tell each caller once the transaction is committed.

        Raises:
            PoisonedOrderError: roll back, and begin again without that order.
            psycopg.Error: roll back.

        """
        heads = self._heads
        carrying = Carrying(self._log_id, self._rules(connection), connection)
        heads.lock(connection, chain.from_iterable(order.accounts for order in orders))
        self._known = heads.look_up(connection, _asked_about(orders))
        at = self._now()
        carrying.prepare(orders, heads.desk, at)
        told = [self._tell(index, order, at, carrying) for index, order in enumerate(orders)]
        carrying.write()
        before = heads.write(connection, at) if heads.count else 0
        return [one if isinstance(one, Refused) else one.placed(before) for one in told]

    def _tell(self, index: int, order: Order, at: int, carrying: Carrying) -> _Told | Refused:
        try:
            return self._answer(order, at, carrying)
        except Refused as refused:
            if self._heads.take(*self._desks(order)):
                message = f"{order.kind}: expected a refusal to change nothing: {refused}"
                raise PoisonedOrderError(index) from UnbalancedLedgerError(message)
            return refused
        except Exception as error:
            raise PoisonedOrderError(index) from error

    def _answer(self, order: Order, at: int, carrying: Carrying) -> _Told:
        digest = content_digest(order)
        told = self._told_before(order.request_id)
        if told is not None:
            if told.content_digest != digest:
                raise _conflict(told.answer)
            return told
        desks = self._desks(order)
        through = max(at, *(desk.account.through for desk in desks))
        carrying.carry_out(order, desks, at)
        answer = answer_of(order, desks[0], self._heads.take(*desks), through)
        told = _Told(digest, answer, self._heads.count)
        self._fresh[order.request_id] = _Told(
            digest, msgspec.structs.replace(answer, repeated=True), told.number
        )
        self._heads.answered(
            NewRequest(
                order.request_id, order.account_id, order.kind, digest, encode(answer), told.number
            )
        )
        return told

    def _told_before(self, request_id: bytes) -> _Told | None:
        known = self._known.get(request_id)
        if known is None:
            return self._fresh.get(request_id)
        answer = msgspec.structs.replace(
            decode_answer(known.answer), position=known.position, repeated=True
        )
        return _Told(known.content_digest, answer, 0)

    def _desks(self, order: Order) -> list[Desk]:
        return [self._heads.desk(one) for one in order.accounts]


def _asked_about(orders: Iterable[Order]) -> list[bytes]:
    ids = [order.request_id for order in orders]
    ids += [
        order.command.redemption_id
        for order in orders
        if isinstance(order.command, _OF_A_REDEMPTION)
    ]
    return ids


def _conflict(answer: Answer) -> Refused:
    detail = (
        f"expected a key of its own for every request, found that it was used to {answer.kind} "
        "something else; repeat a request as it was, or choose a new key"
    )
    return Refused("idempotency_conflict", detail)
