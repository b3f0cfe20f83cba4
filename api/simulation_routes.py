"""The routes of simulations."""

from __future__ import annotations

from api import simulations
from api.endpoints import Content, Endpoint, json_reply
from api.keys import Scope
from api.simulations import SimulationDocument
from domain.earning.scenario import Scenario
from domain.programmes.format import ProgrammeVersion

_ASKERS: tuple[Scope, ...] = ("publish_rules", "approve", "audit")
_SIMULATIONS = "/v1/programmes/{code}/simulations"
_SIMULATION = f"{_SIMULATIONS}/{{simulation_id}}"


def simulation_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of simulations."""
    return (
        Endpoint(
            method="POST",
            path=_SIMULATIONS,
            name="beginSimulation",
            family="programmes",
            summary="Replay the whole history under other rules",
            description="Takes a version of the programme, or a scenario of several versions, "
            "conversions and an end; an empty one replays the rules that were in force. Balances "
            "are left alone. One simulation runs at a time (409, simulation_running); the latest "
            "20 are kept.",
            scopes=_ASKERS,
            parameters=(simulations.BEGINS,),
            bodies=(Content("application/json", Scenario, ProgrammeVersion),),
            replies={202: json_reply("It is running.", SimulationDocument)},
            problems=(404, 408, 409, 413, 422),
            handler=simulations.begin_simulation,
        ),
        Endpoint(
            method="GET",
            path=_SIMULATION,
            name="readSimulation",
            family="programmes",
            summary="How far a simulation has come, and its report",
            scopes=_ASKERS,
            replies={200: json_reply("As told.", SimulationDocument)},
            problems=(404,),
            handler=simulations.read_simulation,
        ),
        Endpoint(
            method="DELETE",
            path=_SIMULATION,
            name="cancelSimulation",
            family="programmes",
            summary="Cancel a simulation",
            description="One that has ended stays as it is.",
            scopes=_ASKERS,
            replies={200: json_reply("As it is now.", SimulationDocument)},
            problems=(404,),
            handler=simulations.cancel_simulation,
        ),
    )
