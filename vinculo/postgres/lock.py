"""Says who owns a data folder, by a lock that dies with its holders.

The lock is shared with the server's processes through an inherited file descriptor. It is free
exactly when the owner *and* every process of its server are gone, so no pid file is trusted and
a new owner never meets a server that is still stopping.
"""

import fcntl
import json
import os
from pathlib import Path

from vinculo.postgres.errors import EmbeddedPostgresError


class FolderLock:
    """An exclusive lock on a data folder that tells others where the server listens.

    Args:
        path: the lock's file; it is made when missing and never removed.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file to hand on to the server.

        Raises:
            EmbeddedPostgresError: the lock is not held.

        """
        if self._descriptor is None:
            message = f"expected to hold the lock {self._path}, but it is not taken: take it first"
            raise EmbeddedPostgresError(message)
        return self._descriptor

    def take(self) -> bool:
        """Take the lock if it is free; never waits.

        Raises:
            EmbeddedPostgresError: the lock's file belongs to somebody else.

        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            message = (
                f"expected to open {self._path}, but it belongs to another user: run Vínculo as "
                "that user, or choose another data folder"
            )
            raise EmbeddedPostgresError(message) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def publish(self, socket_folder: Path) -> None:
        """Tell other processes where this folder's server listens."""
        content = json.dumps({"owner": os.getpid(), "socket_folder": str(socket_folder)}).encode()
        os.pwrite(self.descriptor, content, 0)
        os.ftruncate(self.descriptor, len(content))

    def published(self) -> Path | None:
        """Where the holder's server listens, or None while the holder has not said so."""
        try:
            return Path(json.loads(self._path.read_bytes())["socket_folder"])
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def release(self) -> None:
        """Give the lock back; it stays taken while a process of the server lives."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
