"""The two logs of a tenant as they were interleaved: what a replay is fed, and nothing else.

Facts that no rule needs are left out by the name of their type, in the database. Of those that are
read, only the ones that another fact may bring back into question are kept in mind by the replay;
which these are is known beforehand, for the whole history is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString, Protocol

import msgspec
import psycopg

from domain.earning.decisions import FactsJudged, TimersRun
from domain.ledger.decisions import AccountDecision
from domain.programmes.rulebook import ProgrammeRulebook
from journal.connecting import binary_cursor, connect
from journal.queries import queries
from journal.reading import Row
from journal.tenants import Logs
from projections.whatif.needs import needed_types

FACTS_WINDOW = 20_000
DECISIONS_WINDOW = 20_000

_SQL = queries("projections.whatif", "reading.sql")
_decode_judged = msgspec.json.Decoder(FactsJudged).decode
_decode_timers = msgspec.json.Decoder(TimersRun).decode

DecisionRow = tuple[int, bytes, int, str, bytes]
"""position, stream_id, recorded_at (server's epoch), type, body."""


class Player(Protocol):
    """Who is fed."""

    def heard(self, position: int) -> ProgrammeRulebook:
        """Judge from here on by the programmes as they were known at a position; return them."""

    def fact(self, row: Row, *, keep: bool) -> None:
        """Judge a fact; forget it if nothing brings it back into question."""

    def sweep(self, to: int, accounts: tuple[bytes, ...] | None) -> None:
        """Run the timers that are due, of all accounts or of some."""

    def decided(self, row: DecisionRow) -> None:
        """Hear of a decision about an account."""


class History:
    """The history of one tenant up to now.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        up_to: position in the decisions log at which it ends.

    """

    def __init__(self, conninfo: str, logs: Logs, up_to: int) -> None:
        self._conninfo = conninfo
        self._logs = logs
        self.facts = 0
        self.decisions = up_to

    def play(self, player: Player, progress: Callable[[int, int], None]) -> None:
        """Feed everything, in the order in which it was judged and decided.

        Args:
            player: is fed.
            progress: is told now and then the positions up to which it has come, facts and
                decisions; it may raise to stop.

        """
        with _reader(self._conninfo) as decisions, _reader(self._conninfo) as facts:
            questioned = _Questioned(facts.connection, self._logs)
            window = _FactWindow(facts, self._logs.facts, questioned)
            for rows in decisions.windows(
                _SQL["decisions"], self._logs.decisions, _DECISION_TYPES, self.decisions
            ):
                for row in rows:
                    topic = row[3]
                    if topic == FactsJudged.topic:
                        judged = _decode_judged(row[4])
                        window.need(player.heard(judged.rules))
                        window.feed(player, judged.to)
                    elif topic == TimersRun.topic:
                        run = _decode_timers(row[4])
                        window.need(player.heard(run.rules))
                        player.sweep(run.to, None if run.done else run.accounts)
                    else:
                        player.decided(row)
                self.facts = window.position
                progress(self.facts, rows[-1][0] if rows else self.decisions)


_DECISION_TYPES = [
    *(kind.topic for kind in AccountDecision.__args__),
    FactsJudged.topic,
    TimersRun.topic,
]


class _Reader:
    """Reads windows of a log, each one while the one before it is worked on."""

    def __init__(self, connection: psycopg.Connection, pool: ThreadPoolExecutor) -> None:
        self.connection = connection
        self._pool = pool

    def windows(
        self, sql: LiteralString, log_id: int, types: list[str], up_to: int, after: int = 0
    ) -> Iterator[list[Any]]:
        """Yield the rows of windows of positions, in order, empty ones too."""
        coming = self.ask(sql, log_id, types, after, DECISIONS_WINDOW)
        while after < up_to:
            rows = coming.result()
            after += DECISIONS_WINDOW
            if after < up_to:
                coming = self.ask(sql, log_id, types, after, DECISIONS_WINDOW)
            if rows and rows[-1][0] > up_to:
                rows = [row for row in rows if row[0] <= up_to]
            yield rows

    def ask(
        self, sql: LiteralString, log_id: int, types: list[str], after: int, window: int
    ) -> Future[list[Any]]:
        """Read the rows of a window of positions in the background."""
        values = {"log_id": log_id, "after": after, "up_to": after + window, "types": types}

        def read() -> list[Any]:
            return binary_cursor(self.connection).execute(sql, values).fetchall()

        return self._pool.submit(read)


@contextmanager
def _reader(conninfo: str) -> Iterator[_Reader]:
    with (
        connect(conninfo, name="vinculo what if") as connection,
        ThreadPoolExecutor(1, "what if reader") as pool,
    ):
        yield _Reader(connection, pool)


class _FactWindow:
    """The facts that are judged next, read ahead by windows of positions."""

    def __init__(self, reader: _Reader, log_id: int, questioned: _Questioned) -> None:
        self._reader = reader
        self._log_id = log_id
        self._questioned = questioned
        self._rulebook: ProgrammeRulebook | None = None
        self._types: list[str] = []
        self._rows: list[Row] = []
        self._place = 0
        self._read_to = 0
        self._coming: Future[list[Row]] | None = None
        self.position = 0

    def need(self, rulebook: ProgrammeRulebook) -> None:
        """Read from here on what these rules may need."""
        if rulebook is self._rulebook:
            return
        self._rulebook = rulebook
        types = needed_types(rulebook)
        if types != self._types:
            if self._coming is not None:
                self._coming.result()
            self._types, self._rows, self._place = types, [], 0
            self._read_to, self._coming = self.position, None

    def feed(self, player: Player, to: int) -> None:
        """Feed the facts up to and at a position."""
        keep = self._questioned.keeps
        while True:
            rows, place = self._rows, self._place
            count = len(rows)
            while place < count:
                row = rows[place]
                if row[0] > to:
                    break
                place += 1
                player.fact(row, keep=keep(row))
            self._place = place
            if place < count or self._read_to >= to:
                break
            self._read_on()
        self.position = to

    def _read_on(self) -> None:
        coming = self._coming or self._ask(self._read_to)
        self._rows, self._place = coming.result(), 0
        self._read_to += FACTS_WINDOW
        self._coming = self._ask(self._read_to)

    def _ask(self, after: int) -> Future[list[Row]]:
        return self._reader.ask(_SQL["facts"], self._log_id, self._types, after, FACTS_WINDOW)


class _Questioned:
    """Which facts another one brings back into question, somewhere in the whole history."""

    def __init__(self, connection: psycopg.Connection, logs: Logs) -> None:
        cursor = binary_cursor(connection)
        self._entries = {row[0] for row in cursor.execute(_SQL["corrected"], (logs.facts,))}
        values = {"log_id": logs.decisions}
        self._entries |= {row[0] for row in cursor.execute(_SQL["returned"], values)}
        values = {"log_id": logs.facts}
        self._personas = {row[0] for row in cursor.execute(_SQL["linked"], values)}

    def keeps(self, row: Row) -> bool:
        """Say whether a fact may be asked about again, or is itself the asking."""
        return row[1] in self._entries or row[2] in self._personas or row[3] is not None
