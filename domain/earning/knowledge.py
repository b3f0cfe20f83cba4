"""What is known of the facts so far: which are judged again when a new one names them.

Filled fact by fact, in the order of the log. A worker fills in beforehand what the facts of a batch
name; a replay simply keeps all it has seen. Nothing here is decided, and nothing forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from domain.correcting import CORRECTIONS, Naming, effective, newest
from domain.fact import Fact
from domain.identifiers import Persona
from domain.links import LinkState, Pair, combine, statements
from domain.touchpoints.commercial import PurchaseMade, PurchaseReturned

Key = TypeVar("Key")
SaleKey = tuple[str, str]
"""Source and business number of a purchase."""


class Knowledge:
    """Facts, corrections, sales and links, as known up to the fact that is being judged."""

    def __init__(self) -> None:
        self.stated: dict[bytes, Fact] = {}
        self.naming: dict[bytes, list[Naming]] = defaultdict(list)
        self.targets: dict[bytes, bytes] = {}
        self.purchases: dict[SaleKey, list[bytes]] = defaultdict(list)
        self.returns: dict[SaleKey, list[bytes]] = defaultdict(list)
        self.links: dict[Pair, LinkState] = {}
        self.linked_at: dict[Pair, int] = {}
        self.partners: dict[bytes, set[Persona]] = defaultdict(set)
        self.of_persona: dict[bytes, list[bytes]] = defaultdict(list)

    def learn(self, fact: Fact, naming: Naming | None = None) -> None:
        """Take a fact in.

        Args:
            fact: as stated.
            naming: what it names, if it is a correction or a void.

        """
        if fact.entry_id in self.stated:
            return
        self.stated[fact.entry_id] = fact
        if naming is not None:
            self.naming[naming.target].append(naming)
            self.targets[fact.entry_id] = naming.target
            return
        self.of_persona[fact.persona.persona_id].append(fact.entry_id)
        touchpoint = fact.touchpoint
        if isinstance(touchpoint, PurchaseMade):
            self.purchases[fact.source, touchpoint.number].append(fact.entry_id)
        elif isinstance(touchpoint, PurchaseReturned) and touchpoint.purchase is not None:
            key = touchpoint.purchase.source, touchpoint.purchase.number
            self.returns[key].append(fact.entry_id)
        if fact.linked:
            self._link(fact)

    def forget(self, fact: Fact) -> None:
        """Forget the last fact that was taken in: neither it nor its number is asked about again.

        What it says of links is kept.
        """
        if self.stated.pop(fact.entry_id, None) is None or fact.entry_id in self.targets:
            return
        touchpoint = fact.touchpoint
        self._let_go(self.of_persona, fact.persona.persona_id)
        if isinstance(touchpoint, PurchaseMade):
            self._let_go(self.purchases, (fact.source, touchpoint.number))
        elif isinstance(touchpoint, PurchaseReturned) and touchpoint.purchase is not None:
            self._let_go(self.returns, (touchpoint.purchase.source, touchpoint.purchase.number))

    @staticmethod
    def _let_go(index: dict[Key, list[bytes]], key: Key) -> None:
        entries = index[key]
        entries.pop()
        if not entries:
            del index[key]

    def effective(self, entry_id: bytes) -> Fact | None:
        """Return what a touchpoint counts as now, None if it never happened or is not known."""
        fact = self.stated.get(entry_id)
        if fact is None or type(fact.touchpoint) in CORRECTIONS:
            return None
        return effective(fact, self.naming) if entry_id in self.naming else newest(fact)

    def corrected(self, naming: Naming) -> bytes:
        """Return the touchpoint that a correction is about in the end: a void may name another."""
        target = naming.target
        seen: set[bytes] = set()
        while target in self.targets and target not in seen:
            seen.add(target)
            target = self.targets[target]
        return target

    def returns_of(self, source: str, number: str) -> Iterator[PurchaseReturned]:
        """Return what was given back of a purchase, returns that were voided left out."""
        for entry_id in self.returns.get((source, number), ()):
            fact = self.effective(entry_id)
            if fact is not None and isinstance(fact.touchpoint, PurchaseReturned):
                yield fact.touchpoint

    def sold_by(self, returned: PurchaseReturned) -> list[bytes]:
        """Return the purchases that a return names."""
        if returned.purchase is None:
            return []
        return self.purchases.get((returned.purchase.source, returned.purchase.number), [])

    def joined(self, persona: Persona) -> Iterator[tuple[Persona, int]]:
        """Return the personas a persona is linked with, each with the instant of the link."""
        for partner in self.partners.get(persona.persona_id, ()):
            pair = Pair.of(persona, partner)
            if self.links[pair].joined:
                yield partner, self.linked_at[pair]

    def _link(self, fact: Fact) -> None:
        for pair, state in statements(fact):
            known = self.links.get(pair)
            self.links[pair] = state if known is None else combine(known, state)
            at = self.linked_at.get(pair, fact.occurred_at)
            self.linked_at[pair] = min(at, fact.occurred_at)
            self.partners[pair.one.persona_id].add(pair.other)
            self.partners[pair.other.persona_id].add(pair.one)
