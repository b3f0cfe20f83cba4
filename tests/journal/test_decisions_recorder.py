"""Appending decisions: places, leaves, conflicts, lost answers, locks."""

import hashlib
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, NotSupportedError, StoredEvent, Tracking
from eventsourcing.persistence import OperationalError as LibraryOperationalError
from psycopg import sql

import journal
from domain.errors import VinculoError
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS
from journal.decisions.connections import Connections
from journal.decisions.preparing import DecisionRows, decision_id
from journal.decisions.recorder import ConflictError, DecisionRecorder
from journal.reading import HoleError
from journal.rows import BOUND_COLUMNS
from journal.tenants import create_tenant

NOW = 1_770_000_000_123_456


def event(stream: UUID, version: int, body: bytes = b"{}", topic: str = "test.v1") -> StoredEvent:
    return StoredEvent(stream, version, topic, body)


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def recorder(database_url: str, owner: psycopg.Connection) -> Iterator[DecisionRecorder]:
    connections = Connections(database_url)
    yield DecisionRecorder(
        connections, create_tenant(owner, "acme").decisions, now=lambda: NOW, poll_seconds=0.2
    )
    connections.close()


def positions(owner: psycopg.Connection, log_id: int) -> list[int]:
    rows = owner.execute(
        "SELECT position FROM journal.entry WHERE log_id = %s ORDER BY position", (log_id,)
    )
    return [position for (position,) in rows]


def head(owner: psycopg.Connection, log_id: int) -> int:
    found = owner.execute("SELECT position FROM journal.log_head WHERE log_id = %s", (log_id,))
    return int((found.fetchone() or (-1,))[0])


def server_bytes(owner: psycopg.Connection) -> list[bytes]:
    """The bound columns of each entry as the server itself spells them, in order."""
    columns = sql.SQL(", ").join(map(sql.Identifier, BOUND_COLUMNS))
    copy_out = sql.SQL(
        "COPY (SELECT {} FROM journal.entry ORDER BY log_id, position) TO STDOUT (FORMAT BINARY)"
    ).format(columns)
    with owner.cursor().copy(copy_out) as copy:
        data = b"".join(bytes(chunk) for chunk in copy)
    rows, at = [], 19
    while (fields := struct.unpack_from("!h", data, at)[0]) != -1:
        start = at = at + 2
        for _ in range(fields):
            length = struct.unpack_from("!i", data, at)[0]
            at += 4 + max(length, 0)
        rows.append(data[start:at])
    return rows


def test_leaf_is_the_hash_of_what_the_server_stores(
    recorder: DecisionRecorder, owner: psycopg.Connection
) -> None:
    stream = uuid4()
    bodies = [b"", b"{}", bytes(range(256)), "año ✓".encode(), b"x" * 20_000]
    recorder.insert_events(
        [event(stream, version, body, "tést.v1") for version, body in enumerate(bodies)]
    )
    leaves = owner.execute("SELECT leaf FROM journal.entry ORDER BY position").fetchall()
    spelled = [hashlib.sha256(b"\0" + row).digest() for row in server_bytes(owner)]
    assert len(bodies) == len(spelled)
    assert spelled == [leaf for (leaf,) in leaves]


def test_a_decision_stands_in_the_columns_of_an_entry(
    recorder: DecisionRecorder, owner: psycopg.Connection
) -> None:
    stream = uuid4()
    recorder.insert_events([event(stream, 7, b'{"a":1}')])
    row = owner.execute(
        "SELECT log_id, position, stream_id, stream_version, source, type, body, persona_id,"
        " refers_to, sealed, length(content_digest), entry_id,"
        " (extract(epoch FROM recorded_at) * 1000000)::bigint, occurred_at = recorded_at"
        " FROM journal.entry"
    ).fetchone()
    entry_id = UUID(bytes=decision_id(stream.bytes, 7))
    expected = (
        recorder.log_id, 1, stream, 7, "vinculo", "test.v1", b'{"a":1}', None, None, None, 16,
        entry_id, NOW, True,
    )  # fmt: skip
    assert expected == row
    assert POSTGRES_EPOCH_MICROSECONDS < NOW
    assert (entry_id.version, entry_id.variant) == (8, "specified in RFC 4122")


