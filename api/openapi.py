"""The description of this API, OpenAPI 3.1: made of the endpoints and their types, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec

from api.answers import Answer
from api.calls import Call
from api.endpoints import Content, Endpoint, Reply
from api.keys import SCOPES
from api.problems import ProblemDocument

VERSION = "1.0.0"
"""Of the API; within v1 members are only added."""

_PATH_PARAMETER = re.compile(r"\{(\w+)\}")
_UUID = {"type": "string", "format": "uuid"}
_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "code": {"type": "string", "minLength": 1, "maxLength": 100, "examples": ["club"]},
    "version": {"type": "string", "minLength": 1, "maxLength": 40, "examples": ["2026-1"]},
}
"""Of parameters in paths that are no UUIDs."""
_REFERENCE = "#/components/schemas/{name}"
_COMMON_PROBLEMS = (400, 503)
_KEY_PROBLEMS = (401, 403)
_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Vinculo-Position": (
        "How far the answer has read: an RFC 9651 dictionary of integers.",
        {"type": "string", "examples": ["facts=412998, decisions=10233"]},
    ),
    "Vinculo-Absorbed": (
        "The id that was asked for, where it was absorbed by the customer that is answered.",
        {"type": "string", "format": "uuid"},
    ),
    "Content-Location": ("Where the answer's customer is.", {"type": "string"}),
    "ETag": ("Weak entity tag.", {"type": "string"}),
    "Idempotent-Replayed": (
        "'true' where the answer was given before under the same Idempotency-Key.",
        {"type": "string", "enum": ["true"]},
    ),
}

Types = dict[int, dict[str, Any]]


def describe(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Return the description as plain JSON values."""
    listed = list(endpoints)
    schemas, components = _schemas(listed)
    paths: dict[str, Any] = {}
    for endpoint in listed:
        operation = _operation(endpoint, schemas)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Vínculo",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": one} for one in dict.fromkeys(each.family for each in listed)],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": {
                name: {"description": meaning, "schema": schema}
                for name, (meaning, schema) in _HEADERS.items()
            },
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"An API key. Scopes: {', '.join(SCOPES)}.",
                }
            },
        },
    }


def export(endpoints: Iterable[Endpoint]) -> bytes:
    """Return the description as the file that is committed and served."""
    encoded = msgspec.json.encode(describe(endpoints))
    return msgspec.json.format(encoded, indent=2) + b"\n"


async def tell_openapi(call: Call) -> Answer:
    """Tell the description."""
    return Answer(200, call.scope["app"].state.openapi)


def _schemas(endpoints: list[Endpoint]) -> tuple[Types, dict[str, Any]]:
    """Return the schema of every type by its identity, and the components they refer to."""
    types: list[Any] = [ProblemDocument]
    for endpoint in endpoints:
        contents = list(endpoint.bodies)
        for reply in endpoint.replies.values():
            contents += reply.contents
        types += [one.schema for one in contents if not isinstance(one.schema, dict)]
        types += [one.other for one in contents if one.other is not None]
    made, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    return {id(kind): schema for kind, schema in zip(types, made, strict=True)}, components


def _operation(endpoint: Endpoint, schemas: Types) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.family],
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "parameters": _parameters(endpoint),
        "responses": _responses(endpoint, schemas),
        "security": [{"key": list(endpoint.scopes)}] if endpoint.scopes else [],
    }
    if endpoint.bodies:
        operation["requestBody"] = {
            "required": endpoint.body_required,
            "content": _contents(endpoint.bodies, schemas),
        }
    return operation


def _description(endpoint: Endpoint) -> str:
    sentences = [endpoint.description] if endpoint.description else []
    if endpoint.scopes:
        sentences.append(f"Needs a key with the scope {' or '.join(endpoint.scopes)}.")
    if endpoint.also:
        sentences.append(f"Some parameters need {', '.join(endpoint.also)} as well.")
    return " ".join(sentences)


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _PATH_SCHEMAS.get(name, _UUID),
        }
        for name in _PATH_PARAMETER.findall(endpoint.path)
    ]
    parameters += [
        {"name": one.name, "in": "query", "description": one.meaning, "schema": one.schema}
        for one in endpoint.parameters
    ]
    if endpoint.positioned:
        meaning = "Wait until the answer has read at least so far, in either log."
        parameters.append(_header("Vinculo-Min-Position", meaning))
    if endpoint.conditional:
        parameters.append(_header("If-None-Match", "Entity tags of documents at hand."))
    if endpoint.keyed:
        meaning = (
            "A key of its own for every request, such as a random UUID in quotation marks. The "
            "same request under the same key is carried out once and answered the same again, "
            "with Idempotent-Replayed; another one under it is refused (422)."
        )
        parameters.append({**_header("Idempotency-Key", meaning), "required": True})
    return parameters


def _header(name: str, meaning: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}


def _responses(endpoint: Endpoint, schemas: Types) -> dict[str, Any]:
    responses = {
        str(status): _response(reply, schemas) for status, reply in endpoint.replies.items()
    }
    problems = {*_COMMON_PROBLEMS, *endpoint.problems, *(_KEY_PROBLEMS if endpoint.scopes else ())}
    for status in sorted(problems - endpoint.replies.keys()):
        responses[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}; the detail says what to do.",
            "content": {"application/problem+json": {"schema": schemas_of_problem()}},
        }
    return dict(sorted(responses.items()))


def schemas_of_problem() -> dict[str, str]:
    """Return the reference to the schema of problems."""
    return {"$ref": _REFERENCE.format(name=ProblemDocument.__name__)}


def _response(reply: Reply, schemas: Types) -> dict[str, Any]:
    response: dict[str, Any] = {"description": reply.meaning}
    if reply.contents:
        response["content"] = _contents(reply.contents, schemas)
    if reply.headers:
        response["headers"] = {
            name: {"$ref": f"#/components/headers/{name}"} for name in reply.headers
        }
    return response


def _contents(contents: tuple[Content, ...], schemas: Types) -> dict[str, Any]:
    return {one.media_type: {"schema": _schema(one, schemas)} for one in contents}


def _schema(content: Content, schemas: Types) -> dict[str, Any]:
    if isinstance(content.schema, dict):
        return content.schema
    schema = schemas[id(content.schema)]
    return schema if content.other is None else {"anyOf": [schema, schemas[id(content.other)]]}


_ABOUT = (
    "Customers as the facts make them, and the facts themselves. Every answer about customers says "
    "how far it has read (Vinculo-Position); problems are application/problem+json and say what "
    "was expected, what was found and what to do."
)
