"""Starts a server as a child that never outlives us."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
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
    dropped = account is not None and account.dropped
    identity = (account.user_id, account.group_id) if account and dropped else (-1, -1)
    arguments = [
        *(sys.executable, "-I", "-S", stepdown.__file__),
        *(str(number) for number in (os.getpid(), *identity)),
        *command,
    ]
    started: Future[subprocess.Popen[bytes]] = Future()

    def keep() -> None:
        try:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=environment,
                start_new_session=True,  # a Ctrl-C at the terminal is for us, not for the server
                pass_fds=inherited_files,
            )
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()

    threading.Thread(target=keep, name="server-keeper", daemon=True).start()
    return started.result()
