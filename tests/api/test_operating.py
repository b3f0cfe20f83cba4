"""Health, readiness, lag and figures."""

import re
import time
from datetime import UTC, datetime

import psycopg

from api.operating import expected_migrations
from api.settings import ApiLimits
from domain.cloudevent import STRUCTURED_TYPE
from tests.api.business import Business, customer_id_of, purchase
from tests.api.server import Api, problem


def test_a_ready_process_says_so(api: Api) -> None:
    response = api.client_with(None).get("/readyz")
    assert 200 == response.status_code
    ready = dict.fromkeys(
        ("database", "migrations", "projection", "intake", "ledger", "secret"), "ok"
    )
    assert {"ready": True, **ready} == response.json()


def test_a_view_that_was_never_begun_is_not_ready(business: Business, api: Api) -> None:
    business.connection.execute("UPDATE view.view_generation SET state = 'retired'")
    response = api.client_with(None).get("/readyz")
    assert (503, "absent") == (response.status_code, response.json()["projection"])


def test_a_schema_behind_this_version_is_not_ready(business: Business, api: Api) -> None:
    with psycopg.connect(business.url) as owner:
        owner.execute("DELETE FROM public.vinculo_migration WHERE room = 'api'")
    response = api.client_with(None).get("/readyz")
    assert (503, "behind") == (response.status_code, response.json()["migrations"])
    assert "api/0001_access.sql" in expected_migrations()


def test_a_log_that_was_begun_with_another_secret_is_not_ready(
    business: Business, api: Api
) -> None:
    with psycopg.connect(business.url) as owner:
        changed = owner.execute("UPDATE subject.secret_fingerprint SET fingerprint = '\\x00'")
        assert 1 == changed.rowcount
    response = api.client_with(None).get("/readyz")
    assert (503, "wrong") == (response.status_code, response.json()["secret"])


def test_lagging_is_told_from_stuck_and_from_current(business: Business) -> None:
    with Api(business, ApiLimits(stuck_seconds=3)) as api:

        def lag() -> dict[str, object]:
            found: dict[str, object] = api.get("/v1/projections").json()["projections"][0]
            return found

        assert ("current", 0, 0.0) == tuple(
            lag()[name] for name in ("progress", "lag_events", "lag_seconds")
        )
        business.send(purchase("crm:1"), purchase("crm:2"))
        behind = lag()
        assert ("lagging", 2, 2) == tuple(
            behind[name] for name in ("progress", "lag_events", "facts_head")
        )
        deadline = time.monotonic() + 60
        while (stuck := lag())["progress"] == "lagging":
            assert time.monotonic() < deadline, "expected to be told that it is stuck"
            time.sleep(0.1)
        assert "stuck" == stuck["progress"]
        assert isinstance(stuck["lag_seconds"], float)
        assert stuck["lag_seconds"] >= 3
        business.project()
        assert ("current", 2) == tuple(lag()[name] for name in ("progress", "facts_position"))


def test_the_horizon_is_told(business: Business, api: Api) -> None:
    assert api.get("/v1/projections").json()["projections"][0]["horizon"] is None
    to = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    business.advance_time(to)
    told = api.get("/v1/projections").json()["projections"][0]
    assert "2026-01-02T03:04:05Z" == told["horizon"]
    assert 1 == told["decisions_position"]


def test_figures_are_in_the_text_format_of_prometheus(business: Business, api: Api) -> None:
    body = b"{}"
    api.post("/v1/touchpoints", content=body, headers={"Content-Type": STRUCTURED_TYPE})
    business.send(purchase("crm:1"))
    api.get(f"/v1/customers/{customer_id_of('crm:404')}")
    response = api.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r'[a-z_]+(\{([a-z]+="[^"\n]*",?)+\})? [0-9.e+-]+\Z')
    figures = {}
    for line in response.text.splitlines():
        if not line.startswith("#"):
            assert sample.match(line), line
            name, _, value = line.rpartition(" ")
            figures[name] = float(value)
    route = 'route="/v1/customers/{customer_id}"'
    assert 1 == figures[f'vinculo_http_requests_total{{{route},status="404"}}']
    assert 1 == figures[f'vinculo_http_request_seconds_bucket{{{route},le="+Inf"}}']
    assert 1 == figures["vinculo_intake_events_total"]
    assert 1 == figures['vinculo_projection_lag_events{view="customer",generation="1"}']
    assert customer_id_of("crm:404") not in response.text


def test_a_database_that_comes_back_is_used_again(business: Business, api: Api) -> None:
    path = f"/v1/customers/{customer_id_of('crm:1')}"
    headers = {"Content-Type": STRUCTURED_TYPE}
    problem(api.get(path), 404, "unknown_customer")
    api.post("/v1/touchpoints", content=b"{}", headers=headers)
    api.get("/v1/customers")
    with psycopg.connect(business.url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'vinculo api%' AND datname = current_database()"
        )
    assert 404 == api.get(path).status_code
    assert 200 == api.get("/v1/customers").status_code
    assert 422 == api.post("/v1/touchpoints", content=b"{}", headers=headers).status_code
    assert 200 == api.client_with(None).get("/readyz").status_code
