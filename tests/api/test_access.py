"""Who may do what: keys, scopes, tenants, over every route there is."""

import time
from contextlib import closing

import psycopg
import pytest
import structlog.testing

from api.application import endpoints_of
from api.endpoints import Endpoint
from api.keys import SCOPES, create_key, has_keys, list_keys, revoke_key
from api.serving import OpenToOthersError, check_address, is_loopback
from api.settings import ApiLimits
from domain.errors import VinculoError
from tests.api.business import CONTEXT, TENANT, Business, customer_id_of
from tests.api.server import Api, problem

ENDPOINTS = endpoints_of(ApiLimits(), CONTEXT)
GUARDED = [endpoint for endpoint in ENDPOINTS if endpoint.scopes]


def named(endpoint: Endpoint) -> str:
    return endpoint.name


def path_of(endpoint: Endpoint) -> str:
    """An address of the route, with ids of something that exists where that is possible."""
    return endpoint.path.format(
        customer_id=customer_id_of("crm:1"),
        receipt="00000000-0000-8000-8000-000000000000",
        code="club",
        version="2026-1",
        account_id="00000000-0000-8000-8000-000000000000",
        simulation_id="00000000-0000-8000-8000-000000000000",
        redemption_id="00000000-0000-8000-8000-000000000000",
        adjustment_id="00000000-0000-8000-8000-000000000000",
    )


@pytest.mark.parametrize("endpoint", GUARDED, ids=named)
def test_nothing_is_told_without_a_key_of_this_tenant(shared_api: Api, endpoint: Endpoint) -> None:
    stranger = shared_api.token(*SCOPES, tenant="another")
    forged = "vinculo_" + "A" * 43
    for token in (None, "x", forged, stranger, stranger[:-1], f"{forged}A"):
        client = shared_api.client_with(token)
        response = client.request(endpoint.method, path_of(endpoint))
        told = problem(response, 401, "no_key")
        assert "Bearer" in response.headers["www-authenticate"]
        assert "vinculo keys create" in told["detail"]
    basic = shared_api.client_with(None).request(
        endpoint.method, path_of(endpoint), headers={"Authorization": "Basic eDp5"}
    )
    problem(basic, 401, "no_key")


@pytest.mark.parametrize("endpoint", GUARDED, ids=named)
def test_a_key_opens_what_its_scopes_name_and_nothing_else(
    shared_api: Api, endpoint: Endpoint
) -> None:
    for scope in SCOPES:
        response = shared_api.client(scope).request(endpoint.method, path_of(endpoint))
        if scope in endpoint.scopes:
            assert response.status_code not in {401, 403, 405, 500}
        else:
            told = problem(response, 403, "wrong_scope")
            assert f"found one with {scope}" in told["detail"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_other_methods_are_refused_with_those_allowed(shared_api: Api, endpoint: Endpoint) -> None:
    allowed = {one.method for one in ENDPOINTS if one.path == endpoint.path}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    response = shared_api.client().request("PATCH", path_of(endpoint))
    problem(response, 405, "method_not_allowed")
    assert allowed == set(response.headers["allow"].split(", "))


def test_head_is_answered_as_get_without_the_body(shared_api: Api) -> None:
    path = f"/v1/customers/{customer_id_of('crm:1')}"
    head, get = shared_api.client().head(path), shared_api.get(path)
    assert (200, b"", get.headers["etag"]) == (head.status_code, head.content, head.headers["etag"])


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/openapi.json"])
def test_health_and_description_ask_for_no_key(shared_api: Api, path: str) -> None:
    assert 200 == shared_api.client_with(None).get(path).status_code


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/nothing", "/v1/customers/x/y/z", "/v1x"])
def test_no_route_is_a_problem_too(shared_api: Api, path: str) -> None:
    problem(shared_api.get(path), 404, "no_such_route")


def test_a_revoked_key_opens_nothing_after_a_moment(api: Api) -> None:
    with closing(psycopg.connect(api.business.url, autocommit=True)) as owner:
        key = create_key(owner, TENANT, "somebody", ["read"])
        client = api.client_with(key.token)
        assert 200 == client.get("/v1/customers").status_code
        assert revoke_key(owner, TENANT, key.key_id)
        assert not revoke_key(owner, TENANT, key.key_id)
    deadline = time.monotonic() + 60
    while client.get("/v1/customers").status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    problem(client.get("/v1/customers"), 401, "no_key")


def test_keys_are_listed_by_holder_and_kept_as_hashes(business: Business) -> None:
    with closing(psycopg.connect(business.url, autocommit=True)) as owner:
        assert not has_keys(owner, TENANT)
        first = create_key(owner, TENANT, " Till 4 ", ["read", "publish"])
        second = create_key(owner, TENANT, "Ana Gil", ["operate"])
        create_key(owner, "another", "Eve", ["read"])
        listed = list_keys(owner, TENANT)
        assert [("Ana Gil", ("operate",)), ("Till 4", ("publish", "read"))] == [
            (one.holder, one.scopes) for one in listed
        ]
        assert [second.key_id, first.key_id] == [one.key_id for one in listed]
        stored = owner.execute("SELECT k::text FROM access.api_key k").fetchall()
        assert first.token[8:] not in str(stored)
        revoke_key(owner, TENANT, first.key_id)
        assert [None] == [one.revoked_at for one in list_keys(owner, TENANT)][:1]
        assert list_keys(owner, TENANT)[1].revoked_at is not None


@pytest.mark.parametrize(
    ("holder", "scopes"), [("", ["read"]), (" ", ["read"]), ("a\n", ["read"]), ("a", []),
                           ("a", ["root"]), ("x" * 201, ["read"])],
)  # fmt: skip
def test_a_key_names_its_holder_and_known_scopes(
    business: Business, holder: str, scopes: list[str]
) -> None:
    with (
        closing(psycopg.connect(business.url, autocommit=True)) as owner,
        pytest.raises(VinculoError, match="expected"),
    ):
        create_key(owner, TENANT, holder, scopes)


def test_the_application_role_can_make_no_key(business: Business) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        create_key(business.connection, TENANT, "Eve", ["operate"])


def test_an_address_open_to_others_wants_a_key_first(business: Business) -> None:
    settings = business.settings()
    check_address(settings, "127.0.0.1")
    for host in ("0.0.0.0", "::", "192.0.2.7", "shop.example"):  # noqa: S104 - is refused
        with pytest.raises(OpenToOthersError, match="vinculo keys create"):
            check_address(settings, host)
    with closing(psycopg.connect(business.url, autocommit=True)) as owner:
        create_key(owner, TENANT, "Ana Gil", ["read"])
    check_address(settings, "0.0.0.0")  # noqa: S104 - somebody holds a key now


def test_loopback_is_told_from_other_addresses() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "::", "example.test")))  # noqa: S104


def test_settings_show_no_secret(business: Business) -> None:
    settings = business.settings()
    assert str(settings.secret) not in repr(settings)
    assert business.url not in repr(settings)


def test_a_defect_is_told_without_its_message_and_logged_by_its_place(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        message = "ana@home.test"
        raise RuntimeError(message)

    monkeypatch.setattr("api.directory.customers_of", broken)
    with structlog.testing.capture_logs() as logs:
        response = api.post("/v1/customers/lookup", json={"identifiers": ["email:ana@home.test"]})
    assert "ana" not in str(problem(response, 500, "failed"))
    failed = [one for one in logs if one["event"] == "request.failed"]
    assert 1 == len(failed)
    assert "RuntimeError" == failed[0]["error"]
    assert "ana" not in str(logs)
    assert any("test_access.py" in place for place in failed[0]["at"])
