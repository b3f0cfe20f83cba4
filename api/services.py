"""What handlers work with: one object for each process, opened and closed with the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial

import msgspec
import psycopg

from api.account_desk import AccountDesk
from api.coordinates import Coordinate
from api.database import Desk
from api.documents import NOBODY, DocumentDesk
from api.keyring import Keyring
from api.metrics import Metrics
from api.problems import Problem
from api.settings import ApiSettings
from api.simulation_desk import SimulationDesk
from domain.touchpoints import CATALOGUE
from journal.connecting import connect
from journal.decisions import open_decisions
from journal.history import Histories
from journal.intake.mapping import Mapping
from journal.intake.message import Message, Outcome
from journal.intake.pipeline import Intake
from journal.intake.writer import IntakeWriter, WriterClosedError, WriterFullError
from journal.ledger import HeardSpending, LedgerWriter
from journal.ledger.adjustments import AdjustmentOffice
from journal.personas import PersonaNames
from journal.programmes import HeardProgrammes, ProgrammeOffice
from journal.reading import FactReader
from journal.sealing import TenantSecret
from journal.tenant_secret_check import note_secret
from journal.tenants import Logs, find_tenant
from projections.customer.fold import Fold
from projections.customer.reading.display import Display
from projections.customer.reading.documents import Documents

_AGAIN: tuple[tuple[bytes, bytes], ...] = ((b"retry-after", b"1"),)


class Services(msgspec.Struct, kw_only=True):
    """What handlers work with.

    Args:
        settings: of the process.
        logs: of the tenant.
        secret: the tenant's.
        clock: returns microseconds since 1970.
        fold: of the customer view.
        documents: renders customers.
        histories: of the facts log.
        display: opens personal fields.
        personas: names personas.
        mapping: reads one event as intake does, and stores nothing.
        desk: asks the database.
        keyring: tells holders of keys.
        reader: reads documents.
        writer: takes touchpoints in.
        office: decides about programmes; blocks, so it is asked in a thread.
        programmes: tells programmes.
        ledger: carries out orders of the points ledger.
        accounts: reads owned accounts.
        adjustments: records who asked for which adjustment; blocks as well.
        redemptions: which account a redemption is of, for the latest ones.
        simulations: runs what-ifs.
        metrics: counts.

    """

    settings: ApiSettings
    logs: Logs
    secret: TenantSecret
    clock: Callable[[], int]
    fold: Fold
    documents: Documents
    histories: Histories
    display: Display
    personas: PersonaNames
    mapping: Mapping
    desk: Desk
    keyring: Keyring
    reader: DocumentDesk
    writer: IntakeWriter
    office: ProgrammeOffice
    programmes: HeardProgrammes
    ledger: LedgerWriter
    accounts: AccountDesk
    adjustments: AdjustmentOffice
    redemptions: dict[bytes, bytes]
    simulations: SimulationDesk
    metrics: Metrics

    async def reach(self, wanted: Coordinate) -> None:
        """Wait until the view has read as far as a coordinate, in both logs.

        Raises:
            Problem: 503, telling what was reached, if that takes too long.

        """
        limits = self.settings.limits
        deadline = asyncio.get_running_loop().time() + limits.wait_seconds
        while True:
            reached = (await self.reader.ask(NOBODY)).coordinate
            if reached.reaches(wanted):
                return
            if asyncio.get_running_loop().time() >= deadline:
                raise Problem(
                    503,
                    "position_not_reached",
                    expected=f"to reach {wanted} within {limits.wait_seconds:g} seconds",
                    found=str(reached),
                    do="ask again, or see /v1/projections whether a view is stuck",
                    headers=(*_AGAIN, reached.header()),
                    reached=str(reached),
                )
            await asyncio.sleep(limits.poll_seconds)

    async def take_in(self, messages: Sequence[Message]) -> list[Outcome]:
        """Take touchpoints in, and return what became of each once that is committed.

        Raises:
            Problem: 503, if too much is waiting; nothing was stored.

        """
        try:
            future = self.writer.submit(messages)
        except (WriterFullError, WriterClosedError) as error:
            limit = self.settings.writer.queue_events_max
            raise Problem(
                503,
                "intake_full",
                expected=f"room for {len(messages)} events among {limit} that may wait",
                found="none" if isinstance(error, WriterFullError) else "intake closed",
                do="send the same again after a second: what was stored is not stored twice",
                headers=_AGAIN,
            ) from error
        return await asyncio.wrap_future(future)


@asynccontextmanager
async def open_services(settings: ApiSettings, clock: Callable[[], int]) -> AsyncIterator[Services]:
    """Open what handlers work with, and close it in the end.

    Raises:
        VinculoError: there is no such tenant, or the secret is not the tenant's.

    """
    loop = asyncio.get_running_loop()
    secret = TenantSecret(settings.secret)
    logs = await loop.run_in_executor(None, _logs, settings, secret)
    fold = Fold(settings.context)
    documents = Documents(fold)
    histories = Histories(logs.facts, FactReader())
    metrics = Metrics()
    personas = PersonaNames(settings.secret)
    limits = settings.limits
    desk = Desk(settings.conninfo, limits.reader_threads, limits.statement_seconds)
    reader = DocumentDesk(settings.conninfo, logs.facts, documents, limits, clock, metrics)
    writer = _writer(settings, logs, secret, clock)
    decisions = open_decisions(settings.conninfo, logs.decisions)
    accounts = AccountDesk(
        settings.conninfo, logs.decisions, settings.context.calendar, limits, clock, desk
    )
    ledger = _ledger(settings, logs, clock)
    simulations = SimulationDesk(settings.conninfo, logs, settings.context.calendar)
    writer.start()
    ledger.start()
    try:
        yield Services(
            settings=settings,
            logs=logs,
            secret=secret,
            clock=clock,
            fold=fold,
            documents=documents,
            histories=histories,
            display=Display(logs.facts, secret, histories),
            personas=personas,
            mapping=Mapping(CATALOGUE, settings.sources, personas),
            desk=desk,
            keyring=Keyring(desk, settings.tenant, limits),
            reader=reader,
            writer=writer,
            office=ProgrammeOffice(decisions, now=clock),
            programmes=HeardProgrammes(logs.decisions),
            ledger=ledger,
            accounts=accounts,
            adjustments=AdjustmentOffice(decisions),
            redemptions={},
            simulations=simulations,
            metrics=metrics,
        )
    finally:
        await loop.run_in_executor(None, simulations.close)
        await loop.run_in_executor(None, writer.close)
        await loop.run_in_executor(None, decisions.close)
        await reader.close()
        await loop.run_in_executor(None, desk.close)


def _logs(settings: ApiSettings, secret: TenantSecret) -> Logs:
    """Return the tenant's logs, the secret compared with theirs: once a process."""
    with closing(connect(settings.conninfo, name="vinculo api start")) as connection:
        logs = find_tenant(connection, settings.tenant)
        note_secret(connection, logs.facts, secret)
    return logs


def _writer(
    settings: ApiSettings, logs: Logs, secret: TenantSecret, clock: Callable[[], int]
) -> IntakeWriter:
    intake = Intake(logs.facts, settings.sources, secret, now=clock)
    opener: Callable[[], psycopg.Connection] = partial(
        connect, settings.conninfo, name="vinculo api intake", connect_timeout=5
    )
    return IntakeWriter(intake, opener, limits=settings.writer)


def _ledger(settings: ApiSettings, logs: Logs, clock: Callable[[], int]) -> LedgerWriter:
    opener: Callable[[], psycopg.Connection] = partial(
        connect, settings.conninfo, name="vinculo api ledger", connect_timeout=5
    )
    rules = HeardSpending(logs.decisions, settings.context.calendar)
    return LedgerWriter(logs.decisions, opener, rules=rules, now=clock, limits=settings.ledger)
