"""The personas of a customer: who belongs to it, and of whom anything was ever stated."""

from __future__ import annotations

import msgspec

from domain.identifiers import Persona, namespace_rank
from projections.customer.parts.identity import IdentityState
from projections.customer.shown import uuid_text


class PersonaShown(msgspec.Struct, frozen=True, gc=False):
    """A persona; the identifier itself is not shown."""

    namespace: str
    persona_id: str


class MemberShown(msgspec.Struct, frozen=True, gc=False):
    """A persona whose history belongs to the customer; the identifier itself is not shown.

    Args:
        namespace: of the identifier.
        persona_id: names it everywhere.
        seen: whether touchpoints were stated about it; else links alone speak of it.

    """

    namespace: str
    persona_id: str
    seen: bool


def persona_shown(persona: Persona) -> PersonaShown:
    """Return how a persona is shown."""
    return PersonaShown(persona.namespace, uuid_text(persona.persona_id))


def members_shown(
    customer_id: bytes, identity: IdentityState, members: str | None
) -> tuple[MemberShown, ...]:
    """Return the personas of a customer, the one that names it first (ruling 14).

    Args:
        customer_id: 16 bytes.
        identity: the state of that part.
        members: ``namespace persona_id`` of all personas, joined by commas; None if the customer
            has but one.

    """
    known = identity.personas
    if members is None:
        return tuple(
            MemberShown(one.namespace, uuid_text(customer_id), seen=True)
            for one in known
            if one.persona_id == customer_id
        )
    touched = {uuid_text(one.persona_id) for one in known}
    ranked = []
    for member in members.split(","):
        namespace, text = member.split(" ")
        # The text of an id sorts as its bytes do.
        ranked.append((namespace_rank(namespace), text, namespace))
    ranked.sort()
    return tuple([MemberShown(name, text, text in touched) for _, text, name in ranked])
