"""Messages of a real broker become facts, each once, and every one is accounted for."""

import time
from collections import Counter

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from consumers.kafka.publisher import KafkaMessage, publish
from journal.connecting import connect
from journal.intake.claims import list_partitions
from tests.consumers import business
from tests.servers import Topics

MODES = {"structured": business.structured, "binary": business.binary}


@pytest.mark.parametrize("mode", list(MODES))
def test_every_message_becomes_a_fact(
    mode: str, kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=3)
    assert 2_000 == publish(MODES[mode](name, range(2_000)), kafka_broker)
    with business.running(kafka_broker, database_url, name) as worker:
        business.wait_for_facts(database_url, 2_000)
    assert Counter(stored=2_000) == business.accounts(database_url)
    assert (2_000, 2_000) == (worker.metrics().received, worker.metrics().stored)


def test_received_is_stored_plus_duplicate_plus_rejected(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=2)
    messages = [
        *business.structured(name, range(300)),
        *business.binary(name, range(100)),  # the same events again, in the other mode
        *business.structured(name, range(300, 310), source="urn:nobody"),
        *business.broken(name, 7),
        KafkaMessage(name, None, b"key"),
    ]
    publish(messages, kafka_broker)
    with business.running(kafka_broker, database_url, name) as worker:
        business.wait_until(lambda: worker.metrics().received == 418, "418 messages")
    expected = Counter(stored=300, duplicate=100, rejected=18)
    assert expected == business.accounts(database_url)
    with psycopg.connect(database_url) as connection:
        codes = connection.execute("select code, count(*) from journal.rejected_message group by 1")
        assert {"unknown_source": 10, "bad_json": 8} == dict(codes.fetchall())


def test_a_stopped_worker_is_continued_by_the_next_without_repetition(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=2)
    publish(business.structured(name, range(3_000)), kafka_broker)
    with business.running(kafka_broker, database_url, name, batch_messages_max=100):
        business.wait_for_facts(database_url, 500)
    assert 3_000 > business.facts(database_url)
    with business.running(kafka_broker, database_url, name):
        business.wait_for_facts(database_url, 3_000)
    assert Counter(stored=3_000) == business.accounts(database_url)


def read_up_to(url: str) -> int:
    with connect(url, name="test") as connection:
        (state,) = list_partitions(connection, 1)
    return state.next_offset


def test_aborted_transactions_are_left_out_and_control_records_counted(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka_broker, transactional_id=f"till-{name}")
    producer.init_transactions()
    for numbers, end in ((range(5), "commit"), (range(5, 9), "abort"), (range(9, 12), "commit")):
        producer.begin_transaction()
        for message in business.structured(name, numbers):
            producer.send(name, message.value, headers=list(message.headers))
        producer.flush()
        getattr(producer, f"{end}_transaction")()
    producer.close()
    with KafkaConsumer(bootstrap_servers=kafka_broker) as consumer:
        end_offset = consumer.end_offsets([TopicPartition(name, 0)])[name, 0]
    assert 5 + 4 + 3 + 3 == end_offset
    with business.running(kafka_broker, database_url, name):
        business.wait_for_facts(database_url, 8)
        # The last control record comes without a message, and is written down all the same.
        business.wait_until(lambda: read_up_to(database_url) == end_offset, "the end")
    assert Counter(stored=8) == business.accounts(database_url)


def transactions(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("select count(distinct recorded_at) from journal.entry")
        ((count,),) = found.fetchall()
    return int(count)


def test_messages_that_trickle_in_share_transactions(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    """The broker gathers for as long as it is told: not one transaction a message."""
    name = topic(partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka_broker, linger_ms=0)
    with business.running(kafka_broker, database_url, name, gather_seconds=0.5):
        began = time.monotonic()
        for message in business.structured(name, range(200)):
            producer.send(name, message.value).get(timeout=60)
            business.let_pass(0.01)
        business.wait_for_facts(database_url, 200)
        gathered = (time.monotonic() - began) / 0.5
    producer.close()
    assert gathered + 2 >= transactions(database_url)
