"""What the lifecycle remembers of a party's facts: compact, sorted, independent of arrival.

A party's stage depends on these inputs and on the rules, on nothing else. Purchases are packed in
24 bytes each, for a party may have thousands; everything else is rare.

Equal instants: what begins stands before what ends, in the order of :class:`Kind`; after that the
entry id decides. This replaces (source, sequence) of ruling 5, which would have to be stored with
every item. So no stage ever hangs on an id: ids of equal kind and instant only decide which of two
touchpoints is named as the cause.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import IntEnum
from struct import Struct

import msgspec

from domain.lifecycle.rules import NEVER

RECORD = Struct(">q16s")
RECORD_BYTES = RECORD.size


class Kind(IntEnum):
    """Kinds of events, in the order in which those of one instant are applied.

    Purchases come before all of them.
    """

    REGISTERED = 1
    COMPETITOR_OFFER = 2
    CANCEL_INTENT = 3
    INCIDENT_OPENED = 4
    INCIDENT_REOPENED = 5
    INCIDENT_ENDED = 6
    RELATIONSHIP_ENDED = 7


class Event(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """One touchpoint, other than a purchase, that may move a stage.

    Args:
        at: when it happened (microseconds since 1970).
        kind: what happened; resolved and closed incidents are both ended.
        entry_id: of the touchpoint, 16 bytes.
        code: of the incident, or why the relationship ended.
        number: severity of an opened incident; life of a signal in days, -1 if not stated.

    """

    at: int
    kind: Kind
    entry_id: bytes
    code: str = ""
    number: int = -1


class Inputs(msgspec.Struct, array_like=True, gc=False):
    """All that the lifecycle needs to know of a party.

    Args:
        first_at: instant of its first touchpoint of any type, ``NEVER`` if there is none.
        first_id: entry id of that touchpoint.
        purchases: records of (instant, entry id) in the order of time, one for each instant at
            which the party bought; of several purchases at one instant the least entry id.
            Returns take none away (ruling 11).
        events: everything else that may move a stage, sorted.

    """

    first_at: int = NEVER
    first_id: bytes = b""
    purchases: bytearray = msgspec.field(default_factory=bytearray)
    events: list[Event] = msgspec.field(default_factory=list)

    def add_known(self, at: int, entry_id: bytes) -> bool:
        """Note that a touchpoint made the party known; say whether that changes the inputs."""
        if (at, entry_id) >= (self.first_at, self.first_id):
            return False
        self.first_at, self.first_id = at, entry_id
        return True

    def add_purchase(self, at: int, entry_id: bytes) -> bool:
        """Sort a purchase in; say whether that changes the inputs."""
        purchases = self.purchases
        if not purchases or RECORD.unpack_from(purchases, len(purchases) - RECORD_BYTES)[0] < at:
            purchases += RECORD.pack(at, entry_id)
            return True
        start = end = self._place(at) * RECORD_BYTES
        if start < len(self.purchases):
            other_at, other_id = RECORD.unpack_from(self.purchases, start)
            if other_at == at:
                if other_id <= entry_id:
                    return False
                end += RECORD_BYTES
        self.purchases[start:end] = RECORD.pack(at, entry_id)
        return True

    def add_event(self, event: Event) -> None:
        """Sort an event in."""
        index = bisect_left(self.events, event)
        self.events.insert(index, event)

    def _place(self, at: int) -> int:
        """Return the index of the first purchase not earlier than an instant."""
        low, high = 0, purchase_count(self.purchases)
        while low < high:  # bisect with a key would call back into Python at each probe
            middle = (low + high) // 2
            if RECORD.unpack_from(self.purchases, middle * RECORD_BYTES)[0] < at:
                low = middle + 1
            else:
                high = middle
        return low

    def purchase_at(self, index: int) -> int:
        """Return the instant of the purchase with an index (0 is the first)."""
        at: int = RECORD.unpack_from(self.purchases, index * RECORD_BYTES)[0]
        return at


def purchase_count(purchases: bytearray) -> int:
    """Return how many records are packed."""
    return len(purchases) // RECORD_BYTES
