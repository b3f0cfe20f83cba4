"""Decisions that are no tick: the view takes note of them, though time has never advanced."""

from domain.touchpoints import PurchaseMade
from journal.decisions import open_decisions
from journal.programmes import ProgrammeOffice
from journal.reading import head_of
from tests.api.club import CLUB, LONG_AGO
from tests.engine import Engine
from tests.events import event, lines


def test_a_view_reads_on_where_something_was_decided_before_time_advanced(
    database_url: str,
) -> None:
    engine = Engine(database_url)
    with open_decisions(database_url, engine.logs.decisions) as decisions:
        ProgrammeOffice(decisions, now=lambda: LONG_AGO).draft(CLUB, by="ana")
    engine.take_in(
        [event(PurchaseMade, "crm:1", "2024-03-01", number="1", currency="EUR", lines=lines(100))]
    )
    assert 1 == engine.project()
    assert engine.projection.generation is not None
    assert (
        head_of(engine.connection, engine.logs.decisions) == engine.projection.generation.decisions
    )
    engine.close()
