"""Connections as this product uses them: its role, its time-outs, its cheap binary types.

Instants come back as integers (microseconds since 2000-01-01, PostgreSQL's own) and uuids as 16
bytes: both are what the hot paths want, and C code of the driver makes them at no cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryLoader
from psycopg.types.string import ByteaBinaryLoader

ROLE = "vinculo_application"
# Nothing but SQL stands between BEGIN and COMMIT where a log's head is held.
IDLE_SECONDS_MAX = 3
# A projection holds no head and may have a long history to fold anew.
FOLDING_SECONDS_MAX = 300
POSTGRES_EPOCH_MICROSECONDS = 946_684_800_000_000
_BYTEA_OID = 17
_UUID_OID = 2950
_BYTEA_ARRAY_OID = 1001
_UUID_ARRAY_OID = 2951
_TRUE, _FALSE = b"\x01", b"\x00"


class ByteaArray:
    """Bytes for ``unnest(%s)``, sent as they are; the driver's own way costs 3 µs an item."""

    items: list[bytes | None]

    def __init__(self, items: Iterable[bytes | None]) -> None:
        self.items = list(items)


class UuidArray(ByteaArray):
    """Uuids for ``= ANY(%s)``, given as 16 bytes each and sent as they are."""


class TextArray(ByteaArray):
    """Texts for ``unnest(%s)``, None for NULL."""

    def __init__(self, items: Iterable[str | None]) -> None:
        self.items = [None if item is None else item.encode() for item in items]


class InstantArray(ByteaArray):
    """Instants (microseconds since 1970) for ``unnest(%s)`` as timestamptz, None for NULL."""

    def __init__(self, items: Iterable[int | None]) -> None:
        self.items = [
            None if item is None else (item - POSTGRES_EPOCH_MICROSECONDS).to_bytes(8, signed=True)
            for item in items
        ]


class FlagArray(ByteaArray):
    """Booleans for ``unnest(%s)``."""

    def __init__(self, items: Iterable[bool]) -> None:
        self.items = [_TRUE if item else _FALSE for item in items]


class BigintArray(ByteaArray):
    """Integers for ``unnest(%s)`` as bigint, None for NULL.

    The driver names a list of integers by the size of the largest, so a statement would be another
    one for every size.
    """

    def __init__(self, items: Iterable[int | None]) -> None:
        self.items = [None if item is None else item.to_bytes(8, signed=True) for item in items]


class Uuid:
    """One uuid given as 16 bytes."""

    def __init__(self, uuid: bytes) -> None:
        self.uuid = uuid


_NULL = (-1).to_bytes(4, signed=True)
_UUID_LENGTH = (16).to_bytes(4)
# Dimensions, whether there are NULLs, type, items, where the index begins.
_UUID_ARRAY_HEAD = Struct("!iiiii").pack


def _array(element_oid: int, items: list[Any]) -> bytes:
    head = int(None in items).to_bytes(4) + element_oid.to_bytes(4)
    if not items:
        return bytes(4) + head
    fields = (_NULL if item is None else len(item).to_bytes(4) + item for item in items)
    return b"".join(((1).to_bytes(4), head, len(items).to_bytes(4), (1).to_bytes(4), *fields))


class _ByteaArrayDumper(Dumper):
    format = Format.BINARY
    oid = _BYTEA_ARRAY_OID

    def dump(self, obj: ByteaArray) -> Buffer:
        return _array(_BYTEA_OID, obj.items)


class _TextArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1009

    def dump(self, obj: TextArray) -> Buffer:
        return _array(25, obj.items)


class _InstantArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1185

    def dump(self, obj: InstantArray) -> Buffer:
        return _array(1184, obj.items)


class _BigintArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1016

    def dump(self, obj: BigintArray) -> Buffer:
        return _array(20, obj.items)


class _FlagArrayDumper(Dumper):
    format = Format.BINARY
    oid = 1000

    def dump(self, obj: FlagArray) -> Buffer:
        return _array(16, obj.items)


class _UuidArrayDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_ARRAY_OID

    def dump(self, obj: UuidArray) -> Buffer:
        items = obj.items
        if not items or None in items:
            return _array(_UUID_OID, items)
        head = _UUID_ARRAY_HEAD(1, 0, _UUID_OID, len(items), 1)
        return head + _UUID_LENGTH + _UUID_LENGTH.join(items)  # type: ignore[arg-type] # none is None


class _UuidDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_OID

    def dump(self, obj: Uuid) -> Buffer:
        return obj.uuid


def prepare_types(connection: psycopg.Connection | psycopg.AsyncConnection) -> None:
    """Teach a connection the cheap types of this module."""
    connection.adapters.register_loader("uuid", ByteaBinaryLoader)
    connection.adapters.register_loader("timestamptz", Int8BinaryLoader)
    connection.adapters.register_dumper(TextArray, _TextArrayDumper)
    connection.adapters.register_dumper(InstantArray, _InstantArrayDumper)
    connection.adapters.register_dumper(BigintArray, _BigintArrayDumper)
    connection.adapters.register_dumper(FlagArray, _FlagArrayDumper)
    connection.adapters.register_dumper(ByteaArray, _ByteaArrayDumper)
    connection.adapters.register_dumper(UuidArray, _UuidArrayDumper)
    connection.adapters.register_dumper(Uuid, _UuidDumper)


def connect(
    conninfo: str,
    *,
    name: str,
    idle_seconds_max: int = IDLE_SECONDS_MAX,
    **options: Any,  # noqa: ANN401 - psycopg's own
) -> psycopg.Connection:
    """Open a connection that may add and read entries but not change them.

    Args:
        conninfo: libpq's connection string or URL.
        name: shown as application_name, such as ``vinculo intake``.
        idle_seconds_max: the server ends a session that idles for longer within a transaction.
        **options: passed on to psycopg.

    """
    connection = psycopg.connect(conninfo, application_name=name, autocommit=True, **options)
    connection.execute(
        "SELECT set_config('idle_in_transaction_session_timeout', %s, false),"
        " set_config('role', %s, false), set_config('timezone', 'UTC', false)",
        (f"{idle_seconds_max}s", ROLE),
    )
    prepare_types(connection)
    return connection


def binary_cursor(connection: psycopg.Connection) -> psycopg.Cursor:
    """Return a cursor whose results come as the cheap types of this module."""
    return connection.cursor(binary=True)


__all__ = [
    "POSTGRES_EPOCH_MICROSECONDS",
    "ROLE",
    "BigintArray",
    "ByteaArray",
    "FlagArray",
    "InstantArray",
    "TextArray",
    "Uuid",
    "UuidArray",
    "binary_cursor",
    "connect",
    "prepare_types",
]
