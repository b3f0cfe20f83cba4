"""Composition: what commands work with, made from the settings when it is first needed.

Without ``DATABASE_URL`` an installation lives in one folder: a PostgreSQL of its own, the tenant's
secret, ``sources.toml`` and ``rules.toml``. With it everything is named by its own setting.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from domain.errors import VinculoError
from journal.connecting import connect
from journal.migrating import migrate
from journal.sealing import KEY_BYTES, TenantSecret
from journal.sources import SourceRegister, read_sources
from journal.tenant_secret_check import check_secret, note_secret
from journal.tenants import Logs, create_tenant, find_tenant
from projections.customer.part import Context
from vinculo.rules import DEFAULT, read_rules
from vinculo.settings import Settings

if TYPE_CHECKING:
    from consumers.earning import EarningSettings
    from consumers.kafka.settings import KafkaIntakeSettings, KafkaSecurity
    from journal.intake.pipeline import Intake
    from journal.programmes import HeardRules
    from projections.customer.live import ProjectionLimits

ROOMS = ("journal", "projections", "consumers", "api")
SECRET_FILE, SOURCES_FILE, RULES_FILE = "secret.key", "sources.toml", "rules.toml"
_SECRET_BYTES = 48
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/]+):[0-9]{1,5}")


class Composition:
    """Everything a command needs.

    Args:
        settings: of the process.
        conninfo: of the database.
        folder: of the installation where the product runs its own PostgreSQL, else None.

    """

    def __init__(self, settings: Settings, conninfo: str, folder: Path | None = None) -> None:
        self.settings = settings
        self.conninfo = conninfo
        self.folder = folder

    @cached_property
    def logs(self) -> Logs:
        """Return the tenant's logs; a secret that is set must be theirs, needed or not.

        Raises:
            VinculoError: there is no such tenant, no schema yet, or the secret is another one.

        """
        with self.connect("vinculo command") as connection:
            logs = find_tenant(connection, self.settings.tenant)
            if self.given_secret is not None:
                check_secret(connection, logs.facts, self.given_secret)
        return logs

    @cached_property
    def given_secret(self) -> TenantSecret | None:
        """Return the secret as it is set, None where none is; not yet compared with the journal.

        Raises:
            VinculoError: it is not readable, or too short.

        """
        if self.settings.secret:
            return _long_enough(self.settings.secret.encode(), "VINCULO_SECRET")
        path = self._file(self.settings.secret_file, SECRET_FILE)
        if path is None:
            return None
        if self.folder is not None and path == self.folder / SECRET_FILE:
            _make_secret(path)
        return _read(path, "VINCULO_SECRET_FILE")

    @cached_property
    def secret(self) -> TenantSecret:
        """Return the tenant's secret: the one that its journal was begun with, or begins with now.

        Raises:
            VinculoError: it is not there, not readable, too short, or not this tenant's.

        """
        if self.given_secret is None:
            message = (
                "expected the tenant's secret, found neither VINCULO_SECRET_FILE nor "
                "VINCULO_SECRET; make one with 'openssl rand -hex 32' and keep it safe"
            )
            raise VinculoError(message)
        with self.connect("vinculo command") as connection:
            note_secret(connection, self.logs.facts, self.given_secret)
        return self.given_secret

    @cached_property
    def sources(self) -> SourceRegister:
        """Return the registered sources.

        Raises:
            VinculoError: the file is not there, or does not hold what is expected.

        """
        path = self._file(self.settings.sources, SOURCES_FILE)
        if path is None or not path.exists():
            message = (
                f"expected the registered sources, found {'no ' + str(path) if path else 'none'}; "
                "set VINCULO_SOURCES to a TOML file (vinculo/examples/sources.toml is one)"
            )
            raise VinculoError(message)
        return read_sources(path)

    @property
    def registered_sources(self) -> SourceRegister:
        """Return the registered sources, none where no file was ever named or written.

        Raises:
            VinculoError: a file that was named is not there, or does not hold what is expected.

        """
        path = self._file(self.settings.sources, SOURCES_FILE)
        if self.settings.sources is None and (path is None or not path.exists()):
            return SourceRegister(())
        return self.sources

    @cached_property
    def context(self) -> Context:
        """Return the tenant's rules; the published defaults if none are set."""
        path = self._file(self.settings.rules, RULES_FILE)
        if path is None or (self.settings.rules is None and not path.exists()):
            return DEFAULT
        return read_rules(path)

    @property
    def projection_limits(self) -> ProjectionLimits:
        """Return the limits of projections."""
        from projections.customer.live import ProjectionLimits  # noqa: PLC0415 - for start-up time

        return ProjectionLimits(
            batch_events_max=self.settings.projection_batch_events_max,
            party_personas_max=self.settings.party_personas_max,
        )

    @property
    def programme_rules(self) -> HeardRules:
        """Return the programmes' rules as they are heard, in the tenant's calendar."""
        from journal.programmes import HeardRules  # noqa: PLC0415 - for start-up time

        return HeardRules(self.logs.decisions, self.context.calendar)

    @property
    def earning(self) -> EarningSettings:
        """Return the limits of the earning worker."""
        from consumers.earning import EarningSettings  # noqa: PLC0415 - for start-up time

        settings = self.settings
        return EarningSettings(
            batch_facts=settings.earning_batch_facts_max,
            batch_accounts=settings.earning_batch_accounts_max,
        )

    @property
    def processes(self) -> int | None:
        """Return how many processes a rebuild may take, None for all processors."""
        return self.settings.rebuild_processes or None

    def connect(self, name: str) -> psycopg.Connection:
        """Open a connection with the rights of the application.

        Raises:
            VinculoError: the database does not answer, or has no schema yet.

        """
        try:
            return connect(self.conninfo, name=name)
        except psycopg.errors.Error as error:
            raise database_error(error) from error

    def migrate(self) -> list[str]:
        """Bring the schema to the present, make the tenant, and return what was applied.

        Raises:
            VinculoError: the database does not answer, or the secret is not this tenant's.

        """
        rooms = [room for room in ROOMS if _has_migrations(room)]
        try:
            applied = migrate(self.conninfo, rooms)
            with psycopg.connect(self.conninfo, autocommit=True) as connection:
                create_tenant(connection, self.settings.tenant)
        except psycopg.OperationalError as error:
            raise database_error(error) from error
        if self.given_secret is not None:
            self.secret  # noqa: B018 - leaves its fingerprint with the new tenant
        return applied

    def check_server(self) -> None:
        """Refuse a server or a tenant that is not fit for a long-running process.

        What only costs speed is logged.

        Raises:
            VinculoError: no schema, no tenant, or a server that may lose what it acknowledged.

        """
        import structlog  # noqa: PLC0415 - for start-up time

        from journal.server_settings import check_server  # noqa: PLC0415 - as above

        with self.connect("vinculo start") as connection:
            for finding in check_server(connection):
                structlog.get_logger(__name__).warning("server.slow_setting", advice=str(finding))
        self.logs  # noqa: B018 - fails here, with a sentence, where there is no tenant

    def intake(self, sources: SourceRegister | None = None) -> Intake:
        """Return the pipeline of the tenant's facts log.

        Args:
            sources: in place of the registered ones.

        """
        from journal.intake.pipeline import Intake  # noqa: PLC0415 - for start-up time

        return Intake(self.logs.facts, sources or self.sources, self.secret)

    @property
    def kafka_servers(self) -> str:
        """Return the brokers.

        Raises:
            VinculoError: none are set, or one is not of the form ``host:port``.

        """
        servers = self.settings.kafka_servers
        if not servers:
            message = "expected KAFKA_BOOTSTRAP_SERVERS, found nothing; set it to host:port"
            raise VinculoError(message)
        for server in servers.split(","):
            if not _BROKER.fullmatch(server.strip()):
                message = (
                    f"KAFKA_BOOTSTRAP_SERVERS: expected host:port, found {server!r}; write for "
                    "example kafka-1:9092,kafka-2:9092"
                )
                raise VinculoError(message)
        return servers

    @property
    def kafka_security(self) -> KafkaSecurity:
        """Return how to talk to the brokers."""
        from consumers.kafka.settings import KafkaSecurity  # noqa: PLC0415 - only where Kafka is used

        settings = self.settings
        return KafkaSecurity(
            protocol=settings.kafka_protocol,
            ca_file=settings.kafka_ca_file,
            certificate_file=settings.kafka_certificate_file,
            key_file=settings.kafka_key_file,
            mechanism=settings.kafka_mechanism,
            username=settings.kafka_username,
            password=settings.kafka_password,
        )

    @property
    def kafka_intake(self) -> KafkaIntakeSettings:
        """Return the settings of an intake worker."""
        from consumers.kafka.settings import KafkaIntakeSettings  # noqa: PLC0415 - as above

        return KafkaIntakeSettings(
            bootstrap_servers=self.kafka_servers,
            topics=self.sources.topics,
            group=self.settings.kafka_group,
            security=self.kafka_security,
            batch_messages_max=self.settings.intake_batch_messages_max,
            rejects_count=self.settings.rejects_count,
            rejects_share=self.settings.rejects_share,
            rejects_pause_seconds=self.settings.rejects_pause_seconds,
        )

    def _file(self, named: str | None, beside: str) -> Path | None:
        """Return the file that a setting names, else the one in the installation's folder."""
        if named is not None:
            return Path(named)
        return None if self.folder is None else self.folder / beside


