"""Parties to read: rich ones from the simulator, projected by the product, then multiplied.

A copy's state is that of a simulated customer with the ids of its personas replaced, so that
documents, memberships and sizes of rows are believable, and a million of them take a minute.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice

import msgspec

from benchmarks.harness import say
from benchmarks.servers import CONTEXT, SECRET_BYTES, Place
from journal.connecting import connect
from journal.intake.message import Message
from journal.intake.pipeline import Intake, clock
from journal.rows import COPY_HEAD, COPY_TAIL, field, integer_field
from journal.sealing import TenantSecret
from journal.sources import Source, SourceRegister
from projections.customer.columns import row_of
from projections.customer.digest import RANGES, bounds
from projections.customer.fold import Fold
from projections.customer.live import CustomerProjection
from projections.customer.store import CustomerRow, CustomerStore
from vinculo.ingesting import Ingesting
from vinculo.simulator import PROFILES, simulate

_SLICE = 20_000
_MEMBERS = (
    "COPY view.membership (log_id, generation, persona_id, customer_id, namespace) "
    "FROM STDIN (FORMAT BINARY)"
)


class Sample(msgspec.Struct, frozen=True):
    """A simulated customer.

    Args:
        row: as it is kept.
        members: (persona_id, namespace) of all personas where there are several.

    """

    row: CustomerRow
    members: tuple[tuple[bytes, str], ...]


def make_parties(place: Place, count: int, simulated: int) -> bytes:
    """Fill the live view and return the customer ids, 16 bytes each, joined.

    Args:
        place: whose view.
        count: parties in all.
        simulated: customers of the simulated business that are multiplied.

    """
    began = time.perf_counter()
    _simulate(place, simulated)
    with place.connect() as connection:
        projection = CustomerProjection(place.logs, Fold(CONTEXT), owner="bench")
        generation = projection.claim(connection).number
        projection.catch_up(connection)
        samples = _samples(place, generation)
        store = CustomerStore(place.logs.facts, generation)
        ids: list[bytes] = [sample.row.customer_id for sample in samples][:count]
        copies = _copies(samples, count - len(ids))
        while some := _take(copies):
            with connection.transaction():
                store.copy(connection, projection.position, [row for row, _ in some])
                members = b"".join(_member_rows(place.logs.facts, generation, some))
                with connection.cursor().copy(_MEMBERS) as copy:
                    copy.write(COPY_HEAD + members + COPY_TAIL)
            ids += [row.customer_id for row, _ in some]
    size = sum(len(sample.row.state) for sample in samples) // max(len(samples), 1)
    say(f"{len(ids):,} parties, {size:,} bytes each, took {time.perf_counter() - began:.1f} s")
    return b"".join(ids)


_Copy = tuple[CustomerRow, tuple[tuple[bytes, str], ...]]


def _simulate(place: Place, customers: int) -> None:
    register = SourceRegister(
        tuple(
            Source(name=one.source, topics=(one.topic,), stable_time=one.stable_time)
            for one in PROFILES
        )
    )
    intake = Intake(place.logs.facts, register, TenantSecret(SECRET_BYTES))
    until = (datetime.now(UTC) - timedelta(days=1)).date()
    made = simulate(customers=customers, seed=3, until=until).messages
    payloads = (Message(one.payload) for one in made if not one.defect)
    ingesting = Ingesting(intake, lambda name: connect(place.conninfo, name=name))
    outcomes = ingesting.run(payloads).outcomes
    say(f"simulated: {dict(outcomes)}")


def _samples(place: Place, generation: int) -> list[Sample]:
    """Return the customers that are known by more than receipts, cookies and devices.

    Their rows are those that the projecting worker leaves once its timekeeper has ticked.
    """
    fold, horizon = Fold(CONTEXT), clock()
    store = CustomerStore(place.logs.facts, generation)
    found: list[Sample] = []
    with place.connect() as connection:
        members: dict[bytes, list[tuple[bytes, str]]] = {}
        rows = connection.cursor(binary=True).execute(
            "SELECT persona_id, customer_id, namespace FROM view.membership "
            "WHERE log_id = %s AND generation = %s",
            (place.logs.facts, generation),
        )
        for persona_id, customer_id, namespace in rows:
            members.setdefault(customer_id, []).append((persona_id, namespace))
        for number in range(RANGES):
            for stored in store.range(connection, *bounds(number)):
                row = row_of(fold, stored[0], fold.decode(stored[1]), horizon)
                if not row.anonymous:
                    found.append(Sample(row, tuple(members.get(row.customer_id, ()))))
    return found


def _copies(samples: list[Sample], count: int) -> Iterator[_Copy]:
    for number in range(count):
        sample = samples[number % len(samples)]
        yield _copy_of(sample, number.to_bytes(8))


def _copy_of(sample: Sample, salt: bytes) -> _Copy:
    row = sample.row
    state = row.state
    new_id = _renamed(row.customer_id, salt)
    members: list[tuple[bytes, str]] = []
    for persona_id, namespace in sample.members:
        renamed = _renamed(persona_id, salt)
        state = state.replace(persona_id, renamed)
        members.append((renamed, namespace))
    state = state.replace(row.customer_id, new_id)
    return msgspec.structs.replace(row, customer_id=new_id, state=state), tuple(members)


def _renamed(persona_id: bytes, salt: bytes) -> bytes:
    return blake2b(persona_id, digest_size=16, key=salt).digest()


def _take(copies: Iterator[_Copy]) -> list[_Copy]:
    return list(islice(copies, _SLICE))


def _member_rows(log_id: int, generation: int, copies: list[_Copy]) -> Iterator[bytes]:
    head = (5).to_bytes(2) + integer_field(log_id, 4) + integer_field(generation, 4)
    for row, members in copies:
        for persona_id, namespace in members:
            names = field(row.customer_id) + field(namespace.encode())
            yield head + field(persona_id) + names
