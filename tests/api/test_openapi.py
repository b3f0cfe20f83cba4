"""The description: valid, complete, and true of what is answered."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.application import create_app, endpoints_of
from api.openapi import export
from api.settings import ApiLimits
from tests.api.business import CONTEXT, customer_id_of
from tests.api.server import Api

DESCRIPTION: dict[str, Any] = json.loads(export(endpoints_of(ApiLimits(), CONTEXT)))
OPERATIONS = [
    (path, method, operation)
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
]


def everything(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)


def resolve(reference: str) -> Any:
    found: Any = DESCRIPTION
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def schemas() -> Iterator[dict[str, Any]]:
    yield from DESCRIPTION["components"]["schemas"].values()
    for one in everything(DESCRIPTION["paths"]):
        if isinstance(one.get("schema"), dict):
            yield one["schema"]


def test_it_is_openapi_3_1_with_a_licence_and_a_security_scheme() -> None:
    assert "3.1.0" == DESCRIPTION["openapi"]
    assert {"title", "version", "description", "license"} <= DESCRIPTION["info"].keys()
    assert ["key"] == list(DESCRIPTION["components"]["securitySchemes"])


def test_every_reference_leads_somewhere() -> None:
    references = [one["$ref"] for one in everything(DESCRIPTION) if "$ref" in one]
    assert references
    for reference in references:
        assert resolve(reference)


def test_every_schema_is_a_json_schema_of_2020_12() -> None:
    for schema in schemas():
        Draft202012Validator.check_schema(schema)
    for name in DESCRIPTION["components"]["schemas"]:
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)


def test_operations_have_names_of_their_own_and_document_their_parts() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    for path, _, operation in OPERATIONS:
        assert operation["summary"]
        in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert set(re.findall(r"\{(\w+)\}", path)) == in_path
        pairs = [(one["name"], one["in"]) for one in operation["parameters"]]
        assert len(pairs) == len(set(pairs))
        assert any(status.startswith("2") for status in operation["responses"])
        for status, response in operation["responses"].items():
            assert 100 <= int(status) <= 599
            assert response["description"]


def test_operations_that_ask_for_a_key_document_who_is_turned_away() -> None:
    for _, _, operation in OPERATIONS:
        turned = {"401", "403"} & operation["responses"].keys()
        assert ({"401", "403"} if operation["security"] else set()) == turned


def test_every_route_is_described_and_every_described_route_is_there(shared_api: Api) -> None:
    served = shared_api.client_with(None).get("/v1/openapi.json")
    assert DESCRIPTION == served.json()
    application = create_app(shared_api.business.settings())
    routed = {route.path for route in application.routes}
    described = {path for path in DESCRIPTION["paths"] if not path.startswith("/v1/")}
    assert described == routed
    for path, method, _ in OPERATIONS:
        address = re.sub(r"\{\w+\}", customer_id_of("crm:1"), path)
        response = shared_api.client().request(method.upper(), address)
        assert response.status_code != 405
        assert "no_such_route" not in response.text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/{customer_id}",
        "/v1/customers/{customer_id}/timeline",
        "/v1/customers/{customer_id}/lifecycle",
        "/v1/customers/{customer_id}/accounts",
        "/v1/customers",
        "/v1/intake/accounts",
        "/v1/intake/rejected",
        "/v1/programmes",
        "/v1/projections",
        "/healthz",
        "/readyz",
    ],
)
def test_answers_are_what_is_described(shared_api: Api, path: str) -> None:
    for subject in ("crm:1", "crm:2", "receipt:7"):
        response = shared_api.get(path.format(customer_id=customer_id_of(subject)))
        described = DESCRIPTION["paths"][path]["get"]["responses"]["200"]
        schema = described["content"]["application/json"]["schema"]
        whole = {**schema, "components": DESCRIPTION["components"]}
        Draft202012Validator(whole).validate(response.json())
        for name in described.get("headers", ()):
            if name not in {"Vinculo-Absorbed", "Content-Location"}:
                assert name in response.headers


def test_problems_are_what_is_described(shared_api: Api) -> None:
    schema = {
        "$ref": "#/components/schemas/ProblemDocument",
        "components": DESCRIPTION["components"],
    }
    for response in (
        shared_api.get("/v1/customers/x"),
        shared_api.client_with("x").get("/v1/customers"),
    ):
        Draft202012Validator(schema).validate(response.json())


def test_the_personal_document_is_what_is_described(shared_api: Api) -> None:
    operation = DESCRIPTION["paths"]["/v1/customers/{customer_id}"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    client = shared_api.client("read", "read_personal")
    response = client.get(f"/v1/customers/{customer_id_of('crm:1')}?personal=true")
    whole = {**schema, "components": DESCRIPTION["components"]}
    Draft202012Validator(whole).validate(response.json())
    assert response.json()["personal"]["profile"]
