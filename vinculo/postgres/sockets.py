"""Where the server's unix socket stands: a folder that only its account may enter."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from vinculo.postgres.account import Account
from vinculo.postgres.errors import EmbeddedPostgresError

# The kernel keeps 108 bytes for a socket's path, one of them for the end.
SOCKET_PATH_BYTES_MAX = 107
SOCKET_NAME = ".s.PGSQL.5432"


def socket_folder_for(data_folder: Path) -> Path:
    """The folder for the socket: in the data folder, or a short one where that is too deep."""
    beside = data_folder / "socket"
    if len(os.fsencode(beside / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX:
        return beside
    digest = hashlib.sha256(os.fsencode(data_folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"vinculo-{digest}"


def make_socket_folder(folder: Path, account: Account) -> None:
    """Make the folder, mode 0700, owned by the account.

    Raises:
        EmbeddedPostgresError: somebody else made a folder of that name, or it is no folder.

    """
    try:
        folder.mkdir(mode=0o700)
        account.own(folder)
    except FileExistsError:
        status = folder.lstat()
        expected = (True, account.user_id, 0o700)
        found = (stat.S_ISDIR(status.st_mode), status.st_uid, stat.S_IMODE(status.st_mode))
        if found != expected:
            message = (
                f"expected {folder} to be a folder of the user {account.name} with mode 0700, "
                f"found owner {status.st_uid} and mode {status.st_mode:o}: remove it"
            )
            raise EmbeddedPostgresError(message) from None
