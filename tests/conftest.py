"""The servers of the tests: real ones, made once for each session.

A missing server fails the test where CI=true and skips it elsewhere. Tests are marked `server`
and `broker` by the fixtures they use, so no mark can be forgotten.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import structlog

from tests.servers import Databases, KafkaBroker, Topics, distribution_binaries, why_no_broker
from vinculo.postgres import BinariesNotFoundError, EmbeddedPostgres

MARK_OF_FIXTURE = {
    "postgres_server": "server",
    "server_folder": "server",
    "kafka_broker": "broker",
    "restartable_broker": "broker",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the servers that its fixtures need."""
    for item in items:
        for fixture, mark in MARK_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


def missing(reason: str) -> NoReturn:
    """Fail in CI, where every server must be there, and skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Logs as structlog writes them by itself, whatever another test has configured."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """An empty folder that a server of another account can reach (pytest's own is closed)."""
    folder = Path(tempfile.mkdtemp(prefix="vinculo-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL on which databases may be made.

    DATABASE_URL if set, else an embedded one. VINCULO_TEST_POSTGRES=15 runs the distribution's
    PostgreSQL of that version instead of the wheel's.
    """
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    binaries = None
    if version := os.environ.get("VINCULO_TEST_POSTGRES"):
        binaries = distribution_binaries(version)
        if binaries is None:
            missing(f"PostgreSQL {version} of the distribution is not installed")
    folder = Path(tempfile.mkdtemp(prefix="vinculo-tests-"))
    try:
        with EmbeddedPostgres(folder, binaries=binaries) as server:
            yield server.conninfo
    except BinariesNotFoundError as error:
        missing(str(error))
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def databases(postgres_server: str) -> Iterator[Databases]:
    """Makes further databases on the session's server."""
    made = Databases(postgres_server)
    yield made
    made.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A database of the test's own: the product's schema, no rows."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database of the test's own without any schema."""
    with databases.empty() as url:
        yield url


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[str]:
    """Bootstrap servers: KAFKA_BOOTSTRAP_SERVERS if set, else a broker for this session."""
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield servers
        return
    if reason := why_no_broker():
        missing(reason)
    folder = Path(tempfile.mkdtemp(prefix="vinculo-kafka-"))
    try:
        with KafkaBroker(folder) as broker:
            yield broker.bootstrap_servers
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def restartable_broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A running broker of the test's own, to stop, kill and start again."""
    if reason := why_no_broker():
        missing(reason)
    with KafkaBroker(tmp_path / "kafka") as broker:
        yield broker


@pytest.fixture
def topic(kafka_broker: str) -> Iterator[Topics]:
    """Makes topics on the session's broker: `topic(partitions=4)` gives a new one's name."""
    topics = Topics(kafka_broker)
    yield topics
    topics.close()
