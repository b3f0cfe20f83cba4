"""Links, unlinks, merges and claims: the history stays, the view follows (rulings 14 to 17)."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.identifiers import parse_identifier
from domain.touchpoints import (
    ConsentGiven,
    ConsentWithdrawn,
    CustomerRegistered,
    IdentifierLinked,
    IdentifierUnlinked,
    IncidentOpened,
    PurchaseMade,
    PurchaseReturned,
    TouchpointCorrected,
    TouchpointVoided,
)
from projections.customer.fold import State
from projections.customer.live import ProjectionLimits
from tests.engine import Engine
from tests.events import event, lines, reference


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant without any facts."""
    made = Engine(database_url)
    yield made
    made.close()


def bought(subject: str, day: str, amount: int, **more: Any) -> bytes:
    """A purchase of one line, in euro."""
    number = more.pop("number", f"{subject}-{day}")
    return event(
        PurchaseMade, subject, day, number=number, currency="EUR", lines=lines(amount), **more
    )


def state_of(engine: Engine, identifier: str) -> State | None:
    """The stored state of the party of an identifier."""
    assert engine.projection.generation is not None
    persona = engine.intake.personas.name(parse_identifier(identifier)).persona_id
    found = engine.connection.execute(
        """SELECT state FROM view.customer WHERE log_id = %(log)s AND generation = %(g)s
        AND customer_id = coalesce((SELECT customer_id FROM view.membership
            WHERE log_id = %(log)s AND generation = %(g)s
            AND persona_id = %(persona)s::text::uuid), %(persona)s::text::uuid)""",
        {
            "log": engine.logs.facts,
            "g": engine.projection.generation.number,
            "persona": persona.hex(),
        },
    ).fetchone()
    return None if found is None else engine.projection.fold.decode(found[0])


def gross(engine: Engine, identifier: str) -> int | None:
    """The gross in euro of the party of an identifier, None if there is no such customer."""
    state = state_of(engine, identifier)
    return None if state is None else state.commercial.books["EUR"].gross


def link(one: str, other: str, day: str) -> bytes:
    """An explicit link."""
    return event(IdentifierLinked, one, day, identifiers=[other])


def unlink(one: str, other: str, day: str) -> bytes:
    """An explicit unlink."""
    return event(IdentifierUnlinked, one, day, identifiers=[other])


def test_identifiers_on_one_touchpoint_tie_their_personas_together(engine: Engine) -> None:
    engine.take_in([bought("card:1", "2024-01-01", 100), bought("crm:1", "2024-01-02", 20)])
    engine.project()
    assert (100, 20) == (gross(engine, "card:1"), gross(engine, "crm:1"))
    engine.take_in([event(CustomerRegistered, "crm:1", "2024-01-03", identifiers=["card:1"])])
    engine.project()
    assert (120, 120) == (gross(engine, "card:1"), gross(engine, "crm:1"))


@pytest.mark.parametrize("step", [True, False], ids=["one by one", "in one batch"])
def test_link_trade_unlink_is_as_if_the_link_never_was(
    engine: Engine, database_url: str, step: bool
) -> None:
    trade = [
        bought("crm:1", "2024-01-01", 100), bought("crm:2", "2024-01-01", 7),
        bought("crm:1", "2024-02-03", 50), event(IncidentOpened, "crm:2", "2024-02-04",
        incident="i-1", severity=3), bought("crm:2", "2024-03-01", 8),
        bought("crm:1", "2024-03-20", 9),
    ]  # fmt: skip
    with_link = [
        *trade[:2], link("crm:1", "crm:2", "2024-01-15"), *trade[2:5],
        unlink("crm:2", "crm:1", "2024-03-05"), trade[5],
    ]  # fmt: skip
    for one in with_link if step else [None]:
        engine.take_in([one] if one else with_link)
        engine.project()
    never = Engine(database_url)
    never.take_in(trade)
    never.project()
    assert never.digest() == engine.digest()
    never.close()


def test_the_merged_customer_differs_while_the_link_stands(engine: Engine) -> None:
    engine.take_in([bought("crm:1", "2024-01-01", 100), bought("crm:2", "2024-01-01", 7)])
    engine.project()
    apart = engine.digest()
    engine.take_in([link("crm:1", "crm:2", "2024-01-15")])
    engine.project()
    assert 107 == gross(engine, "crm:2")
    assert apart != engine.digest()


def test_an_unlink_that_comes_before_its_link_still_counts_as_the_later_one(engine: Engine) -> None:
    engine.take_in([unlink("crm:1", "crm:2", "2024-01-20"), link("crm:1", "crm:2", "2024-01-10")])
    engine.take_in([bought("crm:1", "2024-01-01", 100), bought("crm:2", "2024-01-01", 7)])
    engine.project()
    assert (100, 7) == (gross(engine, "crm:1"), gross(engine, "crm:2"))


def test_explicit_unlink_outranks_implied_links_of_any_time(engine: Engine) -> None:
    engine.take_in(
        [
            unlink("crm:1", "card:1", "2024-01-01"),
            bought("crm:1", "2024-02-01", 10, identifiers=["card:1"]),
            bought("card:1", "2024-02-02", 5),
        ]
    )
    engine.project()
    assert (10, 5) == (gross(engine, "crm:1"), gross(engine, "card:1"))


