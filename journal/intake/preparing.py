"""Preparing: read, name, seal and hash a batch of messages, with three queries at the most.

What needs no key is finished while it is at hand, in one pass over the messages; what is to be
sealed waits until its subjects' keys were fetched for all of the batch at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from struct import Struct

import msgspec
import psycopg
import structlog

from domain.errors import Refused
from domain.identifiers import Identifier
from journal.entry_ids import mark_uuid8
from journal.intake.batch import Batch, Prepared, Rejection
from journal.intake.mapping import Mapping, Statement
from journal.intake.message import Message
from journal.rows import FactRows, leaf_of
from journal.sealing import Nonces, TenantSecret, seal
from journal.subject_keys import SubjectKeys

UNKNOWN_SOURCE = "unknown"
DIGEST_BYTES = 16
_TOO_DEEP = "expected JSON nested a few levels deep, found more than can be read; flatten it"
_log = structlog.get_logger(__name__)
# occurred_at, persona, length of the body.
_DIGESTED_PACK = Struct("!q16si").pack
_encode = msgspec.json.Encoder(order="deterministic").encode


class _Unsealed(msgspec.Struct, gc=False):
    """What waits for its subject's key: encoded, so that nothing else of it has to be kept.

    Args:
        prepared: to be finished.
        occurred_at: microseconds since 1970.
        refers_to: entry id of the touchpoint that a correction names.
        columns: source and type as two fields of a row.
        digested: what its digest is taken of.
        body: as it will be stored.
        personal: what to seal.

    """

    prepared: Prepared
    occurred_at: int
    refers_to: bytes | None
    columns: bytes
    digested: bytes
    body: bytes
    personal: bytes


class _Work(msgspec.Struct):
    """A batch on its way through the stages.

    Args:
        batch: what comes of it.
        rows: encodes its rows.
        named: personas that were not provided for yet, by id, and how they are named.
        unsealed: what waits for its subject's key.

    """

    batch: Batch
    rows: FactRows
    named: dict[bytes, Identifier] = {}
    unsealed: list[_Unsealed] = []


class _SourceOnly(msgspec.Struct, gc=False):
    source: str = UNKNOWN_SOURCE


_SOURCE_DECODER = msgspec.json.Decoder(_SourceOnly)


class Preparing:
    """Prepare batches for one facts log.

    Args:
        log_id: of the facts log.
        mapping: reads messages.
        keys: the subjects' keys.
        secret: the tenant's.
        clock: returns microseconds since 1970.

    """

    def __init__(
        self,
        log_id: int,
        mapping: Mapping,
        keys: SubjectKeys,
        secret: TenantSecret,
        clock: Callable[[], int],
    ) -> None:
        self._log_id = log_id
        self._mapping = mapping
        self._keys = keys
        self._secret = secret
        self._clock = clock
        self._keyed = blake2b(digest_size=DIGEST_BYTES, key=secret.digest_key)

    def prepare(self, connection: psycopg.Connection, messages: Sequence[Message]) -> Batch:
        """Return a batch ready to be appended; nothing of it is lost, whatever it holds."""
        now = self._clock()
        keys = self._keys
        keys.make_room(len(messages))
        work = _Work(Batch(now, -1, [], [], []), FactRows(self._log_id, now))
        read, take, rejections = self._mapping.read, self._take, work.batch.rejections
        for index, message in enumerate(messages):
            try:
                statement = read(message, now)
            except Refused as refusal:
                rejections.append(reject(index, source_of(message), refusal.code, refusal.detail))
            except RecursionError:
                rejections.append(reject(index, source_of(message), "too_deep", _TOO_DEEP))
            except Exception as error:  # noqa: BLE001 - reading does no I/O: this message is at fault
                _log.exception("intake.unreadable", topic=message.topic, offset=message.offset)
                detail = f"expected a touchpoint, found what our reader fails at: {type(error)}"
                rejections.append(reject(index, source_of(message), "unreadable", detail))
            else:
                take(index, statement, work)
        keys.provide(connection, work.named, [one.prepared.persona_id for one in work.unsealed])
        work.batch.erasures = keys.erasures
        if keys.inactive:
            self._suppress(work)
        nonces = Nonces(len(work.unsealed))
        for one in work.unsealed:
            self._seal(one, work.rows, nonces)
        return work.batch

    def _take(self, index: int, statement: Statement, work: _Work) -> None:
        """Note who is named, and finish what needs no key while it is at hand."""
        accepted, subject = statement.accepted, statement.subject
        persona_id = subject.persona_id
        if persona_id not in self._keys.provided:
            work.named[persona_id] = subject.identifier
        further: tuple[bytes, ...] = ()
        if statement.further:
            work.named.update(statement.further)
            further = tuple(statement.further)
        source = accepted.source.name
        body = _encode(statement.body)
        if statement.personal is None:
            keyed = self._keyed.copy()
            keyed.update(digested(statement, body, b""))
            digest = keyed.digest()
            bound = work.rows.bound(
                statement.occurred_at, statement.entry_id, persona_id, statement.refers_to,
                accepted.columns, digest, body, None,
            )  # fmt: skip
            work.batch.prepared.append(
                Prepared(
                    index, source, statement.entry_id, persona_id, further,
                    digest, bound, leaf_of(bound),
                )
            )  # fmt: skip
            return
        prepared = Prepared(index, source, statement.entry_id, persona_id, further)
        work.batch.prepared.append(prepared)
        personal = _encode(statement.personal)
        work.unsealed.append(
            _Unsealed(
                prepared, statement.occurred_at, statement.refers_to, accepted.columns,
                digested(statement, body, personal), body, personal,
            )
        )  # fmt: skip

    def _suppress(self, work: _Work) -> None:
        """Take out what touches somebody who is blocked or erased."""
        inactive = self._keys.inactive
        batch = work.batch
        out = {
            one.index: one.source
            for one in batch.prepared
            if one.persona_id in inactive or not inactive.isdisjoint(one.further)
        }
        if out:
            batch.suppressed.extend(out.items())
            batch.prepared[:] = [one for one in batch.prepared if one.index not in out]
            work.unsealed[:] = [one for one in work.unsealed if one.prepared.index not in out]

    def _seal(self, unsealed: _Unsealed, rows: FactRows, nonces: Nonces) -> None:
        """Finish what is sealed under its subject's key."""
        prepared = unsealed.prepared
        generation, key = self._keys.key(prepared.persona_id)
        digest = blake2b(unsealed.digested, digest_size=DIGEST_BYTES, key=key).digest()
        sealed = seal(key, generation, unsealed.personal, prepared.entry_id, nonces.draw())
        prepared.content_digest = digest
        prepared.bound = rows.bound(
            unsealed.occurred_at, prepared.entry_id, prepared.persona_id, unsealed.refers_to,
            unsealed.columns, digest, unsealed.body, sealed,
        )  # fmt: skip
        prepared.leaf = leaf_of(prepared.bound)


