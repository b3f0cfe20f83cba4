"""The customer document: all parts of a state, rendered for an instant (ruling 12).

A document says for which instant it was rendered. Everything else in it stays as it is until
``holds_until``, so it can be kept until then and given a new ``as_of`` at each reading.

A document is decoded once and encoded once, and what lies between is the cost of a reading: many
small objects. Most parts of many customers are empty, and an empty part always reads the same:
those are rendered once for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from projections.customer.fold import BEFORE_TIME, Fold, State
from projections.customer.part import Reading, Render
from projections.customer.reading.personas import MemberShown, members_shown
from projections.customer.reading.validity import holds_until, tomorrow_of
from projections.customer.shown import moment, uuid_text

_HEAD = b'{"as_of":"'
_BUFFER_BYTES = 16 * 1024
_encoder = msgspec.json.Encoder()


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


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A customer as its row has it.

    Args:
        customer_id: 16 bytes.
        state: encoded.
        members: ``namespace persona_id`` of all personas, joined by commas; None if the customer
            has but one.
        valid_until: when the next timer is due after those that were run, None for never. Where
            that is over, or not known, timers are run when it is rendered.

    """

    customer_id: bytes
    state: bytes
    members: str | None
    valid_until: int | None = BEFORE_TIME


class _PartWriter(msgspec.Struct, frozen=True):
    """How a part is written.

    Args:
        state: takes the part out of a party's state.
        render: shows it.
        empty: the state of a party that has nothing of it.
        empty_shown: the JSON of that.

    """

    state: Callable[[State], Any]
    render: Render
    empty: Any
    empty_shown: msgspec.Raw

    def column(self, states: Iterable[State], reading: Reading) -> list[Any]:
        """Return how the part is shown of each party."""
        empty, empty_shown, render = self.empty, self.empty_shown, self.render
        return [
            empty_shown if part == empty else render(part, reading)
            for part in map(self.state, states)
        ]


class _Instant(msgspec.Struct, frozen=True):
    """What all documents of one instant share: the reading, and when its business day ends."""

    reading: Reading
    tomorrow: int


class Documents:
    """Render customers.

    Args:
        fold: whose states they are.

    """

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self._writers = [_writer(name, render, fold) for name, render in _renders(fold)]
        parts = [(name, get_type_hints(render)["return"]) for name, render in _renders(fold)]
        self.type = msgspec.defstruct(
            "Customer",
            [
                ("as_of", datetime),
                ("customer_id", str),
                ("personas", tuple[MemberShown, ...]),
                *parts,
            ],
            frozen=True,
            gc=False,
            namespace={"__doc__": _DOCUMENT},
        )
        self._instant = self._at(0)
        self._buffer = bytearray(_BUFFER_BYTES)

    def render(self, row: Stored, now: int) -> Rendered:
        """Render one customer. Not for several threads at a time.

        Args:
            row: of the customer.
            now: microseconds since 1970.

        """
        return self.render_all((row,), now)[0]

    def render_all(self, rows: Sequence[Stored], now: int) -> list[Rendered]:
        """Render customers, part by part: so the processor finds the code of a part at hand.

        Rendering twenty at a time takes two thirds of the time that one by one takes. Not for
        several threads at a time.
        """
        instant = self._instant
        if instant.reading.now != now:
            instant = self._instant = self._at(now)
        decode = self.fold.decode
        states = [decode(row.state) for row in rows]
        columns = [writer.column(states, instant.reading) for writer in self._writers]
        rendered: list[Rendered] = []
        for row, state, *shown in zip(rows, states, *columns, strict=True):
            personas = members_shown(row.customer_id, state.identity, row.members)
            rest = self._encode(row.customer_id, personas, shown)
            due = row.valid_until
            if due is not None and due <= now:
                due = self.fold.settle(state, now)
            rendered.append(Rendered(rest, holds_until(state, now, due, instant.tomorrow)))
        return rendered

    def _encode(
        self, customer_id: bytes, personas: tuple[MemberShown, ...], shown: list[Any]
    ) -> bytes:
        # The constructor checks no types: the text of as_of is left out, and put in at a reading.
        document = self.type("", uuid_text(customer_id), personas, *shown)
        _encoder.encode_into(document, self._buffer)
        return bytes(memoryview(self._buffer)[len(_HEAD) :])

    def _at(self, now: int) -> _Instant:
        reading = Reading(self.fold.context, now)
        return _Instant(reading, tomorrow_of(reading))


def as_of_text(now: int) -> bytes:
    """Return an instant as the document shows it (RFC 3339, UTC)."""
    return moment(now).isoformat(timespec="microseconds")[:-6].encode() + b"Z"


def _renders(fold: Fold) -> list[tuple[str, Render]]:
    return [(part.name, part.render) for part in fold.parts]


def _writer(name: str, render: Render, fold: Fold) -> _PartWriter:
    state = attrgetter(name)
    empty = state(fold.new())
    shown = _encoder.encode(render(empty, Reading(fold.context, 0)))
    return _PartWriter(state, render, empty, msgspec.Raw(shown))


_DOCUMENT = """Everything that is known of a customer, but for what is personal.

    Args:
        as_of: the instant for which it was rendered.
        customer_id: of the survivor, if the id that was asked for was absorbed.
        personas: all histories that are this customer's, the one that names it first.

    """
