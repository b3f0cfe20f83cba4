"""Rebuilt = live, byte for byte; verify finds what was tampered with; the switch is quick."""

from collections.abc import Iterator

import psycopg
import pytest

from domain.lifecycle.rules import LifecycleRulebook, LifecycleRules
from journal.reading import HoleError
from projections.customer.live import OtherFoldError
from projections.customer.part import Context
from projections.customer.rebuilding import rebuild
from projections.customer.verifying import verify
from projections.generations import OvertakenError
from tests.engine import DEMO_SOURCES, Engine, simulated


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant with a small simulated business, projected live."""
    made = Engine(database_url, DEMO_SOURCES)
    made.take_in((one.payload for one in simulated(30)), batch=300)
    made.advance_time(1_735_689_600_000_000)
    made.project()
    yield made
    made.close()


def test_a_rebuild_gives_the_live_view_byte_for_byte_and_takes_its_place(engine: Engine) -> None:
    before = engine.digest()
    report = rebuild(engine.conninfo, engine.logs, engine.context, workers=2)
    assert report.same_fold
    assert (before, before, before) == (report.live_digest, report.digest, engine.digest())
    assert report.switch_seconds < 0.05
    assert report.generation == 2


def test_the_old_writer_is_overtaken_by_the_switch_and_goes_on_with_the_new_one(
    engine: Engine,
) -> None:
    rebuild(engine.conninfo, engine.logs, engine.context, workers=1)
    engine.take_in(one.payload for one in simulated(3, seed=9))
    with pytest.raises(OvertakenError):
        engine.project()
    engine.projection.claim(engine.connection)
    assert engine.project() > 0


def test_verify_says_same_for_an_honest_view(engine: Engine) -> None:
    report = verify(engine.conninfo, engine.logs, engine.context, workers=2)
    assert () == report.differences
    assert report.same
    assert engine.digest() == report.digest


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE view.customer SET state = state || '\\x00' WHERE customer_id = %(victim)s",
        "UPDATE view.customer SET stage = 'closed' WHERE customer_id = %(victim)s",
        "DELETE FROM view.customer WHERE customer_id = %(victim)s",
    ],
    ids=["state", "stage", "row"],
)
def test_verify_names_the_customer_whose_row_was_changed(engine: Engine, tampering: str) -> None:
    with psycopg.connect(engine.conninfo, autocommit=True) as owner:
        found = owner.execute(
            "SELECT customer_id FROM view.customer WHERE log_id = %s ORDER BY customer_id LIMIT 1",
            (engine.logs.facts,),
        ).fetchone()
        assert found is not None
        owner.execute(tampering.encode(), {"victim": found[0]})
    report = verify(engine.conninfo, engine.logs, engine.context, workers=2)
    assert not report.same
    assert (found[0].hex,) == report.differences


def test_verify_leaves_nothing_behind(engine: Engine) -> None:
    verify(engine.conninfo, engine.logs, engine.context, workers=1)
    rows = engine.connection.execute(
        "SELECT DISTINCT generation FROM view.membership UNION SELECT generation FROM view.link"
    ).fetchall()
    assert [(1,)] == rows


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE view.customer SET last_seen_at = now() WHERE customer_id = %(victim)s",
        "UPDATE view.link SET implied = NOT implied",
    ],
    ids=["searched column", "links"],
)
def test_verify_sees_what_is_searched_by_and_what_merges_rest_on(
    engine: Engine, tampering: str
) -> None:
    with psycopg.connect(engine.conninfo, autocommit=True) as owner:
        found = owner.execute(
            "SELECT customer_id FROM view.customer WHERE log_id = %s AND last_seen_at IS NOT NULL",
            (engine.logs.facts,),
        ).fetchone()
        assert found is not None
        owner.execute(tampering.encode(), {"victim": found[0]})
    assert not verify(engine.conninfo, engine.logs, engine.context, workers=1).same


def test_verify_in_the_midst_of_a_tick_raises_no_false_alarm(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.advance_time(1_735_689_600_000_000 + 400 * 86_400_000_000)

    def stop(*_: object) -> int:
        raise InterruptedError

    monkeypatch.setattr(engine.projection, "_run_due", stop)
    with pytest.raises(InterruptedError):
        engine.project()
    assert verify(engine.conninfo, engine.logs, engine.context, workers=1).same
    monkeypatch.undo()
    engine.project()
    assert verify(engine.conninfo, engine.logs, engine.context, workers=1).same


def test_a_worker_with_other_rules_does_not_write_into_the_rebuilt_view(engine: Engine) -> None:
    patient = Context(engine.context.calendar, LifecycleRulebook((LifecycleRules(loyal_days=9),)))
    report = rebuild(engine.conninfo, engine.logs, patient, workers=1)
    assert not report.same_fold
    with pytest.raises(OtherFoldError):
        engine.projection.claim(engine.connection)


def test_a_rebuild_over_a_hole_is_refused_and_leaves_the_view_as_it_was(engine: Engine) -> None:
    before = engine.digest()
    with psycopg.connect(engine.conninfo, autocommit=True) as owner:
        owner.execute(
            "DELETE FROM journal.entry WHERE log_id = %s AND position = 7", (engine.logs.facts,)
        )
    with pytest.raises(HoleError):
        rebuild(engine.conninfo, engine.logs, engine.context, workers=1)
    assert before == engine.digest()


def test_a_rebuild_removes_the_generation_that_it_replaced(engine: Engine) -> None:
    rebuild(engine.conninfo, engine.logs, engine.context, workers=1)
    found = engine.connection.execute("SELECT DISTINCT generation FROM view.customer").fetchall()
    assert [(2,)] == found
