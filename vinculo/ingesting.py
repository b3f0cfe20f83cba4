"""Taking in many messages from a file, an importer or the simulator, without Kafka between.

One batch is prepared while the last is written, as the Kafka workers do it.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from domain.errors import VinculoError
from journal.intake.appending import StaleKeysError
from journal.intake.batch import Batch
from journal.intake.message import Message, Outcome, OutcomeKind
from journal.intake.pipeline import Intake

REJECTS_SHOWN_MAX = 10
LINE_BYTES_MAX = 4 * 1024 * 1024
OUTCOMES: tuple[OutcomeKind, ...] = ("stored", "duplicate", "rejected", "suppressed")
_BLOCK_BYTES = 1024 * 1024
_GZIP = b"\x1f\x8b"

Progress = Callable[[int], None]
"""Told how many messages were written."""


class BrokenInputError(VinculoError):
    """What is taken in cannot be read to its end."""


class Reject(msgspec.Struct, frozen=True):
    """A message that was rejected, for the summary.

    Args:
        line: of the file, from 1; the number of the message where there is no file.
        source: who sent it.
        code: why, for machines.
        detail: why, for people.

    """

    line: int
    source: str
    code: str
    detail: str


class Summary(msgspec.Struct):
    """What became of the messages.

    Args:
        outcomes: messages by outcome.
        reasons: rejected messages by code.
        rejects: the first of them.

    """

    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    rejects: list[Reject] = msgspec.field(default_factory=list)

    @property
    def received(self) -> int:
        """Return how many messages there were: the sum over the outcomes."""
        return self.outcomes.total()

    def add(self, messages: list[Message], outcomes: list[Outcome]) -> None:
        """Count a batch."""
        for message, outcome in zip(messages, outcomes, strict=True):
            self.outcomes[outcome.kind] += 1
            if outcome.kind == "rejected":
                self.reasons[outcome.code] += 1
                if len(self.rejects) < REJECTS_SHOWN_MAX:
                    self.rejects.append(
                        Reject(message.offset, outcome.source, outcome.code, outcome.detail)
                    )


class _Written(msgspec.Struct):
    messages: list[Message]
    future: Future[list[Outcome]]


class Ingesting:
    """Take in messages in batches.

    Args:
        intake: the pipeline.
        connect: opens a connection to the journal, given its name; two are kept.
        batch_messages_max: messages appended in one transaction.

    """

    def __init__(
        self,
        intake: Intake,
        connect: Callable[[str], psycopg.Connection],
        batch_messages_max: int = 5_000,
    ) -> None:
        self._intake = intake
        self._connect = connect
        self._batch_messages_max = batch_messages_max

    def run(self, messages: Iterable[Message], progress: Progress | None = None) -> Summary:
        """Take in all messages and return what became of them.

        Messages are appended in their order. What was written stays written if this fails: to
        take in the same messages again gives duplicates, never second facts.

        Args:
            messages: read as they are needed.
            progress: told after each batch.

        Raises:
            BrokenInputError: the messages cannot be read to their end; those before are taken in.

        """
        summary = Summary()
        try:
            self._take_in(messages, summary, progress)
        except BrokenInputError as error:
            message = (
                f"{error}; the {summary.received:,} messages before that are taken in and stay: "
                "mend the file and take it in again, which does not repeat them"
            )
            raise BrokenInputError(message) from error
        return summary

    def _take_in(
        self, messages: Iterable[Message], summary: Summary, progress: Progress | None
    ) -> None:
        with ExitStack() as stack:
            preparing = stack.enter_context(self._connect("vinculo ingest"))
            writing = stack.enter_context(self._connect("vinculo ingest writer"))
            writer = stack.enter_context(ThreadPoolExecutor(1, "ingest-writer"))
            pending: _Written | None = None
            try:
                for batch_messages in _batches(messages, self._batch_messages_max):
                    batch = self._intake.prepare(preparing, batch_messages)
                    self._settle(pending, summary, progress)
                    future = writer.submit(self._append, writing, batch_messages, batch)
                    pending = _Written(batch_messages, future)
            except BrokenInputError:
                self._settle(pending, summary, progress)
                raise
            self._settle(pending, summary, progress)

    def _append(
        self, connection: psycopg.Connection, messages: list[Message], batch: Batch
    ) -> list[Outcome]:
        return self._intake.append(connection, "file", messages, batch)

    def _settle(
        self, written: _Written | None, summary: Summary, progress: Progress | None
    ) -> None:
        """Wait for a batch to be written; once more if a subject was erased in between."""
        if written is None:
            return
        try:
            outcomes = written.future.result()
        except StaleKeysError:
            outcomes = self._again(written.messages)
        summary.add(written.messages, outcomes)
        if progress is not None:
            progress(len(outcomes))

    def _again(self, messages: list[Message]) -> list[Outcome]:
        self._intake.forget_keys()
        with self._connect("vinculo ingest again") as connection:
            return self._intake.take_in(connection, "file", messages)


def _batches(messages: Iterable[Message], size: int) -> Iterator[list[Message]]:
    """Yield messages in batches; what was read before the input broke is yielded too."""
    batch: list[Message] = []
    try:
        for message in messages:
            batch.append(message)
            if len(batch) == size:
                yield batch
                batch = []
    except BrokenInputError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def lines_of(path: Path | None, read_bytes: Progress | None = None) -> Iterator[Message]:
    """Yield the lines of a JSON lines file as messages; empty lines are skipped.

    Args:
        path: plain or gzip, told by its first bytes; None reads the standard input.
        read_bytes: told how many bytes of the file, compressed or not, were read since.

    Raises:
        BrokenInputError: the file cannot be read, or a line is longer than 4 MiB.

    """
    name = "standard input" if path is None else path.name
    try:
        with ExitStack() as stack:
            if path is None:
                yield from _lines(io.BufferedReader(sys.stdin.buffer), name, None)
            else:
                yield from _lines(stack.enter_context(path.open("rb")), name, read_bytes)
    except (OSError, EOFError, zlib.error) as error:
        message = f"{name}: expected a readable file of JSON lines, found: {error}"
        raise BrokenInputError(message) from error


def _lines(file: io.BufferedReader[Any], name: str, told: Progress | None) -> Iterator[Message]:
    opened: io.BufferedReader[Any] | gzip.GzipFile = file
    if file.peek(len(_GZIP)).startswith(_GZIP):
        opened = gzip.GzipFile(fileobj=file)
    left, number, position = b"", 0, 0
    # What a cut file still holds comes before the error that it is cut.
    while block := opened.read1(_BLOCK_BYTES):
        *whole, left = (left + block).split(b"\n")
        for line in whole:
            number += 1
            if stripped := line.strip():
                yield Message(stripped, offset=number)
        if len(left) > LINE_BYTES_MAX:
            message = (
                f"{name}, line {number + 1}: expected at most {LINE_BYTES_MAX} bytes, found more; "
                "write one event a line"
            )
            raise BrokenInputError(message)
        if told is not None:
            told(file.tell() - position)
            position = file.tell()
    if stripped := left.strip():
        yield Message(stripped, offset=number + 1)
