"""What publishers and operators ask of intake: its accounts, one rejection, one event."""

from __future__ import annotations

import msgspec
import psycopg

from domain.instants import moment_of
from domain.touchpoints import TouchpointVoided, type_name
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, Uuid, binary_cursor
from journal.queries import queries
from journal.rejected import RejectedMessage

_SQL = queries("journal.intake", "inquiries.sql")
_VOID = type_name(TouchpointVoided)


class Account(msgspec.Struct, frozen=True):
    """What became of the messages that one source sent in one hour by one channel.

    Args:
        hour: its beginning, microseconds since 1970.
        channel: kafka, http or file.
        topic: Kafka topic or file, empty for HTTP.
        source: who sent them, ``unknown`` where that could not be read.
        stored: they became facts.
        duplicate: they were facts already.
        rejected: they are kept with the reason.
        suppressed: their subject is blocked or erased.

    """

    hour: int
    channel: str
    topic: str
    source: str
    stored: int
    duplicate: int
    rejected: int
    suppressed: int

    @property
    def received(self) -> int:
        """Return how many messages came: the sum over all outcomes."""
        return self.stored + self.duplicate + self.rejected + self.suppressed


class AccountQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts are wanted; None means all.

    Args:
        channel: only this one.
        source: only this one.
        since: hours that begin then or later, microseconds since 1970.
        until: hours that begin before.
        after: (hour, channel, topic, source) of the last account seen, to read on from there.
        limit: at most so many.

    """

    channel: str | None = None
    source: str | None = None
    since: int | None = None
    until: int | None = None
    after: tuple[int, str, str, str] | None = None
    limit: int = 1_000


class EventStanding(msgspec.Struct, frozen=True):
    """A stored event, and what was said of it since.

    Args:
        position: in the facts log.
        type: of the touchpoint.
        recorded_at: microseconds since 1970.
        voided: whether it counts for nothing.
        corrected: whether a correction of it counts.
        named_by: entry ids of all corrections and voids of it, in order of arrival.

    """

    position: int
    type: str
    recorded_at: int
    voided: bool
    corrected: bool
    named_by: tuple[bytes, ...]


def list_accounts(
    connection: psycopg.Connection, log_id: int, question: AccountQuestion
) -> list[Account]:
    """Return the accounts of intake, the newest hour first."""
    hour, channel, topic, source = question.after or (None, None, None, None)
    values = {
        "log_id": log_id, "channel": question.channel, "source": question.source,
        "since": _moment(question.since), "until": _moment(question.until),
        "after_hour": _moment(hour), "after_channel": channel, "after_topic": topic,
        "after_source": source, "limit": question.limit,
    }  # fmt: skip
    rows = binary_cursor(connection).execute(_SQL["accounts"], values)
    return [Account(at + POSTGRES_EPOCH_MICROSECONDS, *rest) for at, *rest in rows]


def find_rejected(
    connection: psycopg.Connection, log_id: int, receipt_id: bytes
) -> RejectedMessage | None:
    """Return one rejected message as it is listed, None if there is none of this receipt."""
    cursor = binary_cursor(connection).execute(_SQL["rejected"], (log_id, Uuid(receipt_id)))
    found = cursor.fetchone()
    if found is None:
        return None
    receipt, at, *rest = found
    return RejectedMessage(receipt, at + POSTGRES_EPOCH_MICROSECONDS, *rest)


def standing_of(
    connection: psycopg.Connection, log_id: int, entry_id: bytes
) -> EventStanding | None:
    """Return what became of an event that was stored, None if there is none of this id."""
    values = {"log_id": log_id, "entry_id": Uuid(entry_id), "void": _VOID}
    rows = binary_cursor(connection).execute(_SQL["standing"], values).fetchall()
    if not rows:
        return None
    position, kind, recorded_at = rows[0][:3]
    namings = [row[3:] for row in rows if row[3] is not None]
    return EventStanding(
        position,
        kind,
        recorded_at + POSTGRES_EPOCH_MICROSECONDS,
        voided=any(naming == _VOID for _, naming, _ in namings),
        corrected=any(naming != _VOID and not voided for _, naming, voided in namings),
        named_by=tuple(entry for entry, _, _ in namings),
    )


def _moment(instant: int | None) -> object:
    return None if instant is None else moment_of(instant)
