"""Preparing: read, name, seal and hash a batch of messages, with two queries at the most."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol

import msgspec
import psycopg
import structlog

from domain.errors import Refused
from domain.identifiers import Identifier, Persona
from journal.entry_ids import mark_uuid8
from journal.intake.batch import Batch, Prepared, Rejection
from journal.intake.mapping import Mapping, Statement
from journal.intake.message import Message
from journal.rows import bound_fact, field, leaf_of
from journal.sealing import Nonces, TenantSecret, seal
from journal.subject_keys import SubjectKeys

UNKNOWN_SOURCE = "unknown"
DIGEST_BYTES = 16
_TOO_DEEP = "expected JSON nested a few levels deep, found more than can be read; flatten it"
_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Keyed(Protocol):
    """A keyed hash that has not been finished."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""

    def digest(self) -> bytes:
        """Return the hash of all that was taken in."""


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
        self._heads: dict[tuple[str, str], bytes] = {}

    def prepare(self, connection: psycopg.Connection, messages: Sequence[Message]) -> Batch:
        """Return a batch ready to be appended; nothing of it is lost, whatever it holds."""
        now = self._clock()
        keys = self._keys
        keys.make_room(len(messages))
        statements: list[tuple[int, Statement]] = []
        rejections: list[Rejection] = []
        named: dict[Persona, Identifier] = {}
        for index, message in enumerate(messages):
            try:
                statement = self._mapping.read(message, now)
            except Refused as refusal:
                rejections.append(reject(index, source_of(message), refusal.code, refusal.detail))
            except RecursionError:
                rejections.append(reject(index, source_of(message), "too_deep", _TOO_DEEP))
            except Exception as error:  # noqa: BLE001 - reading does no I/O: this message is at fault
                _log.exception("intake.unreadable", topic=message.topic, offset=message.offset)
                detail = f"expected a touchpoint, found what our reader fails at: {type(error)}"
                rejections.append(reject(index, source_of(message), "unreadable", detail))
            else:
                statements.append((index, statement))
                if statement.persona.persona_id not in keys:
                    named[statement.persona] = statement.identifier
                if statement.further:
                    named.update(statement.further)
        keys.provide(connection, named)
        nonces = Nonces(sum(statement.personal is not None for _, statement in statements))
        batch = Batch(now, keys.erasures, [], rejections, [])
        for index, statement in statements:
            if self._active(statement):
                batch.prepared.append(self._seal(index, statement, now, nonces))
            else:
                batch.suppressed.append((index, statement.source))
        return batch

    def _active(self, statement: Statement) -> bool:
        key = self._keys.key
        if not key(statement.persona.persona_id).active:
            return False
        return all(key(persona.persona_id).active for persona in statement.further)

    def _seal(self, index: int, statement: Statement, now: int, nonces: Nonces) -> Prepared:
        body = _encode(statement.body)
        persona_id = statement.persona.persona_id
        sealed: bytes | None = None
        personal = b""
        if statement.personal:
            personal = _encode(statement.personal)
            key = self._keys.plain(persona_id)
            generation = self._keys.key(persona_id).generation
            sealed = seal(key, generation, personal, statement.entry_id, nonces.draw())
            keyed = blake2b(digest_size=DIGEST_BYTES, key=key)
        else:
            keyed = self._keyed.copy()
        digest = content_digest(keyed, statement, body, personal)
        bound = bound_fact(
            self._log_id, statement.occurred_at, now, statement.entry_id, persona_id,
            statement.refers_to, self._head(statement), digest, body, sealed,
        )  # fmt: skip
        further = tuple(one.persona_id for one in statement.further) if statement.further else ()
        return Prepared(
            index, statement.source, statement.entry_id, digest, bound, leaf_of(bound), further
        )

    def _head(self, statement: Statement) -> bytes:
        name = (statement.source, statement.type)
        head = self._heads.get(name)
        if head is None:
            head = field(name[0].encode()) + field(name[1].encode())
            self._heads[name] = head
        return head


def content_digest(keyed: Keyed, statement: Statement, body: bytes, personal: bytes) -> bytes:
    """Return 16 bytes that tell a repetition from a conflict, keyed so that nobody can guess.

    Binds type, time, subject, body and personal fields, but not the publisher's trace, which may
    differ when an event is sent again.

    Args:
        keyed: BLAKE2b under the subject's key where there are personal fields, else the tenant's.
        statement: what is stated.
        body: as it will be stored.
        personal: the personal fields before they are sealed.

    """
    if statement.body.traceparent is not None:
        body = _encode(msgspec.structs.replace(statement.body, traceparent=None))
    keyed.update(
        b"".join((
            statement.type.encode(), statement.occurred_at.to_bytes(8, signed=True),
            statement.persona.persona_id, len(body).to_bytes(4), body, personal,
        ))
    )  # fmt: skip
    return keyed.digest()


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