@contextmanager
def composed(settings: Settings) -> Iterator[Composition]:
    """Open the database: the one of ``DATABASE_URL``, else one that is run for the while.

    Raises:
        VinculoError: the PostgreSQL of our own does not start, or the secret is none.

    """
    if settings.database_url:
        made = Composition(settings, settings.database_url)
        made.given_secret  # noqa: B018 - one that is too short fails every command
        yield made
        return
    from vinculo.postgres import EmbeddedPostgres, data_folder_for  # noqa: PLC0415 - only without a server

    folder = data_folder_for(Path(settings.home))
    with EmbeddedPostgres(folder) as server:
        made = Composition(settings, server.conninfo, folder)
        made.given_secret  # noqa: B018 - as above
        yield made


def database_error(error: psycopg.Error) -> VinculoError:
    """Return what to tell an operator of a database that does not do what it should."""
    said = str(error).strip().splitlines()
    found = said[0] if said else type(error).__name__
    if isinstance(error, (psycopg.errors.UndefinedTable, psycopg.errors.InvalidParameterValue)):
        return VinculoError(f"expected the product's schema, found: {found}; run 'vinculo migrate'")
    return VinculoError(f"expected an answer of PostgreSQL, found: {found}; check DATABASE_URL")


def _has_migrations(room: str) -> bool:
    spec = find_spec(room)
    places = (spec.submodule_search_locations or []) if spec else []
    return any((Path(place) / "migrations").is_dir() for place in places)


def _make_secret(path: Path) -> None:
    """Write a new random secret, readable by us alone; leave one that is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(_SECRET_BYTES).hex().encode())
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path, variable: str) -> TenantSecret:
    try:
        secret = path.read_bytes()
    except OSError as error:
        message = f"{variable}: expected a readable file, found: {error.strerror}; check its rights"
        raise VinculoError(message) from error
    return _long_enough(secret, variable)


def _long_enough(secret: bytes, variable: str) -> TenantSecret:
    if len(secret) < KEY_BYTES:
        message = (
            f"{variable}: expected at least {KEY_BYTES} bytes, found {len(secret)}; set the "
            "tenant's own, or make one for a new tenant with 'openssl rand -hex 32'"
        )
        raise VinculoError(message)
    return TenantSecret(secret)
