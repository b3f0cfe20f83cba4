"""The heads of accounts in one transaction: locked, decided about, written back with the log.

Whoever changes owned accounts does it in these steps, so that any number of processes may do it at
once: the writer that is asked, the worker that earns, the timekeeper.

1. :meth:`Heads.lock` the accounts, in the order of their ids;
2. decide at their desks, and tell :meth:`Heads.take` after each decision, in the log's order;
3. :meth:`Heads.write`, which takes the head of the log last (rewards are locked in between, see
   :mod:`journal.ledger.rewards`; what comes back of them with its points is marked here);
4. commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg

from domain.decisions.base import Decision
from domain.errors import VinculoError
from domain.ledger.account import Account, Redemption
from domain.ledger.decisions import RedemptionReleased, RedemptionReversed
from domain.ledger.desk import Desk
from domain.ledger.terms import NEVER
from domain.ledger.timers import next_timer
from journal.connecting import BigintArray, ByteaArray, TextArray, UuidArray, binary_cursor
from journal.intake.appending import channel_name
from journal.ledger.entries import Encoded, Entry, encode_entry
from journal.ledger.rewards import give_back
from journal.ledger.states import decode_account, decode_redemption, encode, encode_account
from journal.queries import queries
from journal.rows import COPY_HEAD, COPY_TAIL

_SQL = queries("journal.ledger", "ledger.sql")
_NO_PERSONA = bytes(16)
# Every statement finds a handful of rows by their keys. Plans are made once, for tables of any
# size: one made while a table was empty would otherwise be kept, and read all of it for ever.
_BY_KEYS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_GIVING_BACK = (RedemptionReleased, RedemptionReversed)
"""A redemption for a reward is released or reversed as a whole, so what it took comes back."""


class StaleHeadError(VinculoError):
    """A row was not the one that was locked: it was written without its lock, or is gone."""


class RequestRow(msgspec.Struct, frozen=True, gc=False):
    """A request as it stands in its row.

    Args:
        request_id: 16 bytes.
        account_id: of the account that was asked.
        position: of the last decision that came of it.
        content_digest: of what was asked.
        answer: as given, encoded.
        redemption: what of it may be reversed, encoded; None while nothing was redeemed.

    """

    request_id: bytes
    account_id: bytes
    position: int
    content_digest: bytes
    answer: bytes
    redemption: bytes | None


class NewRequest(msgspec.Struct, frozen=True, gc=False):
    """A request that was answered just now.

    Args:
        request_id: 16 bytes.
        account_id: of the account that was asked.
        kind: what was asked.
        content_digest: of what was asked.
        answer: to be given, encoded.
        number: how many decisions the transaction held when it was answered.

    """

    request_id: bytes
    account_id: bytes
    kind: str
    content_digest: bytes
    answer: bytes
    number: int


def tune_for_keys(connection: psycopg.Connection) -> None:
    """Let a connection of a ledger writer prepare its statements and plan them by keys alone."""
    for name, value in _BY_KEYS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.prepare_threshold = 0


class Heads:
    """Accounts that are locked, and what is decided about them.

    Args:
        log_id: of the decisions log.

    """

    def __init__(self, log_id: int) -> None:
        self._log_id = log_id
        self._desks: dict[bytes, Desk] = {}
        self._locked: dict[bytes, int] = {}
        self._taken: dict[bytes, int] = {}
        self._numbers: dict[bytes, int] = {}
        self._entries: list[Entry] = []
        self._requests: list[NewRequest] = []
        self._redemptions: dict[bytes, tuple[Account, bytes | None]] = {}
        self._given_back: set[bytes] = set()

    @property
    def count(self) -> int:
        """Return how many decisions are to be appended so far."""
        return len(self._entries)

    def lock(self, connection: psycopg.Connection, account_ids: Iterable[bytes]) -> None:
        """Lock accounts and read them; those that are not there yet are new ones.

        Args:
            connection: in a transaction in which nothing else was locked, but by a row of the
                caller's own that always comes first.
            account_ids: 16 bytes each; repetitions do not matter.

        Raises:
            UnbalancedLedgerError: if a row contradicts itself.

        """
        wanted = sorted(set(account_ids))
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["lock_accounts"], (self._log_id, UuidArray(wanted)))
        for account_id, version, state in cursor:
            self._desks[account_id] = Desk(decode_account(account_id, version, state))
            self._locked[account_id] = version
        for account_id in wanted:
            self._desks.setdefault(account_id, Desk(Account(account_id)))

    def look_up(
        self, connection: psycopg.Connection, request_ids: Iterable[bytes]
    ) -> dict[bytes, RequestRow]:
        """Return requests that were answered before, and give accounts the redemptions they began.

        Args:
            connection: with the accounts locked, so that what it finds cannot change.
            request_ids: keys that are asked under, and redemptions that are asked about.

        """
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["requests"], (self._log_id, UuidArray(set(request_ids))))
        found = {one[0]: RequestRow(*one) for one in cursor}
        for request in found.values():
            desk = self._desks.get(request.account_id)
            if desk is not None:
                self._remember(desk.account, request)
        return found

    def _remember(self, account: Account, request: RequestRow) -> None:
        self._redemptions[request.request_id] = (account, request.redemption)
        if request.redemption is not None:
            redemption = decode_redemption(request.redemption)
            account.redemptions[redemption.redemption_id] = redemption

    def desk(self, account_id: bytes) -> Desk:
        """Return the desk of a locked account."""
        return self._desks[account_id]

    def take(self, *desks: Desk) -> list[Decision]:
        """Put what was decided at desks since the last time into the log, in this order.

        Returns:
            These decisions.

        """
        fresh: list[Decision] = []
        for desk in desks:
            account = desk.account
            decisions = desk.decisions[self._taken.get(account.id, 0) :]
            version = account.version - len(decisions)
            for decision in decisions:
                version += 1
                self._entries.append(Entry(account.id, version, decision))
                if isinstance(decision, _GIVING_BACK):
                    self._given_back.add(decision.redemption_id)
            if decisions:
                self._taken[account.id] = len(desk.decisions)
                self._numbers[account.id] = len(self._entries)
            fresh += decisions
        return fresh

    def add(self, entry: Entry) -> None:
        """Put a decision of another stream into the log, such as how far earning has come."""
        self._entries.append(entry)

    def answered(self, request: NewRequest) -> None:
        """Record a request; the redemption that it began is recorded with it."""
        self._requests.append(request)

    def write(self, connection: psycopg.Connection, recorded_at: int) -> int:
        """Append what was decided, and write the rows of accounts and requests.

        Args:
            connection: of the locks; commit afterwards.
            recorded_at: microseconds since 1970.

        Returns:
            The position before the first of the decisions.

        Raises:
            StaleHeadError: if a locked row was not there any more as it was read.
            UnbalancedLedgerError: if an account contradicts itself.
            psycopg.errors.UniqueViolation: if somebody else was first to open an account, or to
                ask under a key; begin again.

        """
        encoded = [encode_entry(self._log_id, recorded_at, one) for one in self._entries]
        values = self._values()
        give_back(connection, self._log_id, self._given_back)
        cursor = binary_cursor(connection)
        found = cursor.execute(_SQL["write"], values).fetchone()
        if found is None:
            message = f"expected a head row of log {self._log_id}, found none; create the tenant"
            raise VinculoError(message)
        before, changed, redeemed, _ = found
        if (changed, redeemed) != (len(values["ids"].items), len(values["redemption_ids"].items)):
            raise _stale(len(values["ids"].items), changed)
        self._copy(connection, encoded, before)
        return int(before)

    def _copy(self, connection: psycopg.Connection, encoded: list[Encoded], before: int) -> None:
        rows = [one.row(position) for position, one in enumerate(encoded, before + 1)]
        with connection.cursor().copy(_SQL["copy_entries"]) as copy:
            copy.write(b"".join((COPY_HEAD, *rows, COPY_TAIL)))

    def _values(self) -> dict[str, Any]:
        """Return what the query ``write`` takes. Redemptions first: accounts let go of theirs."""
        requests, redemptions = self._request_values(), self._redemption_values()
        decided = sorted(self._numbers)
        new = [self._desks[one].account for one in decided if one not in self._locked]
        old = [self._desks[one].account for one in decided if one in self._locked]
        return {
            "log_id": self._log_id,
            "count": len(self._entries),
            "channel": channel_name(self._log_id),
            "new_ids": UuidArray(one.id for one in new),
            "new_programmes": TextArray(one.programme for one in new),
            "new_personas": UuidArray(one.persona or _NO_PERSONA for one in new),
            "new_versions": BigintArray(one.version for one in new),
            "new_numbers": BigintArray(self._numbers[one.id] for one in new),
            "new_timers": BigintArray(_timer(one) for one in new),
            "new_states": ByteaArray(map(encode_account, new)),
            "ids": UuidArray(one.id for one in old),
            "versions_before": BigintArray(self._locked[one.id] for one in old),
            "versions": BigintArray(one.version for one in old),
            "numbers": BigintArray(self._numbers[one.id] for one in old),
            "timers": BigintArray(_timer(one) for one in old),
            "states": ByteaArray(map(encode_account, old)),
            **requests,
            **redemptions,
        }

    def _request_values(self) -> dict[str, Any]:
        fresh = self._requests
        return {
            "request_ids": UuidArray(one.request_id for one in fresh),
            "request_accounts": UuidArray(one.account_id for one in fresh),
            "kinds": TextArray(one.kind for one in fresh),
            "request_numbers": BigintArray(one.number for one in fresh),
            "digests": ByteaArray(one.content_digest for one in fresh),
            "answers": ByteaArray(one.answer for one in fresh),
            "redemptions": ByteaArray(
                _encoded(self._desks[one.account_id].account.redemptions.get(one.request_id))
                for one in fresh
            ),
        }

    def _redemption_values(self) -> dict[str, Any]:
        changed: dict[bytes, bytes] = {}
        for request_id, (account, before) in self._redemptions.items():
            now = _encoded(account.redemptions.get(request_id))
            if now is not None and now != before:
                changed[request_id] = now
        return {
            "redemption_ids": UuidArray(changed),
            "redemption_states": ByteaArray(changed.values()),
        }


def _encoded(redemption: Redemption | None) -> bytes | None:
    return None if redemption is None else encode(redemption)


def _timer(account: Account) -> int | None:
    due = next_timer(account)
    return None if due >= NEVER else due


def _stale(expected: int, found: int) -> StaleHeadError:
    return StaleHeadError(
        f"expected {expected} locked accounts and their redemptions as they were read, found "
        f"{found} of these accounts; somebody writes ledger rows without locking them"
    )
