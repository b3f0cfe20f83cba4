"""The embedded PostgreSQL as the rest of the product sees it: start, a conninfo, stop."""

import atexit
import contextlib
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
import structlog

from vinculo.postgres.account import choose_account, make_data_folder
from vinculo.postgres.binaries import find_binaries, within_reach
from vinculo.postgres.cluster import OWNER, Cluster
from vinculo.postgres.lock import FolderLock
from vinculo.postgres.process import NOTICE_AFTER_SECONDS, POLL_SECONDS, ServerProcess
from vinculo.postgres.sockets import make_socket_folder, socket_folder_for

DATABASE = "vinculo"

log = structlog.get_logger()


class EmbeddedPostgres:
    """A PostgreSQL server in a folder, started by this process or joined if it runs already.

    The process that started it owns it: the server ends with its owner, whatever way that ends,
    and what was committed is kept. Others only join.

    Args:
        data_folder: made when missing; holds the cluster, its log, and a copy of the programs
            where the server's account could not reach them.
        binaries: a folder of PostgreSQL's programs to use instead of the wheel's.

    """

    def __init__(self, data_folder: Path, *, binaries: Path | None = None) -> None:
        self._data_folder = data_folder.resolve()
        self._binaries_folder = binaries
        self._lock = FolderLock(self._data_folder / "postgres.lock")
        self._server: ServerProcess | None = None
        self._owner_process_id: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def conninfo(self) -> str:
        """How to reach the database: a libpq URL over the unix socket."""
        return self._conninfo_of(DATABASE, self._lock.published() or self._socket_folder)

    @property
    def process_id(self) -> int | None:
        """The number of the server's first process if this object started it, else None."""
        return self._server.process_id if self._server else None

    def start(self) -> str:
        """Start the server, or join it if another process runs it, and make the database.

        Waits for as long as the server recovers. After a crash of the server it may be called
        again.

        Returns:
            The conninfo, a libpq URL.

        Raises:
            EmbeddedPostgresError: see its kinds.

        """
        if self._owner_process_id is None:
            account = choose_account()
            make_data_folder(self._data_folder, account)
            if not self._take_or_join():
                return self.conninfo
            self._owner_process_id = os.getpid()
            atexit.register(self.stop)
        try:
            self._serve()
            self._make_database()
        except BaseException:
            self.stop()
            raise
        return self.conninfo

    def stop(self) -> None:
        """End the server if this object started it; harmless otherwise."""
        if self._owner_process_id != os.getpid():
            return
        if self._server:
            self._server.stop()
            self._server = None
        self._lock.release()
        self._owner_process_id = None
        atexit.unregister(self.stop)

    @property
    def _socket_folder(self) -> Path:
        return socket_folder_for(self._data_folder)

    def _take_or_join(self) -> bool:
        """True once the folder is ours; False once another process's server answers."""
        notice_at = time.monotonic() + NOTICE_AFTER_SECONDS
        while not self._lock.take():
            if self._lock.published():
                # A server whose owner just died may still answer once: ask for all we need.
                with contextlib.suppress(psycopg.OperationalError):
                    self._make_database()
                    return False
            if time.monotonic() > notice_at:
                notice_at = float("inf")
                log.info("postgres_waiting_for_owner", folder=str(self._data_folder))
            time.sleep(POLL_SECONDS)
        return True

    def _serve(self) -> None:
        """Run the server, unless it runs already."""
        if self._server and self._server.alive:
            return
        account = choose_account()
        binaries = within_reach(find_binaries(self._binaries_folder), account, self._data_folder)
        cluster = Cluster(self._data_folder / "postgres", binaries, account)
        socket_folder = self._socket_folder
        make_socket_folder(socket_folder, account)
        cluster.prepare(socket_folder)
        if self._server is None:
            cluster.forget_dead_server()
        self._lock.publish(socket_folder)
        self._server = ServerProcess(
            cluster,
            self._conninfo_of("postgres", socket_folder),
            self._data_folder / "postgres.log",
            self._lock.descriptor,
        )
        self._server.wait_until_ready()

    def _make_database(self) -> None:
        """Make the database if it is missing."""
        with psycopg.connect(self._conninfo_of("postgres"), autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
            if found.fetchone() is None:
                try:
                    connection.execute(f"create database {DATABASE}")
                except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    log.debug("database_made_by_another_process")

    def _conninfo_of(self, database: str, socket_folder: Path | None = None) -> str:
        folder = socket_folder or self._lock.published() or self._socket_folder
        return f"postgresql://{OWNER}@/{database}?host={quote(str(folder), safe='')}&port=5432"
