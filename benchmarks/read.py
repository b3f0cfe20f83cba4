"""Benchmark ``read``: full documents over HTTP, against a static response of the same server.

One server process, one process that generates load over keep-alive connections. Customers are
drawn evenly, so that few are found in the cache. The reference is a response of a document's size
from the same server process, by a route of the framework; ``of_bare``, among the parts, compares
with one that is answered before the framework, as the product's own routes are.
"""

from __future__ import annotations

import argparse
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import cast

import uvicorn
from litestar import Litestar
from litestar.handlers import asgi
from litestar.types import HTTPScope, Receive, Scope, Send

from api.application import Application
from api.keys import create_key
from api.serving import configuration
from api.settings import ApiLimits, ApiSettings
from benchmarks.harness import (
    Goal,
    Measured,
    arguments,
    interleaved,
    middle,
    percentile,
    ratio,
    report,
    say,
)
from benchmarks.http_load import HOST, Answered, LoadGenerator, Phase
from benchmarks.kafka_reading import stop
from benchmarks.read_parties import make_parties
from benchmarks.servers import CONTEXT, SECRET_BYTES, TENANT, Place, settle, sources, tenant
from tests.servers.kafka import free_ports
from vinculo.logging import configure_logging

SIZES = {
    "parties": 1_000_000, "simulated": 2_000, "connections": 64, "seconds": 5.0, "rounds": 5,
    "paced_seconds": 15.0,
}  # fmt: skip
CONTROLS = {
    "no-key": "requests carry no key, so that no document is answered",
    "one-by-one": "a query for every document, and no cache",
}
_STATIC = "/static"
_BARE = "/v1/static"
_START_SECONDS_MAX = 30
Factory = Callable[[], Litestar]


def _serve(settings: ApiSettings, port: int, document_bytes: int) -> None:
    configure_logging("console", "error")
    config = configuration(settings, HOST, port)
    assert callable(config.app), "the product's server is made by a factory"
    config.app = partial(_with_static_route, cast("Factory", config.app), document_bytes)
    uvicorn.Server(config).run()


def _with_static_route(make: Factory, document_bytes: int) -> Litestar:
    """Make what the product serves, and add one route."""
    app = make()
    body = b'"' + b"x" * (document_bytes - 2) + b'"'
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - Litestar asks for these names
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    app.register(asgi(_STATIC, copy_scope=False)(answer))
    assert isinstance(app, Application), "the product's application"
    below = app.answer_below

    async def answer_below(scope: HTTPScope, receive: Receive, send: Send) -> None:
        await (answer if scope["path"] == _BARE else below)(scope, receive, send)

    app.answer_below = answer_below
    return app


@contextmanager
def _server(place: Place, control: str | None, document_bytes: int) -> Iterator[int]:
    """Run the product's server in a process of its own and give its port."""
    limits = ApiLimits()
    if control == "one-by-one":
        limits = ApiLimits(batch_reads_max=1, cached_documents_bytes_max=0)
    settings = ApiSettings(
        conninfo=place.conninfo, tenant=TENANT, secret=SECRET_BYTES, sources=sources(),
        context=CONTEXT, limits=limits,
    )  # fmt: skip
    [port] = free_ports(1)
    process = get_context("spawn").Process(
        target=_serve, args=(settings, port, document_bytes), daemon=True
    )
    process.start()
    try:
        _await_answer(port, process)
        yield port
    finally:
        stop([process])


def _await_answer(port: int, process: BaseProcess) -> None:
    give_up_at = time.monotonic() + _START_SECONDS_MAX
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if time.monotonic() > give_up_at or not process.is_alive():
                raise
            time.sleep(0.05)
        else:
            return


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    with ExitStack() as stack:
        place = stack.enter_context(tenant())
        ids = make_parties(place, chosen.parties, chosen.simulated)
        settle(place)
        with place.owner() as owner:
            token = None
            key = create_key(owner, TENANT, "benchmark", ["read"])
            if chosen.control != "no-key":
                token = key.token
        size = _document_bytes(place, chosen, key.token, ids)
        port = stack.enter_context(_server(place, chosen.control, size))
        load = LoadGenerator(port, chosen.connections, token, ids)
        stack.callback(load.close)
        answers: list[Answered] = []

        def documents() -> float:
            answers.append(load.run(Phase("", chosen.seconds)))
            return answers[-1].rate

        rates = interleaved(
            chosen.rounds,
            {
                "documents": documents,
                "static": lambda: load.run(Phase(_STATIC, chosen.seconds)).rate,
                "bare": lambda: load.run(Phase(_BARE, chosen.seconds)).rate,
            },
        )
        peak = middle(rates["documents"])
        paced = load.run(Phase("", chosen.paced_seconds, max(peak / 2, 1.0)))
        say(f"at half of the peak: p99 {percentile(paced.milliseconds, 0.99):.1f} ms")
        return _measured(chosen, rates, answers, paced, size)


def _document_bytes(place: Place, chosen: argparse.Namespace, token: str, ids: bytes) -> int:
    """Return how long a document is on average."""
    with _server(place, None, 2) as port:
        load = LoadGenerator(port, min(chosen.connections, 8), token, ids)
        try:
            found = load.run(Phase("", 1.0))
        finally:
            load.close()
    assert found.answers, "expected documents, found none; look at the server's log"
    return found.bytes_read // found.answers


def _measured(
    chosen: argparse.Namespace,
    rates: dict[str, list[float]],
    answers: list[Answered],
    paced: Answered,
    size: int,
) -> Measured:
    failures = sum(one.failures for one in answers) + paced.failures
    p99 = percentile(paced.milliseconds, 0.99)
    return Measured(
        value=middle(rates["documents"]),
        unit="requests/s",
        reference=middle(rates["static"]),
        goals={
            "of_static": Goal(ratio(rates["documents"], rates["static"]), 0.35),
            "p99_ms_at_half_of_peak": Goal(p99, 20, at_most=True),
            "failures": Goal(failures, 0, at_most=True),
        },
        parts={
            "of_bare": ratio(rates["documents"], rates["bare"]),
            "p50_ms_at_half_of_peak": percentile(paced.milliseconds, 0.5),
            "longest_ms": percentile(paced.milliseconds, 1),
            "document_bytes": size,
            "parties": chosen.parties,
            "rounds": rates,
        },
    )


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("read", _chosen, run(_chosen))
