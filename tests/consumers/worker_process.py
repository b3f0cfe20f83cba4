"""A worker in a process of its own, which fails at a named point or breaks the protocol on purpose.

The known-bad variants are the positive controls: the tests' own check has to catch each of them.
"""

import signal
import sys
import threading
from collections.abc import Sequence
from typing import Literal

import msgspec
import psycopg

from consumers.kafka.process import run_intake_process
from journal.intake.appending import Advance, FencedError
from journal.intake.batch import Batch
from journal.intake.message import Channel, Message, Outcome
from journal.intake.pipeline import Intake
from tests.consumers import business

Variant = Literal["right", "no_swap", "forward_only", "commit_before_write"]
Point = Literal["", "before_append", "after_append"]

_MOVE = """
    update journal.intake_partition set next_offset = %(next)s
    where topic = %(topic)s and partition = %(partition)s
"""
_GUARDS = {
    "no_swap": "",
    "forward_only": " and next_offset < %(next)s",
    "commit_before_write": " and next_offset = %(expected)s and epoch = %(epoch)s",
}


class Task(msgspec.Struct):
    servers: str
    url: str
    topic: str
    variant: Variant = "right"
    signal_number: int = 0
    point: Point = ""
    at_batch: int = 1
    batch_messages_max: int = 500


TASK = msgspec.json.decode(sys.argv[1], type=Task)


class FailingIntake(Intake):
    """Raises a signal at a point of one batch; swaps offsets as its variant does."""

    batches = 0

    def append(
        self,
        connection: psycopg.Connection,
        channel: Channel,
        messages: Sequence[Message],
        batch: Batch,
        advances: Sequence[Advance] = (),
    ) -> list[Outcome]:
        self.batches += 1
        self.fail("before_append")
        outcomes = self.write(connection, channel, messages, batch, advances)
        self.fail("after_append")
        return outcomes

    def write(
        self,
        connection: psycopg.Connection,
        channel: Channel,
        messages: Sequence[Message],
        batch: Batch,
        advances: Sequence[Advance],
    ) -> list[Outcome]:
        match TASK.variant:
            case "right":
                return super().append(connection, channel, messages, batch, advances)
            case "no_swap" | "forward_only":
                with connection.transaction():
                    move(connection, advances)
                    return super().append(connection, channel, messages, batch)
            case "commit_before_write":
                move(connection, advances)
                self.fail("before_append", also_here=True)
                return super().append(connection, channel, messages, batch)

    def fail(self, point: Point, *, also_here: bool = False) -> None:
        in_two = TASK.variant == "commit_before_write" and not also_here
        if point == TASK.point and self.batches == TASK.at_batch and not in_two:
            # To this thread: it does not take another step before the signal does its work.
            signal.pthread_kill(threading.get_ident(), TASK.signal_number)


def move(connection: psycopg.Connection, advances: Sequence[Advance]) -> None:
    statement = _MOVE + _GUARDS[TASK.variant]
    for advance in advances:
        values = msgspec.structs.asdict(advance)
        if connection.execute(statement.encode(), values).rowcount != 1:
            raise FencedError(f"{TASK.variant}: not moved")


def main() -> None:
    signal.signal(signal.SIGCONT, signal.SIG_DFL)
    run_intake_process(
        business.settings(TASK.servers, TASK.topic, batch_messages_max=TASK.batch_messages_max),
        TASK.url,
        lambda: business.make_intake(TASK.url, TASK.topic, kind=FailingIntake),
    )


if __name__ == "__main__":
    main()
