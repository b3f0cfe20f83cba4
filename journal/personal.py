"""Personal fields: what is sealed in some entries, opened for whoever may read it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import psycopg

from journal.connecting import UuidArray, binary_cursor
from journal.queries import queries
from journal.sealing import KEY_BYTES, TenantSecret, unseal

_SQL = queries("journal", "personal.sql")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def personal_fields_of(
    connection: psycopg.Connection, log_id: int, secret: TenantSecret, entries: Collection[bytes]
) -> dict[bytes, dict[str, Any]]:
    """Return the sealed fields of some entries, opened, in one query.

    An entry that seals nothing, or whose subject was erased, is absent. Of a correction these are
    the new values of the fields that it mends, None for one that it takes away.

    Args:
        connection: to the journal.
        log_id: of the facts log.
        secret: the tenant's.
        entries: entry ids, 16 bytes each.

    Raises:
        SealBrokenError: if the secret is another than the one they were sealed under.

    """
    if not entries:
        return {}
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["sealed"], (log_id, UuidArray(entries)))
    opened: dict[bytes, dict[str, Any]] = {}
    for entry_id, persona_id, sealed, wrapped in cursor:
        key = secret.unwrap(wrapped, persona_id)[:KEY_BYTES]
        opened[entry_id] = _decode(unseal(key, sealed, entry_id))
    return opened
