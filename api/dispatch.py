"""Dispatch: from a request to its answer. Method, key, scope, handler, and what may go wrong."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from pathlib import Path

import psycopg
import structlog
from litestar.types import HTTPScope, Receive, Send

from api.answers import Answer
from api.calls import Call
from api.endpoints import Endpoint
from api.keys import Holder
from api.problems import Problem
from api.services import Services
from journal.decisions import UNREACHABLE
from journal.intake.writer import WriterClosedError
from projections.customer.reading.finding import NotProjectedError

_log = structlog.get_logger(__name__)
_AGAIN = ((b"retry-after", b"1"),)
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, WriterClosedError, *UNREACHABLE)
_FRAMES_LOGGED = 6
_STATUS_SERVER_ERROR = 500


async def dispatch(
    services: Services,
    methods: Mapping[str, Endpoint],
    scope: HTTPScope,
    receive: Receive,
    send: Send,
) -> None:
    """Answer one request.

    Args:
        services: what handlers work with.
        methods: endpoints of the route by method.
        scope: of ASGI.
        receive: of ASGI.
        send: of ASGI.

    """
    begun = time.perf_counter()
    endpoint = methods.get(scope["method"])
    try:
        if endpoint is None:
            answer = _not_allowed(methods).answer()
        else:
            holder = await _holder(services, endpoint, scope) if endpoint.scopes else None
            call = Call(scope, receive, endpoint.parameters, holder, services)
            answer = await endpoint.handler(call)
    except Problem as problem:
        answer = problem.answer()
    except Exception as error:  # noqa: BLE001 - whatever happens, the client is told
        answer = answer_of_failure(error, _route(methods))
    await answer.send(send)
    services.metrics.observe(_route(methods), answer.status, time.perf_counter() - begun)


async def _holder(services: Services, endpoint: Endpoint, scope: HTTPScope) -> Holder:
    authorization = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
            break
    holder = await services.keyring.holder(authorization)
    if holder.scopes.isdisjoint(endpoint.scopes):
        raise forbidden(holder, endpoint.scopes)
    return holder


def _route(methods: Mapping[str, Endpoint]) -> str:
    return next(iter(methods.values())).path


def forbidden(holder: Holder, scopes: tuple[str, ...]) -> Problem:
    """Return the problem of somebody who may not do this."""
    return Problem(
        403,
        "wrong_scope",
        expected=f"a key with the scope {' or '.join(scopes)}",
        found=f"one with {', '.join(sorted(holder.scopes))}",
        do="ask whoever runs this service for a key with that scope",
    )


def answer_of_failure(error: Exception, route: str) -> Answer:
    """Return the answer of a request that failed for no fault of its own, and log where.

    Logged are kinds of errors and lines of code, never messages: they may quote personal data.
    """
    if isinstance(error, NotProjectedError):
        return _unavailable("not_projected", "a live customer view", "none",
                            "start the projecting worker").answer()  # fmt: skip
    kind = type(error).__name__
    if isinstance(error, psycopg.errors.QueryCanceled):
        _log.warning("request.query_took_too_long", route=route)
        return _unavailable(
            "too_long", "a query that ends within its time", "one that does not",
            "narrow the filters, or ask again",
        ).answer()  # fmt: skip
    if isinstance(error, _AWAY):
        _log.warning("request.database_away", route=route, error=kind)
        return _unavailable(
            "database_away", "the database to answer", "that it does not",
            "send the same again after a second: nothing is stored twice",
        ).answer()  # fmt: skip
    _log.error("request.failed", route=route, error=kind, at=_lines_of(error))
    return Problem(
        500,
        "failed",
        expected="to answer",
        found="a defect of ours",
        do="report it with the time; sending the same again is safe",
    ).answer()


def _unavailable(code: str, expected: str, found: str, do: str) -> Problem:
    return Problem(503, code, expected=expected, found=found, do=do, headers=_AGAIN)


def _not_allowed(methods: Mapping[str, Endpoint]) -> Problem:
    allowed = ", ".join(sorted(methods))
    return Problem(
        405,
        "method_not_allowed",
        expected=allowed,
        found="another method",
        do="see /v1/openapi.json",
        headers=((b"allow", allowed.encode()),),
    )


def _lines_of(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_LOGGED:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
