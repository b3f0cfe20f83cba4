"""The engine under test: a tenant of its own, fed by hand, projected on demand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import count

import psycopg

from domain.calendar import Calendar
from domain.lifecycle.rules import LifecycleRulebook
from journal.connecting import connect
from journal.decisions.application import open_decisions
from journal.intake.message import Message, Outcome
from journal.intake.pipeline import Intake
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from journal.tenants import Logs, create_tenant
from projections.customer.digest import (
    RANGES,
    range_digest,
    row_digest,
    view_digest,
)
from projections.customer.fold import Fold
from projections.customer.live import VIEW, CustomerProjection, ProjectionLimits
from projections.customer.part import Context, Part
from projections.customer.ranges import RangeFolding
from projections.customer.rebuilding import (
    snapshot,
    stored_digest,
    stored_identity_digest,
)
from projections.customer.registry import PARTS
from projections.customer.store import CustomerStore
from projections.generations import begin_generation, live_generation, retire
from projections.identity.building import build_identity
from vinculo.simulator import BUSINESS_ZONE, PROFILES, SimulatedMessage, simulate

SECRET = TenantSecret(b"a secret of the tests, 32 bytes.")
CONTEXT = Context(Calendar.in_zone(BUSINESS_ZONE), LifecycleRulebook())
DEMO_SOURCES = SourceRegister(
    tuple(
        Source(
            name=profile.source,
            topics=(profile.topic,),
            namespaces=tuple(profile.namespaces),
            zone=profile.zone,
            stable_time=profile.stable_time,
        )
        for profile in PROFILES
    )
)
OPEN_SOURCES = SourceRegister(
    (Source(name="urn:test:one", simulated_time=True), Source(name="urn:test:two"))
)
_tenants = count(1)


class Engine:
    """One tenant in a database: takes messages in, projects, tells digests."""

    def __init__(
        self,
        conninfo: str,
        sources: SourceRegister = OPEN_SOURCES,
        *,
        limits: ProjectionLimits | None = None,
        context: Context = CONTEXT,
        parts: Sequence[Part] = PARTS,
    ) -> None:
        self.conninfo = conninfo
        with psycopg.connect(conninfo, autocommit=True) as owner:
            self.logs: Logs = create_tenant(owner, f"tenant-{next(_tenants)}")
        self.connection = connect(conninfo, name="vinculo tests")
        self.intake = Intake(self.logs.facts, sources, SECRET)
        self.context = context
        self.limits = limits or ProjectionLimits()
        self.fold = Fold(context, parts)
        self.projection = CustomerProjection(
            self.logs, self.fold, owner="tests", limits=self.limits
        )

    def take_in(self, payloads: Iterable[bytes], batch: int = 1_000) -> list[Outcome]:
        """Take structured events in and return what became of each."""
        messages = [Message(payload) for payload in payloads]
        outcomes: list[Outcome] = []
        for start in range(0, len(messages), batch):
            some: Sequence[Message] = messages[start : start + batch]
            outcomes += self.intake.take_in(self.connection, "file", some)
        return outcomes

    def project(self) -> int:
        """Project all there is and return how many facts that were."""
        if self.projection.generation is None:
            self.projection.claim(self.connection)
        return self.projection.catch_up(self.connection)

    def advance_time(self, to: int) -> None:
        """Let time in the log come to an instant."""
        with open_decisions(self.conninfo, self.logs.decisions) as decisions:
            decisions.advance_time(to)

    def digest(self) -> str:
        """Return the digest of the live view as it is stored."""
        live = live_generation(self.connection, self.logs.facts, VIEW)
        assert live is not None
        with snapshot(self.conninfo) as still:
            return stored_digest(still, self.logs.facts, live.number)

    def refolded_digest(self) -> str:
        """Return the digest of a fold of the whole journal, who is who included."""
        generation = self.projection.generation
        assert generation is not None
        log_id = self.logs.facts
        built = begin_generation(self.connection, log_id, VIEW, "tests")
        up_to = generation.facts
        build_identity(self.connection, log_id, built, up_to, self.limits.party_personas_max)
        folding = RangeFolding(self.fold, log_id, built)
        ranges = [
            range_digest(
                row_digest(row)
                for row in folding.rows(self.connection, number, up_to, generation.horizon)
            )
            for number in range(RANGES)
        ]
        identity = stored_identity_digest(self.connection, log_id, built)
        retire(self.connection, log_id, VIEW, built)
        CustomerStore(log_id, built).clear(self.connection)
        return view_digest(ranges, identity)

    def close(self) -> None:
        """Let the connection go."""
        self.connection.close()


def simulated(customers: int, seed: int = 1, days: int = 500) -> list[SimulatedMessage]:
    """Return the messages of a small simulated business, in order of arrival."""
    until = date(2025, 12, 31)
    return simulate(customers=customers, seed=seed, until=until, days=days).messages
