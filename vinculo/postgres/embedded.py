"""The embedded PostgreSQL as the rest of the product sees it: start, a conninfo, stop."""

import atexit
import contextlib
import os
import threading
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
_LOOK_SECONDS = 0.1

log = structlog.get_logger()


class EmbeddedPostgres:
    """A PostgreSQL server in a folder, started by this process or joined if it runs already.

    The process that started it owns it: the server ends with its owner, whatever way that ends,
    and what was committed is kept. Others join; once the owner is gone one of them starts the
    server again and owns it. Their connections end in between, for about a second, as they do
    whenever a server restarts.

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
        self._joined_at: Path | None = None
        self._turn = threading.RLock()
        self._leaving = threading.Event()
        self._heir: threading.Thread | None = None

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
        with self._turn:
            if self._owner_process_id is None:
                make_data_folder(self._data_folder, choose_account())
                if not self._take_or_join():
                    self._stand_by()
                    return self.conninfo
                self._own()
            self._start_owned()
        return self.conninfo

    def stop(self) -> None:
        """End the server if this object owns it, else only cease to stand by to take it over."""
        if self._owner_process_id not in (None, os.getpid()):
            return  # a fork of the owner
        self._leaving.set()
        with self._turn:
            if self._owner_process_id is None:
                return
            if self._server:
                self._server.stop()
                self._server = None
            self._lock.release()
            self._owner_process_id = None
            self._joined_at = None
            atexit.unregister(self.stop)

    def _own(self) -> None:
        self._owner_process_id = os.getpid()
        atexit.register(self.stop)

    def _start_owned(self) -> None:
        try:
            self._serve()
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def _stand_by(self) -> None:
        """Take the server over, in a thread, once its owner is gone."""
        if self._heir is not None and self._heir.is_alive():
            return
        # The conninfo that was handed out must stay true, whatever folder we would choose.
        self._joined_at = self._lock.published()
        self._leaving = threading.Event()
        self._heir = threading.Thread(
            target=self._inherit, args=(self._leaving,), name="postgres-heir", daemon=True
        )
        self._heir.start()

    def _inherit(self, leaving: threading.Event) -> None:
        while not leaving.wait(_LOOK_SECONDS):
            with self._turn:
                if leaving.is_set() or self._owner_process_id is not None:
                    return
                try:
                    if not self._lock.take():
                        continue
                    self._own()
                    self._start_owned()
                except Exception as error:  # noqa: BLE001 - a thread has nobody to raise it to
                    log.error("postgres_not_taken_over", error=str(error))  # noqa: TRY400 - as above
                    return
            log.info("postgres_taken_over", folder=str(self._data_folder))
            return

    @property
    def _socket_folder(self) -> Path:
        return self._joined_at or socket_folder_for(self._data_folder)

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
