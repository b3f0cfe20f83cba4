"""The server's process: started as our child, ready when it answers, stopped in order."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import structlog

from vinculo.postgres.child import start_child
from vinculo.postgres.cluster import ENVIRONMENT, Cluster
from vinculo.postgres.errors import StartFailedError

POLL_SECONDS = 0.02
NOTICE_AFTER_SECONDS = 2.0
LEFTOVERS_WAIT_SECONDS = 15.0
STOP_WAIT_SECONDS = 60.0
LOG_BYTES_MAX = 16 * 1024 * 1024
LOG_TAIL_CHARACTERS = 2000
# What PostgreSQL says while processes of a killed server are still going.
LEFTOVERS = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')

log = structlog.get_logger()


def answers(conninfo: str) -> bool:
    """Whether a server accepts connections there now."""
    try:
        with psycopg.connect(conninfo, connect_timeout=5, autocommit=True) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError:
        return False
    return True


class ServerProcess:
    """One running server.

    Args:
        cluster: what it serves.
        conninfo: how to reach it.
        log_path: where it writes what it has to say.
        lock_descriptor: an open file that it inherits, so that the folder stays locked for as
            long as any of its processes lives.

    """

    def __init__(
        self, cluster: Cluster, conninfo: str, log_path: Path, lock_descriptor: int
    ) -> None:
        self._cluster = cluster
        self._conninfo = conninfo
        self._log_path = log_path
        self._lock_descriptor = lock_descriptor
        self._process = self._spawn()

    @property
    def process_id(self) -> int:
        """The number of the server's first process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the server's first process lives."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until it answers: without limit while it lives, since recovery may take long.

        Raises:
            StartFailedError: it ended instead.

        """
        in_order = self._cluster.was_shut_down()
        notice_at = time.monotonic() + NOTICE_AFTER_SECONDS
        give_up_at = time.monotonic() + LEFTOVERS_WAIT_SECONDS
        while not answers(self._conninfo):
            if not self.alive:
                self._try_again(give_up_at)
            if time.monotonic() > notice_at:
                notice_at = float("inf")
                log.info(
                    "postgres_starting" if in_order else "postgres_recovering_after_a_crash",
                    folder=str(self._cluster.folder),
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End it in order; if that takes over a minute, at once (the next start recovers)."""
        for request, patience_seconds in (
            (signal.SIGINT, STOP_WAIT_SECONDS),
            (signal.SIGQUIT, STOP_WAIT_SECONDS),
            (signal.SIGKILL, None),
        ):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.send_signal(request)
                self._process.wait(patience_seconds)
                return
            log.warning("postgres_stop_overdue", request=request.name)

    def _try_again(self, give_up_at: float) -> None:
        """Start once more if what failed were the leftovers of a killed server."""
        said = self._log_path.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        if time.monotonic() > give_up_at or not any(words in said for words in LEFTOVERS):
            message = (
                f"expected PostgreSQL {self._cluster.binaries.version} to serve "
                f"{self._cluster.folder}, it ended with status {self._process.returncode} and "
                f"said:\n{said.strip()}"
            )
            raise StartFailedError(message)
        time.sleep(POLL_SECONDS * 5)
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log_path.open("wb" if self._log_is_long() else "ab") as output:
            self._log_path.chmod(0o600)
            return start_child(
                [self._cluster.binaries.program("postgres"), "-D", str(self._cluster.folder)],
                output=output,
                environment=ENVIRONMENT,
                account=self._cluster.account,
                inherited_files=[self._lock_descriptor],
            )

    def _log_is_long(self) -> bool:
        return self._log_path.exists() and self._log_path.stat().st_size > LOG_BYTES_MAX
