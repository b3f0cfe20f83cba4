"""Facts: one order everywhere, and a stored body whose bytes never change."""

from itertools import permutations

import msgspec

from domain.fact import Body, Fact, order_key
from domain.identifiers import Persona
from domain.touchpoints import Line, PurchaseMade, Unsubscribed

PERSONA = Persona("crm", bytes(15) + b"\x01")
PURCHASE = PurchaseMade(
    number="1", currency="EUR", lines=(Line(product="p", quantity=1_000, amount=5),)
)
GOLDEN = (
    b'{"id":"T-1","namespace":"crm","data":{"number":"1","currency":"EUR",'
    b'"lines":[{"product":"p","quantity":1000,"amount":5}]},"offset_minutes":60,'
    b'"linked":[["card","AAECAwQFBgcICQoLDA0ODw=="]]}'
)


def fact(at: int, source: str, sequence: int, entry: int, position: int = 0) -> Fact:
    """A fact that differs only in what order is made of."""
    return Fact(
        entry_id=entry.to_bytes(16),
        source=source,
        event_id="any",
        sequence=sequence,
        persona=PERSONA,
        occurred_at=at,
        touchpoint=Unsubscribed(),
        position=position,
    )


def test_facts_sort_by_time_then_source_then_sequence_then_entry() -> None:
    ordered = [
        fact(1, "b", 9, 9), fact(2, "a", 9, 9), fact(2, "b", -1, 9), fact(2, "b", 0, 8),
        fact(2, "b", 0, 9), fact(2, "b", 10, 1),
    ]  # fmt: skip
    for shuffled in permutations(ordered):
        assert ordered == sorted(shuffled, key=order_key)


def test_the_position_in_the_log_has_no_say_in_the_order() -> None:
    assert order_key(fact(1, "a", 1, 1, position=1)) == order_key(fact(1, "a", 1, 1, position=99))


def test_the_bytes_of_a_body_are_the_ones_of_the_first_version() -> None:
    body = Body(
        id="T-1", namespace="crm", data=PURCHASE, offset_minutes=60,
        linked=(Persona("card", bytes(range(16))),),
    )  # fmt: skip
    assert GOLDEN == msgspec.json.encode(body, order="deterministic")


def test_the_golden_body_is_read_as_what_was_stored() -> None:
    body = msgspec.json.decode(GOLDEN, type=Body[PurchaseMade])
    assert PURCHASE == body.data
    assert (60, -1, (), None) == (body.offset_minutes, body.sequence, body.blocked, body.subject)
    assert (Persona("card", bytes(range(16))),) == body.linked
