"""Appending: one transaction; swap, head, look-up, COPY, rejects, accounts, commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

import msgspec
import psycopg

from domain.errors import VinculoError
from domain.instants import moment_of
from journal.connecting import ByteaArray, TextArray, UuidArray, binary_cursor
from journal.intake.batch import Batch, Prepared, Rejection
from journal.intake.message import Channel, Message, Outcome
from journal.intake.preparing import reject
from journal.queries import queries
from journal.rejected import RejectedSeal, seal_message
from journal.rows import COPY_HEAD, COPY_TAIL, LEAF_LENGTH, entry_persona_row, row_head

_SQL = queries("journal.intake", "append.sql")
_TOPIC = attrgetter("topic")
_MENDS = attrgetter("mends")
_SOURCE_AND_KIND = attrgetter("source", "kind")
_HOUR = 3_600
_MICROSECONDS = 1_000_000


class FencedError(VinculoError):
    """Somebody else owns a partition now, or has advanced it. Roll back, claim again."""


class StaleKeysError(VinculoError):
    """A subject was erased or blocked after this batch was sealed. Prepare it again."""


class Advance(msgspec.Struct, frozen=True, gc=False):
    """The compare-and-swap of a partition's offset.

    Args:
        topic: Kafka topic.
        partition: its partition.
        expected: the offset from which this batch was read.
        next: the offset to read next.
        epoch: under which the partition was claimed.

    """

    topic: str
    partition: int
    expected: int
    next: int
    epoch: int


def channel_name(log_id: int) -> str:
    """Return the channel of NOTIFY on which hints about a log are sent."""
    return f"vinculo_log_{log_id}"


class Appending:
    """Append prepared batches to one facts log.

    Args:
        log_id: of the facts log.
        rejected_seal: seals messages that are kept although they could not be read.

    """

    def __init__(self, log_id: int, rejected_seal: RejectedSeal) -> None:
        self._log_id = log_id
        self._rejected_seal = rejected_seal

    def append(
        self,
        connection: psycopg.Connection,
        channel: Channel,
        messages: Sequence[Message],
        batch: Batch,
        advances: Sequence[Advance] = (),
    ) -> list[Outcome]:
        """Append a batch and return what became of each message, in their order.

        Args:
            connection: in autocommit; the transaction is begun and ended here.
            channel: by which the messages came.
            messages: the batch as it came.
            batch: the same, prepared.
            advances: offsets to swap in the same transaction.

        Raises:
            FencedError: nothing was written.
            StaleKeysError: nothing was written.
            psycopg.Error: the transaction failed, or its outcome is unknown.

        """
        seals = self._rejected_seal.provide(connection, batch.recorded_at)
        with connection.transaction():
            self._swap(connection, advances)
            head = self._lock_head(connection, batch)
            outcomes = self._sort_out(connection, batch, head, len(messages))
            # No pipeline: the driver's hangs for ever on a statement above a megabyte or two.
            self._keep(connection, channel, messages, batch, seals)
            self._mend(connection, messages, outcomes)
            self._book(connection, channel, messages, outcomes, batch.recorded_at)
        return outcomes

    def _swap(self, connection: psycopg.Connection, advances: Sequence[Advance]) -> None:
        # In one order everywhere, so that two workers cannot wait for each other.
        for advance in sorted(advances, key=lambda one: (one.topic, one.partition)):
            done = connection.execute(
                _SQL["swap"], {"log_id": self._log_id, **msgspec.structs.asdict(advance)}
            )
            if done.rowcount != 1:
                message = (
                    f"{advance.topic}/{advance.partition}: expected to own it at offset "
                    f"{advance.expected} in epoch {advance.epoch}; another worker took it over"
                )
                raise FencedError(message)

    def _lock_head(self, connection: psycopg.Connection, batch: Batch) -> int:
        found = connection.execute(_SQL["lock_head"], (self._log_id,)).fetchone()
        if found is None:
            message = f"expected a head row of log {self._log_id}, found none; create the tenant"
            raise VinculoError(message)
        position, erasures = found
        if (batch.prepared or batch.suppressed) and erasures != batch.erasures:
            message = (
                f"subjects' keys were looked up at {batch.erasures} erasures, "
                f"there are {erasures} now; prepare the batch again"
            )
            raise StaleKeysError(message)
        return int(position)

    def _sort_out(
        self, connection: psycopg.Connection, batch: Batch, head: int, count: int
    ) -> list[Outcome]:
        """Tell new facts from repetitions and conflicts, and add the new ones."""
        known = self._known(connection, batch.prepared)
        outcomes: list[Outcome | None] = [None] * count
        position = head
        rows: list[bytes] = []
        further: list[bytes] = []
        for one in batch.prepared:
            found = known.get(one.entry_id)
            if found is None:
                position += 1
                known[one.entry_id] = one.content_digest, position
                rows += (row_head(position), one.bound, LEAF_LENGTH, one.leaf)
                if one.further:
                    further += [
                        entry_persona_row(self._log_id, position, persona_id)
                        for persona_id in one.further
                    ]
                outcomes[one.index] = Outcome("stored", one.source, one.entry_id, position)
            elif found[0] == one.content_digest:
                outcomes[one.index] = Outcome("duplicate", one.source, one.entry_id, found[1])
            else:
                batch.rejections.append(_conflict(one, found[1]))
        for index, source in batch.suppressed:
            outcomes[index] = Outcome("suppressed", source)
        for rejection in batch.rejections:
            outcomes[rejection.index] = _rejected(rejection)
        if rows:
            self._copy(connection, rows, further, position)
        return [outcome for outcome in outcomes if outcome is not None]

    def _known(
        self, connection: psycopg.Connection, prepared: Sequence[Prepared]
    ) -> dict[bytes, tuple[bytes, int]]:
        if not prepared:
            return {}
        cursor = binary_cursor(connection)
        ids = UuidArray([one.entry_id for one in prepared])
        cursor.execute(_SQL["known"], (self._log_id, ids))
        return {entry_id: (digest, position) for entry_id, digest, position in cursor}

    def _copy(
        self,
        connection: psycopg.Connection,
        rows: Sequence[bytes],
        further: Sequence[bytes],
        position: int,
    ) -> None:
        """Add rows of entries and of their further personas, and move the head behind them."""
        cursor = connection.cursor()
        with cursor.copy(_SQL["copy_entries"]) as copy:
            copy.write(b"".join((COPY_HEAD, *rows, COPY_TAIL)))
        if further:
            with cursor.copy(_SQL["copy_entry_personas"]) as copy:
                copy.write(b"".join((COPY_HEAD, *further, COPY_TAIL)))
        hint = {"channel": channel_name(self._log_id), "hint": str(position)}
        cursor.execute(_SQL["advance_head"], {"position": position, "log_id": self._log_id, **hint})

    def _keep(
        self,
        connection: psycopg.Connection,
        channel: Channel,
        messages: Sequence[Message],
        batch: Batch,
        seals: bytes,
    ) -> None:
        rejections = batch.rejections
        if not rejections:
            return
        kept = [messages[rejection.index] for rejection in rejections]
        values = (
            self._log_id,
            channel,
            batch.recorded_at / _MICROSECONDS,
            moment_of(batch.recorded_at).date(),
            UuidArray(rejection.receipt_id for rejection in rejections),
            [message.topic for message in kept],
            [message.partition for message in kept],
            [message.offset for message in kept],
            TextArray(rejection.source for rejection in rejections),
            TextArray(rejection.code for rejection in rejections),
            TextArray(rejection.detail for rejection in rejections),
            ByteaArray(
                seal_message(seals, message, rejection.receipt_id)
                for message, rejection in zip(kept, rejections, strict=True)
            ),
            UuidArray(message.mends for message in kept),
        )
        connection.execute(_SQL["keep_rejected"], values)

    def _mend(
        self,
        connection: psycopg.Connection,
        messages: Sequence[Message],
        outcomes: Sequence[Outcome],
    ) -> None:
        if not any(map(_MENDS, messages)):
            return
        mended = {
            message.mends: replaced_by
            for message, outcome in zip(messages, outcomes, strict=True)
            if message.mends is not None
            and (replaced_by := outcome.receipt_id or outcome.entry_id) is not None
        }
        if mended:
            values = (UuidArray(mended), UuidArray(mended.values()), self._log_id)
            connection.execute(_SQL["mend"], values)

    def _book(
        self,
        connection: psycopg.Connection,
        channel: Channel,
        messages: Sequence[Message],
        outcomes: Sequence[Outcome],
        recorded_at: int,
    ) -> None:
        counted = Counter(zip(map(_TOPIC, messages), map(_SOURCE_AND_KIND, outcomes), strict=True))
        hour = recorded_at // _MICROSECONDS // _HOUR * _HOUR
        topics = [topic for topic, _ in counted]
        sources = [source for _, (source, _) in counted]
        kinds = [kind for _, (_, kind) in counted]
        values = (self._log_id, channel, hour, topics, sources, kinds, list(counted.values()))
        connection.execute(_SQL["count"], values)


def _conflict(one: Prepared, position: int) -> Rejection:
    detail = (
        f"another event with this source and id stands at position {position} with other content; "
        "send a TouchpointCorrected, or give the new event an id of its own"
    )
    return reject(one.index, one.source, "conflicting_content", detail)


def _rejected(rejection: Rejection) -> Outcome:
    return Outcome(
        "rejected", rejection.source, None, 0, rejection.code, rejection.detail,
        rejection.receipt_id,
    )  # fmt: skip
