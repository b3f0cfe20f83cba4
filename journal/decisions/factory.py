"""The library's way of composing an application: ``PERSISTENCE_MODULE=journal.decisions.factory``.

Settings, each also with the application's name before it (``DECISIONS_LOG_ID``):

- ``DATABASE_URL``: libpq's connection string or URL;
- ``LOG_ID``: of the decisions log.
"""

from __future__ import annotations

from typing import TypeVar, cast

from eventsourcing.domain import TAggregateID
from eventsourcing.persistence import (
    InfrastructureFactory,
    InfrastructureFactoryError,
    Mapper,
    NotSupportedError,
    ProcessRecorder,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType, strtobool

from journal.decisions.connections import Connections
from journal.decisions.mapper import DecisionMapper
from journal.decisions.recorder import DecisionRecorder, DecisionStreams

T = TypeVar("T", bound=TrackingRecorder)

_NO_TRACKING = (
    "decisions: expected no tracking recorder: a position that only moves forward lets two owners "
    "both count; advance it by compare-and-swap in the transaction that writes"
)


class DecisionsFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes recorders and mapper of one decisions log.

    Raises:
        InfrastructureFactoryError: if a setting is missing, or one is on that loses events.

    """

    DATABASE_URL = "DATABASE_URL"
    LOG_ID = "LOG_ID"
    DB_FUNCTIONS = "POSTGRES_ENABLE_DB_FUNCTIONS"

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        if strtobool(self.env.get(self.DB_FUNCTIONS) or "no"):
            message = (
                f"expected {self.DB_FUNCTIONS} to be off, found it on; it leaves out the lock that "
                "keeps readers from losing events: remove it"
            )
            raise InfrastructureFactoryError(message)
        log_id = self._setting(self.LOG_ID)
        if not log_id.isdecimal():
            message = f"expected a number in {self.LOG_ID}, found {log_id!r}"
            raise InfrastructureFactoryError(message)
        self.log_id = int(log_id)
        self.connections = Connections(self._setting(self.DATABASE_URL))

    def _setting(self, name: str) -> str:
        value = self.env.get(name)
        if not value:
            message = f"expected a setting {self.env.create_keys(name)[0]}, found none; set it"
            raise InfrastructureFactoryError(message)
        return value

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[TAggregateID]] | None = None,
    ) -> Mapper[TAggregateID]:
        """Return the mapper of decisions, or one of the class asked for."""
        return super().mapper(
            transcoder, mapper_class or cast("type[Mapper[TAggregateID]]", DecisionMapper)
        )

    def aggregate_recorder(self, purpose: str = "events") -> DecisionStreams:
        """Return a recorder of streams.

        Raises:
            NotSupportedError: for any purpose but events; snapshots have no log of their own.

        """
        if purpose != "events":
            message = (
                f"expected purpose 'events', found {purpose!r}; aggregates of this engine are read "
                "from few events, switch snapshotting off"
            )
            raise NotSupportedError(message)
        return DecisionStreams(self.connections, self.log_id)

    def application_recorder(self) -> DecisionRecorder:
        """Return a recorder of streams and positions."""
        return DecisionRecorder(self.connections, self.log_id)

    def tracking_recorder(self, tracking_recorder_class: type[T] | None = None) -> T:  # noqa: ARG002 - the library's signature
        """Raise NotSupportedError: positions are advanced by compare-and-swap."""
        raise NotSupportedError(_NO_TRACKING)

    def process_recorder(self) -> ProcessRecorder:
        """Raise NotSupportedError: positions are advanced by compare-and-swap."""
        raise NotSupportedError(_NO_TRACKING)

    def close(self) -> None:
        """Close the connections."""
        if hasattr(self, "connections"):
            self.connections.close()
