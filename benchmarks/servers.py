"""The servers of a benchmark: PostgreSQL with the product's settings, a broker, and a tenant."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psycopg

from benchmarks.harness import say
from journal.connecting import connect
from journal.intake.pipeline import Intake
from journal.migrating import migrate
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import Logs, create_tenant
from projections.customer.part import Context
from tests.servers import KafkaBroker, why_no_broker
from vinculo.composition import ROOMS
from vinculo.postgres import EmbeddedPostgres
from vinculo.rules import DEFAULT

SECRET_BYTES = b"a secret of the benchmarks, made up."
TENANT = "bench"
SOURCE = "urn:bench:shop"
CONTEXT: Context = DEFAULT
_ROOMS_FOLDER = Path(__file__).parents[1]


class Place(msgspec.Struct, frozen=True):
    """A tenant in a database; can be sent to other processes.

    Args:
        conninfo: of the database's owner.
        logs: of the tenant.
        topics: of its source.

    """

    conninfo: str
    logs: Logs
    topics: tuple[str, ...] = ()

    def intake(self) -> Intake:
        """Return a pipeline of the tenant's, its caches empty."""
        return Intake(self.logs.facts, sources(*self.topics), TenantSecret(SECRET_BYTES))

    def connect(self) -> psycopg.Connection:
        """Open a connection with the rights of the application."""
        return connect(self.conninfo, name="vinculo benchmark")

    def owner(self) -> psycopg.Connection:
        """Open a connection with all rights, in autocommit."""
        return psycopg.connect(self.conninfo, autocommit=True)


def sources(*topics: str) -> SourceRegister:
    """Return the one source of all benchmarks; its repetitions bear the same time."""
    return SourceRegister((Source(name=SOURCE, topics=topics, stable_time=True),))


@contextmanager
def tenant(*topics: str) -> Iterator[Place]:
    """Start a PostgreSQL of our own with the product's schema and one tenant; removed afterwards.

    BENCH_FOLDER names another parent folder than the system's temporary one.
    """
    with _folder("vinculo-bench-") as folder, EmbeddedPostgres(folder) as server:
        migrate(server.conninfo, [room for room in ROOMS if _has_migrations(room)])
        say("PostgreSQL is up")
        yield further_tenant(server.conninfo, TENANT, *topics)


def further_tenant(conninfo: str, name: str, *topics: str) -> Place:
    """Make one more tenant in a database."""
    with psycopg.connect(conninfo, autocommit=True) as owner:
        return Place(conninfo, create_tenant(owner, name), topics)


@contextmanager
def broker() -> Iterator[str]:
    """Give the bootstrap servers: KAFKA_BOOTSTRAP_SERVERS, else a broker of our own.

    Raises:
        SystemExit: there is none and none can be started.

    """
    with ExitStack() as stack:
        servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
        if not servers:
            if reason := why_no_broker():
                raise SystemExit(reason)
            folder = stack.enter_context(_folder("vinculo-bench-kafka-"))
            servers = stack.enter_context(KafkaBroker(folder)).bootstrap_servers
        say("the broker is up")
        yield servers


def has_broker() -> bool:
    """Say whether there is a broker, or one can be started."""
    return bool(os.environ.get("KAFKA_BOOTSTRAP_SERVERS")) or why_no_broker() is None


def settle(place: Place) -> None:
    """Let the server come to rest after loading: statistics taken, pages written."""
    with place.owner() as owner:
        owner.execute("VACUUM (ANALYZE)")
        owner.execute("CHECKPOINT")


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("BENCH_FOLDER")))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_migrations(room: str) -> bool:
    return (_ROOMS_FOLDER / room / "migrations").is_dir()
