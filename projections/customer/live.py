"""The live projection of the customer 360: reads the journal in batches, keeps the view right.

One transaction a batch: links and memberships, states, rows, and the generation's position by
compare-and-swap. What a process remembers between batches is dropped when a transaction fails.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import psycopg

from domain.correcting import Naming
from domain.errors import VinculoError
from domain.fact import Fact
from journal.decisions.times import latest_time
from journal.history import Histories
from journal.reading import FactReader, Row, head_of, rows_after
from journal.tenants import Logs
from projections.customer.columns import row_of
from projections.customer.corrected import Corrected, Corrections
from projections.customer.fold import Fold, State
from projections.customer.growing import Growing
from projections.customer.refolding import Refolding, named_personas, sort_out
from projections.customer.registry import SHARED
from projections.customer.routing import Routes
from projections.customer.store import CustomerStore
from projections.generations import BEFORE_TIME, Generation, advance, claim, ensure_live
from projections.identity.store import IdentityStore
from projections.identity.tying import Moves, Tying

VIEW = "customer"


class ProjectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the live projection.

    Args:
        batch_events_max: facts a transaction.
        due_customers_max: customers a transaction when time moves.
        cached_customers_max: states kept decoded between batches.
        party_personas_max: a link beyond is recorded and not followed (ruling 16).

    """

    batch_events_max: int = 5_000
    due_customers_max: int = 2_000
    cached_customers_max: int = 40_000
    party_personas_max: int = 50


class OtherFoldError(VinculoError):
    """The live view was folded by other parts, settings or rules than this process has."""


class _Plan(msgspec.Struct):
    """What a batch changes besides growing histories.

    Args:
        refold: customers to fold anew from the journal.
        gone: customers that are no more.
        carried: states that go on under another customer_id.

    """

    refold: set[bytes]
    gone: set[bytes] = msgspec.field(default_factory=set)
    carried: dict[bytes, State] = msgspec.field(default_factory=dict)


