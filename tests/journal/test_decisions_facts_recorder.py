"""The facts log as the library's followers see it: one-event streams, read-only."""

import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.persistence import ApplicationRecorder, NotSupportedError, StoredEvent

from domain.errors import VinculoError
from journal.connecting import connect
from journal.decisions import open_decisions
from journal.decisions.connections import Connections
from journal.facts_recorder import FactsRecorder
from journal.intake.message import Message
from journal.intake.pipeline import Intake
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import create_tenant

SOURCE = Source(name="urn:shop:till")
CALL = "vinculo.interaction_recorded.v1"
INCIDENT = "vinculo.incident_resolved.v1"


class Shop:
    """Sends touchpoints through the real intake."""

    def __init__(self, database_url: str, log_id: int) -> None:
        self.connection = connect(database_url, name="vinculo test")
        self.intake = Intake(log_id, SourceRegister((SOURCE,)), TenantSecret(b"s" * 32))

    def send(self, *numbers: int) -> list[UUID]:
        messages = [Message(json.dumps(self.event(number)).encode()) for number in numbers]
        outcomes = self.intake.take_in(self.connection, "http", messages)
        assert [(one.kind, one.detail) for one in outcomes] == [("stored", "")] * len(numbers)
        return [UUID(bytes=one.entry_id) for one in outcomes if one.entry_id]

    def event(self, number: int) -> dict[str, object]:
        """An interaction, every third one the end of an incident."""
        incident = number % 3 == 0
        return {
            "specversion": "1.0",
            "id": f"touchpoint-{number}",
            "source": SOURCE.name,
            "type": INCIDENT if incident else CALL,
            "subject": f"card:{number}",
            "time": "2026-03-01T10:00:00+01:00",
            "data": {"incident": "I-1"} if incident else {"direction": "inbound"},
        }


@pytest.fixture
def log_id(database_url: str) -> int:
    with psycopg.connect(database_url, autocommit=True) as owner:
        return create_tenant(owner, "acme").facts


@pytest.fixture
def shop(database_url: str, log_id: int) -> Iterator[Shop]:
    made = Shop(database_url, log_id)
    yield made
    made.connection.close()


@pytest.fixture
def recorder(database_url: str, log_id: int) -> Iterator[FactsRecorder]:
    connections = Connections(database_url)
    yield FactsRecorder(connections, log_id, poll_seconds=600.0)
    connections.close()


def test_a_fact_is_a_stream_of_one_event(shop: Shop, recorder: FactsRecorder) -> None:
    (entry_id,) = shop.send(1)
    (event,) = recorder.select_events(entry_id)
    assert (entry_id, 1, CALL) == (event.originator_id, event.originator_version, event.topic)
    assert json.loads(event.state)["data"] == {"direction": "inbound"}
    assert [event] == recorder.select_events(entry_id, gt=0, lte=1, desc=True, limit=1)
    assert recorder.select_events(entry_id, gt=1) == []
    assert recorder.select_events(entry_id, lte=0) == []
    assert recorder.select_events(entry_id, limit=0) == []
    assert recorder.select_events(uuid4()) == []


def test_facts_are_notifications_in_the_order_of_their_positions(
    shop: Shop, recorder: FactsRecorder
) -> None:
    assert recorder.max_notification_id() is None
    ids = shop.send(1, 2, 3, 4, 5, 6)
    found = recorder.select_notifications(None, 10)
    assert [1, 2, 3, 4, 5, 6] == [one.id for one in found]
    assert ids == [one.originator_id for one in found]
    assert [3, 6] == [one.id for one in recorder.select_notifications(1, 10, topics=[INCIDENT])]
    assert [3, 4] == [
        one.id for one in recorder.select_notifications(2, 2, inclusive_of_start=False)
    ]
    assert [2, 3] == [one.id for one in recorder.select_notifications(2, 9, stop=3)]
    assert recorder.max_notification_id() == 6


def test_intake_wakes_a_subscription_to_facts(shop: Shop, recorder: FactsRecorder) -> None:
    """It looks by itself every ten minutes only: what comes earlier, the hint brought."""
    with recorder.subscribe() as subscription:
        shop.send(1, 2)
        assert [1, 2] == [next(subscription).id for _ in range(2)]
        shop.send(3)
        assert next(subscription).id == 3


def test_inserting_facts_is_refused_with_what_to_do(shop: Shop, recorder: FactsRecorder) -> None:
    shop.send(1)
    with pytest.raises(NotSupportedError, match="through intake") as caught:
        recorder.insert_events([StoredEvent(uuid4(), 1, CALL, b"{}")])
    assert isinstance(caught.value, VinculoError)
    assert recorder.max_notification_id() == 1


def test_the_decisions_of_the_tenant_are_not_among_its_facts(
    database_url: str, log_id: int, shop: Shop, recorder: FactsRecorder
) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        logs = create_tenant(owner, "acme")
    assert logs.facts == log_id
    with open_decisions(database_url, logs.decisions) as decisions:
        decisions.advance_time(1)
        decisions.advance_time(2)
    shop.send(1)
    assert [CALL] == [one.topic for one in recorder.select_notifications(1, 10)]
    assert isinstance(recorder, ApplicationRecorder)
