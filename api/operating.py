"""Operating: is it alive, is it ready, how far are the views, figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib.resources import files
from typing import Literal

import msgspec
import psycopg

from api.answers import NO_STORE, Answer, json_answer
from api.calls import Call
from api.metrics import METRICS_TYPE, Sample, family, plain
from api.services import Services
from journal.earning.lagging import EarningLag, earning_lag
from journal.sealing import TenantSecret
from journal.tenant_secret_check import WrongSecretError, check_secret
from journal.tenants import Logs
from projections.customer.reading.finding import VIEW
from projections.customer.shown import moment
from projections.generations import live_generation
from projections.lags import ProjectionLag, projection_lags

_APPLIED = "SELECT room || '/' || name FROM public.vinculo_migration"
_ROOMS = ("journal", "projections", "api")
_SERVICE_UNAVAILABLE = 503

Check = Literal["ok", "away", "behind", "absent", "stopped", "wrong", "unknown"]


class Health(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["alive"]


class Readiness(msgspec.Struct, frozen=True):
    """Whether requests can be answered, and if not, why.

    Args:
        ready: whether all checks are ok.
        database: ok, or away.
        migrations: ok, or behind: run ``vinculo migrate``.
        projection: ok, or absent: start the projecting worker.
        intake: ok, or stopped: start the process again.
        ledger: ok, or stopped: start the process again.
        secret: ok, or wrong: the tenant's log was begun with another one.

    """

    ready: bool
    database: Check
    migrations: Check
    projection: Check
    intake: Check
    ledger: Check
    secret: Check


class ProjectionsDocument(msgspec.Struct, frozen=True):
    """How far the views are.

    Args:
        as_of: the instant of the answer.
        projections: every generation that is live or being built.
        earning: how far points are earned; null where no earning worker has ever begun.

    """

    as_of: datetime
    projections: list[ProjectionLag]
    earning: EarningLag | None


async def tell_health(call: Call) -> Answer:  # noqa: ARG001 - every handler takes a call
    """Say that the process is alive."""
    return json_answer(Health("alive"))


async def tell_readiness(call: Call) -> Answer:
    """Say whether requests can be answered."""
    readiness = await _readiness(call.services)
    return json_answer(readiness, status=200 if readiness.ready else _SERVICE_UNAVAILABLE)


async def tell_projections(call: Call) -> Answer:
    """Tell how far the views are."""
    services = call.services
    lags, earning = await _lags(services)
    return json_answer(ProjectionsDocument(moment(services.clock()), lags, earning))


async def tell_metrics(call: Call) -> Answer:
    """Tell figures in the text format of Prometheus."""
    services = call.services
    lags, earning = await _lags(services)
    lines = [
        *services.metrics.lines(), *_intake(services), *_ledger(services), *_projections(lags),
        *_earning(earning),
    ]  # fmt: skip
    return Answer(200, ("\n".join(lines) + "\n").encode(), METRICS_TYPE, NO_STORE)


def expected_migrations() -> set[str]:
    """Return the migrations that this version needs, as room and name."""
    return {
        f"{room}/{file.name}"
        for room in _ROOMS
        for file in files(room).joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    }


async def _readiness(services: Services) -> Readiness:
    intake: Check = "ok" if services.writer.alive else "stopped"
    ledger: Check = "ok" if services.ledger.alive else "stopped"
    try:
        looked = await services.desk.run(_look, services.logs, services.secret)
    except psycopg.Error:
        return Readiness(
            ready=False, database="away", migrations="unknown", projection="unknown",
            intake=intake, ledger=ledger, secret="unknown",  # noqa: S106 - the state of a check
        )  # fmt: skip
    running = intake == "ok" and ledger == "ok"
    ready = looked.migrated and looked.projected and looked.compared == "ok" and running
    return Readiness(
        ready=ready,
        database="ok",
        migrations="ok" if looked.migrated else "behind",
        projection="ok" if looked.projected else "absent",
        intake=intake,
        ledger=ledger,
        secret=looked.compared,
    )


class _Looked(msgspec.Struct, frozen=True):
    migrated: bool
    projected: bool
    compared: Check


def _look(connection: psycopg.Connection, logs: Logs, secret: TenantSecret) -> _Looked:
    applied = {name for (name,) in connection.execute(_APPLIED)}
    projected = live_generation(connection, logs.facts, VIEW) is not None
    return _Looked(
        expected_migrations() <= applied, projected, _compared(connection, logs.facts, secret)
    )


def _compared(connection: psycopg.Connection, log_id: int, secret: TenantSecret) -> Check:
    try:
        check_secret(connection, log_id, secret)
    except WrongSecretError:
        return "wrong"
    return "ok"


async def _lags(services: Services) -> tuple[list[ProjectionLag], EarningLag | None]:
    asked = services.logs, services.clock(), services.settings.limits.stuck_seconds
    return await services.desk.run(_look_at_lags, *asked)


def _look_at_lags(
    connection: psycopg.Connection, logs: Logs, now: int, stuck_seconds: float
) -> tuple[list[ProjectionLag], EarningLag | None]:
    lags = projection_lags(connection, logs, now, stuck_seconds)
    return lags, earning_lag(connection, logs, now, stuck_seconds)


def _intake(services: Services) -> list[str]:
    writer = services.writer
    waiting, batches = "vinculo_intake_events_waiting", "vinculo_intake_batches_total"
    return [
        *plain(waiting, "Events that wait for the writer.", writer.waiting, "gauge"),
        *plain(batches, "Transactions of the writer.", writer.batches),
        *plain("vinculo_intake_events_total", "Events that were written.", writer.events),
    ]


def _ledger(services: Services) -> list[str]:
    ledger = services.ledger
    waiting, batches = "vinculo_ledger_orders_waiting", "vinculo_ledger_batches_total"
    return [
        *plain(waiting, "Orders that wait for the ledger's writer.", ledger.waiting, "gauge"),
        *plain(batches, "Transactions of the ledger's writer.", ledger.batches),
    ]


def _earning(lag: EarningLag | None) -> list[str]:
    if lag is None:
        return []
    stuck = int(lag.progress == "stuck")
    name = "vinculo_earning"
    return [
        *plain(f"{name}_position", "Up to which fact points are earned.", lag.facts_position,
               "gauge"),
        *plain(f"{name}_lag_events", "Facts that wait.", lag.lag_events, "gauge"),
        *plain(f"{name}_lag_seconds", "How long the oldest has waited.", lag.lag_seconds, "gauge"),
        *plain(f"{name}_stuck", "Whether nothing is judged though facts wait.", stuck, "gauge"),
    ]  # fmt: skip


def _projections(lags: Iterable[ProjectionLag]) -> list[str]:
    lags = list(lags)

    def samples(name: str) -> list[Sample]:
        return [
            ({"view": one.view, "generation": str(one.generation)}, float(getattr(one, name)))
            for one in lags
        ]

    stuck: list[Sample] = [
        ({"view": one.view, "generation": str(one.generation)}, int(one.progress == "stuck"))
        for one in lags
    ]
    position = "vinculo_projection_position"
    return [
        *family(position, "gauge", "Up to where it has read.", samples("facts_position")),
        *family("vinculo_projection_lag_events", "gauge", "Facts that wait.",
                samples("lag_events")),
        *family("vinculo_projection_lag_seconds", "gauge", "How long the oldest has waited.",
                samples("lag_seconds")),
        *family("vinculo_projection_stuck", "gauge", "Whether it reads nothing though facts wait.",
                stuck),
    ]  # fmt: skip