def test_entry_ids_tell_streams_and_versions_apart() -> None:
    streams = [uuid4().bytes for _ in range(50)]
    # Neighbours that differ in the last bit only share the prefix and must not share the id.
    streams += [stream[:-1] + bytes((stream[-1] ^ 1,)) for stream in streams]
    ids = {decision_id(stream, version) for stream in streams for version in range(50)}
    assert len(streams) * 50 == len(ids)
    assert decision_id(streams[0], 3) == decision_id(streams[0], 3)


def test_a_refused_append_leaves_no_hole(
    recorder: DecisionRecorder, owner: psycopg.Connection
) -> None:
    stream, other = uuid4(), uuid4()
    assert recorder.insert_events([event(stream, 1)]) == [1]
    with pytest.raises(ConflictError, match="load the aggregate again"):
        recorder.insert_events([event(other, 1), event(stream, 1)])
    assert recorder.insert_events([event(other, 1)]) == [2]
    assert [1, 2] == positions(owner, recorder.log_id)
    assert head(owner, recorder.log_id) == 2


def test_a_conflict_is_an_error_of_the_library_and_of_the_product() -> None:
    assert issubclass(ConflictError, IntegrityError)
    assert issubclass(ConflictError, VinculoError)


def test_of_writers_that_race_for_a_version_exactly_one_wins(
    recorder: DecisionRecorder, owner: psycopg.Connection
) -> None:
    stream, versions, writers = uuid4(), 40, 8

    def race(_writer: int) -> int:
        won = 0
        for version in range(1, versions + 1):
            try:
                recorder.insert_events([event(stream, version)])
                won += 1
            except IntegrityError:
                pass
        return won

    with ThreadPoolExecutor(writers) as pool:
        assert versions == sum(pool.map(race, range(writers)))
    assert list(range(1, versions + 1)) == positions(owner, recorder.log_id)
    assert [one.originator_version for one in recorder.select_events(stream)] == list(
        range(1, versions + 1)
    )


def test_a_tailing_reader_skips_nothing_under_eight_writers(recorder: DecisionRecorder) -> None:
    writers, appends = 8, 60
    seen: list[int] = []
    done = Event()

    def write(_writer: int) -> None:
        for _ in range(appends):
            stream = uuid4()
            recorder.insert_events([event(stream, version) for version in (1, 2, 3)])

    def tail() -> None:
        last = 0
        while True:
            ended = done.is_set()
            found = recorder.select_notifications(last, 50, inclusive_of_start=False)
            seen.extend(one.id for one in found)
            last = seen[-1] if seen else 0
            if ended and not found:
                return

    with ThreadPoolExecutor(writers + 1) as pool:
        tailing = pool.submit(tail)
        list(pool.map(write, range(writers)))
        done.set()
        tailing.result()
    assert list(range(1, writers * appends * 3 + 1)) == seen


def test_a_hole_in_the_log_stops_the_reader(
    recorder: DecisionRecorder, owner: psycopg.Connection
) -> None:
    recorder.insert_events([event(uuid4(), 1) for _ in range(5)])
    owner.execute("DELETE FROM journal.entry WHERE position = 3")
    assert [1, 2] == [one.id for one in recorder.select_notifications(1, 2)]
    with pytest.raises(HoleError, match="expected position 3, found 4"):
        recorder.select_notifications(1, 10)
    with pytest.raises(HoleError, match="expected position 3, found 4"):
        recorder.select_notifications(2, 10, inclusive_of_start=False)


def test_logs_do_not_see_each_other(recorder: DecisionRecorder, owner: psycopg.Connection) -> None:
    other = DecisionRecorder(recorder.connections, create_tenant(owner, "other").decisions)
    stream = uuid4()
    assert recorder.insert_events([event(stream, 1, b"ours")]) == [1]
    assert other.insert_events([event(stream, 1, b"theirs")]) == [1]
    assert [b"ours"] == [one.state for one in recorder.select_events(stream)]
    assert [b"theirs"] == [one.state for one in other.select_notifications(1, 10)]


