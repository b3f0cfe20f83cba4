"""Two workers, frozen and killed ones: each message is stored once, whoever owns its partition."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from consumers.kafka.publisher import publish
from journal.connecting import connect
from journal.intake.claims import list_partitions
from tests.consumers import business
from tests.servers import Databases, Topics

REPOSITORY = Path(__file__).parents[2]
SENT = 500


@contextmanager
def worker_process(
    servers: str, url: str, topic: str, **task: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, killed afterwards if it has not ended."""
    order = msgspec.json.encode({"servers": servers, "url": url, "topic": topic} | task).decode()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.consumers.worker_process", order], cwd=REPOSITORY
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_frozen(process: subprocess.Popen[bytes]) -> None:
    def frozen() -> bool:
        options = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, options) is not None

    business.wait_until(frozen, "the worker to freeze")


def owners(url: str) -> set[str]:
    with connect(url, name="test") as connection:
        return {one.owner for one in list_partitions(connection, 1)}


def kept_exactly_once(accounts: Counter[str], sent: int) -> bool:
    """The check that all of these tests stand on: nothing lost, nothing received twice.

    The journal removes repetitions, but with the protocol none may even reach it.
    """
    return Counter(stored=sent) == accounts


def frozen_owner_comes_back(servers: str, url: str, topic: str, variant: str) -> Counter[str]:
    """The first owner freezes with a batch of everything in hand; the second gets half-way."""
    publish(business.structured(topic, range(SENT)), servers)
    with ExitStack() as stack:
        first = stack.enter_context(
            worker_process(
                servers, url, topic, variant=variant,
                signal_number=signal.SIGSTOP, point="before_append",
            )
        )  # fmt: skip
        wait_until_frozen(first)
        second = stack.enter_context(
            worker_process(
                servers, url, topic, variant=variant, batch_messages_max=100,
                signal_number=signal.SIGSTOP, point="before_append", at_batch=3,
            )
        )  # fmt: skip
        wait_until_frozen(second)
        assert 200 == business.facts(url)
        first.send_signal(signal.SIGCONT)
        if variant == "right":
            # Nothing is to come of what the first has in hand, so there is nothing to wait for.
            business.let_pass(1.5)
        else:
            business.wait_until(lambda: business.facts(url) > 200, "the first to write")
        second.send_signal(signal.SIGCONT)
        business.wait_for_facts(url, SENT)
        business.let_pass(1.5)
    return business.accounts(url)


def killed_owner_is_replaced(
    servers: str, url: str, topic: str, variant: str, point: str
) -> Counter[str]:
    """The owner of some hundred messages is killed at a named point; another one goes on."""
    publish(business.structured(topic, range(SENT)), servers)
    with worker_process(
        servers, url, topic, variant=variant, batch_messages_max=100,
        signal_number=signal.SIGKILL, point=point, at_batch=2,
    ) as first:  # fmt: skip
        assert -signal.SIGKILL == first.wait(60)
    publish(business.structured(topic, range(SENT, SENT + 10)), servers)
    with worker_process(servers, url, topic):
        business.wait_until(lambda: read_to_the_end(url), "the second worker")
    return business.accounts(url)


def read_to_the_end(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select sum(next_offset) from journal.intake_partition"
        ).fetchone()
    return found == (SENT + 10,)


FROZEN = ("right", "no_swap", "forward_only")
KILLED = (
    ("right", "before_append"),
    ("right", "after_append"),
    ("commit_before_write", "before_append"),
)


@pytest.fixture(scope="module")
def outcomes(kafka_broker: str, databases: Databases) -> Iterator[dict[Any, Future[Counter[str]]]]:
    """Every case at once: most of their time is the broker's session time-out."""
    topics = Topics(kafka_broker)
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        running: dict[Any, Future[Counter[str]]] = {}
        for variant in FROZEN:
            url = stack.enter_context(databases.fresh())
            running[variant] = pool.submit(
                frozen_owner_comes_back, kafka_broker, url, topics(), variant
            )
        for variant, point in KILLED:
            url = stack.enter_context(databases.fresh())
            running[variant, point] = pool.submit(
                killed_owner_is_replaced, kafka_broker, url, topics(), variant, point
            )
        yield running
        pool.shutdown(wait=True)
    topics.close()


def test_an_owner_that_was_frozen_and_overtaken_is_fenced(
    outcomes: dict[Any, Future[Counter[str]]],
) -> None:
    assert Counter(stored=SENT) == outcomes["right"].result()


@pytest.mark.parametrize("variant", ["no_swap", "forward_only"])
def test_a_frozen_owner_that_is_not_fenced_by_the_swap_is_caught(
    variant: str, outcomes: dict[Any, Future[Counter[str]]]
) -> None:
    accounts = outcomes[variant].result()
    assert not kept_exactly_once(accounts, SENT)
    assert accounts["duplicate"] >= 200


@pytest.mark.parametrize("point", ["before_append", "after_append"])
def test_an_owner_killed_at_a_named_point_loses_and_repeats_nothing(
    point: str, outcomes: dict[Any, Future[Counter[str]]]
) -> None:
    assert kept_exactly_once(outcomes["right", point].result(), SENT + 10)


def test_offsets_committed_before_the_facts_are_caught(
    outcomes: dict[Any, Future[Counter[str]]],
) -> None:
    accounts = outcomes["commit_before_write", "before_append"].result()
    assert not kept_exactly_once(accounts, SENT + 10)
    assert Counter(stored=SENT + 10 - 100) == accounts


def test_two_workers_share_the_partitions_and_one_goes_on_when_the_other_is_killed(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=4)
    with ExitStack() as stack:
        first, _ = (
            stack.enter_context(
                worker_process(kafka_broker, database_url, name, batch_messages_max=100)
            )
            for _ in range(2)
        )
        business.make_intake(database_url, name)
        business.wait_until(lambda: len(owners(database_url)) == 2, "both to own some")
        publish(business.binary(name, range(15_000)), kafka_broker)
        business.wait_for_facts(database_url, 2_000)
        first.kill()
        assert 15_000 > business.facts(database_url)
        business.wait_for_facts(database_url, 15_000)
        assert 1 == len(owners(database_url))
    assert kept_exactly_once(business.accounts(database_url), 15_000)


def test_a_stopped_process_finishes_its_batch_and_lets_others_go_on_at_once(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=2)
    publish(business.structured(name, range(5_000)), kafka_broker)
    with worker_process(kafka_broker, database_url, name, batch_messages_max=50) as first:
        business.wait_for_facts(database_url, 200)
        first.terminate()
        assert 0 == first.wait(10)
    left = business.facts(database_url)
    assert 5_000 > left
    with business.running(kafka_broker, database_url, name):
        # Sooner than the session time-out of six seconds.
        assert 4 > business.wait_until(lambda: business.facts(database_url) > left, "the next one")
        business.wait_for_facts(database_url, 5_000)
    assert kept_exactly_once(business.accounts(database_url), 5_000)
