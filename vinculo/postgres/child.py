"""Starts a server as a child that never outlives us."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import IO

from vinculo.postgres import stepdown
from vinculo.postgres.account import Account


def start_child(
    command: Sequence[str],
    *,
    output: IO[bytes],
    environment: Mapping[str, str],
    folder: Path = Path("/"),
    account: Account | None = None,
    inherited_files: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; it is sent SIGINT when this process dies.

    It is started from a thread that lives as long as it does: the death signal follows the
    thread that started a process, so that a child of a passing thread would end with it.

    Args:
        command: the program's full path and its arguments.
        output: where it writes what it prints.
        environment: all of its environment.
        folder: its working folder.
        account: who it runs as; None for our own account.
        inherited_files: descriptors that it keeps open.

    """
    spawn = partial(
        subprocess.Popen,
        [*_stepping_down(account), *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=folder,
        env=environment,
        start_new_session=True,  # a Ctrl-C at the terminal is for us, not for the server
        pass_fds=inherited_files,
    )
    started: Future[subprocess.Popen[bytes]] = Future()
    threading.Thread(target=_keep, args=(spawn, started), name="server-keeper", daemon=True).start()
    return started.result()


def _keep(
    spawn: Callable[[], subprocess.Popen[bytes]], started: Future[subprocess.Popen[bytes]]
) -> None:
    """Start a process, hand it over, and stay until it ends."""
    try:
        process = spawn()
    except BaseException as error:  # noqa: BLE001 - raised again by result()
        started.set_exception(error)
        return
    started.set_result(process)
    process.wait()


def _stepping_down(account: Account | None) -> list[str]:
    """Return what stands before a command: it asks for the death signal and changes the account."""
    identity = (-1, -1)
    if account is not None and account.dropped:
        identity = (account.user_id, account.group_id)
    numbers = (str(number) for number in (os.getpid(), *identity))
    return [sys.executable, "-I", "-S", stepdown.__file__, *numbers]
