"""Generations: one writer each, by compare-and-swap; who was overtaken writes nothing."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from domain.instants import instant_of
from domain.touchpoints import (
    IdentifierLinked,
    IdentifierUnlinked,
    PurchaseMade,
    TouchpointVoided,
)
from journal.connecting import connect
from projections.customer.live import VIEW, CustomerProjection
from projections.generations import (
    BEFORE_TIME,
    Generation,
    OvertakenError,
    advance,
    begin_generation,
    claim,
    ensure_live,
    live_generation,
    retire,
    switch,
)
from tests.engine import Engine
from tests.events import event, lines, reference

HORIZON = instant_of(datetime(2024, 3, 1, 12, 30, 15, 123456, tzinfo=UTC))
CALLERS = 5


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant without any facts."""
    made = Engine(database_url)
    yield made
    made.close()


def live(engine: Engine) -> Generation:
    """The live generation, made if there is none."""
    return ensure_live(engine.connection, engine.logs.facts, VIEW, "fold")


def claimed(engine: Engine, owner: str = "one") -> Generation:
    """The live generation, claimed."""
    return claim(engine.connection, engine.logs.facts, VIEW, live(engine).number, owner)


def move(engine: Engine, generation: Generation, facts: int) -> Generation:
    """Move a generation's position in the facts log on."""
    return advance(
        engine.connection, generation, facts=facts, decisions=generation.decisions,
        horizon=generation.horizon,
    )  # fmt: skip


def test_a_view_that_was_never_written_has_no_live_generation(engine: Engine) -> None:
    assert live_generation(engine.connection, engine.logs.facts, VIEW) is None


def test_the_first_generation_begins_before_everything(engine: Engine) -> None:
    assert Generation(engine.logs.facts, VIEW, 1, "fold", 0, 0, BEFORE_TIME, 0) == live(engine)


def test_of_many_who_make_a_view_at_once_all_find_the_same_generation(engine: Engine) -> None:
    found: list[Generation] = []
    start = threading.Barrier(CALLERS)

    def call() -> None:
        with connect(engine.conninfo, name="caller") as connection:
            start.wait()
            found.append(ensure_live(connection, engine.logs.facts, VIEW, "fold"))

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert [live(engine)] * CALLERS == found


def test_a_claim_raises_the_epoch_and_goes_on_where_the_last_writer_stopped(engine: Engine) -> None:
    first = claimed(engine)
    done = advance(engine.connection, first, facts=7, decisions=3, horizon=HORIZON)
    second = claimed(engine, "two")
    assert (1, 2) == (first.epoch, second.epoch)
    assert (7, 3, HORIZON) == (done.facts, done.decisions, done.horizon)
    assert (7, 3, HORIZON) == (second.facts, second.decisions, second.horizon)


def test_what_is_advanced_is_what_readers_see(engine: Engine) -> None:
    generation = claimed(engine)
    assert move(engine, generation, 5) == live(engine)
    assert BEFORE_TIME == live(engine).horizon


def test_a_writer_who_was_overtaken_cannot_advance(engine: Engine) -> None:
    first = claimed(engine)
    claimed(engine, "two")
    with pytest.raises(OvertakenError, match="epoch 1"):
        move(engine, first, 5)
    assert 0 == live(engine).facts


def test_a_writer_who_advanced_twice_from_one_place_is_stopped(engine: Engine) -> None:
    generation = claimed(engine)
    move(engine, generation, 5)
    with pytest.raises(OvertakenError, match="position 0"):
        move(engine, generation, 6)
    assert 5 == live(engine).facts


def test_a_retired_generation_is_neither_claimed_nor_advanced(engine: Engine) -> None:
    generation = claimed(engine)
    retire(engine.connection, engine.logs.facts, VIEW, generation.number)
    with pytest.raises(OvertakenError):
        move(engine, generation, 5)
    with pytest.raises(OvertakenError, match="retired"):
        claim(engine.connection, engine.logs.facts, VIEW, generation.number, "two")
    assert live_generation(engine.connection, engine.logs.facts, VIEW) is None


def test_a_generation_that_is_not_there_cannot_be_claimed(engine: Engine) -> None:
    with pytest.raises(OvertakenError):
        claim(engine.connection, engine.logs.facts, VIEW, 99, "one")


def test_a_new_generation_is_built_beside_the_live_one_and_takes_its_place(engine: Engine) -> None:
    log_id, connection = engine.logs.facts, engine.connection
    old = claimed(engine)
    built = begin_generation(connection, log_id, VIEW, "newer")
    assert (1, 2) == (live(engine).number, built)
    new = move(engine, claim(connection, log_id, VIEW, built, "builder"), 9)
    switch(connection, log_id, VIEW, built)
    assert new == live(engine)
    assert ("newer", 9) == (live(engine).fold, live(engine).facts)
    with pytest.raises(OvertakenError):
        move(engine, old, 1)
    assert 3 == begin_generation(connection, log_id, VIEW, "newest")


def test_views_and_tenants_have_generations_of_their_own(engine: Engine) -> None:
    other = Engine(engine.conninfo)
    move(engine, claimed(engine), 5)
    assert (0, 1) == (live(other).facts, live(other).number)
    assert live_generation(engine.connection, engine.logs.facts, "another") is None
    switch(engine.connection, engine.logs.facts, "another", 1)
    assert 5 == live(engine).facts
    other.close()


def test_a_claim_waits_for_the_transaction_under_way_and_goes_on_behind_it(engine: Engine) -> None:
    first = claimed(engine)
    found: list[Generation] = []

    def take_over() -> None:
        with connect(engine.conninfo, name="second") as connection:
            found.append(claim(connection, engine.logs.facts, VIEW, first.number, "two"))

    second = threading.Thread(target=take_over)
    with engine.connection.transaction():
        move(engine, first, 5)
        second.start()
        second.join(0.2)
        assert [] == found
    second.join()
    assert [(5, 2)] == [(one.facts, one.epoch) for one in found]


def test_an_overtaken_projection_writes_nothing_and_the_new_one_everything(engine: Engine) -> None:
    engine.take_in(
        event(
            PurchaseMade, f"crm:{number}", "2024-01-01", number="T", currency="EUR",
            lines=lines(5), identifiers=[f"card:{number}"],
        )
        for number in range(1, 5)
    )  # fmt: skip
    old = CustomerProjection(engine.logs, engine.fold, owner="old")
    new = CustomerProjection(engine.logs, engine.fold, owner="new")
    old.claim(engine.connection)
    new.claim(engine.connection)
    with pytest.raises(OvertakenError):
        old.step(engine.connection)
    assert {"customer": 0, "membership": 0, "link": 0} == _rows(engine)
    assert (0, 0) == (old.position, live(engine).facts)
    assert 4 == new.step(engine.connection)
    assert {"customer": 4, "membership": 8, "link": 8} == _rows(engine)
    with pytest.raises(OvertakenError):
        old.step(engine.connection)
    assert {"customer": 4, "membership": 8, "link": 8} == _rows(engine)


def test_a_projection_that_was_overtaken_moves_no_time_either(engine: Engine) -> None:
    old = CustomerProjection(engine.logs, engine.fold, owner="old")
    old.claim(engine.connection)
    claimed(engine, "new")
    engine.advance_time(HORIZON)
    with pytest.raises(OvertakenError):
        old.step(engine.connection)
    assert (BEFORE_TIME, 0) == (live(engine).horizon, live(engine).decisions)


def test_a_correction_judges_the_pairs_of_whom_it_concerns_and_no_others_anew(
    engine: Engine,
) -> None:
    """What is read for the card names two others as well, who were parted elsewhere."""
    engine.take_in([
        event(IdentifierUnlinked, "crm:1", "2024-01-01", identifiers=["crm:2"]),
        _bought("crm:1", "p", ["card:1", "crm:2"]), _bought("card:1", "q", ["card:9"]),
    ])  # fmt: skip
    engine.project()
    assert 3 == _rows(engine)["membership"]
    void = event(
        TouchpointVoided, "card:1", "2024-03-01", reference=reference("q", "2024-01-02"), reason="x"
    )
    engine.take_in([void])
    engine.project()
    assert 2 == _rows(engine)["membership"]
    assert engine.refolded_digest() == engine.digest()


def test_who_is_who_is_built_the_same_however_the_journal_is_cut(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.identity.building._POSITIONS_A_QUERY", 1)
    monkeypatch.setattr("projections.identity.building._ROWS_A_STATEMENT", 1)
    engine.take_in([
        event(IdentifierUnlinked, "crm:1", "2024-02-01", identifiers=["crm:2"]),
        event(IdentifierLinked, "crm:1", "2024-01-01", identifiers=["crm:2"]),
        _bought("crm:1", "p", ["card:1"]), _bought("crm:2", "q", ["card:2", "crm:1"]),
        _bought("card:2", "r", ["email:a@x.test"]),
    ])  # fmt: skip
    engine.project()
    assert 5 == _rows(engine)["membership"]
    assert engine.refolded_digest() == engine.digest()


def _bought(subject: str, number: str, identifiers: list[str]) -> bytes:
    return event(
        PurchaseMade, subject, "2024-01-02", id=number, number=number, currency="EUR",
        lines=lines(5), identifiers=identifiers,
    )  # fmt: skip


def _rows(engine: Engine) -> dict[str, int]:
    with psycopg.connect(engine.conninfo) as owner:
        return {
            table: owner.execute(f"SELECT count(*) FROM view.{table}").fetchall()[0][0]  # noqa: S608
            for table in ("customer", "membership", "link")
        }
