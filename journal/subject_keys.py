"""Subjects' keys: one key a persona and generation, made when the persona is first seen.

A key is committed before anything is sealed under it; a key without facts does no harm. What may
not happen is a fact sealed under a key that has been destroyed meanwhile: ``erasures`` of the log
head counts such changes, and an append whose keys were looked up before the last one starts anew.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

import psycopg

from domain.identifiers import Identifier
from journal.connecting import ByteaArray, Uuid, UuidArray, binary_cursor
from journal.queries import queries
from journal.sealing import KEY_BYTES, TenantSecret

_SQL = queries("journal", "subject_keys.sql")
_CACHE_MAX = 1_000_000
_ACTIVE = "active"
_FIRST_GENERATION = 1
_UUID_BYTES = 16


class SubjectKeys:
    """The keys of one tenant's subjects.

    Most touchpoints seal nothing: of their subjects it is enough to know that they have a key and
    are active. Keys themselves are fetched for those subjects alone for whom something is sealed.

    ``provided`` holds the personas that were provided for, ``inactive`` those of them whose
    touchpoints may not be stored, ``erasures`` the count of the log's head under which that is so.

    Args:
        log_id: of the facts log.
        secret: the tenant's.

    """

    def __init__(self, log_id: int, secret: TenantSecret) -> None:
        self.log_id = log_id
        self.erasures = -1
        self.inactive: set[bytes] = set()
        self._secret = secret
        self.provided: set[bytes] = set()
        # By persona, with the generation, which counts the returns of an erased customer.
        self._wrapped: dict[bytes, tuple[int, bytes]] = {}
        self._keys: dict[bytes, tuple[int, bytes]] = {}

    def provide(
        self,
        connection: psycopg.Connection,
        personas: Mapping[bytes, Identifier],
        sealing: Collection[bytes] = (),
    ) -> None:
        """See to it that every one of these personas has a key in the database.

        Two queries at the most for those not yet known here, one insert for those new to the
        database.

        Args:
            connection: in autocommit.
            personas: by whom they are named, by persona id (16 bytes).
            sealing: those of whom :meth:`key` will be asked; each stands in ``personas`` or was
                provided for before.

        """
        self._refresh(connection)
        keyless = {
            one
            for one in sealing
            if one not in self._keys and one not in self._wrapped and one not in self.inactive
        }
        if keyless:
            self._fetch(connection, keyless)
        unknown = personas.keys() - self.provided
        if not unknown:
            return
        rest = unknown - keyless
        if rest:
            self._look_up(connection, rest)
        new = unknown - self.provided
        if new:
            # In one order everywhere, so that two processes cannot wait for each other.
            self._make(connection, sorted(new), personas)

    def make_room(self, count: int) -> None:
        """Forget before a batch what would be too much with it; nothing is forgotten within one.

        Args:
            count: messages of the batch.

        """
        if len(self.provided) + count > _CACHE_MAX:
            self.forget()

    def key(self, persona_id: bytes) -> tuple[int, bytes]:
        """Return generation and key (32 bytes) of an active persona, provided for sealing."""
        key = self._keys.get(persona_id)
        if key is None:
            generation, wrapped = self._wrapped[persona_id]
            plain = self._secret.unwrap(wrapped, persona_id)[:KEY_BYTES]
            key = self._keys[persona_id] = generation, plain
            del self._wrapped[persona_id]
        return key

    def forget(self) -> None:
        """Drop what was looked up, so that the next ``provide`` sees the database as it is."""
        self.provided.clear()
        self.inactive.clear()
        self._wrapped.clear()
        self._keys.clear()
        self.erasures = -1

    def _refresh(self, connection: psycopg.Connection) -> None:
        if self.erasures < 0:
            found = connection.execute(_SQL["erasures"], (self.log_id,)).fetchone()
            self.erasures = found[0] if found else 0

    def _look_up(self, connection: psycopg.Connection, personas: set[bytes]) -> None:
        """Learn which of these have a key and are active.

        Nearly always all do: then the answer is one block of ids, and nothing is made of each row.
        """
        asked = (self.log_id, UuidArray(personas))
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["plain"], asked)
        [(rows, plain)] = cursor
        if rows == len(personas) and len(plain) == _UUID_BYTES * rows:
            self.provided |= personas
            return
        self.provided.update(
            plain[at : at + _UUID_BYTES] for at in range(0, len(plain), _UUID_BYTES)
        )
        if _UUID_BYTES * rows != len(plain):
            cursor.execute(_SQL["odd"], asked)
            for persona_id, state in cursor:
                self._note(persona_id, state)

    def _fetch(self, connection: psycopg.Connection, personas: Iterable[bytes]) -> None:
        """Fetch the keys of these, as far as they have one and are active."""
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["keys"], (self.log_id, UuidArray(personas)))
        for persona_id, state, generation, wrapped in cursor:
            self._note(persona_id, state)
            if state == _ACTIVE:
                self._wrapped[persona_id] = generation, wrapped

    def _note(self, persona_id: bytes, state: str) -> None:
        """Note the state of a generation; they come in order, so that the newest one stays."""
        self.provided.add(persona_id)
        if state == _ACTIVE:
            self.inactive.discard(persona_id)
        else:
            self.inactive.add(persona_id)
            self._wrapped.pop(persona_id, None)

    def _make(
        self,
        connection: psycopg.Connection,
        new: Sequence[bytes],
        identifiers: Mapping[bytes, Identifier],
    ) -> None:
        random = os.urandom(KEY_BYTES * len(new))
        keys = [random[at : at + KEY_BYTES] for at in range(0, len(random), KEY_BYTES)]
        wraps = [
            self._secret.wrap(key + identifiers[persona_id].value.encode(), persona_id)
            for persona_id, key in zip(new, keys, strict=True)
        ]
        namespaces = [identifiers[persona_id].namespace for persona_id in new]
        cursor = binary_cursor(connection)
        values = (self.log_id, UuidArray(new), namespaces, ByteaArray(wraps))
        cursor.execute(_SQL["remember"], values)
        won = {persona_id for (persona_id,) in cursor}
        self.provided |= won
        for persona_id, key in zip(new, keys, strict=True):
            if persona_id in won:
                self._keys[persona_id] = _FIRST_GENERATION, key
        lost = set(new) - won
        if lost:
            self._fetch(connection, lost)


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
