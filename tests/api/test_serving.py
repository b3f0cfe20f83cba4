"""The server as a process of its own: several workers on one port, and a clean end."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from api.keys import create_key
from tests.api.business import TENANT, Business, customer_id_of

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
import sys
from api.serving import serve
from api.settings import ApiSettings
from tests.api.business import CONTEXT, SECRET, SOURCES, TENANT

if __name__ == "__main__":
    url, port, workers = sys.argv[1:]
    settings = ApiSettings(
        conninfo=url, tenant=TENANT, secret=SECRET, sources=SOURCES, context=CONTEXT
    )
    serve(settings, port=int(port), workers=int(workers))
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def serving(business: Business, program: Path, workers: int) -> Iterator[tuple[str, int]]:
    """The address and the process id of a server."""
    program.write_text(PROGRAM, encoding="utf-8")
    port = free_port()
    arguments = [sys.executable, str(program), business.url, str(port), str(workers)]
    process = subprocess.Popen(
        arguments, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_ready(address, process)
        yield address, process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in {0, -signal.SIGTERM}
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"{address}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the server was not ready in time"
        time.sleep(0.1)


def connections(business: Business) -> int:
    found = business.connection.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name LIKE 'vinculo api%' AND datname = current_database()"
    ).fetchone()
    return int(found[0]) if found else 0


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_answer_on_one_port_and_leave_nothing_behind(
    business: Business, tmp_path: Path, workers: int
) -> None:
    business.open_shop()
    business.project()
    with closing(psycopg.connect(business.url, autocommit=True)) as owner:
        token = create_key(owner, TENANT, "a test", ["read"]).token
    headers = {"Authorization": f"Bearer {token}"}
    with serving(business, tmp_path / "program.py", workers) as (address, _):
        for _ in range(10):
            path = f"{address}/v1/customers/{customer_id_of('crm:1')}"
            response = httpx.get(path, headers=headers)  # a connection each
            assert 200 == response.status_code
            assert "server" not in response.headers
        assert connections(business) > 0
    assert 0 == connections(business)


def test_settings_travel_to_workers(business: Business) -> None:
    settings = pickle.loads(pickle.dumps(business.settings()))  # noqa: S301 - our own bytes
    assert business.settings().secret == settings.secret
    assert business.settings().sources.by_name == settings.sources.by_name
