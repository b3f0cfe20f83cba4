"""A database of its own for each test, copied from a template that is migrated once."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from journal.migrating import migrate

REPOSITORY = Path(__file__).parents[2]


def with_database(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def distribution_binaries(version: str) -> Path | None:
    """The distribution's programs of a PostgreSQL major version, None if not installed."""
    folder = Path("/usr/lib/postgresql") / version / "bin"
    return folder if folder.is_dir() else None


def rooms_with_migrations() -> list[str]:
    """The rooms that have a schema of their own, in the order of their arrows."""
    rooms = ("journal", "projections", "consumers", "api")
    return [room for room in rooms if (REPOSITORY / room / "migrations").is_dir()]


class Databases:
    """Makes and drops databases on one server.

    Args:
        url: the server, by any database of it on which we may create others.

    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = uuid.uuid4().hex[:8]
        self._template: str | None = None

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a database with the product's schema and no rows, dropped afterwards."""
        template = self._migrated_template()
        name = f"vinculo_test_{uuid.uuid4().hex[:12]}"
        self._execute("create database {} template {}", name, template)
        try:
            yield with_database(self._url, name)
        finally:
            self._execute("drop database if exists {} with (force)", name)

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database without any schema, dropped afterwards."""
        name = f"vinculo_empty_{uuid.uuid4().hex[:12]}"
        self._execute("create database {}", name)
        try:
            yield with_database(self._url, name)
        finally:
            self._execute("drop database if exists {} with (force)", name)

    def close(self) -> None:
        """Drop the template."""
        if self._template:
            self._execute("drop database if exists {} with (force)", self._template)

    def _migrated_template(self) -> str:
        if self._template is None:
            name = f"vinculo_template_{self._session}"
            self._execute("create database {}", name)
            migrate(with_database(self._url, name), rooms_with_migrations())
            self._template = name
        return self._template

    def _execute(self, statement: str, *names: str) -> None:
        identifiers = [sql.Identifier(name) for name in names]
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*identifiers))
