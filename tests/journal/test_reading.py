"""Readers: contiguous or stopped, never guessing; eight writers make them skip nothing."""

import threading
from hashlib import sha256

import psycopg
import pytest

from domain.touchpoints import PurchaseMade
from journal.connecting import connect
from journal.intake.message import Message
from journal.intake.pipeline import Intake
from journal.reading import HoleError, head_of, rows_after
from journal.rows import BOUND_COLUMNS, field
from tests.engine import OPEN_SOURCES, SECRET, Engine
from tests.events import event, lines

WRITERS = 8
BATCHES = 40
BATCH = 25


def test_a_tailing_reader_skips_nothing_under_eight_writers(database_url: str) -> None:
    engine = Engine(database_url)
    writers = [
        threading.Thread(target=_write, args=(database_url, engine.logs.facts, number))
        for number in range(WRITERS)
    ]
    seen: list[bytes] = []
    for writer in writers:
        writer.start()
    position = 0
    while any(writer.is_alive() for writer in writers) or position < head_of(
        engine.connection, engine.logs.facts
    ):
        rows = rows_after(engine.connection, engine.logs.facts, position, 777)
        seen += [row[1] for row in rows]
        position = rows[-1][0] if rows else position
    total = WRITERS * BATCHES * BATCH
    assert (total, total, total) == (len(seen), len(set(seen)), position)
    engine.close()


def _write(conninfo: str, log_id: int, number: int) -> None:
    intake = Intake(log_id, OPEN_SOURCES, SECRET)
    with connect(conninfo, name=f"writer {number}") as connection:
        for batch in range(BATCHES):
            messages = [
                Message(
                    event(
                        PurchaseMade, f"crm:{one + 1}", "2024-01-01", id=f"{number}-{batch}-{one}",
                        number="T", currency="EUR", lines=lines(1),
                    )
                )
                for one in range(BATCH)
            ]  # fmt: skip
            intake.take_in(connection, "file", messages)


def test_a_hole_stops_the_reader_with_the_position_that_is_missing(database_url: str) -> None:
    engine = Engine(database_url)
    engine.take_in(
        event(PurchaseMade, "crm:1", "2024-01-01", number="T", currency="EUR", lines=lines(1))
        for _ in range(5)
    )
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "DELETE FROM journal.entry WHERE log_id = %s AND position = 3", (engine.logs.facts,)
        )
    with pytest.raises(HoleError, match="position 3"):
        rows_after(engine.connection, engine.logs.facts, 0, 100)
    with pytest.raises(HoleError, match="position 3"):
        engine.project()
    engine.close()


def test_the_leaf_is_recomputed_from_the_stored_columns_by_the_server_itself(
    database_url: str,
) -> None:
    """Each bound column in the server's own binary form, length-prefixed, -1 for NULL."""
    engine = Engine(database_url)
    engine.take_in(
        [event(PurchaseMade, "crm:1", "2024-01-01", number="T", currency="EUR", lines=lines(1))]
    )
    senders = {
        "log_id": "int4send", "stream_version": "int4send", "occurred_at": "timestamptz_send",
        "recorded_at": "timestamptz_send", "entry_id": "uuid_send", "persona_id": "uuid_send",
        "stream_id": "uuid_send", "refers_to": "uuid_send", "source": "textsend",
        "type": "textsend", "content_digest": "", "body": "", "sealed": "",
    }  # fmt: skip
    columns = ", ".join(f"{senders[name]}({name})" for name in BOUND_COLUMNS)
    row = engine.connection.execute(
        f"SELECT leaf, {columns} FROM journal.entry WHERE log_id = %s",  # noqa: S608
        (engine.logs.facts,),
    ).fetchone()
    assert row is not None
    leaf, *values = row
    assert sha256(b"\0" + b"".join(map(field, values))).digest() == leaf
    engine.close()


def test_a_missing_last_entry_is_a_hole_too(database_url: str) -> None:
    engine = Engine(database_url)
    engine.take_in(
        event(PurchaseMade, "crm:1", "2024-01-01", number="T", currency="EUR", lines=lines(1))
        for _ in range(5)
    )
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "DELETE FROM journal.entry WHERE log_id = %s AND position = 5", (engine.logs.facts,)
        )
    with pytest.raises(HoleError, match="position 5"):
        rows_after(engine.connection, engine.logs.facts, 3, 100)
    engine.close()
