"""Replaying in processes of their own, one a share: this one stays free to answer."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from domain.errors import VinculoError
from projections.whatif.replayed import Progress, Replayed, ReplayTask, replay_share
from projections.whatif.sharing import Share

_WAIT_SECONDS = 0.1
_END_SECONDS = 5


class ReplayDiedError(VinculoError):
    """A process of the replay ended without a word; look for memory that ran out, and ask again."""


def replay_apart(
    task: ReplayTask, parts: list[Share], come: Callable[[int, Progress], None]
) -> Replayed:
    """Return what came of all shares together.

    Args:
        task: what is to be replayed.
        parts: the shares, one process each.
        come: is told how far each has come, and asked ten times a second anyway; if it raises,
            all processes are ended.

    Raises:
        ReplayDiedError: one of them ended without a word.
        VinculoError: whatever one of them raised.

    """
    found: dict[int, Replayed] = {}
    progress = {number: Progress(0, 0, task.up_to, 0) for number in range(len(parts))}
    with _processes(task, parts) as pipes:
        while pipes:
            for pipe in wait(list(pipes), _WAIT_SECONDS):
                number = pipes[pipe]  # type: ignore[index] # all of them are connections
                said = _receive(pipe)  # type: ignore[arg-type]
                if isinstance(said, Progress):
                    progress[number] = said
                elif isinstance(said, Replayed):
                    found[number] = said
                    del pipes[pipe]  # type: ignore[arg-type]
                else:
                    raise said
            for number, one in progress.items():
                come(number, one)
    whole = found[0]
    for number in range(1, len(parts)):
        whole.add(found[number])
    return whole


def _receive(pipe: Connection) -> Progress | Replayed | Exception:
    try:
        said: Progress | Replayed | Exception = pipe.recv()
    except EOFError:
        message = "what if: expected a result, found that its process has died; ask again"
        return ReplayDiedError(message)
    return said


@contextmanager
def _processes(task: ReplayTask, parts: list[Share]) -> Iterator[dict[Connection, int]]:
    context = get_context("spawn")
    pipes: dict[Connection, int] = {}
    started: list[SpawnProcess] = []
    try:
        for number, share in enumerate(parts):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(theirs, task, share), daemon=True)
            process.start()
            theirs.close()
            pipes[ours] = number
            started.append(process)
        yield pipes
    finally:
        for process in started:
            process.join(0 if pipes else _END_SECONDS)
            if process.is_alive():
                process.terminate()
                process.join(_END_SECONDS)


def _work(pipe: Connection, task: ReplayTask, share: Share) -> None:
    """Replay a share in a process of its own; it lives no longer than that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked ends us
    gc.freeze()
    gc.disable()  # its memory is given back by its end
    try:
        result: Replayed | Exception = replay_share(task, share, pipe.send)
    except Exception as error:  # noqa: BLE001 - it is raised where the question was asked
        result = error
    pipe.send(result)
