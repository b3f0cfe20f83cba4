"""The intake pipeline of one facts log, shared by Kafka, HTTP and file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import psycopg

from domain.touchpoints import CATALOGUE, Catalogue
from journal.intake.appending import Advance, Appending, StaleKeysError
from journal.intake.batch import Batch
from journal.intake.mapping import Mapping
from journal.intake.message import Channel, Message, Outcome
from journal.intake.preparing import Preparing
from journal.personas import PersonaNames
from journal.rejected import RejectedSeal
from journal.sealing import TenantSecret
from journal.sources import SourceRegister
from journal.subject_keys import SubjectKeys

STALE_TRIES_MAX = 10
_NANOSECONDS_A_MICROSECOND = 1_000


def clock() -> int:
    """Return the wall clock in microseconds since 1970."""
    return time.time_ns() // _NANOSECONDS_A_MICROSECOND


class Intake:
    """Turn messages into facts.

    One object serves one thread at a time in :meth:`prepare`; :meth:`append` may run in another
    thread, with another connection, so that one batch is prepared while the last is written.

    Args:
        log_id: of the facts log.
        sources: who may publish what.
        secret: the tenant's.
        catalogue: the touchpoints that are understood.
        now: the clock, microseconds since 1970.

    """

    def __init__(
        self,
        log_id: int,
        sources: SourceRegister,
        secret: TenantSecret,
        *,
        catalogue: Catalogue = CATALOGUE,
        now: Callable[[], int] = clock,
    ) -> None:
        self.log_id = log_id
        self.sources = sources
        self.personas = PersonaNames(secret.secret)
        self._keys = SubjectKeys(log_id, secret)
        mapping = Mapping(catalogue, sources, self.personas)
        self._preparing = Preparing(log_id, mapping, self._keys, secret, now)
        self._appending = Appending(log_id, RejectedSeal(log_id, secret))

    def prepare(self, connection: psycopg.Connection, messages: Sequence[Message]) -> Batch:
        """Return a batch ready for :meth:`append`."""
        return self._preparing.prepare(connection, messages)

    def append(
        self,
        connection: psycopg.Connection,
        channel: Channel,
        messages: Sequence[Message],
        batch: Batch,
        advances: Sequence[Advance] = (),
    ) -> list[Outcome]:
        """Append a prepared batch; see :meth:`journal.intake.appending.Appending.append`."""
        return self._appending.append(connection, channel, messages, batch, advances)

    def take_in(
        self,
        connection: psycopg.Connection,
        channel: Channel,
        messages: Sequence[Message],
        advances: Sequence[Advance] = (),
    ) -> list[Outcome]:
        """Prepare and append in step; prepares anew where a subject was erased in between.

        Raises:
            FencedError: nothing was written.
            StaleKeysError: erasures came faster than ten tries.

        """
        for tries in range(STALE_TRIES_MAX):
            batch = self.prepare(connection, messages)
            try:
                return self.append(connection, channel, messages, batch, advances)
            except StaleKeysError:
                self.forget_keys()
                if tries == STALE_TRIES_MAX - 1:
                    raise
        raise AssertionError

    def forget_keys(self) -> None:
        """Look subjects' keys up anew from here on."""
        self._keys.forget()