def test_an_append_does_not_wait_for_vacuum_or_analyze(
    recorder: DecisionRecorder, owner: psycopg.Connection
) -> None:
    """The library's own recorder locks the table EXCLUSIVE, which this lock would hold up."""
    with owner.transaction(), ThreadPoolExecutor(1) as pool:
        owner.execute("LOCK TABLE journal.entry IN SHARE UPDATE EXCLUSIVE MODE")
        appended = pool.submit(recorder.insert_events, [event(uuid4(), 1)])
        assert appended.result(timeout=60) == [1]


def lose_answers(
    recorder: DecisionRecorder, monkeypatch: pytest.MonkeyPatch, before: Callable[[], object]
) -> None:
    """Let the next insert be done, or replaced by `before`, and its answer be lost."""
    insert = recorder._insert
    left = [before]

    def losing(rows: DecisionRows) -> list[int]:
        if not left:
            return insert(rows)
        left.pop()()
        message = "the connection broke before the answer came"
        raise LibraryOperationalError(message)

    monkeypatch.setattr(recorder, "_insert", losing)


def test_an_append_whose_answer_was_lost_is_found_again(
    recorder: DecisionRecorder, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = uuid4()
    events = [event(stream, 1), event(stream, 2)]
    recorder.insert_events([event(uuid4(), 1)])
    twin = DecisionRecorder(recorder.connections, recorder.log_id, now=lambda: NOW)
    lose_answers(recorder, monkeypatch, lambda: twin.insert_events(events))
    assert recorder.insert_events(events) == [2, 3]
    assert [1, 2, 3] == positions(owner, recorder.log_id)


def test_an_append_that_never_reached_the_server_is_made_again(
    recorder: DecisionRecorder, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_answers(recorder, monkeypatch, lambda: None)
    assert recorder.insert_events([event(uuid4(), 1)]) == [1]
    assert [1] == positions(owner, recorder.log_id)


def test_after_a_lost_answer_the_same_content_from_another_process_is_a_conflict(
    recorder: DecisionRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event(uuid4(), 1)]
    other = DecisionRecorder(recorder.connections, recorder.log_id, now=lambda: NOW + 1)
    lose_answers(recorder, monkeypatch, lambda: other.insert_events(events))
    with pytest.raises(ConflictError):
        recorder.insert_events(events)


def test_an_append_survives_the_end_of_its_sessions(
    recorder: DecisionRecorder, owner: psycopg.Connection
) -> None:
    """Connections that died in the pool are replaced, nobody has to try again."""
    recorder.insert_events([event(uuid4(), 1)])
    kill_sessions(owner)
    assert recorder.insert_events([event(uuid4(), 1)]) == [2]
    kill_sessions(owner)
    assert recorder.max_notification_id() == 2
    kill_sessions(owner)
    assert [1, 2] == [one.id for one in recorder.select_notifications(1, 10)]


def kill_sessions(owner: psycopg.Connection) -> None:
    killed = owner.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'vinculo decisions' AND datname = current_database()"
    ).fetchall()
    assert killed


def test_tracking_objects_are_refused_and_nothing_is_written(recorder: DecisionRecorder) -> None:
    with pytest.raises(NotSupportedError, match="compare-and-swap"):
        recorder.insert_events([event(uuid4(), 1)], tracking=Tracking("facts", 1))
    assert recorder.max_notification_id() is None


def test_a_stream_that_is_not_named_by_a_uuid_is_refused(recorder: DecisionRecorder) -> None:
    with pytest.raises(VinculoError, match="UUID"):
        recorder.insert_events([StoredEvent("clock", 1, "test.v1", b"")])


def test_a_log_without_a_head_is_refused(recorder: DecisionRecorder) -> None:
    headless = DecisionRecorder(recorder.connections, 999)
    with pytest.raises(VinculoError, match="create the tenant"):
        headless.insert_events([event(uuid4(), 1)])


def test_the_recorder_works_under_the_applications_role(recorder: DecisionRecorder) -> None:
    with recorder.connections.borrow() as connection:
        found = connection.execute("SELECT current_user").fetchone()
        assert found == ("vinculo_application",)


def test_the_librarys_postgres_module_is_used_nowhere() -> None:
    """Its database functions leave out the lock and lose events; its inserts lock the table."""
    folder = Path(journal.__file__).parent
    texts = {path: path.read_text("utf-8") for path in folder.rglob("*.py")}
    assert len(texts) > 20
    assert [] == [path for path, text in texts.items() if "eventsourcing.postgres" in text]
