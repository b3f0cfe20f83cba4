"""Tells the tenant's secret from another one before anything is written under it.

Personas are named by a keyed digest of their identifiers: under another secret every customer
would come a second time, and nothing else would notice. So the first secret leaves its fingerprint
with the log, and every process compares.
"""

from __future__ import annotations

import hmac

import psycopg

from domain.errors import VinculoError
from journal.connecting import binary_cursor
from journal.queries import queries
from journal.sealing import SealBrokenError, TenantSecret

_SQL = queries("journal", "tenant_secret_check.sql")
_PURPOSE = b"vinculo secret fingerprint v1"
_FINGERPRINT_BYTES = 16
_SHOWN_CHARACTERS = 8


class WrongSecretError(VinculoError):
    """The secret is not the one that the tenant's log was begun with."""


def fingerprint_of(secret: TenantSecret) -> bytes:
    """Return 16 bytes that tell a secret from others: HMAC-SHA-256 of a purpose, cut."""
    return hmac.digest(secret.secret, _PURPOSE, "sha256")[:_FINGERPRINT_BYTES]


def check_secret(connection: psycopg.Connection, log_id: int, secret: TenantSecret) -> None:
    """Compare a secret with the one that a log was begun with, if that is known; only reads.

    Args:
        connection: to the journal.
        log_id: of the facts log.
        secret: what is about to be used.

    Raises:
        WrongSecretError: it is another one.

    """
    found = connection.execute(_SQL["known"], (log_id,)).fetchone()
    if found is None:
        _expect_to_unwrap(connection, log_id, secret)
        return
    expected, given = bytes(found[0]), fingerprint_of(secret)
    if not hmac.compare_digest(expected, given):
        raise _wrong(f"fingerprint {_shown(expected)}", f"fingerprint {_shown(given)}")


def note_secret(connection: psycopg.Connection, log_id: int, secret: TenantSecret) -> None:
    """Leave the fingerprint of a log's first secret with it, and compare from then on.

    Arguments and errors as of :func:`check_secret`; nothing is written if it raises.
    """
    check_secret(connection, log_id, secret)
    connection.execute(_SQL["note"], (log_id, fingerprint_of(secret)))
    check_secret(connection, log_id, secret)  # another process may have come first


def _expect_to_unwrap(connection: psycopg.Connection, log_id: int, secret: TenantSecret) -> None:
    """Try the secret on what it must open, where a log is older than its fingerprint."""
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["a_key"], (log_id,))
    found = cursor.fetchone()
    if found is None:
        return
    persona_id, wrapped = found
    try:
        secret.unwrap(wrapped, persona_id)
    except SealBrokenError as error:
        raise _wrong("that opens its subjects' keys", "one that does not") from error


def _wrong(expected: str, found: str) -> WrongSecretError:
    return WrongSecretError(
        f"expected the secret that this tenant's log was begun with ({expected}), found another "
        f"({found}); nothing was written. Set VINCULO_SECRET or VINCULO_SECRET_FILE to the first "
        "one (in a file every byte counts, a line's end too), or VINCULO_TENANT to its tenant"
    )


def _shown(fingerprint: bytes) -> str:
    return fingerprint.hex()[:_SHOWN_CHARACTERS]


__all__ = ["WrongSecretError", "check_secret", "fingerprint_of", "note_secret"]
