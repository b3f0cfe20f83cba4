"""The cluster in a data folder: made once, checked and configured at each start."""

import shutil
import subprocess
from pathlib import Path

from vinculo.postgres.account import Account
from vinculo.postgres.binaries import Binaries
from vinculo.postgres.configuration import available_memory_bytes, render, server_settings
from vinculo.postgres.errors import StartFailedError, WrongVersionError

OWNER = "vinculo"
SETTINGS_FILE = "vinculo.conf"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
BUILTIN_LOCALES_SINCE = 17
ACCESS = "# Whoever may enter the socket's folder (mode 0700) may connect.\nlocal all all trust\n"


class Cluster:
    """The files of one PostgreSQL server.

    Args:
        folder: its data directory; made by `prepare` when missing.
        binaries: the programs, within the account's reach.
        account: who owns the files and runs the programs.

    """

    def __init__(self, folder: Path, binaries: Binaries, account: Account) -> None:
        self.folder = folder
        self.binaries = binaries
        self.account = account

    def prepare(self, socket_folder: Path) -> None:
        """Make the cluster if there is none, check its version, write the product's settings.

        Args:
            socket_folder: where its server will listen.

        Raises:
            WrongVersionError: it was written by another major version.
            StartFailedError: it could not be made.

        """
        if not self.folder.exists():
            self._initialize()
        self._check_version()
        settings = server_settings(
            socket_folder, available_memory_bytes(), self._best_wal_compression()
        )
        self._write(self.folder / SETTINGS_FILE, render(settings))

    def was_shut_down(self) -> bool:
        """Whether the last server on it ended in order, so that no recovery is due."""
        printed = self._run("pg_controldata", "-D", str(self.folder)).stdout
        return any(
            line.startswith("Database cluster state:") and line.endswith("shut down")
            for line in printed.splitlines()
        )

    def forget_dead_server(self) -> None:
        """Remove a pid file whose number has since been given to some other process.

        May be called only by who has just taken the folder's lock, which no server's process
        holds then. PostgreSQL itself would refuse to start beside any living process of that
        number, which is common where containers restart.
        """
        pid_file = self.folder / "postmaster.pid"
        try:
            number = pid_file.read_text().split("\n", maxsplit=1)[0]
            working_folder = Path(f"/proc/{int(number)}/cwd").resolve(strict=True)
        except (OSError, ValueError):
            return
        if working_folder != self.folder:
            pid_file.unlink()

    def _initialize(self) -> None:
        """Make the cluster under another name first, so that a half-made one is never used."""
        unfinished = self.folder.with_name(self.folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self.account.own(unfinished)
        result = self._run(
            "initdb",
            *("-D", str(unfinished), "-U", OWNER, "--auth=trust", "--encoding=UTF8"),
            *("--data-checksums", "--no-instructions", *self._locale_arguments()),
        )
        if result.returncode != 0:
            message = f"expected initdb to make {unfinished}, it said: {result.stderr.strip()}"
            raise StartFailedError(message)
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write(f"\ninclude_if_exists = '{SETTINGS_FILE}'\n")
        self._write(unfinished / "pg_hba.conf", ACCESS)
        unfinished.rename(self.folder)

    def _locale_arguments(self) -> list[str]:
        """Order by code point on every version; the wheel has no ICU."""
        if self.binaries.major >= BUILTIN_LOCALES_SINCE:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        return ["--locale=C.UTF-8"]

    def _check_version(self) -> None:
        found = (self.folder / "PG_VERSION").read_text().strip()
        if found != str(self.binaries.major):
            message = (
                f"expected data of PostgreSQL {self.binaries.major} in {self.folder}, found data "
                f"of PostgreSQL {found}: dump it with version {found} and load it into a new data "
                f"folder, or give the binaries of version {found}"
            )
            raise WrongVersionError(message)

    def _best_wal_compression(self) -> str:
        probe = self._run(
            "postgres", "-D", str(self.folder), "-c", "wal_compression=lz4", "-C", "wal_compression"
        )
        return "lz4" if probe.returncode == 0 else "on"

    def _write(self, path: Path, content: str) -> None:
        path.write_text(content)
        path.chmod(0o600)
        self.account.own(path)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binaries.program(program), *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            user=self.account.user_id if self.account.dropped else None,
            group=self.account.group_id if self.account.dropped else None,
            extra_groups=[] if self.account.dropped else None,
        )
