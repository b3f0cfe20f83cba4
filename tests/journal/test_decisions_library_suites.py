"""The suites that the eventsourcing library ships for recorders, run on the real server."""

import importlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from eventsourcing import cryptography

from journal.decisions.connections import Connections
from journal.decisions.recorder import DecisionRecorder, DecisionStreams
from journal.tenants import create_tenant

if TYPE_CHECKING:
    from eventsourcing.tests import persistence as library
else:
    # The suites' module imports a cipher that wants pycryptodome; the library ships the same one
    # for the package that this product has anyway. No suite that runs here uses either.
    sys.modules.setdefault("eventsourcing.cipher", cryptography)
    library = importlib.import_module("eventsourcing.tests.persistence")


class OnRealServer:
    """Gives each test of a suite a database of its own."""

    connections: Connections
    log_id: int

    @pytest.fixture(autouse=True)
    def _journal(self, database_url: str, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
        with psycopg.connect(database_url, autocommit=True) as owner:
            self.log_id = create_tenant(owner, "suite").decisions
        self.connections = Connections(database_url)
        yield
        self.connections.close()
        capsys.readouterr()  # the suites print their rates

    def create_recorder(self) -> DecisionRecorder:
        return DecisionRecorder(self.connections, self.log_id)


class TestAggregateRecorder(OnRealServer, library.AggregateRecorderTestCase):
    def create_recorder(self) -> DecisionStreams:  # type: ignore[override]
        return DecisionStreams(self.connections, self.log_id)


class TestApplicationRecorder(OnRealServer, library.ApplicationRecorderTestCase[DecisionRecorder]):
    def test_insert_subscribe(self) -> None:
        """The suite's test of subscriptions, which it leaves to be switched on."""
        self.optional_test_insert_subscribe()


class TestNonInterleavingNotificationIDs(
    OnRealServer, library.NonInterleavingNotificationIDsBaseCase
):
    pass
