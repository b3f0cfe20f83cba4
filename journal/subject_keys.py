"""Subjects' keys: one key a persona and generation, made when the persona is first seen.

A key is committed before anything is sealed under it; a key without facts does no harm. What may
not happen is a fact sealed under a key that has been destroyed meanwhile: ``erasures`` of the log
head counts such changes, and an append whose keys were looked up before the last one starts anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import msgspec
import psycopg

from domain.identifiers import Identifier, Persona
from journal.connecting import ByteaArray, Uuid, UuidArray, binary_cursor
from journal.queries import queries
from journal.sealing import KEY_BYTES, TenantSecret

_SQL = queries("journal", "subject_keys.sql")
_CACHE_MAX = 1_000_000


class SubjectKey(msgspec.Struct, gc=False):
    """A subject's key, unwrapped when it is first needed.

    Args:
        generation: counts the returns of an erased customer.
        active: whether touchpoints of this subject may be stored.
        wrapped: the key as it is kept.
        plain: the key itself once unwrapped.

    """

    generation: int
    active: bool
    wrapped: bytes | None
    plain: bytes | None = None


class SubjectKeys:
    """The keys of one tenant's subjects.

    Args:
        log_id: of the facts log.
        secret: the tenant's.

    """

    def __init__(self, log_id: int, secret: TenantSecret) -> None:
        self.log_id = log_id
        self.erasures = -1
        self._secret = secret
        self._known: dict[bytes, SubjectKey] = {}

    def provide(
        self, connection: psycopg.Connection, personas: Mapping[Persona, Identifier]
    ) -> None:
        """See to it that every one of these personas has a key here and in the database.

        One query for those not yet known here, one insert for those new to the database.
        """
        self._refresh(connection)
        unknown = {
            persona.persona_id: persona
            for persona in personas
            if persona.persona_id not in self._known
        }
        if not unknown:
            return
        self._load(connection, unknown)
        new = [persona for key, persona in unknown.items() if key not in self._known]
        # In one order everywhere, so that two processes cannot wait for each other.
        new.sort(key=lambda persona: persona.persona_id)
        if new:
            self._make(connection, new, personas)

    def __contains__(self, persona_id: bytes) -> bool:
        """Say whether a persona was provided for already."""
        return persona_id in self._known

    def make_room(self, count: int) -> None:
        """Forget before a batch what would be too much with it; nothing is forgotten within one.

        Args:
            count: messages of the batch.

        """
        if len(self._known) + count > _CACHE_MAX:
            self.forget()

    def key(self, persona_id: bytes) -> SubjectKey:
        """Return the key of a persona that was provided for."""
        return self._known[persona_id]

    def plain(self, persona_id: bytes) -> bytes:
        """Return the 32 bytes of an active subject's key."""
        key = self._known[persona_id]
        if key.plain is None:
            assert key.wrapped is not None, "an active key is never destroyed"  # noqa: S101 - pair of set_state
            key.plain = self._secret.unwrap(key.wrapped, persona_id)[:KEY_BYTES]
        return key.plain

    def forget(self) -> None:
        """Drop what was looked up, so that the next ``provide`` sees the database as it is."""
        self._known.clear()
        self.erasures = -1

    def _refresh(self, connection: psycopg.Connection) -> None:
        if self.erasures < 0:
            found = connection.execute(_SQL["erasures"], (self.log_id,)).fetchone()
            self.erasures = found[0] if found else 0

    def _load(self, connection: psycopg.Connection, personas: Iterable[bytes]) -> None:
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["known"], (self.log_id, UuidArray(personas)))
        for persona_id, state, generation, wrapped in cursor:
            self._known[persona_id] = SubjectKey(generation, state == "active", wrapped)

    def _make(
        self,
        connection: psycopg.Connection,
        new: list[Persona],
        identifiers: Mapping[Persona, Identifier],
    ) -> None:
        made: dict[bytes, SubjectKey] = {}
        random = os.urandom(KEY_BYTES * len(new))
        for number, persona in enumerate(new):
            plain = random[KEY_BYTES * number : KEY_BYTES * (number + 1)]
            value = identifiers[persona].value.encode()
            wrapped = self._secret.wrap(plain + value, persona.persona_id)
            made[persona.persona_id] = SubjectKey(1, active=True, wrapped=wrapped, plain=plain)
        namespaces = [persona.namespace for persona in new]
        wraps = ByteaArray(key.wrapped or b"" for key in made.values())
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["remember"], (self.log_id, UuidArray(made), namespaces, wraps))
        won = {persona_id for (persona_id,) in cursor}
        self._known.update((one, made[one]) for one in won)
        self._load(connection, [one for one in made if one not in won])


def identifiers_of(
    connection: psycopg.Connection, log_id: int, secret: TenantSecret, personas: Iterable[bytes]
) -> dict[bytes, Identifier]:
    """Return the identifiers of some personas, unsealed; erased ones are absent."""
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["identifiers"], (log_id, UuidArray(personas)))
    return {
        persona_id: Identifier(namespace, secret.unwrap(wrapped, persona_id)[KEY_BYTES:].decode())
        for persona_id, namespace, wrapped in cursor
    }


def set_blocked(
    connection: psycopg.Connection, log_id: int, persona_id: bytes, *, blocked: bool
) -> bool:
    """Block a subject's touchpoints or let them in again; return whether that changed anything."""
    state = "blocked" if blocked else "active"
    with connection.transaction():
        connection.execute(_SQL["count_erasure"], (log_id,))
        values = {"state": state, "log_id": log_id, "persona_id": Uuid(persona_id)}
        done = connection.execute(_SQL["set_state"], values)
        return done.rowcount > 0
