"""The customer document: all parts of a state, rendered for an instant (ruling 12).

A document says for which instant it was rendered. Everything else in it stays as it is until
``holds_until``, so it can be kept until then and given a new ``as_of`` at each reading.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_type_hints

import msgspec

from domain.identifiers import Persona, persona_key
from projections.customer.fold import Fold, State
from projections.customer.part import Reading
from projections.customer.parts.identity import PersonaShown
from projections.customer.reading.validity import holds_until
from projections.customer.shown import moment, uuid_text

HEAD = b'{"as_of":"'
_NEXT = b'",'


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A customer's document but for its ``as_of``.

    Args:
        rest: the JSON behind ``as_of``, from the next key to the closing brace.
        holds_until: the instant before which it reads the same (microseconds since 1970).

    """

    rest: bytes
    holds_until: int

    def at(self, as_of: bytes) -> bytes:
        """Return the document as of an instant, given as :func:`as_of_text` writes it."""
        return b"".join((HEAD, as_of, _NEXT, self.rest))


class Documents:
    """Render customers.

    Args:
        fold: whose states they are.

    """

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self._encode = msgspec.json.Encoder().encode
        self._renders = [(part.name, part.render) for part in fold.parts]
        parts = [(part.name, get_type_hints(part.render)["return"]) for part in fold.parts]
        head: list[tuple[str, Any]] = [
            ("customer_id", str),
            ("personas", tuple[PersonaShown, ...]),
        ]
        self._type = msgspec.defstruct("CustomerRest", head + parts, frozen=True, gc=False)
        self.type = msgspec.defstruct(
            "Customer",
            [("as_of", datetime), *head, *parts],
            frozen=True,
            namespace={"__doc__": _DOCUMENT},
        )

    def render(self, customer_id: bytes, state: State, members: str | None, now: int) -> Rendered:
        """Render one customer.

        Args:
            customer_id: 16 bytes.
            state: as decoded; it is settled here and must not be kept.
            members: ``namespace persona_id`` of all personas, joined by commas; None if the
                customer has but one.
            now: microseconds since 1970.

        """
        reading = Reading(self.fold.context, now)
        shown = [render(getattr(state, name), reading) for name, render in self._renders]
        personas = personas_shown(customer_id, state, members)
        document = self._type(uuid_text(customer_id), personas, *shown)
        # Timers are run after rendering: what is wanted is when the next one is due.
        due = self.fold.settle(state, now)
        return Rendered(self._encode(document)[1:], holds_until(state, reading, due))


def as_of_text(now: int) -> bytes:
    """Return an instant as the document shows it (RFC 3339, UTC)."""
    return moment(now).isoformat(timespec="microseconds")[:-6].encode() + b"Z"


def personas_shown(
    customer_id: bytes, state: State, members: str | None
) -> tuple[PersonaShown, ...]:
    """Return the personas of a customer, the one that names it first (ruling 14)."""
    if members is None:
        known = [one for one in state.identity.personas if one.persona_id == customer_id]
        return tuple(_shown(one) for one in known)
    pairs = (one.split(" ") for one in members.split(","))
    personas = [Persona(name, bytes.fromhex(text.replace("-", ""))) for name, text in pairs]
    return tuple(_shown(one) for one in sorted(personas, key=persona_key))


def _shown(persona: Persona) -> PersonaShown:
    return PersonaShown(persona.namespace, uuid_text(persona.persona_id))


_DOCUMENT = """Everything that is known of a customer, but for what is personal.

    Args:
        as_of: the instant for which it was rendered.
        customer_id: of the survivor, if the id that was asked for was absorbed.
        personas: all histories that are this customer's, the one that names it first.

    """
