"""Links: what the facts say of two personas being one (ruling 15).

The state of a pair is a semilattice: combining is commutative, associative and idempotent, so it
depends on no order of arrival and no repetition.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.fact import Fact
from domain.identifiers import Persona
from domain.touchpoints import IdentifierLinked, IdentifierUnlinked

_INSTANT_BIAS = 2**63


class Pair(msgspec.Struct, frozen=True, gc=False, order=True):
    """Two personas, the one with the lesser id first, so that a pair has one name."""

    one: Persona
    other: Persona

    @classmethod
    def of(cls, first: Persona, second: Persona) -> Pair:
        """Return the pair of two different personas, whichever comes first."""
        if first.persona_id < second.persona_id:
            return cls(first, second)
        return cls(second, first)


class LinkState(msgspec.Struct, frozen=True, gc=False):
    """What is known of a pair.

    Args:
        implied: some touchpoint carries both identifiers.
        explicit: sort key of the last IdentifierLinked or IdentifierUnlinked, empty if none.
        linked: what that one said.

    """

    implied: bool = False
    explicit: bytes = b""
    linked: bool = False

    @property
    def joined(self) -> bool:
        """Whether the two are one: explicit outranks implied."""
        return self.linked if self.explicit else self.implied


IMPLIED = LinkState(implied=True)


def combine(first: LinkState, second: LinkState) -> LinkState:
    """Return what two states say together; at a tie of explicit statements they are unlinked."""
    implied = first.implied or second.implied
    if first.explicit == second.explicit:
        return LinkState(implied, first.explicit, first.linked and second.linked)
    last = max(first, second, key=lambda state: state.explicit)
    return LinkState(implied, last.explicit, last.linked)


def statements(fact: Fact) -> list[tuple[Pair, LinkState]]:
    """Return what a fact says of pairs: its subject with each further persona it names."""
    if not fact.linked:
        return []
    kind = type(fact.touchpoint)
    if kind is IdentifierLinked or kind is IdentifierUnlinked:
        state = LinkState(explicit=sort_key(fact), linked=kind is IdentifierLinked)
    else:
        state = IMPLIED
    return [(Pair.of(fact.persona, other), state) for other in fact.linked if other != fact.persona]


def judged(facts: Iterable[Fact]) -> dict[Pair, LinkState]:
    """Return the state of every pair that some facts speak of."""
    states: dict[Pair, LinkState] = {}
    for fact in facts:
        for pair, state in statements(fact):
            known = states.get(pair)
            states[pair] = state if known is None else combine(known, state)
    return states


def sort_key(fact: Fact) -> bytes:
    """Return bytes that sort as :func:`domain.fact.order_key` does."""
    return b"".join((
        (fact.occurred_at + _INSTANT_BIAS).to_bytes(8),
        fact.source.encode(), b"\0",
        (fact.sequence + 1).to_bytes(8),
        fact.entry_id,
    ))  # fmt: skip