def digested(statement: Statement, body: bytes, personal: bytes) -> bytes:
    """Return what of a statement tells a repetition from a conflict.

    Its digest is keyed so that nobody can guess: BLAKE2b under the subject's key where there are
    personal fields, else under the tenant's. It binds type, time, subject, body and personal
    fields, but not the publisher's trace, which may differ when an event is sent again.

    Args:
        statement: what is stated.
        body: as it will be stored.
        personal: the personal fields before they are sealed.

    """
    if statement.body.traceparent is not None:
        body = _encode(msgspec.structs.replace(statement.body, traceparent=None))
    fixed = _DIGESTED_PACK(statement.occurred_at, statement.subject.persona_id, len(body))
    return b"".join((statement.accepted.type_bytes, fixed, body, personal))


def reject(index: int, source: str, code: str, detail: str) -> Rejection:
    """Return a rejection with a receipt of its own.

    A publisher's text may hold U+0000, which PostgreSQL's text cannot; it is shown as U+FFFD.
    """
    shown_source, shown_detail = source.replace("\0", "\ufffd"), detail.replace("\0", "\ufffd")
    return Rejection(index, shown_source, code, shown_detail, mark_uuid8(os.urandom(16)))


def source_of(message: Message) -> str:
    """Return who sent a message that could not be read, ``unknown`` if not even that is legible."""
    if message.attributes is not None:
        return message.attributes.get("source", UNKNOWN_SOURCE)[:200] or UNKNOWN_SOURCE
    try:
        return _SOURCE_DECODER.decode(message.payload).source[:200] or UNKNOWN_SOURCE
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return UNKNOWN_SOURCE
