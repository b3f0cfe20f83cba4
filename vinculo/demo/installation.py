"""The folder in which the demo lives: made when missing, kept between runs, made anew on demand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from domain.errors import VinculoError
from vinculo.composition import RULES_FILE, SECRET_FILE, SOURCES_FILE, Composition
from vinculo.postgres import EmbeddedPostgres, data_folder_for
from vinculo.postgres.account import choose_account, make_data_folder
from vinculo.postgres.lock import FolderLock
from vinculo.registering import register_with
from vinculo.settings import Settings
from vinculo.simulator import PROFILES

PLAN_FILE = "demo.json"
_LOCK_FILE = "demo.lock"
_CLUSTER = "postgres"
_OURS = (_CLUSTER, "postgres.log", "socket", SECRET_FILE, SOURCES_FILE, RULES_FILE, PLAN_FILE)


@contextmanager
def installation(settings: Settings, *, fresh: bool) -> Iterator[Composition]:
    """Open the demo's installation, its database running.

    Args:
        settings: with ``DATABASE_URL`` that database is used, and only files stand in the folder.
        fresh: begin anew; what was there is removed.

    Raises:
        VinculoError: another process runs it, or it cannot be made.

    """
    if settings.database_url:
        if fresh:
            message = (
                "--fresh: expected a database of the demo's own, found DATABASE_URL; unset it, or "
                "name another tenant in VINCULO_TENANT"
            )
            raise VinculoError(message)
        folder = Path(settings.home)
        folder.mkdir(parents=True, exist_ok=True)
        with _only_demo(folder):
            yield _composed(settings, settings.database_url, folder)
        return
    folder = data_folder_for(Path(settings.home))
    make_data_folder(folder, choose_account())
    with _only_demo(folder):
        if fresh:
            remove(folder)
        with EmbeddedPostgres(folder) as server:
            yield _composed(settings, server.conninfo, folder)


@contextmanager
def _only_demo(folder: Path) -> Iterator[None]:
    """Keep other demos out of a folder: each would end the other's key and take its port.

    Raises:
        VinculoError: there is one already.

    """
    lock = FolderLock(folder / _LOCK_FILE)
    if not lock.take():
        message = (
            f"expected no other demo in {folder}, found one that is still running; ask that one "
            "(its window shows address and key), stop it (Ctrl-C there), or name another folder "
            "in VINCULO_HOME"
        )
        raise VinculoError(message)
    try:
        yield
    finally:
        lock.release()


def remove(folder: Path) -> None:
    """Remove what the demo has made in a folder, and nothing else.

    Raises:
        VinculoError: a process still runs the database there.

    """
    if not folder.exists():
        return
    lock = FolderLock(folder / "postgres.lock")
    if not lock.take():
        message = (
            f"expected nobody to use {folder}, found a command that is still running; stop it "
            "first (Ctrl-C in its window)"
        )
        raise VinculoError(message)
    try:
        for name in _OURS:
            path = folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    finally:
        lock.release()


def _composed(settings: Settings, conninfo: str, folder: Path) -> Composition:
    examples = files("vinculo").joinpath("examples")
    for name in (SOURCES_FILE, RULES_FILE):
        if not (folder / name).exists():
            (folder / name).write_bytes(examples.joinpath(name).read_bytes())
    made = Composition(settings, conninfo, folder)
    made.sources = register_with(made.sources, PROFILES)
    made.migrate()
    return made
