"""Carrying out one order at the desks of its accounts, by what its programme says of spending."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import psycopg

from domain.errors import Refused
from domain.instants import date_of
from domain.ledger.commands import Capture, Redeem, Release, Reserve, Reverse
from domain.ledger.decisions import PointsTransferredOut
from domain.ledger.desk import Desk
from domain.ledger.handling import handle
from domain.ledger.lots import points_of
from domain.ledger.opening import open_account
from domain.ledger.redeeming import DEFAULT_TERMS, RedemptionTerms, check_open
from domain.ledger.taking import Transfer, transfer
from domain.ledger.timers import available_at
from domain.programmes.format import Reward
from journal.connecting import Uuid, binary_cursor
from journal.decisions.mapper import DecisionMapper
from journal.ledger.orders import (
    InsufficientPointsError,
    OpenAccount,
    Order,
    ReserveOffline,
    TransferPoints,
    offline_id_of,
)
from journal.ledger.rewards import RewardKey, Shelf
from journal.ledger.spending import SpendingRules, for_reward
from journal.queries import queries

_SQL = queries("journal.ledger", "ledger.sql")
_decision = DecisionMapper().decision

DeskOf = Callable[[bytes], Desk]


class Carrying:
    """Carry out the orders of one transaction.

    Args:
        log_id: of the decisions log.
        rules: of the programmes.
        connection: in the transaction.

    """

    def __init__(self, log_id: int, rules: SpendingRules, connection: psycopg.Connection) -> None:
        self._log_id = log_id
        self._rules = rules
        self._connection = connection
        self._shelf = Shelf(log_id)
        self._given: dict[tuple[bytes, str], int] = {}

    def prepare(self, orders: Sequence[Order], desk_of: DeskOf, at: int) -> None:
        """Lock the rewards that are asked for; the accounts are locked already.

        Args:
            orders: to be carried out.
            desk_of: returns the desk of a locked account.
            at: now, microseconds since 1970.

        """
        self._shelf.lock(self._connection, self._limited(orders, desk_of, at))
        self._shelf.look_up(
            self._connection,
            [
                order.command.redemption_id
                for order in orders
                if isinstance(order.command, Reverse)
                or (isinstance(order.command, Capture) and not _whole(order.command))
            ],
        )

    def carry_out(self, order: Order, desks: Sequence[Desk], at: int) -> None:
        """Decide what an order makes of its accounts.

        Args:
            order: what is asked.
            desks: of its accounts.
            at: now, microseconds since 1970.

        Raises:
            Refused: with a reason for whoever asks; nothing has changed.

        """
        command, desk = order.command, desks[0]
        match command:
            case OpenAccount():
                self._rules.require_open(command.programme, at)
                open_account(desk, command.programme, command.persona, at, command.cause)
            case TransferPoints():
                self._transfer(order, command, desks, at)
            case ReserveOffline():
                self._reserve_offline(order, command, desk, at)
            case Redeem(elsewhere=True):
                self._book(command, desk, at)
            case Reserve() | Redeem():
                self._spend(command, desk, at)
            case Capture():
                self._shelf.require_whole(command)
                handle(desk, command, at)
            case Release():
                handle(desk, command, at)
            case Reverse():
                self._shelf.require_whole(command)
                handle(desk, command, at, self._reversal_terms(command, desk, at))
            case _:
                handle(desk, command, at)

    def write(self) -> None:
        """Write what became of rewards, before the head of the log is taken."""
        self._shelf.write(self._connection)

    def _limited(self, orders: Sequence[Order], desk_of: DeskOf, at: int) -> Iterator[RewardKey]:
        for order in orders:
            command = order.command
            if isinstance(command, Reserve | Redeem) and command.reward:
                programme = desk_of(order.account_id).account.programme
                reward = self._reward(programme, command.reward, at)
                if reward is not None and reward.stock is not None:
                    yield programme, reward.code

    def _reward(self, programme: str, code: str, at: int) -> Reward | None:
        try:
            return self._rules.reward(programme, code, at)
        except Refused:
            return None

    def _spend(self, command: Reserve | Redeem, desk: Desk, at: int) -> None:
        check_open(desk.account)
        programme = desk.account.programme
        reward = self._rules.reward(programme, command.reward, at) if command.reward else None
        if reward is not None:
            command = priced(command, reward)
        terms = self._rules.terms(programme, command.currency, at)
        if reward is None:
            _cover(desk, command, at, terms)
            return
        key = programme, reward.code
        if reward.stock is not None:
            self._shelf.require_left(key, reward.stock)
        _cover(desk, command, at, for_reward(terms))
        if reward.stock is not None:
            self._shelf.take(key, command.redemption_id, command.points)

    def _book(self, command: Redeem, desk: Desk, at: int) -> None:
        """Book what has already happened; its reward is counted, whatever the catalogue says."""
        programme = desk.account.programme
        reward = self._reward(programme, command.reward, at) if command.reward else None
        handle(desk, command, at)
        if reward is not None and reward.stock is not None:
            self._shelf.take((programme, reward.code), command.redemption_id, command.points)

    def _reserve_offline(self, order: Order, command: ReserveOffline, desk: Desk, at: int) -> None:
        account = desk.account
        check_open(account)
        at = max(at, account.through)
        rules, programme, currency = self._rules, account.programme, command.currency
        until = rules.end_of_day(command.day, at)
        most = rules.offline_points(programme, currency, at)
        terms = rules.terms(programme, currency, at)
        available = available_at(account.book(currency), at)
        points = min(most, available) // terms.step * terms.step
        if points < terms.minimum:
            detail = f"points: expected at least {terms.minimum} to set aside, found {available}"
            raise InsufficientPointsError(detail, available)
        reserve = Reserve(
            redemption_id=order.request_id, currency=currency, points=points, until=until,
            reference=f"off line {command.till} {date_of(command.day)}", by=command.by,
        )  # fmt: skip
        handle(desk, reserve, at, terms)

    def _reversal_terms(self, command: Reverse, desk: Desk, at: int) -> RedemptionTerms:
        redemption = desk.account.redemptions.get(command.redemption_id)
        if redemption is None:
            return DEFAULT_TERMS  # it is refused
        at = max(
            at, desk.account.through
        )  # as the account reckons, so that a replay finds the same
        return self._rules.terms(desk.account.programme, redemption.currency, at)

    def _transfer(
        self, order: Order, command: TransferPoints, desks: Sequence[Desk], at: int
    ) -> None:
        giver, taker = desks
        check_open(giver.account)
        programme, there = giver.account.programme, taker.account.programme
        limits = self._rules.transfers(programme, at)
        if there and programme != there:
            detail = "to_account: expected an account of the same programme, found one of another"
            raise Refused("other_programme", detail)
        most = limits.points_per_transfer
        if command.points < limits.minimum or (most is not None and command.points > most):
            bound = "any number" if most is None else str(most)
            detail = f"points: expected {limits.minimum} to {bound}, found {command.points}"
            raise Refused("points_invalid", detail)
        key = giver.account.id, command.currency
        if limits.points_per_year is not None:
            self._require_year(key, command.points, limits.points_per_year, at)
        asked = Transfer(
            transfer_id=order.request_id, currency=command.currency, points=command.points,
            by=command.by,
        )  # fmt: skip
        with _telling_what_is_there(giver, command.currency, at):
            transfer(giver, taker, asked, at)
        self._given[key] = self._given.get(key, 0) + command.points

    def _require_year(self, key: tuple[bytes, str], points: int, most: int, at: int) -> None:
        """Refuse ``transfer_limit`` where an account would give more than it may in a year."""
        account_id, currency = key
        begin = self._rules.year_begin(at)
        cursor = binary_cursor(self._connection)
        cursor.execute(_SQL["transfers"], (self._log_id, Uuid(account_id)))
        given = self._given.get(key, 0)  # in this transaction, so not in the log yet
        for topic, body in cursor:
            one = _decision(topic, body)
            if (
                isinstance(one, PointsTransferredOut)
                and one.currency == currency
                and one.at >= begin
            ):
                given += points_of(one.allocations)
        if given + points > most:
            detail = (
                f"points: expected at most {max(0, most - given)}, which are left of {most} a "
                f"year, found {points}"
            )
            raise Refused("transfer_limit", detail)


def priced(command: Reserve | Redeem, reward: Reward) -> Reserve | Redeem:
    """Return a command with the price of its reward.

    Args:
        command: 0 points and an empty currency stand for what the reward costs.
        reward: that it names.

    Raises:
        Refused: ``reward_price``, if it names another price.

    """
    if command.points not in {0, reward.points} or command.currency not in {"", reward.currency}:
        detail = (
            f"reward {reward.code}: expected its price of {reward.points} {reward.currency}, found "
            f"{command.points} {command.currency}; leave points and currency out"
        )
        raise Refused("reward_price", detail)
    return msgspec.structs.replace(command, points=reward.points, currency=reward.currency)


def offline_order(account_id: bytes, command: ReserveOffline) -> Order:
    """Return the order for an off-line allowance."""
    request_id = offline_id_of(account_id, command.currency, command.day, command.till)
    return Order(request_id=request_id, account_id=account_id, command=command)


@contextmanager
def _telling_what_is_there(desk: Desk, currency: str, at: int) -> Iterator[None]:
    """Say how many points are available, where there are not enough."""
    try:
        yield
    except Refused as refused:
        if refused.code != "insufficient_points":
            raise
        account = desk.account
        available = available_at(account.book(currency), max(at, account.through))
        raise InsufficientPointsError(refused.detail, available) from refused


def _cover(desk: Desk, command: Reserve | Redeem, at: int, terms: RedemptionTerms) -> None:
    with _telling_what_is_there(desk, command.currency, at):
        handle(desk, command, at, terms)


def _whole(command: Capture) -> bool:
    return command.points is None and command.final
