"""The simulated business of the demo: planned once, taken in once, found again at later starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path

import msgspec

from consumers.timekeeping import Timekeeper
from domain.errors import VinculoError
from domain.instants import day_of
from journal.decisions import open_decisions
from journal.intake.message import Message
from journal.reading import head_of
from vinculo.business_day import yesterday
from vinculo.composition import Composition
from vinculo.demo.installation import PLAN_FILE
from vinculo.ingesting import Ingesting
from vinculo.simulator import BUSINESS_ZONE, PROFILES, Simulation, simulate

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""``bar(title, total)`` shows progress while its block runs."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated, so that an interrupted start goes on with the same business.

    Args:
        customers: how many people.
        seed: of the simulation.
        until: its last day, in the business zone.
        tenant: whose journal holds it.
        complete: whether everything was taken in.

    """

    customers: int
    seed: int
    until: date
    tenant: str
    complete: bool = False


class Business:
    """The demo's business in its journal.

    Args:
        made: the installation.
        customers: how many people, if it is not planned yet.
        seed: of the simulation, if it is not planned yet.

    Raises:
        VinculoError: the journal holds facts that are not the demo's.

    """

    def __init__(self, made: Composition, customers: int, seed: int) -> None:
        assert made.folder is not None, "the demo lives in a folder"  # noqa: S101
        self._made = made
        self._path = made.folder / PLAN_FILE
        with made.connect("vinculo demo") as connection:
            facts = head_of(connection, made.logs.facts)
        found = _read(self._path)
        if facts and (found is None or found.tenant != made.settings.tenant):
            message = (
                f"expected an empty journal of the tenant {made.settings.tenant!r}, found {facts:,}"
                " facts that are not the demo's; name another tenant in VINCULO_TENANT"
            )
            raise VinculoError(message)
        if found is None or not facts:
            found = Plan(
                customers=customers, seed=seed, until=yesterday(BUSINESS_ZONE),
                tenant=made.settings.tenant,
            )  # fmt: skip
            self._write(found)
        self.plan = found

    def simulate(self) -> Simulation:
        """Return the business, the same at each call."""
        plan = self.plan
        return simulate(customers=plan.customers, seed=plan.seed, until=plan.until)

    def take_in(self, simulation: Simulation, bar: Bar) -> None:
        """Take all messages in without Kafka."""
        made = self._made
        ingesting = Ingesting(made.intake(), made.connect, made.settings.intake_batch_messages_max)
        with bar("taking in messages", len(simulation.messages)) as advance:
            ingesting.run(_received(simulation), advance)

    def publish(self, simulation: Simulation, bar: Bar) -> int:
        """Publish all messages to Kafka and return how many there are."""
        from vinculo.publishing import publish_all  # noqa: PLC0415 - only where Kafka is used

        with bar("publishing to Kafka", len(simulation.messages)) as advance:
            return publish_all(self._made, PROFILES, simulation.messages, advance)

    def complete(self) -> None:
        """Note that everything was taken in, and let time come to the simulation's end."""
        made = self._made
        end = made.context.calendar.end(day_of(self.plan.until))
        keeper = Timekeeper(made.conninfo, made.logs.decisions, now=lambda: end)
        with open_decisions(made.conninfo, made.logs.decisions) as decisions:
            if (decisions.clock().time or 0) < end:
                keeper.tick(decisions)
        self.plan = msgspec.structs.replace(self.plan, complete=True)
        self._write(self.plan)

    def _write(self, plan: Plan) -> None:
        self._path.write_bytes(msgspec.json.encode(plan) + b"\n")


def _read(path: Path) -> Plan | None:
    return msgspec.json.decode(path.read_bytes(), type=Plan) if path.exists() else None


def _received(simulation: Simulation) -> Iterator[Message]:
    for number, message in enumerate(simulation.messages, 1):
        yield Message(message.payload, offset=number)
