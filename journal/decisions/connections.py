"""A few connections shared by the threads of a recorder, and errors in the library's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing import persistence
from psycopg import sql
from psycopg_pool import ConnectionPool

from journal.connecting import connect

# What the library raises while the database is away.
UNREACHABLE = (persistence.OperationalError, persistence.InterfaceError)
CONNECTIONS_MAX = 10
WAIT_SECONDS = 10.0

# The first that fits counts, so the narrower ones stand first.
_IN_THE_LIBRARYS_WORDS: tuple[
    tuple[type[psycopg.Error], type[persistence.PersistenceError]], ...
] = (
    (psycopg.InterfaceError, persistence.InterfaceError),
    (psycopg.OperationalError, persistence.OperationalError),
    (psycopg.DataError, persistence.DataError),
    (psycopg.IntegrityError, persistence.IntegrityError),
    (psycopg.InternalError, persistence.InternalError),
    (psycopg.ProgrammingError, persistence.ProgrammingError),
    (psycopg.NotSupportedError, persistence.NotSupportedError),
    (psycopg.DatabaseError, persistence.DatabaseError),
    (psycopg.Error, persistence.PersistenceError),
)


class _AsApplication(psycopg.Connection):
    """What the pool opens: connections under the application's role."""

    @classmethod
    def connect(cls, conninfo: str = "", **options: Any) -> psycopg.Connection:  # type: ignore[override]  # noqa: ANN401 - psycopg's own
        return connect(conninfo, **options)


class Connections:
    """Connections to one database, opened when needed and checked before each use.

    Args:
        conninfo: libpq's connection string or URL.
        name: shown as application_name.
        connections_max: open at the same time, listening ones not counted.
        wait_seconds: to wait for a free connection, and for a server that is away.

    """

    def __init__(
        self,
        conninfo: str,
        *,
        name: str = "vinculo decisions",
        connections_max: int = CONNECTIONS_MAX,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._conninfo = conninfo
        self._name = name
        self._pool = ConnectionPool(
            conninfo,
            connection_class=_AsApplication,
            kwargs={"name": name},
            min_size=0,
            max_size=connections_max,
            timeout=wait_seconds,
            reconnect_timeout=wait_seconds,
            check=ConnectionPool.check_connection,
            open=True,
        )

    @contextmanager
    def borrow(self) -> Iterator[psycopg.Connection]:
        """Lend a connection in autocommit.

        Raises:
            PersistenceError: of the library, by the kind of the driver's error.

        """
        with in_the_librarys_words(), self._pool.connection() as connection:
            yield connection

    def open_listener(self, channel: str) -> psycopg.Connection:
        """Return a connection of the caller's own that listens on a channel."""
        connection = connect(self._conninfo, name=f"{self._name} listener")
        try:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        except psycopg.Error:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close every connection that is not lent."""
        self._pool.close()


@contextmanager
def in_the_librarys_words() -> Iterator[None]:
    """Raise the driver's errors as those of the library."""
    try:
        yield
    except psycopg.Error as error:
        for ours, theirs in _IN_THE_LIBRARYS_WORDS:
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise
