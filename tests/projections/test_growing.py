"""Batches of many customers: looked up, folded and written by slices, in one transaction."""

from collections.abc import Iterator, Sequence

import psycopg
import pytest

from domain.touchpoints import CampaignSent, ConsentGiven, IdentifierLinked, PurchaseMade
from projections.customer.live import ProjectionLimits
from projections.customer.store import CustomerRow, CustomerStore
from tests.engine import Engine
from tests.events import event, lines

CUSTOMERS = 700


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant whose projection remembers hardly any state between batches."""
    made = Engine(database_url, limits=ProjectionLimits(cached_customers_max=100))
    yield made
    made.close()


def first_facts() -> list[bytes]:
    return [
        event(PurchaseMade, f"crm:{one}", "2024-01-01", number=f"n{one}", currency="EUR",
              lines=lines(one))
        for one in range(1, CUSTOMERS)
    ]  # fmt: skip


def second_facts() -> list[bytes]:
    """Every customer again, some of them tied together or told of others' consent."""
    sent = [
        event(CampaignSent, f"crm:{one}", "2024-02-01", channel="email", campaign="c", message="m")
        for one in range(1, CUSTOMERS)
    ]
    tied = [
        event(IdentifierLinked, f"crm:{one}", "2024-02-02", identifiers=[f"card:{one}"])
        for one in range(50, CUSTOMERS, 50)
    ]
    permitted = [
        event(ConsentGiven, f"card:{one}", "2024-02-03", purpose="news", contact_channel="email")
        for one in range(25, CUSTOMERS, 25)
    ]
    return [*sent, *tied, *permitted]


def test_slices_of_a_batch_give_what_the_journal_gives(engine: Engine) -> None:
    for facts in (first_facts(), second_facts()):
        engine.take_in(facts)
        assert len(facts) == engine.project()
        assert engine.refolded_digest() == engine.digest()


def test_a_batch_that_fails_between_two_slices_leaves_nothing_and_is_taken_up_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.take_in(first_facts())
    engine.project()
    before = engine.digest()
    engine.take_in(second_facts())
    whole, kept = CustomerStore.keep, []

    def keep(
        store: CustomerStore,
        connection: psycopg.Connection,
        position: int,
        rows: Sequence[CustomerRow],
    ) -> None:
        whole(store, connection, position, rows)
        kept.append(len(rows))
        if len(kept) == 2:
            connection.execute("SELECT 1 / 0")

    with monkeypatch.context() as patched:
        patched.setattr(CustomerStore, "keep", keep)
        with pytest.raises(psycopg.errors.DivisionByZero):
            engine.project()
    assert before == engine.digest()
    assert len(second_facts()) == engine.project()
    assert engine.refolded_digest() == engine.digest()
