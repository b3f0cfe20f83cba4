"""The servers that the other tests stand on."""

import psycopg
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.servers import Databases, KafkaBroker, Topics


def read_all(bootstrap_servers: str, topic: str) -> list[bytes]:
    """Everything in the topic, partition by partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    partitions = [
        TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))
    ]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    values = []
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for records in consumer.poll(timeout_ms=1000).values():
            values += [record.value for record in records]
    consumer.close()
    return values


def send(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    producer.send(topic, value).get(timeout=30)
    producer.close()


def test_each_test_owns_a_database_without_rows_of_others(databases: Databases) -> None:
    with databases.fresh() as first, databases.fresh() as second:
        with psycopg.connect(first) as connection:
            connection.execute("create table only_here (id int)")
        with psycopg.connect(second) as connection:
            found = connection.execute("select to_regclass('only_here')").fetchone()
    assert (None,) == found


def test_a_fresh_database_has_the_product_s_schema(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select count(*) > 0 from vinculo_migration").fetchone()
    assert (True,) == found


def test_a_database_is_gone_after_its_test_even_while_somebody_is_connected(
    databases: Databases, postgres_server: str
) -> None:
    with databases.fresh() as url:
        name = url.split("/")[3].split("?")[0]
        left_open = psycopg.connect(url)
    with psycopg.connect(postgres_server) as connection:
        found = connection.execute(
            "select count(*) from pg_database where datname = %s", [name]
        ).fetchone()
    left_open.close()
    assert (0,) == found


def test_the_server_keeps_what_was_acknowledged(postgres_server: str) -> None:
    with psycopg.connect(postgres_server) as connection:
        found = connection.execute(
            "select current_setting('fsync'), current_setting('synchronous_commit')"
        ).fetchone()
    assert ("on", "on") == found


def test_a_message_sent_to_a_topic_is_read_back(kafka_broker: str, topic: Topics) -> None:
    name = topic(partitions=2)
    send(kafka_broker, name, b"hello")
    assert [b"hello"] == read_all(kafka_broker, name)


def test_a_broker_keeps_its_data_and_port_over_a_stop_and_a_kill(
    restartable_broker: KafkaBroker,
) -> None:
    servers = restartable_broker.bootstrap_servers
    name = Topics(servers)(partitions=1)
    send(servers, name, b"before the stop")
    restartable_broker.stop()
    restartable_broker.start()
    send(servers, name, b"before the kill")
    restartable_broker.kill()
    assert servers == restartable_broker.start()
    assert [b"before the stop", b"before the kill"] == read_all(servers, name)
