"""Names of personas: a keyed hash of an identifier, the same in any order of arrival (ruling 19).

Nobody without the tenant's secret can find a person from an e-mail, in any table or proof.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from domain.identifiers import Identifier, Persona
from journal.entry_ids import mark_uuid8

_CACHE_MAX = 500_000


class PersonaNames:
    """Name personas under one tenant's secret.

    Args:
        secret: the tenant's, at least 32 bytes, kept outside PostgreSQL.

    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"vinculo persona v1", sha256)
        self._known: dict[Identifier, Persona] = {}

    def name(self, identifier: Identifier) -> Persona:
        """Return the persona of an identifier; its id is a UUIDv8 of 16 bytes."""
        known = self._known.get(identifier)
        if known is None:
            known = self._hash(identifier)
            if len(self._known) >= _CACHE_MAX:
                self._known.clear()
            self._known[identifier] = known
        return known

    def _hash(self, identifier: Identifier) -> Persona:
        namespace = identifier.namespace.encode()
        message = len(namespace).to_bytes(4) + namespace + identifier.value.encode()
        digest = hmac.digest(self._key, message, "sha256")
        return Persona(identifier.namespace, mark_uuid8(digest[:16]))
