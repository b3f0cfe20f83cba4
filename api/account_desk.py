"""Accounts by the thousand: one query answers all who ask in the same tick of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import psycopg
import structlog

from api.coordinates import Coordinate
from api.database import Desk, connect_async
from api.owned_accounts import OwnedAccount, show_account
from api.settings import ApiLimits
from domain.calendar import Calendar
from domain.programmes.rulebook import ProgrammeRulebook
from journal.ledger.standing import STANDING, Standing, standing_of, standing_values
from journal.programmes import HeardRules

_log = structlog.get_logger(__name__)
_LOST = (psycopg.OperationalError, psycopg.InterfaceError)


class AccountsRead(msgspec.Struct, frozen=True, gc=False):
    """Accounts as they stand.

    Args:
        coordinate: at which they were read: facts that were judged, decisions that were made.
        accounts: those of the asked ones that exist, by programme and id.

    """

    coordinate: Coordinate
    accounts: tuple[OwnedAccount, ...]


class _Asked(msgspec.Struct, gc=False):
    account_ids: tuple[bytes, ...]
    personas: tuple[bytes, ...]
    future: asyncio.Future[AccountsRead]


class AccountDesk:
    """Answer questions for owned accounts.

    Args:
        conninfo: libpq's connection string or URL.
        log_id: of the tenant's decisions log.
        calendar: of the tenant.
        limits: of batches, and how old the rules may be by which tiers are shown.
        clock: returns microseconds since 1970.
        desk: asks the database for rules.

    """

    def __init__(
        self,
        conninfo: str,
        log_id: int,
        calendar: Calendar,
        limits: ApiLimits,
        clock: Callable[[], int],
        desk: Desk,
    ) -> None:
        self._conninfo = conninfo
        self._log_id = log_id
        self._limits = limits
        self._clock = clock
        self._desk = desk
        self.rules = HeardRules(log_id, calendar)
        self._rulebook = ProgrammeRulebook((), calendar)
        self._heard_until = 0.0
        self._asked: list[_Asked] = []
        self._wanted = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._serve())

    def ask(
        self, account_ids: tuple[bytes, ...] = (), personas: tuple[bytes, ...] = ()
    ) -> asyncio.Future[AccountsRead]:
        """Return the future reading of accounts, by their ids or by whose they are.

        It fails with ``psycopg.Error`` if the database is away.
        """
        asked = _Asked(account_ids, personas, self._loop.create_future())
        self._asked.append(asked)
        self._wanted.set()
        return asked.future

    async def rulebook(self) -> ProgrammeRulebook:
        """Return the rules, a moment old at the most."""
        if self._loop.time() >= self._heard_until:
            self._rulebook, _ = await self._desk.run(self.rules)
            self._heard_until = self._loop.time() + self._limits.rules_seconds
        return self._rulebook

    async def close(self) -> None:
        """End; who still waits is told that the database is away."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        _fail(self._asked, psycopg.OperationalError("the process is stopping"))

    async def _serve(self) -> None:
        connection: psycopg.AsyncConnection | None = None
        try:
            while True:
                await self._wanted.wait()
                connection = await self._answer_batch(connection, self._take())
        finally:
            if connection is not None:
                await connection.close()

    def _take(self) -> list[_Asked]:
        most = self._limits.batch_reads_max
        batch, self._asked = self._asked[:most], self._asked[most:]
        if not self._asked:
            self._wanted.clear()
        return batch

    async def _answer_batch(
        self, connection: psycopg.AsyncConnection | None, batch: list[_Asked]
    ) -> psycopg.AsyncConnection | None:
        fresh = connection is None or connection.closed
        try:
            if connection is None or connection.closed:
                connection = await connect_async(self._conninfo, self._limits.statement_seconds)
            await self._answer(connection, batch)
        except _LOST as error:
            if not fresh and connection is not None and connection.closed:
                # The server was restarted since the last query: this one is asked once more.
                return await self._answer_batch(None, batch)
            _log.warning("accounts.database_away", error=type(error).__name__)
            _fail(batch, error)
        except asyncio.CancelledError:
            _fail(batch, psycopg.OperationalError("the process is stopping"))
            raise
        except Exception as error:  # noqa: BLE001 - whoever asked is told, the others go on
            _fail(batch, error)
        return connection

    async def _answer(self, connection: psycopg.AsyncConnection, batch: list[_Asked]) -> None:
        rulebook = await self.rulebook()
        account_ids = {one for asked in batch for one in asked.account_ids}
        personas = {one for asked in batch for one in asked.personas}
        cursor = connection.cursor(binary=True)
        values = standing_values(self._log_id, account_ids, personas)
        await cursor.execute(STANDING, values, prepare=True)
        now, standing = self._clock(), standing_of(self._log_id, await cursor.fetchall())
        coordinate = Coordinate(standing.facts, standing.decisions)
        by_id, by_persona = _shown(standing, now, rulebook)
        for asked in batch:
            found = {one: by_id[one] for one in asked.account_ids if one in by_id}
            for persona in asked.personas:
                found |= by_persona.get(persona, {})
            told = sorted(found.values(), key=lambda one: (one.programme, one.account_id))
            if not asked.future.done():
                asked.future.set_result(AccountsRead(coordinate, tuple(told)))


_Shown = dict[bytes, OwnedAccount]


def _shown(
    standing: Standing, now: int, rulebook: ProgrammeRulebook
) -> tuple[_Shown, dict[bytes, _Shown]]:
    """Return accounts as they are shown, by their ids and by whose they are."""
    by_id: _Shown = {}
    by_persona: dict[bytes, _Shown] = {}
    for row in standing.rows:
        shown = by_id[row.account.id] = show_account(row.account, now, rulebook)
        by_persona.setdefault(row.account.persona, {})[row.account.id] = shown
    return by_id, by_persona


def _fail(asked: list[_Asked], error: BaseException) -> None:
    for one in asked:
        if not one.future.done():
            one.future.set_exception(error)
    asked.clear()
