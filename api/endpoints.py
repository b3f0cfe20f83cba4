"""Endpoints: what each route is, in one struct from which routing, rights and OpenAPI follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from api.answers import Answer
from api.calls import Call
from api.keys import Scope
from api.parameters import Parameter

Handler = Callable[[Call], Awaitable[Answer]]


class Content(msgspec.Struct, frozen=True):
    """What a body holds.

    Args:
        media_type: of HTTP.
        schema: a type, from which a JSON Schema is made, or a JSON Schema.
        other: another type that it may hold instead.

    """

    media_type: str
    schema: Any
    other: type | None = None


class Reply(msgspec.Struct, frozen=True):
    """One of the answers of an endpoint.

    Args:
        meaning: for people.
        contents: empty if there is no body.
        headers: names of the headers it carries.

    """

    meaning: str
    contents: tuple[Content, ...] = ()
    headers: tuple[str, ...] = ()


def json_reply(
    meaning: str,
    document: Any,  # noqa: ANN401 - a type
    headers: tuple[str, ...] = (),
) -> Reply:
    """Return an answer of one JSON document."""
    return Reply(meaning, (Content("application/json", document),), headers)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One route and method.

    Args:
        method: of HTTP; HEAD is answered where GET is.
        path: with its parameters in braces.
        name: its operationId.
        family: under which it is listed.
        summary: what it does, in a few words.
        description: how.
        scopes: any one of these is needed; empty means that no key is asked for.
        also: scopes that some of its parameters ask for, as told in the description.
        parameters: of the query.
        positioned: whether it tells its coordinate and waits for one.
        conditional: whether it takes ``If-None-Match``.
        keyed: whether it needs ``Idempotency-Key``.
        bodies: what it takes; empty means none.
        body_required: whether it must be sent one.
        replies: by status, problems left out.
        problems: statuses of the problems it may answer, beside those of every endpoint.
        handler: answers.

    """

    method: str
    path: str
    name: str
    family: str
    summary: str
    description: str = ""
    scopes: tuple[Scope, ...]
    also: tuple[Scope, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    positioned: bool = False
    conditional: bool = False
    keyed: bool = False
    bodies: tuple[Content, ...] = ()
    body_required: bool = True
    replies: dict[int, Reply]
    problems: tuple[int, ...] = ()
    handler: Handler
