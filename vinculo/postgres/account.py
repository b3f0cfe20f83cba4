"""Which account runs PostgreSQL, and what that account can reach.

PostgreSQL refuses to run as root. Root is what containers and CI start as, so root drops to an
account that exists already: no user is created and no folder that was there before is opened.
"""

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from vinculo.postgres.errors import EmbeddedPostgresError, UnreachableFolderError

ACCOUNT_NAMES = ("postgres", "nobody")
SYSTEM_DATA_FOLDER = Path("/var/lib/vinculo")


@dataclass(frozen=True)
class Account:
    """The operating system's account that PostgreSQL runs as.

    Args:
        name: for messages.
        user_id: its number.
        group_id: number of its main group; it is given no other group.
        dropped: whether we are root and must step down to it.

    """

    name: str
    user_id: int
    group_id: int
    dropped: bool

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to the account."""
        if self.dropped:
            os.chown(path, self.user_id, self.group_id)

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through the folder (by its mode alone)."""
        if not self.dropped:
            return True
        status = folder.stat()
        if status.st_uid == self.user_id:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.group_id:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def barrier_to(self, folder: Path) -> Path | None:
        """The outermost existing folder on the way that the account cannot enter, if any."""
        for step in [*reversed(folder.parents), folder]:
            if step.exists() and not self.can_enter(step):
                return step
        return None


def choose_account() -> Account:
    """The account for PostgreSQL: our own, or the one that root steps down to.

    Raises:
        EmbeddedPostgresError: root found neither ``postgres`` nor ``nobody``.

    """
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid(), dropped=False)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ACCOUNT_NAMES:
        if name in known:
            return Account(name, known[name].pw_uid, known[name].pw_gid, dropped=True)
    message = (
        "PostgreSQL refuses to run as root, and this machine has none of the users "
        f"{', '.join(ACCOUNT_NAMES)}: run Vínculo as an ordinary user, or set DATABASE_URL"
    )
    raise EmbeddedPostgresError(message)


def make_data_folder(folder: Path, account: Account) -> None:
    """Make the data folder so that the account can pass through it.

    Only a folder that is new or empty is opened (to entering, not to listing); whatever was
    there before keeps its mode.

    Raises:
        UnreachableFolderError: the account cannot pass through it or through a folder above.

    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o711 if account.dropped else 0o700)
    if account.dropped and not account.can_enter(folder) and not any(folder.iterdir()):
        folder.chmod(0o711)
    barrier = account.barrier_to(folder)
    if barrier is not None:
        message = (
            f"PostgreSQL must run as the user {account.name} because we are root, and that user "
            f"cannot enter {barrier}: choose a data folder elsewhere, for example "
            f"{data_folder_for(folder)}, or run Vínculo as an ordinary user"
        )
        raise UnreachableFolderError(message)


def data_folder_for(preferred: Path) -> Path:
    """The preferred data folder, or a stable one under /var/lib if root's server cannot enter it.

    Args:
        preferred: where the data should be; it need not exist yet.

    """
    resolved = preferred.resolve()
    if choose_account().barrier_to(resolved.parent) is None:
        return resolved
    return SYSTEM_DATA_FOLDER / hashlib.sha256(os.fsencode(resolved)).hexdigest()[:12]
