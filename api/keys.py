"""API keys: 256 random bits each, kept as SHA-256, held by somebody who is named (ruling 32).

A fast hash is right here: the bits are random, so there is nothing to guess.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Literal, get_args

import msgspec
import psycopg

from domain.errors import VinculoError
from domain.instants import moment_of
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, binary_cursor
from journal.queries import queries

_SQL = queries("api", "keys.sql")

Scope = Literal[
    "publish", "read", "read_personal", "redeem", "publish_rules", "approve", "audit", "operate",
    "partner",
]  # fmt: skip
"""What a key allows; none contains another."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
HOLDER_LENGTH_MAX = 200
_TOKEN_BYTES = 32
_TOKEN = re.compile(rb"vinculo_[A-Za-z0-9_-]{43}\Z")
_KEY_ID_DIGITS = 12


class Holder(msgspec.Struct, frozen=True):
    """Who asks, and what they may do.

    Args:
        key_id: of the key.
        name: of the person or system.
        scopes: what the key allows.

    """

    key_id: str
    name: str
    scopes: frozenset[str]


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made. The token is shown once and kept nowhere."""

    key_id: str
    token: str


class ListedKey(msgspec.Struct, frozen=True):
    """A key as it is listed.

    Args:
        key_id: by which it is revoked; it tells nothing of the token.
        holder: the person or system that holds it.
        scopes: what it allows.
        created_at: when it was made.
        revoked_at: when it was revoked, None if it was not.

    """

    key_id: str
    holder: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


def create_key(
    connection: psycopg.Connection, tenant: str, holder: str, scopes: Collection[str]
) -> NewKey:
    """Return a new key.

    Args:
        connection: of the database's owner.
        tenant: whose data it opens.
        holder: name of the person or system that will hold it.
        scopes: what it allows, of :data:`SCOPES`.

    Raises:
        VinculoError: if nobody is named, or a scope is not known.

    """
    if not 1 <= len(holder.strip()) <= HOLDER_LENGTH_MAX or not holder.isprintable():
        message = (
            f"holder: expected a name of 1 to {HOLDER_LENGTH_MAX} printable characters, found "
            f"{len(holder)}; name the person or system that will hold the key"
        )
        raise VinculoError(message)
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        message = f"scopes: expected some of {', '.join(SCOPES)}, found {unknown or 'none'}"
        raise VinculoError(message)
    token = "vinculo_" + urlsafe_b64encode(os.urandom(_TOKEN_BYTES)).rstrip(b"=").decode()
    digest = sha256(token.encode()).digest()
    key_id = digest.hex()[:_KEY_ID_DIGITS]
    values = {
        "tenant": tenant, "digest": digest, "key_id": key_id, "holder": holder.strip(),
        "scopes": [scope for scope in SCOPES if scope in scopes],
    }  # fmt: skip
    connection.execute(_SQL["create"], values)
    return NewKey(key_id, token)


def list_keys(connection: psycopg.Connection, tenant: str) -> list[ListedKey]:
    """Return every key of a tenant, revoked ones too, the newest first."""
    with connection.cursor() as cursor:
        rows: Iterable[tuple[str, str, list[str], object, object]] = cursor.execute(
            _SQL["list"], (tenant,)
        )
        return [
            ListedKey(key_id, holder, tuple(scopes), _required(created), _moment(revoked))
            for key_id, holder, scopes, created, revoked in rows
        ]


def revoke_key(connection: psycopg.Connection, tenant: str, key_id: str) -> bool:
    """Revoke a key; return whether there was one that was not revoked yet.

    Running processes notice within ``ApiLimits.key_seconds``.
    """
    return connection.execute(_SQL["revoke"], (tenant, key_id)).rowcount == 1


def find_holder(connection: psycopg.Connection, tenant: str, digest: bytes) -> Holder | None:
    """Return who holds a key of this tenant, None if it is unknown or revoked."""
    found = binary_cursor(connection).execute(_SQL["find"], (tenant, digest)).fetchone()
    return None if found is None else Holder(found[0], found[1], frozenset(found[2]))


def has_keys(connection: psycopg.Connection, tenant: str) -> bool:
    """Say whether anybody holds a key of this tenant."""
    found = connection.execute(_SQL["any"], (tenant,)).fetchone()
    return bool(found and found[0])


def digest_of(token: bytes) -> bytes | None:
    """Return the SHA-256 of a token, None if it has not the form of one."""
    return sha256(token).digest() if _TOKEN.match(token) else None


def _required(stamp: object) -> datetime:
    moment = _moment(stamp)
    assert moment is not None, "every key has its time"  # noqa: S101 - pair of the column's NOT NULL
    return moment


def _moment(stamp: object) -> datetime | None:
    """Return a time as a datetime, whichever kind of connection brought it."""
    if isinstance(stamp, int):
        return moment_of(stamp + POSTGRES_EPOCH_MICROSECONDS)
    return stamp if isinstance(stamp, datetime) else None
