"""What is present before a measurement begins: personas with keys, and millions of rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.harness import say, timed
from benchmarks.load import Business, messages, subject
from benchmarks.servers import SECRET_BYTES, Place
from domain.identifiers import parse_identifier
from journal.intake.batch import Prepared
from journal.personas import PersonaNames
from journal.queries import queries
from journal.rows import COPY_HEAD, COPY_TAIL, field, integer_field
from journal.sealing import KEY_BYTES, TenantSecret

SQL = queries("benchmarks", "preload.sql")
_SAMPLES = 1_000
_SLICE = 500_000
_INDEXES = (
    "SELECT indexdef, format('%I.%I', schemaname, indexname) FROM pg_indexes "
    "WHERE schemaname = 'journal' AND tablename = 'entry' AND indexname NOT LIKE ALL (ARRAY["
    "'%pkey', '%id_key'])"
)


def make_personas(place: Place, count: int) -> None:
    """Give every party a subject's key, as intake would have made it when it was first seen."""

    def work() -> None:
        with place.owner() as owner:
            owner.execute("CREATE SCHEMA IF NOT EXISTS bench")
            owner.execute(SQL["personas"])
            names, secret = PersonaNames(SECRET_BYTES), TenantSecret(SECRET_BYTES)
            ids = _persona_ids(names, count)
            _copy(owner, "bench.persona (number, persona_id)", _numbered(ids))
            keys = _keys(place.logs.facts, secret, ids)
            columns = "log_id, persona_id, generation, namespace, wrapped"
            _copy(owner, f"subject.subject_key ({columns})", keys)

    say(f"{count:,} personas with keys took {timed(work):.1f} s")


def _persona_ids(names: PersonaNames, count: int) -> list[bytes]:
    return [names.name(parse_identifier(subject(party))).persona_id for party in range(count)]


def _numbered(ids: list[bytes]) -> Iterator[bytes]:
    head = (2).to_bytes(2)
    for number, persona_id in enumerate(ids):
        yield head + integer_field(number, 4) + field(persona_id)


def _keys(log_id: int, secret: TenantSecret, ids: list[bytes]) -> Iterator[bytes]:
    head = (5).to_bytes(2) + integer_field(log_id, 4)
    tail = integer_field(1, 2) + field(b"crm")
    for party, persona_id in enumerate(ids):
        value = subject(party).partition(":")[2].encode()
        wrapped = secret.wrap(os.urandom(KEY_BYTES) + value, persona_id)
        yield head + field(persona_id) + tail + field(wrapped)


def _copy(owner: psycopg.Connection, target: str, rows: Iterator[bytes]) -> None:
    statement = f"COPY {target} FROM STDIN (FORMAT BINARY)"
    with owner.cursor().copy(statement.encode()) as copy:
        copy.write(COPY_HEAD)
        for one in rows:
            copy.write(one)
        copy.write(COPY_TAIL)


def make_rows(place: Place, count: int, personas: int) -> None:
    """Fill the facts log with synthetic entries.

    The indexes that are no constraints are made afterwards: the result is the same, sooner.

    Args:
        place: whose log it is; still empty.
        count: how many entries.
        personas: how many have keys (:func:`make_personas`).

    """

    def work() -> None:
        with place.owner() as owner:
            _keep_samples(owner, place)
            owner.execute("SET work_mem = '256MB'")
            owner.execute("SET maintenance_work_mem = '512MB'")
            indexes = owner.execute(_INDEXES).fetchall()
            for _, name in indexes:
                owner.execute(f"DROP INDEX {name}".encode())
            _fill(owner, place, count, personas)
            for definition, _ in indexes:
                owner.execute(definition.encode())
            owner.execute(SQL["head"], (count, place.logs.facts))

    say(f"{count:,} rows took {timed(work):.1f} s")


def _fill(owner: psycopg.Connection, place: Place, count: int, personas: int) -> None:
    begins_at = datetime.now(UTC) - timedelta(days=5 * 365)
    for first in range(1, count + 1, _SLICE):
        values = {
            "log_id": place.logs.facts, "begins_at": begins_at, "personas": personas,
            "samples": _SAMPLES, "first": first, "last": min(count, first + _SLICE - 1),
        }  # fmt: skip
        owner.execute(SQL["fill"], values)


def _keep_samples(owner: psycopg.Connection, place: Place) -> None:
    """Keep what the real pipeline makes of a thousand messages, to be repeated by SQL."""
    owner.execute(SQL["samples"])
    some = list(Business(1_000, seed=7).events(_SAMPLES))
    with place.connect() as connection:
        batch = place.intake().prepare(connection, messages(some))
    assert len(batch.prepared) == _SAMPLES, batch.rejections[:3]
    owner.cursor().executemany(
        "INSERT INTO bench.sample VALUES (%s, %s, %s, %s, %s)",
        [(number, *contents(one)) for number, one in enumerate(batch.prepared)],
    )


def fields(prepared: Prepared) -> list[bytes | None]:
    """Return the bound fields of a row that is ready for COPY, in the order of its columns."""
    found: list[bytes | None] = []
    bound, at = prepared.bound, 0
    while at < len(bound):
        length = int.from_bytes(bound[at : at + 4], signed=True)
        at += 4
        found.append(None if length < 0 else bound[at : at + length])
        at += max(length, 0)
    return found


def contents(prepared: Prepared) -> tuple[str, str, bytes, bytes | None]:
    """Return source, type, body and sealed block of a prepared row."""
    *_, source, kind, _digest, body, sealed = fields(prepared)
    assert source is not None
    assert kind is not None
    assert body is not None
    return source.decode(), kind.decode(), body, sealed
