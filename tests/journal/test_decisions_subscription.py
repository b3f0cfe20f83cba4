"""Subscriptions: quick by hints, sure by polling, whatever happens to sessions."""

import threading
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import Notification, StoredEvent

from journal.decisions.connections import Connections
from journal.decisions.recorder import DecisionRecorder
from journal.decisions.subscription import LogSubscription
from journal.reading import HoleError
from journal.tenants import create_tenant

PATIENCE_SECONDS = 60.0
LISTENER = "vinculo decisions listener"
RecorderOf = Callable[[float], DecisionRecorder]


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def polling(database_url: str, owner: psycopg.Connection) -> Iterator[RecorderOf]:
    """Makes recorders whose subscriptions look by themselves every so many seconds."""
    connections = Connections(database_url)
    log_id = create_tenant(owner, "acme").decisions
    yield lambda seconds: DecisionRecorder(connections, log_id, poll_seconds=seconds)
    connections.close()


class Follower(threading.Thread):
    """Iterates a subscription in a thread of its own and keeps what came, or why it ended."""

    def __init__(self, subscription: LogSubscription) -> None:
        super().__init__(daemon=True)
        self.subscription = subscription
        self.seen: list[Notification] = []
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for notification in self.subscription:
                self.seen.append(notification)
        except Exception as error:  # noqa: BLE001 - the test asks for it
            self.error = error

    def wait_for(self, count: int) -> list[int]:
        until(lambda: len(self.seen) >= count or not self.is_alive())
        return [one.id for one in self.seen]


@pytest.fixture
def follow() -> Iterator[Callable[[LogSubscription], Follower]]:
    followers: list[Follower] = []

    def begin(subscription: LogSubscription) -> Follower:
        followers.append(Follower(subscription))
        return followers[-1]

    yield begin
    for follower in followers:
        follower.subscription.stop()
        follower.join(PATIENCE_SECONDS)
        assert not follower.is_alive()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def add(recorder: DecisionRecorder, topic: str = "test.v1") -> None:
    recorder.insert_events([StoredEvent(uuid4(), 1, topic, b"{}")])


def listeners(owner: psycopg.Connection) -> list[int]:
    rows = owner.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND state = 'idle'"
        " AND datname = current_database()",
        (LISTENER,),
    )
    return [pid for (pid,) in rows]


Follow = Callable[[LogSubscription], Follower]


def test_a_hint_brings_an_entry_long_before_the_next_look(
    polling: RecorderOf, owner: psycopg.Connection, follow: Follow
) -> None:
    recorder = polling(600.0)
    follower = follow(recorder.subscribe())
    until(lambda: len(listeners(owner)) == 1)
    for count in (1, 2, 3):
        add(recorder)
        assert list(range(1, count + 1)) == follower.wait_for(count)


def test_a_lost_hint_does_not_hang_it(polling: RecorderOf, follow: Follow) -> None:
    recorder = polling(0.1)
    subscription = recorder.subscribe()
    follower = follow(subscription)
    add(recorder)
    assert [1] == follower.wait_for(1)
    until(lambda: subscription._listener is not None)
    assert subscription._listener is not None
    subscription._listener.execute("UNLISTEN *")  # from here on every hint is lost
    add(recorder)
    add(recorder)
    assert [1, 2, 3] == follower.wait_for(3)


def test_a_killed_listening_session_neither_ends_nor_hangs_it(
    polling: RecorderOf, owner: psycopg.Connection, follow: Follow
) -> None:
    """It listens again at once: with ten minutes between looks, only hints can bring these."""
    recorder = polling(600.0)
    follower = follow(recorder.subscribe())
    for count in (1, 2, 3):
        until(lambda: len(listeners(owner)) == 1)
        before = listeners(owner)
        owner.execute("SELECT pg_terminate_backend(%s, 5000)", (before[0],))
        add(recorder)
        assert list(range(1, count + 1)) == follower.wait_for(count)
        until(lambda: len(listeners(owner)) == 1)
        assert before != listeners(owner)
    assert follower.is_alive()


def test_it_waits_for_a_database_that_is_away(
    database_url: str,
    postgres_server: str,
    polling: RecorderOf,
    owner: psycopg.Connection,
    follow: Follow,
) -> None:
    recorder = polling(0.1)
    impatient = Connections(database_url, wait_seconds=0.1)
    follower = follow(DecisionRecorder(impatient, recorder.log_id, poll_seconds=0.1).subscribe())
    add(recorder)
    assert [1] == follower.wait_for(1)
    name = owner.info.dbname
    allow = psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format
    database = psycopg.sql.Identifier(name)
    owner.close()
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(allow(database, psycopg.sql.SQL("false")))
        server.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )
        time.sleep(1.0)  # longer than it waits for a connection: reading fails several times
        assert follower.is_alive()
        server.execute(allow(database, psycopg.sql.SQL("true")))
    add(recorder)
    assert [1, 2] == follower.wait_for(2)
    impatient.close()


def test_it_begins_behind_a_position_and_yields_only_the_topics_asked_for(
    polling: RecorderOf, follow: Follow
) -> None:
    recorder = polling(0.1)
    for topic in ("a", "b", "a", "b"):
        add(recorder, topic)
    every, behind, of_b = (
        follow(recorder.subscribe()),
        follow(recorder.subscribe(gt=2)),
        follow(recorder.subscribe(topics=["b"])),
    )
    add(recorder, "b")
    add(recorder, "a")
    assert [1, 2, 3, 4, 5, 6] == every.wait_for(6)
    assert [3, 4, 5, 6] == behind.wait_for(4)
    assert [2, 4, 5] == of_b.wait_for(3)
    # What was found not to be of its topics is not read again.
    until(lambda: of_b.subscription._last == 6)


def test_more_than_one_fetch_comes_in_order(polling: RecorderOf, follow: Follow) -> None:
    recorder = polling(0.1)
    for _ in range(3):
        recorder.insert_events([StoredEvent(uuid4(), 1, "test.v1", b"") for _ in range(400)])
    assert list(range(1, 1_201)) == follow(recorder.subscribe()).wait_for(1_200)


def test_a_hole_ends_it_with_an_error(
    polling: RecorderOf, owner: psycopg.Connection, follow: Follow
) -> None:
    recorder = polling(0.1)
    for _ in range(3):
        add(recorder)
    owner.execute("DELETE FROM journal.entry WHERE position = 2")
    follower = follow(recorder.subscribe(gt=1))
    follower.join(PATIENCE_SECONDS)
    assert isinstance(follower.error, HoleError)


def test_stopping_wakes_it_and_closes_its_session(
    polling: RecorderOf, owner: psycopg.Connection
) -> None:
    with polling(600.0).subscribe() as subscription:
        follower = Follower(subscription)
        until(lambda: len(listeners(owner)) == 1)
        subscription.stop()
        follower.join(PATIENCE_SECONDS)
        assert not follower.is_alive()
        assert follower.error is None
    until(lambda: listeners(owner) == [])
    subscription.stop()  # once more does no harm
