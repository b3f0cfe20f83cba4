"""Logs: events with fields, one way for our own and for libraries, nothing personal in traces."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from vinculo.logging import configure_logging


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def logged(style: Any, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(style, level, stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_with_its_fields() -> None:
    stream = logged("json")
    structlog.get_logger("journal").info("intake_started", topics=["a"], count=3)
    (found,) = lines(stream)
    expected = {"event": "intake_started", "topics": ["a"], "count": 3, "level": "info"}
    assert expected == {key: found[key] for key in expected}
    assert "timestamp" in found


def test_what_libraries_log_goes_the_same_way() -> None:
    stream = logged("json")
    logging.getLogger("some.library").warning("broker %s is away", "a:1")
    (found,) = lines(stream)
    expected = {"event": "broker a:1 is away", "level": "warning", "logger": "some.library"}
    assert expected == {key: found[key] for key in expected}


def test_everyday_messages_of_noisy_libraries_are_left_out() -> None:
    stream = logged("json")
    logging.getLogger("kafka.conn").info("connecting")
    logging.getLogger("kafka.conn").error("gone")
    assert ["gone"] == [line["event"] for line in lines(stream)]


def test_the_kafka_client_says_a_thing_once_a_minute_and_what_we_say_never() -> None:
    stream = logged("json")
    client = logging.getLogger("kafka.cluster")
    for _ in range(25):
        client.error("Topic %s not found in cluster metadata", "till")
        client.error("Metadata refresh: failed %s", "Cancelled")
        client.error("Topic %s is not authorized for this client", "till")
        client.error("Metadata refresh: failed %s", "no brokers")
        logging.getLogger("other.cluster").error("as it is")
    said = [line["event"] for line in lines(stream) if line["logger"] == "kafka.cluster"]
    assert [
        "Topic till is not authorized for this client", "Metadata refresh: failed no brokers",
    ] == said  # fmt: skip
    assert 25 == len(lines(stream)) - len(said)


def test_less_than_the_level_is_left_out() -> None:
    stream = logged("json", "warning")
    structlog.get_logger().info("small")
    structlog.get_logger().warning("great")
    assert ["great"] == [line["event"] for line in lines(stream)]


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_trace_never_shows_local_variables(style: str) -> None:
    stream = logged(style)
    personal = f"ana{'@'}example.test"  # so that the line of code is not the value
    try:
        int(personal[:0])
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError" in stream.getvalue()
    assert personal not in stream.getvalue()


def test_what_is_no_terminal_gets_json_by_itself() -> None:
    stream = logged("auto")
    structlog.get_logger().info("hello")
    assert "hello" == lines(stream)[0]["event"]


def test_people_get_a_readable_line() -> None:
    stream = logged("console")
    structlog.get_logger().info("intake_started", count=3)
    assert "intake_started" in stream.getvalue()
    assert "count=3" in stream.getvalue()
