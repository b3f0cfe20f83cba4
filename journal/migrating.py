"""Bring a database's schema to the present: numbered migrations, each once, under one lock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.resources import files
from typing import LiteralString

import psycopg

from domain.errors import VinculoError

_LOCK = 0x56494E43  # an advisory lock of our own: "VINC"
_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS public.vinculo_migration (
    room        text        NOT NULL,
    name        text        NOT NULL,
    digest      text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT vinculo_migration_pkey PRIMARY KEY (room, name)
)
"""


def migrate(conninfo: str, rooms: Iterable[str] = ("journal",)) -> list[str]:
    """Apply what is missing of every room's migrations and return the names of what was applied.

    Safe to call from many processes at once: one works, the others wait and find nothing to do.

    Args:
        conninfo: of the database's owner.
        rooms: packages with a ``migrations`` folder, in order of dependence.

    Raises:
        VinculoError: if a migration that was applied reads otherwise now.

    """
    applied: list[str] = []
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_BOOKKEEPING)
        for room in rooms:
            applied += _migrate_room(connection, room)
    return applied


def _migrate_room(connection: psycopg.Connection, room: str) -> list[str]:
    rows = connection.execute(
        "SELECT name, digest FROM public.vinculo_migration WHERE room = %s", (room,)
    ).fetchall()
    known: dict[str, str] = dict(rows)
    applied = []
    for name, text in _files_of(room):
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name in known:
            _refuse_changed(room, name, known[name], digest)
            continue
        connection.execute(text)
        connection.execute(
            "INSERT INTO public.vinculo_migration (room, name, digest) VALUES (%s, %s, %s)",
            (room, name, digest),
        )
        applied.append(f"{room}/{name}")
    return applied


def _files_of(room: str) -> list[tuple[str, LiteralString]]:
    folder = files(room).joinpath("migrations")
    return sorted(
        (file.name, file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    )


def _refuse_changed(room: str, name: str, applied: str, found: str) -> None:
    if applied != found:
        message = (
            f"migration {room}/{name}: expected the text that was applied (SHA-256 {applied[:12]}…)"
            f", found another ({found[:12]}…); write a new migration instead of changing this one"
        )
        raise VinculoError(message)
