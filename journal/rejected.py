"""Rejected messages: kept sealed with their reason, listed, read, mended, forgotten (ruling 31)."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

import msgspec
import psycopg

from domain.errors import VinculoError
from domain.instants import moment_of
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, Uuid, binary_cursor
from journal.intake.message import Message
from journal.queries import queries
from journal.sealing import KEY_BYTES, TenantSecret, seal, unseal

_SQL = queries("journal", "rejected.sql")
_MICROSECONDS = 1_000_000
KEEP_DAYS = 30


class RejectedMessage(msgspec.Struct, frozen=True):
    """A rejected message as it is listed, without what it holds.

    Args:
        receipt_id: 16 bytes.
        received_at: microseconds since 1970.
        channel: kafka, http or file.
        topic: Kafka topic or file name, empty for HTTP.
        partition: Kafka partition.
        offset: Kafka offset or line of the file.
        source: who sent it.
        code: why, for machines.
        detail: why, for people.
        mends: the receipt that it was to replace.
        mended_by: the receipt or entry that replaced it.

    """

    receipt_id: bytes
    received_at: int
    channel: str
    topic: str
    partition: int | None
    offset: int | None
    source: str
    code: str
    detail: str
    mends: bytes | None
    mended_by: bytes | None


class _Kept(msgspec.Struct, array_like=True):
    payload: bytes
    attributes: dict[str, str] | None = None


class RejectedSeal:
    """Seal rejected messages of one log under the key of their day.

    Args:
        log_id: of the facts log.
        secret: the tenant's.

    """

    def __init__(self, log_id: int, secret: TenantSecret) -> None:
        self._log_id = log_id
        self._secret = secret
        self._keys: dict[date, bytes] = {}

    def provide(self, connection: psycopg.Connection, now: int) -> bytes:
        """Return the key of the day on which ``now`` falls (UTC), made if there is none."""
        day = moment_of(now).date()
        key = self._keys.get(day)
        if key is None:
            name = _key_name(day)
            wrapped = self._secret.wrap(os.urandom(KEY_BYTES), name)
            connection.execute(_SQL["make_key"], (self._log_id, day, wrapped))
            found = connection.execute(_SQL["key"], (self._log_id, day)).fetchone()
            assert found is not None, "the key was made a moment ago"  # noqa: S101 - pair of make_key
            key = self._secret.unwrap(found[0], name)
            self._keys = {day: key}
        return key


def seal_message(key: bytes, message: Message, receipt_id: bytes) -> bytes:
    """Return a message as it is kept: payload and attributes, sealed for its receipt.

    Args:
        key: of the day, from :meth:`RejectedSeal.provide`.
        message: as it came.
        receipt_id: 16 bytes.

    """
    attributes = None if message.attributes is None else dict(message.attributes)
    plain = msgspec.msgpack.encode(_Kept(message.payload, attributes))
    return seal(key, 1, plain, receipt_id)


def list_rejected(
    connection: psycopg.Connection,
    log_id: int,
    *,
    source: str | None = None,
    code: str | None = None,
    open_only: bool = True,
    before: bytes | None = None,
    limit: int = 100,
) -> list[RejectedMessage]:
    """Return rejected messages, the newest first.

    Args:
        connection: to the journal.
        log_id: of the facts log.
        source: only those of this source.
        code: only those with this reason.
        open_only: leave out what was mended.
        before: receipt of the last one seen, to read on from there.
        limit: at most so many.

    """
    cursor = binary_cursor(connection)
    values = {
        "log_id": log_id, "source": source, "code": code, "open_only": open_only,
        "before": None if before is None else Uuid(before), "limit": limit,
    }  # fmt: skip
    cursor.execute(_SQL["list"], values)
    return [
        RejectedMessage(receipt, at + POSTGRES_EPOCH_MICROSECONDS, *rest)
        for receipt, at, *rest in cursor
    ]


def read_rejected(
    connection: psycopg.Connection,
    log_id: int,
    secret: TenantSecret,
    receipt_id: bytes,
    reader: str,
) -> tuple[str, Message]:
    """Return a rejected message as it came, and its channel. The reading is logged.

    Args:
        connection: to the journal.
        log_id: of the facts log.
        secret: the tenant's.
        receipt_id: 16 bytes.
        reader: name of the person or system that reads.

    Raises:
        VinculoError: if there is no such message, or its time is over.

    """
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["sealed"], (log_id, Uuid(receipt_id)))
    found = cursor.fetchone()
    if found is None or found[4] is None:
        kept = "none with this receipt" if found is None else f"one older than {KEEP_DAYS} days"
        message = f"expected a rejected message, found {kept}; list those that are kept"
        raise VinculoError(message)
    day, sealed, channel, topic, wrapped = found
    cursor.execute(_SQL["note_reading"], (log_id, Uuid(receipt_id), reader))
    key = secret.unwrap(wrapped, _key_name(day))
    message_kept = msgspec.msgpack.decode(unseal(key, sealed, receipt_id), type=_Kept)
    return channel, Message(message_kept.payload, message_kept.attributes, topic, mends=receipt_id)


def forget_rejected(connection: psycopg.Connection, log_id: int, today: date) -> int:
    """Forget what messages held that were rejected more than 30 days ago; return how many days."""
    oldest = date.fromordinal(today.toordinal() - KEEP_DAYS)
    return connection.execute(_SQL["forget"], (log_id, oldest)).rowcount


def _key_name(day: date) -> bytes:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).date().isoformat().encode()
