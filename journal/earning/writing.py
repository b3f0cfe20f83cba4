"""Writing: a batch of facts is judged under the locks of its accounts, and written in one go.

How far earning has come stands in a row of its own, which is locked first: of two workers one
waits, and then finds that the other was faster. The same stands in the stream ``earning`` of the
decisions log, behind the postings that it speaks of (ruling 25).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import psycopg

from domain.earning.decisions import EARNING_ID, EarningDecision, FactsJudged, TimersRun
from domain.earning.earning import Earning
from domain.earning.lost import LOSING, LostLots
from domain.earning.records import AwardRecord
from domain.earning.store import EarningStore
from domain.errors import VinculoError
from domain.ledger.lots import Allocation
from domain.ledger.projecting import account_id
from domain.ledger.timers import next_timer
from journal.connecting import ByteaArray, TextArray, UuidArray, binary_cursor
from journal.decisions.mapper import DecisionMapper
from journal.earning.loading import FactBatch, Loading, sale_keys
from journal.intake.pipeline import clock
from journal.ledger.entries import Entry
from journal.ledger.heads import Heads
from journal.queries import queries
from journal.reading import FactReader
from journal.tenants import Logs

_SQL = queries("journal.earning", "writing.sql")
_encode = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(AwardRecord).decode
_decision = DecisionMapper().decision
TRIES_MAX = 5


class EarningOvertakenError(VinculoError):
    """Another worker has judged these facts meanwhile. Look again how far earning has come."""


class Come(msgspec.Struct, frozen=True):
    """How far earning has come.

    Args:
        version: of its stream.
        judged: position of the last fact that was judged.
        swept: instant up to which all timers were run.

    """

    version: int = 0
    judged: int = 0
    swept: int = 0


class EarningLedger:
    """Judge facts and run timers in one tenant's ledger.

    Args:
        logs: the tenant's.
        earning: judges, by the rules that are in force.
        heard: position in the decisions log up to which these rules are known.
        reader: turns rows into facts.
        now: the clock, microseconds since 1970.

    """

    def __init__(
        self,
        logs: Logs,
        earning: Earning,
        heard: int = 0,
        reader: FactReader | None = None,
        now: Callable[[], int] = clock,
    ) -> None:
        self._logs = logs
        self._earning = earning
        self._heard = heard
        self._loading = Loading(logs, reader or FactReader(), earning.claimable)
        self._now = now

    def come(self, connection: psycopg.Connection) -> Come:
        """Return how far earning has come."""
        connection.execute(_SQL["begin"], (self._logs.decisions,))
        return self._come(connection, "come")

    def judge(self, connection: psycopg.Connection, come: Come, limit: int) -> Come:
        """Judge the next facts and return how far that came; the same if there are none.

        Args:
            connection: in autocommit.
            come: where to go on.
            limit: facts at the most; accounts are locked as long as judging them takes.

        Raises:
            EarningOvertakenError: nothing was written.
            HoleError: a fact is missing; nothing may be judged over it.
            UnbalancedLedgerError: the ledger contradicts itself; nothing was written.

        """
        batch = self._loading.load(connection, come.judged, limit)
        if batch is None:
            return come
        decision = FactsJudged(to=batch.to, rules=self._heard)
        wanted = self._accounts(batch)
        for _ in range(TRIES_MAX):
            try:
                return self._judge(connection, come, batch, decision, wanted)
            except _MissingAccountsError as missing:
                wanted |= missing.accounts
            except psycopg.errors.UniqueViolation:
                pass  # somebody opened one of these accounts meanwhile
            batch = self._loading.load(connection, come.judged, batch.to - come.judged)
            assert batch is not None, "facts do not go away"  # noqa: S101 - loaded before
        message = "expected the accounts of a batch to stand still, found others opening them"
        raise EarningOvertakenError(message)

    def sweep(self, connection: psycopg.Connection, come: Come, to: int, limit: int) -> Come:
        """Run the timers of accounts that are due, and return how far that came.

        Args:
            connection: in autocommit.
            come: where to go on.
            to: instant up to which time has advanced.
            limit: accounts at the most; ``swept`` stays where it was if there were more.

        Raises:
            EarningOvertakenError: nothing was written.

        """
        if to <= come.swept:
            return come
        cursor = binary_cursor(connection).execute(_SQL["due"], (self._logs.decisions, to, limit))
        due = {row[0] for row in cursor}
        done = len(due) < limit
        further = Come(come.version + 1, come.judged, to if done else come.swept)
        with connection.transaction():
            self._lock(connection, come)
            heads = Heads(self._logs.decisions)
            heads.lock(connection, due)
            # Somebody may have run the timers of an account before it was locked.
            still = [one for one in sorted(due) if next_timer(heads.desk(one).account) <= to]
            for one in still:
                self._earning.sweep(heads.desk(one), to)
                heads.take(heads.desk(one))
            seen = () if done else tuple(still)
            decision = TimersRun(to=to, done=done, rules=self._heard, accounts=seen)
            self._go_on(connection, heads, further, decision)
        return further

    def _judge(
        self,
        connection: psycopg.Connection,
        come: Come,
        batch: FactBatch,
        decision: FactsJudged,
        wanted: set[bytes],
    ) -> Come:
        further = Come(come.version + 1, batch.to, come.swept)
        with connection.transaction():
            self._lock(connection, come)
            records = self._records(connection, batch)
            heads = Heads(self._logs.decisions)
            heads.lock(connection, wanted | {record.account for record in records})
            store = _HeadStore(heads, wanted | {record.account for record in records})
            store.knowledge = batch.knowledge
            for record in records:
                store.put_record(record)
            store.expired_before(self._expired_before(connection, batch, store))
            for fact, naming in batch.facts:
                self._earning.judge(store, fact, naming)
            store.require_locked()
            desks, changed = store.take_changes()
            heads.take(*sorted(desks, key=lambda desk: desk.account.id))
            self._keep(connection, batch, changed)
            self._go_on(connection, heads, further, decision)
        return further

    def _expired_before(
        self, connection: psycopg.Connection, batch: FactBatch, store: EarningStore
    ) -> LostLots:
        """Return what accounts have let expire that activities of this batch may bring back."""
        lost = LostLots()
        instants = {fact.occurred_at for fact in batch.knowledge.stated.values()}
        instants |= {fact.occurred_at for fact, _ in batch.facts}
        programmes = [
            one for one in self._earning.programmes if self._earning.reinstates(one, instants)
        ]
        concerned = [
            account_id
            for account_id, desk in store.desks.items()
            if desk.account.programme in programmes
            and any(book.expired for book in desk.account.books)
        ]
        if concerned:
            topics = [kind.topic for kind in LOSING]
            values = (self._logs.decisions, UuidArray(concerned), topics)
            for stream, topic, body in binary_cursor(connection).execute(_SQL["lost"], values):
                lost.hear(stream, _decision(topic, body))
        return lost

    def _accounts(self, batch: FactBatch) -> set[bytes]:
        """Return the account of every persona in question, whether or not it will be touched."""
        personas = {fact.persona for fact, _ in batch.facts}
        personas |= {other for fact, _ in batch.facts for other in fact.linked}
        personas |= {
            naming.subject for _, naming in batch.facts if naming and naming.subject is not None
        }
        for partners in batch.knowledge.partners.values():
            personas |= partners
        personas |= {batch.knowledge.stated[one].persona for one in batch.older}
        return {
            account_id(programme, persona.persona_id)
            for programme in self._earning.programmes
            for persona in personas
        }

    def _lock(self, connection: psycopg.Connection, come: Come) -> None:
        found = self._come(connection, "lock")
        if found != come:
            message = f"earning: expected to go on from {come}, found {found}: another worker did"
            raise EarningOvertakenError(message)

    def _come(self, connection: psycopg.Connection, name: str) -> Come:
        found = connection.execute(_SQL[name], (self._logs.decisions,)).fetchone()
        return Come(*found) if found else Come()

    def _records(self, connection: psycopg.Connection, batch: FactBatch) -> list[AwardRecord]:
        if not batch.older:
            return []
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["records"], (self._logs.decisions, UuidArray(batch.older)))
        return [_decode_record(row[0]) for row in cursor]

    def _keep(
        self, connection: psycopg.Connection, batch: FactBatch, records: list[AwardRecord]
    ) -> None:
        log_id = self._logs.decisions
        if records:
            values = {
                "log_id": log_id,
                "touchpoints": UuidArray(one.touchpoint for one in records),
                "accounts": UuidArray(one.account for one in records),
                "records": ByteaArray(map(_encode, records)),
            }
            connection.execute(_SQL["keep_records"], values)
        sales = [(key, fact.entry_id) for fact, _ in batch.facts for key in sale_keys(fact)]
        if sales:
            values = {
                "log_id": log_id,
                "sources": TextArray(key[0] for key, _ in sales),
                "numbers": TextArray(key[1] for key, _ in sales),
                "entry_ids": UuidArray(entry_id for _, entry_id in sales),
            }
            connection.execute(_SQL["keep_sales"], values)

    def _go_on(
        self,
        connection: psycopg.Connection,
        heads: Heads,
        further: Come,
        decision: EarningDecision,
    ) -> None:
        connection.execute(
            _SQL["go_on"], {"log_id": self._logs.decisions, **msgspec.structs.asdict(further)}
        )
        heads.add(Entry(EARNING_ID.bytes, further.version, decision))
        heads.write(connection, self._now())


class _MissingAccountsError(Exception):
    """A fact touched accounts that were not locked; nothing was written."""

    def __init__(self, accounts: set[bytes]) -> None:
        super().__init__(f"{len(accounts)} accounts more")
        self.accounts = accounts


class _HeadStore(EarningStore):
    """A store whose accounts are the locked ones."""

    def __init__(self, heads: Heads, locked: Iterable[bytes]) -> None:
        super().__init__()
        self._locked = set(locked)
        self.desks = {one: heads.desk(one) for one in self._locked}

    def expired_before(self, lost: LostLots) -> None:
        """Say what has expired before this batch; what expires in it is heard at the desks."""
        heard: dict[bytes, int] = {}

        def lost_by_now(account_id: bytes, currency: str, at: int) -> tuple[Allocation, ...]:
            decisions = self.desk(account_id).decisions
            for decision in decisions[heard.get(account_id, 0) :]:
                lost.hear(account_id, decision)
            heard[account_id] = len(decisions)
            return lost(account_id, currency, at)

        self.lost = lost_by_now

    def require_locked(self) -> None:
        """Make sure that nothing was decided about an account that is not locked."""
        missing = {
            one
            for one, desk in self.desks.items()
            if one not in self._locked and (desk.decisions or not desk.account.programme)
        }
        if missing:
            raise _MissingAccountsError(missing)
