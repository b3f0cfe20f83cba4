"""The customer document: all parts of a state, rendered for an instant (ruling 12).

A document says for which instant it was rendered. Everything else in it stays as it is until
``holds_until``, so it can be kept until then and given a new ``as_of`` at each reading.

It is put together from the JSON of its parts. Most parts of most customers are empty, and an empty
part always reads the same: those are neither decoded nor rendered.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, get_type_hints

import msgspec

from domain.identifiers import Persona, persona_key
from projections.customer.fold import BEFORE_TIME, Fold
from projections.customer.part import Part, Reading, Render
from projections.customer.parts.identity import IdentityState, PersonaShown
from projections.customer.reading.validity import holds_until
from projections.customer.shown import moment, uuid_text

_HEAD = b'{"as_of":"'
_CUSTOMER = b'","customer_id":"'
_PERSONAS = b'","personas":'
_encode = msgspec.json.Encoder().encode
_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """A customer's document but for its ``as_of``.

    Args:
        rest: the JSON behind the text of ``as_of``, from its closing quote on.
        holds_until: the instant before which it reads the same (microseconds since 1970).

    """

    rest: bytes
    holds_until: int

    def at(self, as_of: bytes) -> bytes:
        """Return the document as of an instant, given as :func:`as_of_text` writes it."""
        return b"".join((_HEAD, as_of, self.rest))


class _PartWriter(msgspec.Struct, frozen=True):
    """How a part is written.

    Args:
        key: the member's name and colon, with the comma before it.
        decode: its state.
        render: its state.
        empty: the encoded state of a party that has nothing of it.
        empty_shown: the JSON of that.

    """

    name: str
    key: bytes
    decode: Callable[[Any], Any]
    render: Render
    empty: msgspec.Raw
    empty_shown: bytes


class Documents:
    """Render customers.

    Args:
        fold: whose states they are.

    """

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self._writers = tuple(_writer(part, fold) for part in fold.parts)
        parts = [(part.name, get_type_hints(part.render)["return"]) for part in fold.parts]
        self.type = msgspec.defstruct(
            "Customer",
            [
                ("as_of", datetime),
                ("customer_id", str),
                ("personas", tuple[PersonaShown, ...]),
                *parts,
            ],
            frozen=True,
            namespace={"__doc__": _DOCUMENT},
        )

    def render(
        self,
        customer_id: bytes,
        encoded: bytes,
        members: str | None,
        now: int,
        valid_until: int | None = BEFORE_TIME,
    ) -> Rendered:
        """Render one customer.

        Args:
            customer_id: 16 bytes.
            encoded: the state, as it is kept.
            members: ``namespace persona_id`` of all personas, joined by commas; None if the
                customer has but one.
            now: microseconds since 1970.
            valid_until: of the row: when the next timer is due after those that were run, None
                for never. Where that is over, or not known, timers are run here.

        """
        reading = Reading(self.fold.context, now)
        states: dict[str, Any] = {}
        shown: list[bytes] = []
        # The first field is the instant of the latest fact, then come the parts.
        for writer, raw in zip(self._writers, _split(encoded)[1:], strict=True):
            shown.append(writer.key)
            if raw == writer.empty:
                shown.append(writer.empty_shown)
                continue
            state = states[writer.name] = writer.decode(raw)
            shown.append(_encode(writer.render(state, reading)))
        due = valid_until
        if due is not None and due <= now:
            due = self.fold.settle(self.fold.decode(encoded), now)
        personas = personas_shown(customer_id, states.get("identity"), members)
        head = (_CUSTOMER, uuid_text(customer_id).encode(), _PERSONAS, _encode(personas))
        rest = b"".join((*head, *shown, b"}"))
        holds = holds_until(states.get("consent"), states.get("quality"), reading, due)
        return Rendered(rest, holds)


def as_of_text(now: int) -> bytes:
    """Return an instant as the document shows it (RFC 3339, UTC)."""
    return moment(now).isoformat(timespec="microseconds")[:-6].encode() + b"Z"


def personas_shown(
    customer_id: bytes, identity: IdentityState | None, members: str | None
) -> tuple[PersonaShown, ...]:
    """Return the personas of a customer, the one that names it first (ruling 14)."""
    if members is None:
        known = [] if identity is None else identity.personas
        return tuple(_shown(one) for one in known if one.persona_id == customer_id)
    pairs = (one.split(" ") for one in members.split(","))
    personas = [Persona(name, bytes.fromhex(text.replace("-", ""))) for name, text in pairs]
    return tuple(_shown(one) for one in sorted(personas, key=persona_key))


def _shown(persona: Persona) -> PersonaShown:
    return PersonaShown(persona.namespace, uuid_text(persona.persona_id))


def _writer(part: Part, fold: Fold) -> _PartWriter:
    empty = part.state()
    return _PartWriter(
        name=part.name,
        key=b"," + _encode(part.name) + b":",
        decode=msgspec.msgpack.Decoder(part.state).decode,
        render=part.render,
        empty=msgspec.Raw(fold.encode(empty)),
        empty_shown=_encode(part.render(empty, Reading(fold.context, 0))),
    )


_DOCUMENT = """Everything that is known of a customer, but for what is personal.

    Args:
        as_of: the instant for which it was rendered.
        customer_id: of the survivor, if the id that was asked for was absorbed.
        personas: all histories that are this customer's, the one that names it first.

    """
