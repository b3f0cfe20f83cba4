"""Simulations over HTTP: a what-if is begun, asked how far it has come, read, cancelled."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date

import msgspec

from api.answers import Answer, json_answer
from api.calls import Call
from api.parameters import Parameter
from api.problems import not_found, problem_answer
from domain.earning.scenario import decode_scenario
from domain.instants import day_of
from domain.programmes.faults import UnsoundRulesError
from domain.programmes.format import FormatError
from projections.customer.shown import uuid_text
from projections.whatif.report import WhatIf
from projections.whatif.running import ScenarioError
from projections.whatif.simulations import Simulation, State

_ACCEPTED, _UNPROCESSABLE, _CONFLICT = 202, 422, 409


def _day(text: str) -> int:
    try:
        return day_of(date.fromisoformat(text))
    except ValueError:
        message = "a date, such as 2026-03-01"
        raise ValueError(message) from None


_decode_report = msgspec.json.Decoder(WhatIf).decode

BEGINS = Parameter(
    name="from",
    meaning="A business day: the versions of the scenario hold from its first instant on.",
    schema={"type": "string", "format": "date"},
    read=_day,
)


class SimulationDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation.

    Args:
        id: a UUID.
        programme: its code.
        asked_by: the holder of the key.
        state: running, done, failed or cancelled.
        facts: position in the facts log up to which it has come.
        decisions: position in the decisions log up to which it has come.
        decisions_total: where that ends.
        accounts: that are replayed so far.
        failure: why it failed, empty otherwise.
        digest: SHA-256 of the report's canonical JSON, once it is done.
        report: truth beside hypothesis, once it is done.

    """

    id: str
    programme: str
    asked_by: str
    state: State
    facts: int
    decisions: int
    decisions_total: int
    accounts: int
    failure: str = ""
    digest: str | None = None
    report: WhatIf | None = None


async def begin_simulation(call: Call) -> Answer:
    """Begin a simulation; one runs at a time."""
    services = call.services
    begins = call.parameters().get("from")
    body = await call.body(services.settings.limits.body_bytes_max)
    code = call.scope["path_params"]["code"]
    known = await services.desk.run(services.programmes)
    if known.programme(code) is None:
        raise not_found("the code of a programme", "see /v1/programmes")
    try:
        scenario = decode_scenario(body)
        start = None if begins is None else services.settings.context.calendar.start(begins)
        simulation_id = await asyncio.to_thread(
            services.simulations.begin, code, scenario, start, call.holder_name
        )
    except FormatError as error:
        return problem_answer(_UNPROCESSABLE, "misfit_scenario", str(error))
    except UnsoundRulesError as error:
        return problem_answer(_UNPROCESSABLE, "unsound_rules", str(error), faults=error.faults)
    except ScenarioError as error:
        return problem_answer(_UNPROCESSABLE, "other_programme", str(error))
    if simulation_id is None:
        detail = "expected no simulation to be running, found one; wait for it, or cancel it"
        return problem_answer(_CONFLICT, "simulation_running", detail)
    return json_answer(await _document(call, simulation_id), status=_ACCEPTED)


async def read_simulation(call: Call) -> Answer:
    """Tell how far a simulation has come, and its report."""
    return json_answer(await _document(call, call.uuid("simulation_id")))


async def cancel_simulation(call: Call) -> Answer:
    """Cancel a simulation; one that has ended stays as it is."""
    simulation_id = call.uuid("simulation_id")
    code = call.scope["path_params"]["code"]
    await asyncio.to_thread(call.services.simulations.cancel, simulation_id, code)
    return json_answer(await _document(call, simulation_id))


async def _document(call: Call, simulation_id: bytes) -> SimulationDocument:
    services = call.services
    code = call.scope["path_params"]["code"]
    read = services.simulations.simulations.read
    found: Simulation | None = await services.desk.run(read, simulation_id, code)
    if found is None:
        raise not_found("the id of a simulation of this programme", "begin another one")
    report = found.report
    return SimulationDocument(
        id=uuid_text(found.simulation_id),
        programme=found.programme,
        asked_by=found.asked_by,
        state=found.state,
        facts=found.facts,
        decisions=found.decisions,
        decisions_total=found.decisions_total,
        accounts=found.accounts,
        failure=found.failure,
        digest=None if report is None else hashlib.sha256(report).hexdigest(),
        report=None if report is None else _decode_report(report),
    )
