"""Fixtures: a command on the test's own database, an embedded PostgreSQL of the test's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import distribution_binaries
from tests.vinculo.commands import EXAMPLES, Run, runner
from tests.vinculo.embedded import Start
from vinculo.postgres import EmbeddedPostgres
from vinculo.postgres.binaries import find_binaries


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    """Run a command on the test's database and return its result."""
    return runner(
        {
            "DATABASE_URL": database_url,
            "VINCULO_SECRET": "a secret of the tests, 32 bytes or more",
            "VINCULO_SOURCES": str(EXAMPLES / "sources.toml"),
            "VINCULO_RULES": str(EXAMPLES / "rules.toml"),
            "VINCULO_HOME": str(tmp_path / "data"),
            "VINCULO_LOG_LEVEL": "error",
            "VINCULO_REBUILD_PROCESSES": "1",
        }
    )


@pytest.fixture
def tenant(run: Run) -> Run:
    """Run commands as before, the tenant being made."""
    run("migrate")
    return run


@pytest.fixture(scope="module")
def binaries() -> Path:
    """The programs under test: the wheel's, or the distribution's by VINCULO_TEST_POSTGRES."""
    version = os.environ.get("VINCULO_TEST_POSTGRES")
    return find_binaries(distribution_binaries(version) if version else None).folder


@pytest.fixture
def start(server_folder: Path, binaries: Path) -> Iterator[Start]:
    """Starts a server on the test's folder; every one is stopped afterwards."""
    started: list[EmbeddedPostgres] = []

    def start_one() -> EmbeddedPostgres:
        server = EmbeddedPostgres(server_folder, binaries=binaries)
        started.append(server)
        server.start()
        return server

    yield start_one
    for server in started:
        server.stop()
