"""Simulations over HTTP: begun, followed, read, cancelled; balances stay as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, cast
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from api.settings import ApiLimits, ApiSettings
from domain.earning.scenario import Scenario
from domain.programmes.format import encode_version
from projections.whatif.running import WhatIfRun
from tests.api.business import Business
from tests.api.server import Api, problem
from tests.engine import CONTEXT, DEMO_SOURCES
from tests.projections.whatif_business import CLUB, LASTING, STATUS, WhatIfBusiness
from tests.servers import Databases

POORER = replace(CLUB, version="poorer", caps=(), rules=(STATUS,))
PATH = "/v1/programmes/club/simulations"
WAIT_SECONDS = 60


class _Lived:
    """A business that has lived, as the test's server wants it."""

    def __init__(self, lived: WhatIfBusiness) -> None:
        self.lived = lived
        self.url = lived.engine.conninfo
        found = lived.engine.connection.execute("SELECT tenant FROM journal.log").fetchone()
        assert found is not None
        self.tenant: str = found[0]

    def settings(self, limits: ApiLimits | None = None) -> ApiSettings:
        return ApiSettings(
            conninfo=self.url,
            tenant=self.tenant,
            secret=b"a secret of the tests, 32 bytes.",
            sources=DEMO_SOURCES,
            context=CONTEXT,
            limits=limits or ApiLimits(),
        )


@pytest.fixture(scope="module")
def business(databases: Databases) -> Iterator[_Lived]:
    """A business that has lived; the tests only ask."""
    with databases.fresh() as url:
        lived = WhatIfBusiness(url, 10, 25)
        lived.live()
        yield _Lived(lived)
        lived.engine.close()


@pytest.fixture(scope="module")
def client(business: _Lived) -> Iterator[httpx.Client]:
    """Somebody who may publish rules."""
    with Api(cast("Business", business)) as api:
        yield api.client_with(api.token("publish_rules", tenant=business.tenant))


def _ended(client: httpx.Client, simulation: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_SECONDS
    while simulation["state"] == "running":
        assert time.monotonic() < deadline, simulation
        time.sleep(0.1)
        response = client.get(f"{PATH}/{simulation['id']}")
        assert 200 == response.status_code, response.text
        simulation = response.json()
    return simulation


def test_a_simulation_is_begun_followed_and_read_and_no_balance_moves(
    client: httpx.Client, business: _Lived
) -> None:
    before = business.lived.rows()
    response = client.post(PATH, content=encode_version(POORER))
    assert 202 == response.status_code, response.text
    assert "running" == response.json()["state"]
    done = _ended(client, response.json())
    assert ("done", "") == (done["state"], done["failure"])
    assert done["decisions"] == done["decisions_total"] > 100
    [points, _status] = done["report"]["totals"]
    assert 0 == points["hypothesis"]["issued"] < points["truth"]["issued"]
    assert before == business.lived.rows()


def test_it_tells_what_the_command_line_tells(client: httpx.Client, business: _Lived) -> None:
    begun = client.post(PATH, content=msgspec.json.encode(Scenario(versions=(POORER,)))).json()
    done = _ended(client, begun)
    engine = business.lived.engine
    scenario = Scenario(versions=(POORER,))
    report = WhatIfRun(engine.conninfo, engine.logs, CONTEXT.calendar, scenario).run()
    assert json.loads(msgspec.json.encode(report)) == done["report"]


def test_versions_begin_on_the_day_that_is_asked_for(client: httpx.Client) -> None:
    begun = client.post(f"{PATH}?from=2025-06-01", content=encode_version(POORER)).json()
    report = _ended(client, begun)["report"]
    assert 1_748_728_800_000_000 == report["question"]["begins"]
    problem(client.post(f"{PATH}?from=someday", content=b"{}"), 400, "bad_parameter")


def test_one_runs_at_a_time_and_may_be_cancelled(client: httpx.Client, business: _Lived) -> None:
    with psycopg.connect(business.url) as holding:
        holding.execute("LOCK TABLE ledger.sale IN ACCESS EXCLUSIVE MODE")  # it reads that
        first = client.post(PATH, content=b"{}").json()
        assert "running" == first["state"]
        problem(client.post(PATH, content=b"{}"), 409, "simulation_running")
        gone = client.delete(f"{PATH}/{first['id']}")
        assert (200, "cancelled") == (gone.status_code, gone.json()["state"])
    assert "cancelled" == _ended(client, first)["state"]
    deadline = time.monotonic() + WAIT_SECONDS
    while (again := client.post(PATH, content=b"{}")).status_code == 409:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    done = _ended(client, again.json())
    assert "done" == done["state"]
    assert "done" == client.delete(f"{PATH}/{done['id']}").json()["state"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"[]", "misfit_scenario"),
        (b'{"versions": 1}', "misfit_scenario"),
        (encode_version(LASTING), "other_programme"),
        (encode_version(replace(POORER, tiers=None, caps=CLUB.caps)), "unsound_rules"),
    ],
)
def test_what_is_no_scenario_is_refused(client: httpx.Client, content: bytes, code: str) -> None:
    problem(client.post(PATH, content=content), 422, code)


def test_what_does_not_exist_is_not_found(client: httpx.Client) -> None:
    problem(client.get(f"{PATH}/{uuid4()}"), 404, "not_found")
    problem(client.delete(f"{PATH}/{uuid4()}"), 404, "not_found")
    problem(client.post("/v1/programmes/nobody/simulations", content=b"{}"), 404, "not_found")
    begun = client.post(PATH, content=b"{}").json()
    other = PATH.replace("club", "lasting")
    problem(client.get(f"{other}/{begun['id']}"), 404, "not_found")
    _ended(client, begun)
