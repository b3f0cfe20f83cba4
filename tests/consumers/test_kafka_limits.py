"""Limits of the worker: settings, rejects over a window, a poll that overstays."""

import random
import threading
import time

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from consumers.kafka.publisher import KafkaMessage, PublishError, publish
from consumers.kafka.rejects import RejectWatch
from consumers.kafka.settings import KafkaIntakeSettings, KafkaSecurity
from consumers.kafka.watchdog import Watchdog
from domain.errors import VinculoError
from tests.servers import Topics

SETTINGS = KafkaIntakeSettings(bootstrap_servers="127.0.0.1:9", topics=("till",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session_seconds", 5),
        ("poll_interval_seconds_max", 300),
        ("poll_overstay_seconds_max", 90.5),
        ("batch_messages_max", 0),
        ("gather_seconds", 1),
        ("rejects_share", 1.5),
        ("topics", ()),
    ],
)
def test_a_setting_outside_of_its_limits_is_refused_by_name(name: str, value: object) -> None:
    values: dict[str, object] = {"bootstrap_servers": "127.0.0.1:9", "topics": ("till",)}
    with pytest.raises(VinculoError, match=name):
        KafkaIntakeSettings(**(values | {name: value}))  # type: ignore[arg-type] # wrong on purpose


def test_the_client_may_neither_commit_nor_guess_an_offset() -> None:
    options = SETTINGS.consumer_options("me")
    assert (False, "none", "read_committed") == (
        options["enable_auto_commit"], options["auto_offset_reset"], options["isolation_level"],
    )  # fmt: skip
    assert not options.keys() & {"key_deserializer", "value_deserializer"}


def test_a_password_is_not_shown() -> None:
    assert "hidden" not in repr(KafkaSecurity(protocol="SASL_SSL", password="hidden"))


def test_rejects_pause_by_count_and_share_within_the_window() -> None:
    watch = RejectWatch(SETTINGS)
    assert watch.note("till", 1_000, 100, now=0) is None  # many, but a small share
    assert watch.note("shop", 99, 99, now=0) is None  # all, but few
    assert watch.note("till", 100, 100, now=61) is not None  # the first batch is out of the window
    watch.forget("till")
    assert watch.note("till", 99, 99, now=62) is None
    assert watch.note("shop", 1, 1, now=59) is not None


def test_what_overstays_is_told_and_what_ends_in_time_is_not() -> None:
    told: list[str] = []
    over = threading.Event()

    def tell(what: str) -> None:
        told.append(what)
        over.set()

    watchdog = Watchdog(tell)
    watchdog.start()
    with watchdog.watch("close", 60):
        pass
    with watchdog.watch("poll", 0.5):
        assert over.wait(60)
    time.sleep(1.2)
    watchdog.stop()
    assert ["poll"] == told


def test_messages_that_the_broker_refuses_are_an_error(kafka_broker: str, topic: Topics) -> None:
    name = topic()
    with KafkaAdminClient(bootstrap_servers=kafka_broker) as admin:
        resource = ConfigResource(ConfigResourceType.TOPIC, name, {"max.message.bytes": "1000"})
        admin.alter_configs([resource])
    large = (KafkaMessage(name, random.Random(number).randbytes(5_000)) for number in range(3))
    with pytest.raises(PublishError, match="expected 3 messages to be acknowledged, 0 were"):
        publish(large, kafka_broker)
