"""A small business for the tests of the intake: its sources, its messages, its journal."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import psycopg

from consumers.kafka.publisher import KafkaMessage, binary_headers
from consumers.kafka.settings import KafkaIntakeSettings
from consumers.kafka.worker import IntakeWorker
from journal.intake.pipeline import Intake
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import create_tenant

SECRET = TenantSecret(b"a secret of the tests, 32 bytes!")
TYPE = "vinculo.interaction_recorded.v1"
DATA = {"direction": "inbound", "topic": "delivery", "duration_seconds": 61}
WAIT_SECONDS = 60.0


def source_of(topic: str) -> str:
    return f"urn:test:{topic}"


def register(*topics: str) -> SourceRegister:
    return SourceRegister(tuple(Source(name=source_of(one), topics=(one,)) for one in topics))


def make_intake(url: str, *topics: str, kind: type[Intake] = Intake) -> Intake:
    with psycopg.connect(url, autocommit=True) as connection:
        logs = create_tenant(connection, "test")
    return kind(logs.facts, register(*topics), SECRET)


def attributes(topic: str, number: int) -> dict[str, str]:
    return {
        "specversion": "1.0", "id": f"event-{number}", "source": source_of(topic), "type": TYPE,
        "subject": f"crm:{1000 + number % 97}", "time": f"2025-03-01T10:{number % 60:02}:00+01:00",
    }  # fmt: skip


def structured(topic: str, numbers: range, **changes: Any) -> Iterator[KafkaMessage]:
    for number in numbers:
        event = attributes(topic, number) | {"data": DATA} | changes
        yield KafkaMessage(topic, json.dumps(event).encode(), b"%d" % (number % 97))


def binary(topic: str, numbers: range) -> Iterator[KafkaMessage]:
    value = json.dumps(DATA).encode()
    for number in numbers:
        headers = binary_headers(attributes(topic, number))
        yield KafkaMessage(topic, value, b"%d" % (number % 97), headers)


def broken(topic: str, count: int) -> Iterator[KafkaMessage]:
    return (KafkaMessage(topic, b"{", b"key") for _ in range(count))


def settings(servers: str, *topics: str, **changes: Any) -> KafkaIntakeSettings:
    quick: dict[str, Any] = {
        "group": f"group-{topics[0]}", "session_seconds": 6, "topic_check_seconds": 0.5,
        "pause_check_seconds": 0.2, "batch_messages_max": 500, "advisory_commit_seconds": 0.5,
    }  # fmt: skip
    return KafkaIntakeSettings(bootstrap_servers=servers, topics=topics, **(quick | changes))


def accounts(url: str) -> Counter[str]:
    """Messages by outcome, as the journal has booked them."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select outcome, sum(messages)::int from journal.intake_account group by outcome"
        )
        return Counter(dict(rows.fetchall()))


def facts(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("select count(*) from journal.entry").fetchone()
    assert found is not None
    return int(found[0])


def wait_until(true: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> float:
    """Wait for something and return how long that took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() < begun + seconds, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return time.monotonic() - begun


def let_pass(seconds: float) -> None:
    """Let time pass in which nothing is waited for."""
    time.sleep(seconds)


def wait_for_facts(url: str, count: int, seconds: float = WAIT_SECONDS) -> float:
    return wait_until(lambda: facts(url) >= count, f"{count} facts", seconds)


class WorkerFailedError(Exception):
    pass


@contextmanager
def running(
    servers: str, url: str, *topics: str, intake: Intake | None = None, **changes: Any
) -> Iterator[IntakeWorker]:
    """A worker in a thread; stopped afterwards, and what it raised is raised here."""
    pipeline = intake or make_intake(url, *topics)
    worker = IntakeWorker(settings(servers, *topics, **changes), url, lambda: pipeline)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            worker.run()
        except BaseException as error:
            raised.append(error)
            raise

    thread = Thread(target=run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(30)
    assert not thread.is_alive(), "expected the worker to stop within 30 s"
    if raised:
        raise WorkerFailedError from raised[0]