class CustomerProjection:
    """Keep one generation of the customer view.

    Args:
        logs: the tenant's.
        fold: the fold.
        owner: who writes, shown to operators.
        limits: sizes of batches and caches.

    """

    def __init__(
        self, logs: Logs, fold: Fold, *, owner: str, limits: ProjectionLimits | None = None
    ) -> None:
        self.fold = fold
        self.generation: Generation | None = None
        self._logs = logs
        self._owner = owner
        self._limits = limits or ProjectionLimits()
        self._reader = FactReader()
        self._histories = Histories(logs.facts, self._reader)
        self._cache: dict[bytes, State] = {}

    def claim(self, connection: psycopg.Connection, number: int | None = None) -> Generation:
        """Become the writer of a generation, of the live one if none is named.

        Raises:
            OtherFoldError: other parts, settings or rules have folded it.
            OvertakenError: it was retired.

        """
        if number is None:
            live = ensure_live(connection, self._logs.facts, VIEW, self.fold.name)
            if live.fold != self.fold.name:
                message = (
                    f"expected a view folded by {self.fold.name}, found {live.fold}; start this "
                    "process anew with the settings of the last rebuild, or run 'vinculo rebuild'"
                )
                raise OtherFoldError(message)
            number = live.number
        self.generation = claim(connection, self._logs.facts, VIEW, number, self._owner)
        self._store = CustomerStore(self._logs.facts, number)
        self._growing = Growing(self.fold, self._store, self._cache)
        self._identity = IdentityStore(self._logs.facts, number)
        self._tying = Tying(self._identity, self._limits.party_personas_max)
        self._routes = Routes(self._identity)
        self._corrections = Corrections(self._histories, self._store)
        shared = Histories(self._logs.facts, self._reader, SHARED)
        self._refolding = Refolding(self.fold, shared, self._identity, self._routes)
        self._cache.clear()
        return self.generation

    @property
    def position(self) -> int:
        """Return the position of the facts log up to which the generation has read."""
        return self._claimed.facts

    def forget(self) -> None:
        """Drop everything remembered, after a transaction that failed."""
        self._cache.clear()
        self._tying.forget()
        self._routes.forget()
        self._corrections.forget()

    def catch_up(self, connection: psycopg.Connection, up_to: int | None = None) -> int:
        """Project until nothing is left, and return how many facts that were.

        Args:
            connection: to the journal and the view.
            up_to: go no further than this position.

        """
        done = 0
        while count := self.step(connection, up_to):
            done += count
        return done

    def step(self, connection: psycopg.Connection, up_to: int | None = None) -> int:
        """Take in one batch of facts and what time has changed; return how many facts.

        Raises:
            HoleError: a position is missing; nothing was written.
            OvertakenError: another process writes this generation; nothing was written.

        """
        assert self.generation is not None, "claim a generation first"  # noqa: S101
        try:
            self._advance_time(connection)
            limit = self._limits.batch_events_max
            if up_to is not None:
                limit = min(limit, up_to - self.generation.facts)
            rows = rows_after(connection, self._logs.facts, self.generation.facts, max(limit, 0))
            if rows:
                self._take_in(connection, rows)
        except BaseException:
            self.forget()
            raise
        return len(rows)

    def _take_in(self, connection: psycopg.Connection, rows: list[Row]) -> None:
        generation = self._claimed
        up_to = rows[-1][0]
        namings, facts = self._read(rows)
        with connection.transaction():
            moved = advance(
                connection, generation,
                facts=up_to, decisions=generation.decisions, horizon=generation.horizon,
            )  # fmt: skip
            corrected = self._corrections.follow(connection, namings, facts, up_to)
            if corrected.entries:
                facts = [fact for fact in facts if fact.entry_id not in corrected.entries]
            self._fold_batch(connection, facts, corrected, up_to)
        self.generation = moved
        self._shrink()

    @property
    def _claimed(self) -> Generation:
        assert self.generation is not None, "claim a generation first"  # noqa: S101
        return self.generation

    def _read(self, rows: Iterable[Row]) -> tuple[list[Naming], list[Fact]]:
        namings: list[Naming] = []
        facts: list[Fact] = []
        for row in rows:
            naming = None if row[3] is None else self._reader.naming(row)
            if naming is None:
                facts.append(self._reader.fact(row))
            else:
                namings.append(naming)
        return namings, facts

    def _fold_batch(
        self, connection: psycopg.Connection, facts: list[Fact], corrected: Corrected, up_to: int
    ) -> None:
        moves = self._tying.tie(connection, facts)
        self._routes.move(moves.after)
        all_moves = [moves]
        if corrected.linking:
            history = self._histories.of_personas(connection, corrected.linking, up_to)
            anew = self._tying.judge_anew(connection, corrected.linking, history.facts)
            self._routes.move(anew.after)
            all_moves.append(anew)
        self._routes.load(connection, named_personas(facts) | corrected.personas)
        plan = _Plan(refold={self._routes.customer_of(one) for one in corrected.personas})
        if corrected.linking:
            _move_anew(all_moves, plan)
        else:
            self._move(connection, moves, plan)
        self._write(connection, facts, plan, up_to)

    def _move(self, connection: psycopg.Connection, moves: Moves, plan: _Plan) -> None:
        """Carry states over where a party only grew; have all others folded anew."""
        carried: dict[bytes, State] = {}
        old_of: dict[bytes, set[bytes]] = {}
        new_of: dict[bytes, set[bytes]] = {}
        for persona, before in moves.before.items():
            old_of.setdefault(moves.after[persona], set()).add(before)
            new_of.setdefault(before, set()).add(moves.after[persona])
        states = self._states(connection, new_of.keys())
        plan.gone |= new_of.keys() - old_of.keys()
        plan.gone -= old_of.keys()
        for customer, olds in old_of.items():
            known = [old for old in olds if old in states]
            parted = any(len(new_of[old]) > 1 for old in known)
            if parted or len(known) > 1:
                plan.refold.add(customer)
            elif known and known[0] != customer:
                carried[customer] = states[known[0]]
        plan.carried.update(carried)

    def _write(
        self,
        connection: psycopg.Connection,
        facts: list[Fact],
        plan: _Plan,
        up_to: int,
    ) -> None:
        delivered = sort_out(facts, self._routes.customer_of)
        ready = {one: state for one, state in plan.carried.items() if one not in plan.refold}
        gone = plan.gone
        if plan.refold:
            refolded = self._refolding.refold(connection, plan.refold, up_to)
            gone |= plan.refold - refolded.keys()
            ready.update(refolded)
            delivered.leave_out(plan.refold)  # the journal told them already
        self._growing.grow(connection, ready, delivered, up_to, self._claimed.horizon)
        if gone := gone - delivered.customers - ready.keys():
            self._store.drop(connection, gone)
            for customer in gone:
                self._cache.pop(customer, None)

    def _states(
        self, connection: psycopg.Connection, customers: Iterable[bytes]
    ) -> dict[bytes, State]:
        """Return states of customers, decoded; those who have none are absent."""
        cache, decode = self._cache, self.fold.decode
        asked = set(customers)
        states = {one: cache[one] for one in asked if one in cache}
        if missing := asked - states.keys():
            stored = self._store.states(connection, missing)
            states.update((customer, decode(state)) for customer, state in stored.items())
        return states

    def _shrink(self) -> None:
        """Drop the states that were put in first, a quarter at a time."""
        if len(self._cache) > self._limits.cached_customers_max:
            for customer in list(self._cache)[: len(self._cache) // 4 + 1]:
                del self._cache[customer]

    def _advance_time(self, connection: psycopg.Connection) -> None:
        """Run every timer up to the greatest TimeAdvanced that was not taken in yet."""
        generation = self._claimed
        decisions = head_of(connection, self._logs.decisions)
        if decisions == generation.decisions:
            return
        _position, to = latest_time(connection, self._logs.decisions, decisions)
        horizon = max(generation.horizon, to) if to is not None else generation.horizon
        # The horizon first, the rows after it, the position last: whoever looks in between knows
        # by the horizon which rows are still to be run, and a crash in between is taken up again.
        self._advance(connection, generation.decisions, horizon)
        while horizon > BEFORE_TIME and self._run_due(connection, horizon):
            pass  # before the first tick there is nothing that time could have brought
        self._advance(connection, decisions, horizon)

    def _advance(self, connection: psycopg.Connection, decisions: int, horizon: int) -> None:
        with connection.transaction():
            moved = advance(
                connection, self._claimed,
                facts=self._claimed.facts, decisions=decisions, horizon=horizon,
            )  # fmt: skip
        self.generation = moved

    def _run_due(self, connection: psycopg.Connection, horizon: int) -> int:
        """Run the timers of some customers; who was run is not due any more."""
        generation = self._claimed
        limit = self._limits.due_customers_max
        with connection.transaction():
            advance(
                connection, generation, facts=generation.facts,
                decisions=generation.decisions, horizon=generation.horizon,
            )  # fmt: skip
            due = self._store.due(connection, horizon, limit)
            rows = [
                row_of(
                    self.fold,
                    customer,
                    self._cache.get(customer) or self.fold.decode(state),
                    horizon,
                )
                for customer, state in due
            ]
            if rows:
                self._store.keep(connection, generation.facts, rows)
        return len(due)


def _move_anew(moves: Iterable[Moves], plan: _Plan) -> None:
    """Have every party folded anew that a correction of links touched, directly or in passing."""
    for one in moves:
        plan.gone |= set(one.before.values())
        plan.refold |= set(one.after.values())
    plan.gone -= plan.refold
