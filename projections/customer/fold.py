"""The fold: one pure function over all parts, the same now, as of a day, and in a what-if.

It takes states and facts, never a connection, so that another engine can run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from operator import attrgetter
from typing import Any

import msgspec

from domain.fact import Fact
from domain.touchpoints import CATALOGUE, Touchpoint
from projections.customer.part import Context, Handler, Part
from projections.customer.registry import PARTS, SHARED, SHARED_PART, TIES

BEFORE_TIME = -(2**62)
State = Any
"""A party's state: ``latest`` (instant of its own latest fact) and one field for each part."""

_occurred_at = attrgetter("occurred_at")

Delivery = tuple[bytes, Fact, bool]
"""customer_id, fact, whether the fact is only shared with that customer."""


class Fold:
    """Fold facts into the state of a party.

    Args:
        context: the tenant's settings.
        parts: the parts, in the order of the document.

    """

    def __init__(self, context: Context, parts: Sequence[Part] = PARTS) -> None:
        self.context = context
        self.parts = tuple(parts)
        fields: list[tuple[str, Any, Any]] = [("latest", int, BEFORE_TIME)]
        fields += [
            (part.name, part.state, msgspec.field(default_factory=part.state)) for part in parts
        ]
        self._settings_digest = settings_digest(context)
        self.state_type = msgspec.defstruct(
            "PartyState", fields, array_like=True, gc=False, module=__name__
        )
        self.new: Callable[[], State] = self.state_type
        self.encode = msgspec.msgpack.Encoder(order="deterministic").encode
        self.decode = msgspec.msgpack.Decoder(self.state_type).decode
        self._handlers = {kind: self._handlers_of(kind) for kind in CATALOGUE.names}
        self._settlers = tuple(
            (attrgetter(part.name), part.settle) for part in parts if part.settle is not None
        )
        shared = next((part for part in parts if part.name == SHARED_PART), None)
        self._shared_handlers = dict(shared.handlers) if shared else {}

    @property
    def name(self) -> str:
        """Return what this fold is: its parts with their versions, and the rules."""
        parts = ",".join(f"{part.name}:{part.version}" for part in self.parts)
        rules = "+".join(rules.version for rules in self.context.lifecycle.versions)
        return f"{parts};{rules};{self._settings_digest}"

    def evolve(self, state: State, *facts: Fact) -> None:
        """Fold facts into the state of their own party, in place."""
        handlers, context, latest = self._handlers, self.context, state.latest
        for fact in facts:
            if fact.occurred_at > latest:  # noqa: PLR1730 - max() costs 60 ns, on every fact
                latest = fact.occurred_at
            touchpoint = fact.touchpoint
            for part, handler in handlers[type(touchpoint)]:
                handler(part(state), fact, touchpoint, context)
        state.latest = latest

    def evolve_shared(self, state: State, fact: Fact) -> None:
        """Fold a statement about this party that stands in another one's history, in place."""
        handler = self._shared_handlers[type(fact.touchpoint)]
        handler(getattr(state, SHARED_PART), fact, fact.touchpoint, self.context)

    def settle(self, state: State, horizon: int) -> int | None:
        """Run every timer up to the party's horizon and return when the next one is due.

        The horizon of a party is the greater of the common one and its own latest fact
        (ruling 10).
        """
        reach, context, earliest = max(horizon, state.latest), self.context, None
        for part, settle in self._settlers:
            due = settle(part(state), reach, context)
            if due is not None and (earliest is None or due < earliest):
                earliest = due
        return earliest

    def fold(self, own: Iterable[Fact], shared: Iterable[Fact] = ()) -> State:
        """Return the state of a party from all that was delivered to it, not yet settled.

        Args:
            own: facts of its own history, in any order.
            shared: statements about it that stand in others' histories, in any order.

        """
        state = self.new()
        # What comes in the order of time is appended, else inserted; the result is the same.
        self.evolve(state, *sorted(own, key=_occurred_at))
        for fact in shared:
            self.evolve_shared(state, fact)
        return state

    def _handlers_of(
        self, kind: type[Touchpoint]
    ) -> tuple[tuple[Callable[[State], Any], Handler], ...]:
        return tuple(
            (attrgetter(part.name), part.handlers[kind])
            for part in self.parts
            if kind in part.handlers
        )


def settings_digest(context: Context) -> str:
    """Return 12 hexadecimal digits that differ where calendar, rules or programmes differ."""
    plain = (context.calendar.periods, context.lifecycle.versions, context.loyalty.programmes)
    return sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()[:12]


def deliveries(fact: Fact, party_of: Callable[[bytes], bytes]) -> list[Delivery]:
    """Return to which parties a fact is delivered.

    Its history stays with its subject's persona (ruling 15); a statement about several personas
    also reaches the parties of the others (ruling 17), each told only of its own personas.

    Args:
        fact: an effective touchpoint.
        party_of: the customer_id of a persona.

    """
    own = party_of(fact.persona.persona_id)
    if not fact.linked:
        return [(own, fact, False)]
    kind = type(fact.touchpoint)
    if kind in TIES:
        return []
    if kind not in SHARED:
        return [(own, fact, False)]
    by_party: dict[bytes, list[Any]] = {own: []}
    for persona in fact.linked:
        by_party.setdefault(party_of(persona.persona_id), []).append(persona)
    delivered: list[Delivery] = []
    for party, personas in by_party.items():
        if party == own:
            told = msgspec.structs.replace(fact, linked=tuple(personas))
        else:
            told = msgspec.structs.replace(fact, persona=personas[0], linked=tuple(personas[1:]))
        delivered.append((party, told, party != own))
    return delivered
