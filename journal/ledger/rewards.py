"""The shelf: rewards of which there are only so many, taken and given back, never oversold.

An item is taken in the transaction that reserves or redeems its points, and comes back with them:
released, timed out or reversed. Such a redemption is captured and reversed as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec
import psycopg

from domain.errors import Refused
from domain.ledger.commands import Capture, Reverse
from journal.connecting import TextArray, UuidArray, binary_cursor
from journal.queries import queries

_SQL = queries("journal.ledger", "rewards.sql")

RewardKey = tuple[str, str]
"""Programme and code of a reward."""


class _Taken(msgspec.Struct, frozen=True, gc=False):
    redemption_id: bytes
    key: RewardKey
    points: int


class Shelf:
    """Rewards in one transaction: locked, taken, written back.

    Args:
        log_id: of the decisions log.

    """

    def __init__(self, log_id: int) -> None:
        self._log_id = log_id
        self._counts: dict[RewardKey, int] = {}
        self._read: dict[RewardKey, int] = {}
        self._taken: list[_Taken] = []
        self._prices: dict[bytes, int] = {}

    def lock(self, connection: psycopg.Connection, wanted: Iterable[RewardKey]) -> None:
        """Lock rewards and learn how many of each are taken.

        Args:
            connection: in a transaction in which accounts are locked and the log's head is not.
            wanted: rewards; repetitions do not matter.

        """
        keys = sorted(set(wanted))
        if not keys:
            return
        values = {"log_id": self._log_id, **_columns(keys)}
        connection.execute(_SQL["begin"], values)
        cursor = binary_cursor(connection)
        self._read = {(one[0], one[1]): one[2] for one in cursor.execute(_SQL["lock"], values)}
        self._counts = dict(self._read)
        for programme, reward in cursor.execute(_SQL["count_back"], values):
            self._counts[programme, reward] -= 1

    def look_up(self, connection: psycopg.Connection, redemption_ids: Collection[bytes]) -> None:
        """Learn which redemptions took a reward, so that they can be held to be whole."""
        if redemption_ids:
            cursor = binary_cursor(connection)
            cursor.execute(_SQL["prices"], (self._log_id, UuidArray(redemption_ids)))
            self._prices = dict(cursor.fetchall())

    def require_whole(self, command: Capture | Reverse) -> None:
        """Refuse ``reward_whole`` where a part of a redemption is asked for that took a reward."""
        price = self._prices.get(command.redemption_id)
        part = isinstance(command, Capture) and not command.final
        if price is not None and (part or command.points not in {None, price}):
            detail = (
                f"points: expected all {price} at once, for a reward was taken, found a part; "
                "leave points and final out"
            )
            raise Refused("reward_whole", detail)

    def require_left(self, key: RewardKey, stock: int) -> None:
        """Refuse ``sold_out`` unless there is one more.

        Args:
            key: of the reward, which is locked.
            stock: how many there are in all.

        """
        if self._counts[key] >= stock:
            detail = f"reward: expected one of {stock} to be left, found all taken; choose another"
            raise Refused("sold_out", detail)

    def take(self, key: RewardKey, redemption_id: bytes, points: int) -> None:
        """Take one, once its points are reserved or redeemed."""
        self._counts[key] += 1
        self._taken.append(_Taken(redemption_id, key, points))
        self._prices[redemption_id] = points

    def write(self, connection: psycopg.Connection) -> None:
        """Write what was taken and what has come back; before the head of the log is locked."""
        changed = [key for key, count in self._counts.items() if count != self._read[key]]
        changed += [one.key for one in self._taken if one.key not in changed]
        if changed:
            values = {"log_id": self._log_id, **_columns(changed)}
            values["taken"] = [self._counts[key] for key in changed]
            connection.execute(_SQL["write"], values)
        if self._taken:
            values = {"log_id": self._log_id, **_columns([one.key for one in self._taken])}
            values["ids"] = UuidArray(one.redemption_id for one in self._taken)
            values["points"] = [one.points for one in self._taken]
            connection.execute(_SQL["take"], values)


def give_back(
    connection: psycopg.Connection, log_id: int, redemption_ids: Collection[bytes]
) -> None:
    """Mark the rewards of redemptions as come back; waits for nobody.

    Args:
        connection: in the transaction that lets their points go back.
        log_id: of the decisions log.
        redemption_ids: released, timed out or reversed; those without a reward do not matter.

    """
    if redemption_ids:
        connection.execute(_SQL["give_back"], (log_id, UuidArray(redemption_ids)))


def rewards_taken(connection: psycopg.Connection, log_id: int, programme: str) -> dict[str, int]:
    """Return how many are taken of each reward of a programme of which any was ever taken."""
    cursor = binary_cursor(connection)
    return dict(cursor.execute(_SQL["taken"], (log_id, programme)).fetchall())


def reward_faults(connection: psycopg.Connection, log_id: int) -> list[str]:
    """Return what is wrong with the counts of rewards, in words; nothing while all is well."""
    return [
        f"reward {reward} of {programme}: expected {expected} taken, as the redemptions say, "
        f"found {found}"
        for programme, reward, found, expected in connection.execute(_SQL["faults"], (log_id,))
    ]


def _columns(keys: Collection[RewardKey]) -> dict[str, object]:
    return {
        "programmes": TextArray(programme for programme, _ in keys),
        "rewards": TextArray(reward for _, reward in keys),
    }
