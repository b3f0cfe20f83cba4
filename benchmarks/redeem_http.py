"""Benchmark ``redeem_http``: redemptions over HTTP, wide and on one account (ruling 29).

One server process, one process that generates load over 64 keep-alive connections, PostgreSQL, all
on this machine. The programme's rules are in force, every request has a key of its own; at the end
the whole log is read again and compared with what was answered. The reference are readings of the
same accounts.
"""

from __future__ import annotations

import argparse
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import uvicorn

from api.keys import create_key
from api.serving import configuration
from api.settings import ApiSettings
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
from benchmarks.redeeming import CURRENCY, PROGRAMME, Ledger
from benchmarks.servers import CONTEXT, SECRET_BYTES, TENANT, Place, settle, sources, tenant
from domain.programmes.format import Burn, PointsCurrency, ProgrammeVersion
from journal.decisions import open_decisions
from journal.programmes import ProgrammeOffice
from tests.servers.kafka import free_ports
from vinculo.logging import configure_logging

SIZES = {
    "accounts": 10_000, "connections": 64, "seconds": 5.0, "rounds": 3, "paced_seconds": 10.0,
    "paced_rate": 2_000.0,
}  # fmt: skip
CONTROLS = {"one-key": "all redemptions under the same key, so that one is carried out"}
_PLENTY = 10**9
_START_SECONDS_MAX = 30
_BODY = b'{"currency":"points","points":1,"reference":"till 4"}'
_REDEEM, _READ = "/v1/accounts/{id}/redemptions", "/v1/accounts/{id}"


def _serve(settings: ApiSettings, port: int) -> None:
    configure_logging("console", "error")
    uvicorn.Server(configuration(settings, HOST, port)).run()


@contextmanager
def _server(place: Place) -> Iterator[int]:
    """Run the product's server in a process of its own and give its port."""
    settings = ApiSettings(
        conninfo=place.conninfo, tenant=TENANT, secret=SECRET_BYTES, sources=sources(),
        context=CONTEXT,
    )  # fmt: skip
    [port] = free_ports(1)
    process = get_context("spawn").Process(target=_serve, args=(settings, port), daemon=True)
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


def _begin_programme(place: Place) -> None:
    """Put rules into force, drafted and approved before they begin."""
    began = datetime(2020, 1, 1, tzinfo=UTC)
    version = ProgrammeVersion(
        programme=PROGRAMME, version="1", effective_from=began,
        currencies=(PointsCurrency(code=CURRENCY, burn=Burn()),),
    )  # fmt: skip
    with open_decisions(place.conninfo, place.logs.decisions) as decisions:
        office = ProgrammeOffice(decisions, now=lambda: 0)
        digest = office.draft(version, by="one").record.digest
        office.approve(PROGRAMME, "1", digest=digest, by="another")


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    with ExitStack() as stack:
        place = stack.enter_context(tenant())
        _begin_programme(place)
        ledger = Ledger(place)
        say(f"opening {chosen.accounts} accounts")
        wide, one = ledger.endow(chosen.accounts, _PLENTY), ledger.endow(1, _PLENTY)
        ledger.close()
        settle(place)
        with place.owner() as owner:
            token = create_key(owner, TENANT, "benchmark", ["redeem"]).token
        port = stack.enter_context(_server(place))
        loads = {
            name: LoadGenerator(port, chosen.connections, token, b"".join(ids))
            for name, ids in (("wide", wide), ("one", one))
        }
        for load in loads.values():
            stack.callback(load.close)
        key = "the-same" if chosen.control == "one-key" else ""
        answers: dict[str, list[Answered]] = {"wide": [], "one": [], "paced": []}

        def redeem(name: str) -> float:
            answers[name].append(
                loads[name].run(Phase(_REDEEM, chosen.seconds, body=_BODY, key=key))
            )
            return answers[name][-1].rate

        rates = interleaved(
            chosen.rounds,
            {
                "wide": lambda: redeem("wide"),
                "one": lambda: redeem("one"),
                "read": lambda: loads["wide"].run(Phase(_READ, chosen.seconds)).rate,
            },
        )
        paced = Phase(_REDEEM, chosen.paced_seconds, chosen.paced_rate, body=_BODY, key=key)
        answers["paced"].append(loads["wide"].run(paced))
        return _measured(chosen, rates, answers, ledger)


def _measured(
    chosen: argparse.Namespace,
    rates: dict[str, list[float]],
    answers: dict[str, list[Answered]],
    ledger: Ledger,
) -> Measured:
    told = [one for several in answers.values() for one in several]
    verified = ledger.checked()
    booked = verified.books[CURRENCY]["redeemed"]
    p99 = {
        name: percentile([each for one in several for each in one.milliseconds], 0.99)
        for name, several in answers.items()
    }
    return Measured(
        value=middle(rates["wide"]),
        unit="redemptions/s",
        reference=middle(rates["read"]),
        goals={
            "wide_a_second": Goal(middle(rates["wide"]), 2_000),
            "one_account_a_second": Goal(middle(rates["one"]), 2_000),
            "p99_ms_paced": Goal(p99["paced"], 50, at_most=True),
            "p99_ms_wide": Goal(p99["wide"], 50, at_most=True),
            "p99_ms_one_account": Goal(p99["one"], 50, at_most=True),
            "failures": Goal(sum(one.failures for one in told), 0, at_most=True),
            "not_booked_once": Goal(
                abs(sum(one.answers for one in told) - booked), 0, at_most=True
            ),
            "faults": Goal(len(verified.faults), 0, at_most=True),
            "overdrafts": Goal(ledger.overdrafts(), 0, at_most=True),
        },
        parts={
            "of_reading": ratio(rates["wide"], rates["read"]),
            "p50_ms_paced": percentile(answers["paced"][0].milliseconds, 0.5),
            "paced_a_second": answers["paced"][0].rate,
            "accounts": chosen.accounts,
            "rounds": rates,
        },
    )


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("redeem_http", _chosen, run(_chosen))
