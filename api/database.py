"""Connections of the API: threads with a connection each, and asynchronous ones.

Queries of many kinds are written once, for synchronous connections, in the rooms that they belong
to; here threads run them. Only the documents of customers, of which thousands are read a second,
go over an asynchronous connection.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg import IsolationLevel

from journal.connecting import ROLE, connect, prepare_types

P = ParamSpec("P")
T = TypeVar("T")
_LOST = (psycopg.OperationalError, psycopg.InterfaceError)
_CONNECT_SECONDS = 5
_STATEMENT_TIMEOUT = "SELECT set_config('statement_timeout', %s, false)"


class Desk:
    """Threads that ask the database.

    Args:
        conninfo: libpq's connection string or URL.
        threads: how many queries run at the same time.
        statement_seconds: how long one may take.

    """

    def __init__(self, conninfo: str, threads: int, statement_seconds: float) -> None:
        self._conninfo = conninfo
        self._statement_seconds = statement_seconds
        self._executor = ThreadPoolExecutor(threads, "api desk")
        self._own = threading.local()
        self._open: set[psycopg.Connection] = set()

    async def run(
        self,
        question: Callable[Concatenate[psycopg.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what a function answers, given a connection in autocommit.

        Asked again on a new connection if the old one was lost: use it for what may be repeated.

        Raises:
            psycopg.Error: if the database is away, or the query takes too long.

        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._executor, lambda: self._ask(question, *args, **kwargs)
        )

    async def snapshot(
        self,
        question: Callable[Concatenate[psycopg.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return the same, all queries of the function seeing the database at one moment."""

        def in_one_snapshot(connection: psycopg.Connection) -> T:
            with connection.transaction():
                return question(connection, *args, **kwargs)

        return await self.run(in_one_snapshot)

    def close(self) -> None:
        """Wait for what runs, and close all connections."""
        self._executor.shutdown(wait=True)
        for connection in self._open:
            connection.close()

    def _ask(
        self,
        question: Callable[Concatenate[psycopg.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        connection = self._connection()
        try:
            return question(connection, *args, **kwargs)
        except _LOST:
            if not connection.closed:  # for example a statement that took too long
                raise
        return question(self._connection(), *args, **kwargs)

    def _connection(self) -> psycopg.Connection:
        connection: psycopg.Connection | None = getattr(self._own, "connection", None)
        if connection is None or connection.closed:
            if connection is not None:
                self._open.discard(connection)
            connection = self._connect()
            self._own.connection = connection
            self._open.add(connection)
        return connection

    def _connect(self) -> psycopg.Connection:
        connection = connect(
            self._conninfo,
            name="vinculo api",
            connect_timeout=_CONNECT_SECONDS,
        )
        connection.execute(_STATEMENT_TIMEOUT, (_milliseconds(self._statement_seconds),))
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return connection


async def connect_async(conninfo: str, statement_seconds: float) -> psycopg.AsyncConnection:
    """Return an asynchronous connection as :func:`journal.connecting.connect` makes them."""
    connection = await psycopg.AsyncConnection.connect(
        conninfo,
        application_name="vinculo api documents",
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
    )
    await connection.execute(_STATEMENT_TIMEOUT, (_milliseconds(statement_seconds),))
    await connection.execute(
        "SELECT set_config('role', %s, false), set_config('timezone', 'UTC', false)", (ROLE,)
    )
    prepare_types(connection)
    return connection


def _milliseconds(seconds: float) -> str:
    return f"{int(seconds * 1000)}ms"
