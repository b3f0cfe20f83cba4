"""Names of personas: a keyed hash of an identifier, the same in any order of arrival (ruling 19).

Nobody without the tenant's secret can find a person from an e-mail, in any table or proof.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from domain.identifiers import Identifier, Persona
from journal.entry_ids import mark_uuid8

_CACHE_MAX = 500_000
_INNER_PAD = 0x36
_OUTER_PAD = 0x5C


class PersonaNames:
    """Name personas under one tenant's secret.

    Args:
        secret: the tenant's, at least 32 bytes, kept outside PostgreSQL.

    """

    def __init__(self, secret: bytes) -> None:
        key = hmac.digest(secret, b"vinculo persona v1", sha256)
        # HMAC (RFC 2104) from its two states after the padded key: copies of them cost a third of
        # what a new HMAC costs, and most messages of a large company name somebody new to a worker.
        block = key.ljust(sha256().block_size, b"\0")
        self._inner = sha256(bytes(byte ^ _INNER_PAD for byte in block))
        self._outer = sha256(bytes(byte ^ _OUTER_PAD for byte in block))
        self._known: dict[Identifier, Persona] = {}

    def name(self, identifier: Identifier) -> Persona:
        """Return the persona of an identifier; its id is a UUIDv8 of 16 bytes."""
        known = self._known.get(identifier)
        if known is None:
            known = Persona(identifier.namespace, self.persona_id(identifier))
            if len(self._known) >= _CACHE_MAX:
                self._known.clear()
            self._known[identifier] = known
        return known

    def persona_id(self, identifier: Identifier) -> bytes:
        """Return the 16 bytes of an identifier's persona; remembers nothing."""
        namespace = identifier.namespace.encode()
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(len(namespace).to_bytes(4) + namespace + identifier.value.encode())
        outer.update(inner.digest())
        return mark_uuid8(outer.digest())
