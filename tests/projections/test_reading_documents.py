"""Documents: what is kept rendered reads as what is rendered anew, until it ceases to hold."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fact import Fact
from domain.instants import DAY, instant_of
from domain.touchpoints import IncidentOpened
from projections.customer.fold import Fold
from projections.customer.reading.documents import Documents, Stored, as_of_text
from projections.customer.shown import uuid_text
from tests.folding import ANA, CONTEXT, fact, instant
from tests.strategies import START, histories

FOLD = Fold(CONTEXT)
DOCUMENTS = Documents(FOLD)
FIRST, LAST = instant_of(START), instant_of(START + timedelta(days=400))


def encoded(facts: list[Fact], horizon: int) -> tuple[bytes, int | None]:
    state = FOLD.fold(facts)
    due = FOLD.settle(state, horizon)
    return FOLD.encode(state), due


@settings(max_examples=300, deadline=None)
@given(
    facts=histories(max_size=12),
    now=st.integers(FIRST, LAST),
    behind=st.integers(0, 300 * DAY),
    share=st.floats(0, 1),
)
def test_a_document_reads_the_same_until_it_ceases_to_hold(
    facts: list[Fact], now: int, behind: int, share: float
) -> None:
    state, valid_until = encoded(facts, now - behind)
    rendered = DOCUMENTS.render(Stored(ANA.persona_id, state, None, valid_until), now)
    assert now <= rendered.holds_until
    span = rendered.holds_until - now
    for later in (now, now + int(span * share), rendered.holds_until - 1):
        if now <= later < max(rendered.holds_until, now + 1):
            again = DOCUMENTS.render(Stored(ANA.persona_id, state, None, valid_until), later)
            assert rendered.rest == again.rest


@settings(max_examples=100, deadline=None)
@given(facts=histories(max_size=12), now=st.integers(FIRST, LAST))
def test_parts_put_together_are_what_each_part_shows(facts: list[Fact], now: int) -> None:
    state, _ = encoded(facts, now)
    plain = DOCUMENTS.render(Stored(ANA.persona_id, state, None), now).at(as_of_text(now))
    document = msgspec.json.decode(plain, type=DOCUMENTS.type)
    again = msgspec.json.decode(msgspec.json.encode(document))
    shown = msgspec.json.decode(plain)
    assert datetime.fromisoformat(again.pop("as_of")) == datetime.fromisoformat(shown.pop("as_of"))
    assert again == shown
    assert ["as_of", *again] == ["as_of", "customer_id", "personas", *(p.name for p in FOLD.parts)]


def test_a_running_clock_is_never_kept() -> None:
    opened = fact(IncidentOpened(incident="i", severity=2), "2024-03-01")
    now = instant("2024-03-02")
    state, valid_until = encoded([opened], now)
    rendered = DOCUMENTS.render(Stored(ANA.persona_id, state, None, valid_until), now)
    assert now == rendered.holds_until


def test_members_are_told_in_the_order_in_which_they_name_the_customer() -> None:
    mail, card = "0" * 8 + "-0000-8000-8000-" + "0" * 12, "f" * 8 + "-ffff-8fff-8fff-" + "f" * 12
    assert ["card", "email"] == [one["namespace"] for one in personas(f"email {mail},card {card}")]


def test_a_member_says_whether_anything_was_stated_of_it() -> None:
    ana, other = uuid_text(ANA.persona_id), "0" * 8 + "-0000-8000-8000-" + "0" * 12
    seen = {one["persona_id"]: one["seen"] for one in personas(f"email {other},crm {ana}")}
    assert {other: False, ana: True} == seen
    assert [True] == [one["seen"] for one in personas(None)]


@settings(max_examples=30, deadline=None)
@given(batch=st.lists(histories(max_size=8), min_size=2, max_size=5))
def test_customers_rendered_together_read_as_each_alone(batch: list[list[Fact]]) -> None:
    stored = [Stored(ANA.persona_id, *_unsettled(facts)) for facts in batch]
    alone = [DOCUMENTS.render(one, LAST) for one in stored]
    assert alone == DOCUMENTS.render_all(stored, LAST)


def _unsettled(facts: list[Fact]) -> tuple[bytes, None, int | None]:
    state, valid_until = encoded(facts, FIRST)
    return state, None, valid_until


def personas(members: str | None) -> list[dict[str, Any]]:
    """Return the personas of a document of Ana, whom one touchpoint made known."""
    state, _ = encoded([fact(IncidentOpened(incident="i", severity=2), "2024-03-01")], FIRST)
    stored = Stored(ANA.persona_id, state, members, None)
    plain = DOCUMENTS.render(stored, FIRST).at(as_of_text(FIRST))
    shown: list[dict[str, Any]] = msgspec.json.decode(plain)["personas"]
    return shown
