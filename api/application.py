"""The application: routes on Litestar, services behind them, problems for everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from api.answers import Answer
from api.dispatch import answer_of_failure, dispatch
from api.endpoints import Endpoint
from api.openapi import export
from api.problems import Problem, problem_answer
from api.routes import endpoints
from api.routing import Routes
from api.services import Services, open_services
from api.settings import ApiLimits, ApiSettings
from journal.intake.pipeline import clock as wall_clock
from projections.customer.fold import Fold
from projections.customer.part import Context
from projections.customer.reading.documents import Documents

_BELOW = "/v1/"
_NOT_FOUND = 404
Answering = Callable[[HTTPScope, Receive, Send], Awaitable[None]]


def create_app(settings: ApiSettings, *, clock: Callable[[], int] = wall_clock) -> Litestar:
    """Return the application of one tenant. The database is first asked when it starts.

    Args:
        settings: what it needs to know.
        clock: returns microseconds since 1970.

    """
    listed = endpoints_of(settings.limits, settings.context)
    routes, holder = Routes(listed), _Holder()

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with open_services(settings, clock) as services:
            holder.services = services
            yield

    application = Application(
        [_plain(holder, routes, path) for path in routes.by_path if not path.startswith(_BELOW)],
        lifespan=[lifespan],
        openapi_config=None,  # it is made of our own endpoints
        logging_config=None,
        exception_handlers={HTTPException: _tell_http, Exception: _tell_failure},
        state=State({"openapi": export(listed)}),
    )
    application.answer_below = _answering(holder, routes)
    return application


class Application(Litestar):
    """The framework carries start, stop and what stands outside of ``/v1/``.

    What stands below is found by :mod:`api.routing` and answered right away: the framework's own
    routing keeps the last 1,024 paths, and here each customer is a path of its own, so that every
    request would pay for a search, and for exception handlers that :mod:`api.dispatch` replaces.
    """

    answer_below: Answering

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - of ASGI
        """Answer one request, or start and stop."""
        if scope["type"] == "http" and scope["path"].startswith(_BELOW):
            scope["app"] = self
            await self.answer_below(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def endpoints_of(limits: ApiLimits, context: Context) -> tuple[Endpoint, ...]:
    """Return every endpoint of an application with these limits and this context."""
    return endpoints(limits, Documents(Fold(context)).type)


class _Holder:
    """Where routes find the services once the application has started."""

    services: Services


def _answering(holder: _Holder, routes: Routes) -> Answering:
    """Return what answers everything below ``/v1/``."""

    async def answer(scope: HTTPScope, receive: Receive, send: Send) -> None:
        found = routes.find(scope["path"].rstrip("/"))
        if found is None:
            await _no_such_route().send(send)
            return
        scope["path_params"] = found.parameters
        await dispatch(holder.services, found.methods, scope, receive, send)

    return answer


def _plain(holder: _Holder, routes: Routes, path: str) -> ASGIRouteHandler:
    """Return the handler of one path outside of the mount."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        await dispatch(holder.services, routes.by_path[path], scope, receive, send)  # type: ignore[arg-type]

    return asgi(path, copy_scope=False, name=path)(handle)


def _no_such_route() -> Answer:
    return Problem(
        404, "no_such_route", expected="a route of this API", found="another path",
        do="see /v1/openapi.json",
    ).answer()  # fmt: skip


def _tell_http(_request: Request, error: HTTPException) -> Response:  # type: ignore[type-arg]
    if error.status_code == _NOT_FOUND:
        answer = _no_such_route()
    else:
        detail = "expected a request as HTTP has it, found another; mend the client"
        answer = problem_answer(error.status_code, "bad_request", detail)
    return _response(answer.status, answer.body, answer.media_type)


def _tell_failure(_request: Request, error: Exception) -> Response:  # type: ignore[type-arg]
    answer = answer_of_failure(error, "outside of any route")
    return _response(answer.status, answer.body, answer.media_type)


def _response(status: int, body: bytes, media_type: bytes) -> Response[bytes]:
    return Response(body, status_code=status, media_type=media_type.decode())