def test_a_receipt_without_a_customer_is_claimed_by_a_link(engine: Engine) -> None:
    engine.take_in([bought("receipt:77", "2024-01-01", 100), bought("crm:1", "2024-01-05", 20)])
    engine.project()
    assert 20 == gross(engine, "crm:1")
    engine.take_in([link("crm:1", "receipt:77", "2024-01-06")])
    engine.project()
    assert 120 == gross(engine, "crm:1")


def test_a_voided_touchpoint_takes_its_implied_link_with_it(engine: Engine) -> None:
    engine.take_in(
        [
            bought("crm:1", "2024-01-01", 100),
            bought("card:1", "2024-01-02", 5),
            bought("crm:1", "2024-01-03", 7, id="wrong", identifiers=["card:1"]),
        ]
    )
    engine.project()
    assert 112 == gross(engine, "card:1")
    void = event(
        TouchpointVoided, "crm:1", "2024-01-04",
        reference=reference("wrong", "2024-01-03"), reason="wrong till",
    )  # fmt: skip
    engine.take_in([void])
    engine.project()
    assert (100, 5) == (gross(engine, "crm:1"), gross(engine, "card:1"))


@pytest.mark.parametrize("first", ["purchase", "correction"])
def test_a_correction_of_amount_and_card_counts_whichever_came_first(
    engine: Engine, first: str
) -> None:
    purchase = bought("card:1", "2024-01-01", 100, id="p1")
    corrected = event(
        TouchpointCorrected, "card:1", "2024-01-02", reference=reference("p1", "2024-01-01"),
        corrected_type="vinculo.purchase_made.v1", fields={"lines": lines(40)},
        subject="card:2", reason="wrong card",
    )  # fmt: skip
    for one in [purchase, corrected] if first == "purchase" else [corrected, purchase]:
        engine.take_in([one])
        engine.project()
    assert (None, 40) == (gross(engine, "card:1"), gross(engine, "card:2"))


def test_voiding_a_correction_restores_what_stood_before(engine: Engine) -> None:
    engine.take_in([
        bought("card:1", "2024-01-01", 100, id="p1"),
        event(
            TouchpointCorrected, "card:1", "2024-01-02", id="c1",
            reference=reference("p1", "2024-01-01"), corrected_type="vinculo.purchase_made.v1",
            fields={"lines": lines(40)}, reason="price",
        ),
    ])  # fmt: skip
    engine.project()
    assert 40 == gross(engine, "card:1")
    void = event(
        TouchpointVoided, "card:1", "2024-01-03",
        reference=reference("c1", "2024-01-02"), reason="it was right",
    )  # fmt: skip
    engine.take_in([void])
    engine.project()
    assert 100 == gross(engine, "card:1")


def test_a_party_takes_no_more_personas_in_than_the_limit(database_url: str) -> None:
    engine = Engine(database_url, limits=ProjectionLimits(party_personas_max=3))
    engine.take_in(link("cookie:shared", f"crm:{number}", "2024-01-01") for number in range(1, 7))
    engine.take_in(bought(f"crm:{number}", "2024-01-02", 10) for number in range(1, 7))
    engine.project()
    sizes = engine.connection.execute(
        "SELECT count(*) FROM view.membership WHERE log_id = %s GROUP BY customer_id",
        (engine.logs.facts,),
    ).fetchall()
    assert [(3,)] == sizes
    engine.close()


def test_consent_that_names_two_identifiers_counts_for_each_after_they_part(engine: Engine) -> None:
    engine.take_in([
        unlink("crm:1", "crm:2", "2024-01-01"),
        event(ConsentGiven, "crm:1", "2024-01-02", purpose="news", identifiers=["crm:2"]),
        event(ConsentWithdrawn, "crm:1", "2024-01-03", purpose="news"),
        bought("crm:2", "2024-01-04", 5),
    ])  # fmt: skip
    engine.project()
    mine, other = state_of(engine, "crm:1"), state_of(engine, "crm:2")
    assert mine is not None
    assert other is not None
    assert mine.consent != other.consent
    assert engine.projection.fold.new().consent != other.consent


def test_a_return_names_its_purchase_and_counts_against_its_own_subject(engine: Engine) -> None:
    engine.take_in([
        bought("crm:1", "2024-01-01", 100, number="T1"),
        event(
            PurchaseReturned, "crm:2", "2024-01-03", number="R1", currency="EUR",
            lines=lines(100), purchase={"source": "urn:test:one", "number": "T1"},
        ),
    ])  # fmt: skip
    engine.project()
    state = state_of(engine, "crm:2")
    assert state is not None
    assert 100 == state.commercial.books["EUR"].returned


def test_a_link_whose_touchpoint_was_voided_comes_back_with_the_next_that_implies_it(
    engine: Engine,
) -> None:
    engine.take_in([
        bought("card:1", "2024-01-02", 5),
        bought("crm:1", "2024-01-03", 7, id="wrong", identifiers=["card:1"]),
    ])  # fmt: skip
    engine.project()
    void = event(
        TouchpointVoided, "crm:1", "2024-01-04",
        reference=reference("wrong", "2024-01-03"), reason="wrong till",
    )  # fmt: skip
    engine.take_in([void])
    engine.project()
    assert 5 == gross(engine, "card:1")
    engine.take_in([bought("crm:1", "2024-01-05", 9, identifiers=["card:1"])])
    engine.project()
    assert 14 == gross(engine, "card:1")
