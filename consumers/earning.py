"""The earning worker: facts and time become postings of owned accounts (DESIGN §4).

Of several workers one leads, by a session lock in PostgreSQL; the others stand by. The lock only
saves work: what keeps every posting single is the row that says how far earning has come, locked
and compared in the transaction that writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec
import psycopg
import structlog

from consumers.waiting import Hints
from domain.earning.earning import Earning, Rules
from domain.ledger.account import UnbalancedLedgerError
from journal.connecting import connect
from journal.decisions import latest_time
from journal.earning.writing import Come, EarningLedger, EarningOvertakenError
from journal.reading import HoleError, UnreadableEntryError
from journal.tenants import Logs

_LEADER_LOCK = 0x56494E45  # "VINE", with the log's id as the second key
_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
_log = structlog.get_logger(__name__)

RulesHeard = Callable[[psycopg.Connection], tuple[Rules, int]]
"""Returns the rules in force, and the position in the decisions log up to which they were heard."""


class EarningSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the worker.

    Args:
        batch_facts: judged in one transaction; their accounts are locked so long.
        batch_accounts: whose timers are run in one transaction.
        poll_seconds: how long to wait for a hint before looking anyway.
        standby_seconds: how often a worker that stands by asks to lead.
        retry_seconds_max: the longest pause while the database is away.

    """

    batch_facts: int = 500
    batch_accounts: int = 500
    poll_seconds: float = 0.25
    standby_seconds: float = 1.0
    retry_seconds_max: float = 2.0


class EarningWorker:
    """Judge facts and run timers until stopped.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        rules: tells the rules in force.
        settings: limits.

    """

    def __init__(
        self,
        conninfo: str,
        logs: Logs,
        rules: RulesHeard,
        settings: EarningSettings | None = None,
    ) -> None:
        self._conninfo = conninfo
        self._logs = logs
        self._rules = rules
        self._settings = settings or EarningSettings()
        self._stopping = threading.Event()
        self._made: tuple[Rules, int, EarningLedger] | None = None
        self.judged = 0

    def stop(self) -> None:
        """Ask the worker to end after the batch in hand."""
        self._stopping.set()

    def run(self) -> None:
        """Work until :meth:`stop`.

        Raises:
            HoleError: a fact is missing; nothing may be judged over it.
            UnreadableEntryError: an entry of a newer version; update this product.
            UnbalancedLedgerError: the ledger contradicts itself; nothing more is written.

        """
        pause = 0.1
        while not self._stopping.is_set():
            try:
                self._lead()
                pause = 0.1
            except (HoleError, UnreadableEntryError, UnbalancedLedgerError):
                _log.exception("earning.stopped")
                raise
            except _AWAY as error:
                _log.warning("earning.database_away", error=str(error), retry_seconds=pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, self._settings.retry_seconds_max)

    def catch_up(self, connection: psycopg.Connection) -> Come:
        """Judge all facts there are and run all timers that are due, and return how far that is."""
        come = self._ledger(connection).come(connection)
        while not self._stopping.is_set():
            # Asked before every batch: what was just approved judges the next one.
            further = self._step(connection, self._ledger(connection), come)
            if further == come:
                break
            come = further
        return come

    def _ledger(self, connection: psycopg.Connection) -> EarningLedger:
        rules, heard = self._rules(connection)
        if self._made is None or self._made[:2] != (rules, heard):
            ledger = EarningLedger(self._logs, Earning(rules), heard)
            self._made = rules, heard, ledger
        return self._made[2]

    def _lead(self) -> None:
        """Wait to lead, then work until stopped or cut off."""
        with connect(self._conninfo, name="vinculo earning") as connection:
            while not self._stopping.is_set() and not self._take_lead(connection):
                self._stopping.wait(self._settings.standby_seconds)
            hints = Hints(self._conninfo, (self._logs.facts, self._logs.decisions))
            try:
                while not self._stopping.is_set():
                    self._round(connection, hints)
            finally:
                hints.close()

    def _round(self, connection: psycopg.Connection, hints: Hints) -> None:
        try:
            self.catch_up(connection)
        except EarningOvertakenError as error:
            _log.warning("earning.overtaken", detail=str(error))
        hints.wait(self._settings.poll_seconds)

    def _take_lead(self, connection: psycopg.Connection) -> bool:
        found = connection.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", (_LEADER_LOCK, self._logs.decisions)
        ).fetchone()
        return bool(found and found[0])

    def _step(self, connection: psycopg.Connection, ledger: EarningLedger, come: Come) -> Come:
        """Run what time has made due, else judge the next facts.

        Time first: a sweep that was cut off goes on before anything else is judged, so a replay
        finds every timer in the place where it ran.
        """
        _, time = latest_time(connection, self._logs.decisions)
        if time is not None and time > come.swept:
            return ledger.sweep(connection, come, time, self._settings.batch_accounts)
        further = ledger.judge(connection, come, self._settings.batch_facts)
        self.judged += further.judged - come.judged
        return further
