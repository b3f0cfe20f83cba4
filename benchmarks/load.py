"""Synthetic load: touchpoints of many parties, of about the size of real ones, from a seed.

30 % hold personal text, to be sealed. The mix moves every part of the customer 360; events are
spread evenly over the parties unless they are told otherwise, which no cache likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from random import Random

import msgspec

from benchmarks.servers import SOURCE
from domain.instants import SECOND
from journal.intake.message import Message

TEXT = (
    "The customer called about order 48213, which came two days late and with a scratch on the "
    "left side; asked for a new one, by courier, to the office."
)
CHOICES = (
    ("vinculo.purchase_made.v1", 30),
    ("vinculo.interaction_recorded.v1", 20),
    ("vinculo.survey_answered.v1", 5),
    ("vinculo.incident_opened.v1", 5),
    ("vinculo.campaign_sent.v1", 15),
    ("vinculo.campaign_opened.v1", 10),
    ("vinculo.points_earned.v1", 8),
    ("vinculo.consent_given.v1", 4),
    ("vinculo.cost_to_serve_recorded.v1", 3),
)
"""Types and their shares in per cent; the second to fourth are sealed."""

_TYPES, _WEIGHTS = [name for name, _ in CHOICES], [weight for _, weight in CHOICES]
_SPARE_YEARS = 3
_encode = msgspec.json.encode


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event before it is put into an envelope.

    Args:
        number: unique in a run; its id is made of it.
        party: number of the party.
        kind: its type.
        occurred_at: microseconds since 1970.
        data: the touchpoint, JSON.

    """

    number: int
    party: int
    kind: str
    occurred_at: int
    data: bytes

    @property
    def id(self) -> str:
        """Return its CloudEvents id."""
        return f"event-{self.number:010}"

    def attributes(self) -> dict[str, str]:
        """Return its CloudEvents attributes, as binary mode carries them."""
        return {
            "specversion": "1.0", "id": self.id, "source": SOURCE, "type": self.kind,
            "subject": subject(self.party), "time": time_text(self.occurred_at),
        }  # fmt: skip

    def structured(self) -> bytes:
        """Return the whole event as one JSON object."""
        return _encode({**self.attributes(), "data": msgspec.Raw(self.data)})


def subject(party: int) -> str:
    """Return the identifier of a party."""
    return f"crm:{1_000_000 + party}"


def time_text(instant: int) -> str:
    """Return an instant as sources write it (RFC 3339)."""
    return datetime.fromtimestamp(instant / SECOND, UTC).isoformat(timespec="microseconds")


class Business:
    """Makes events of one company.

    Args:
        parties: how many there are.
        seed: of everything.
        begins_at: instant of the first event, microseconds since 1970.
        step: microseconds from one event to the next.

    """

    def __init__(
        self, parties: int, *, seed: int = 1, begins_at: int | None = None, step: int = 1_000
    ) -> None:
        now = int(datetime.now(UTC).timestamp()) * SECOND
        self.parties = parties
        self.begins_at = (
            now - _SPARE_YEARS * 365 * 86_400 * SECOND if begins_at is None else begins_at
        )
        self.step = step
        self.number = 0
        self._random = Random(seed)

    def events(self, count: int) -> Iterator[Event]:
        """Yield the next events, of parties drawn evenly, in the order in which they happen."""
        kinds = self._random.choices(_TYPES, _WEIGHTS, k=count)
        for kind in kinds:
            yield self.event(kind, self._random.randrange(self.parties))

    def one_each(self) -> Iterator[Event]:
        """Yield one event of every party."""
        for party in range(self.parties):
            yield self.event("vinculo.purchase_made.v1", party)

    def event(self, kind: str, party: int, occurred_at: int | None = None) -> Event:
        """Return one event; the next instant of the business is taken unless one is given."""
        self.number += 1
        if occurred_at is None:
            occurred_at = self.begins_at + self.number * self.step
        data = _encode(self._data(kind, party, occurred_at))
        return Event(self.number, party, kind, occurred_at, data)

    def _data(self, kind: str, party: int, occurred_at: int) -> dict[str, object]:
        random, number = self._random, self.number
        match kind.split(".")[1]:
            case "purchase_made":
                return self._purchase()
            case "interaction_recorded":
                return {
                    "channel": "phone", "direction": "inbound", "topic": "delivery",
                    "duration_seconds": random.randrange(30, 900), "summary": TEXT,
                }  # fmt: skip
            case "survey_answered":
                return {"survey": "nps", "score": random.randrange(11), "comment": TEXT}
            case "incident_opened":
                return {
                    "incident": f"i{number}", "severity": random.randrange(1, 5),
                    "category": "delivery", "description": TEXT,
                }  # fmt: skip
            case "campaign_sent" | "campaign_opened":
                campaign = f"c{random.randrange(40)}"
                return {"channel": "email", "campaign": campaign, "message": f"m{number}"}
            case "points_earned":
                expires_at = occurred_at + 400 * 86_400 * SECOND
                return {
                    "programme": "club", "account": f"a{party}", "points": random.randrange(5, 90),
                    "reason": "purchase", "expires_at": time_text(expires_at),
                }  # fmt: skip
            case "consent_given":
                return {"purpose": random.choice(("news", "offers")), "contact_channel": "email"}
            case _:
                return {"currency": "EUR", "amount": random.randrange(50, 900), "kind": "call"}

    def _purchase(self) -> dict[str, object]:
        random = self._random
        lines = [
            {
                "product": f"p{random.randrange(9_000)}", "quantity": 1_000,
                "amount": random.randrange(199, 9_999), "category": "shoes",
            }
            for _ in range(random.choice((1, 1, 2, 3)))
        ]  # fmt: skip
        return {
            "channel": "shop", "number": f"t{self.number}", "currency": "EUR", "lines": lines,
            "store": f"s{random.randrange(30)}",
        }  # fmt: skip


def messages(events: Sequence[Event], *, topic: str = "", first_offset: int = 0) -> list[Message]:
    """Return events as they are polled from one partition, in structured mode."""
    return [
        Message(event.structured(), None, topic, 0 if topic else -1, offset)
        for offset, event in enumerate(events, first_offset)
    ]
