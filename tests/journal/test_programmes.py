"""Programmes in PostgreSQL: four eyes at the same time, rules that are heard without a restart."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from domain.instants import DAY, instant_of
from domain.programmes.faults import UnsoundRulesError
from domain.programmes.format import ProgrammeVersion, version_digest
from domain.programmes.versions import ProgrammeRefusedError, programme_id
from journal.connecting import connect
from journal.decisions import Decisions, UnreadableDecisionError, open_decisions
from journal.programmes import (
    HeardProgrammes,
    HeardRules,
    ProgrammeOffice,
    load_rulebook,
    programmes_at,
    read_programmes,
)
from journal.tenants import create_tenant
from tests.domain.programme_cases import CLUB, MADRID

ANA, BEN, CLEO = "Ana Gil", "Ben Sol", "Cleo Mar"
NOW = instant_of(CLUB.effective_from) - 30 * DAY
DIGEST = version_digest(CLUB)
PREVIEW = "ab" * 32


@pytest.fixture
def log_id(database_url: str) -> int:
    with psycopg.connect(database_url, autocommit=True) as owner:
        return create_tenant(owner, "acme").decisions


@pytest.fixture
def decisions(database_url: str, log_id: int) -> Iterator[Decisions]:
    with open_decisions(database_url, log_id) as application:
        yield application


@pytest.fixture
def office(decisions: Decisions) -> ProgrammeOffice:
    return ProgrammeOffice(decisions, now=lambda: NOW)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, name="vinculo test") as opened:
        yield opened


class RecordedPreviews:
    """Previews as the what-if will tell them: one was recorded of one content."""

    advice = "run the what-if"

    def __init__(self, rules: ProgrammeVersion) -> None:
        self.rules = rules

    def recorded(self, rules: ProgrammeVersion) -> Collection[str]:
        return (PREVIEW,) if rules == self.rules else ()


def version(name: str, months: int = 0, **fields: Any) -> ProgrammeVersion:
    begins = CLUB.effective_from + timedelta(days=30 * months)
    return msgspec.structs.replace(CLUB, version=name, effective_from=begins, **fields)


def refused(code: str) -> Any:
    return pytest.raises(ProgrammeRefusedError, check=lambda error: code == error.code)


def topics(decisions: Decisions) -> list[str]:
    """What was decided, in order, by the middle of its topic."""
    found = decisions.recorder.select_notifications(1, 1_000)
    return [one.topic.split(".")[1] for one in found]


def post(decisions: Decisions, count: int) -> None:
    """Add decisions of another kind, as the ledger does."""
    decisions.recorder.insert_events(
        [StoredEvent(uuid4(), 1, "vinculo.points_accrued.v1", b"{}") for _ in range(count)]
    )


# ------------------------------------------------------------------ deciding


def test_a_version_is_drafted_approved_and_withdrawn_on_record(
    office: ProgrammeOffice, decisions: Decisions
) -> None:
    drafted = office.draft(CLUB, by=ANA)
    assert (1, "draft", ANA, DIGEST) == (
        drafted.position, drafted.record.status, drafted.record.drafted_by, drafted.record.digest,
    )  # fmt: skip
    approved = office.approve("club", "2026-1", digest=DIGEST, by=BEN)
    assert (2, "approved", BEN) == (
        approved.position, approved.record.status, approved.record.approved_by
    )  # fmt: skip
    gone = office.withdraw("club", "2026-1", by=ANA, reason="a mistake")
    assert (3, "withdrawn") == (gone.position, gone.record.status)
    assert ["programme_drafted", "programme_approved", "programme_withdrawn"] == topics(decisions)


def test_what_stands_already_is_not_decided_again(
    office: ProgrammeOffice, decisions: Decisions
) -> None:
    office.draft(CLUB, by=ANA)
    assert (None, ANA) == (
        (again := office.draft(CLUB, by=BEN)).position, again.record.drafted_by
    )  # fmt: skip
    office.approve("club", "2026-1", digest=DIGEST, by=BEN)
    late = office.approve("club", "2026-1", digest=DIGEST, by=CLEO)
    assert (None, BEN) == (late.position, late.record.approved_by)
    assert late == office.approve("club", "2026-1", digest=DIGEST, by=CLEO, preview_digest=PREVIEW)
    assert 2 == len(topics(decisions))


def test_what_may_not_be_decided_leaves_nothing_in_the_log(
    office: ProgrammeOffice, decisions: Decisions
) -> None:
    with refused("unknown_version"):
        office.approve("club", "2026-1", digest=DIGEST, by=BEN)
    with pytest.raises(UnsoundRulesError, match="rewards"):
        office.draft(version("twice", rewards=CLUB.rewards * 2), by=ANA)
    office.draft(CLUB, by=ANA)
    for by in (ANA, " ana GIL "):
        with refused("same_person"):
            office.approve("club", "2026-1", digest=DIGEST, by=by)
    with refused("other_digest"):
        office.approve("club", "2026-1", digest=PREVIEW, by=BEN)
    assert ["programme_drafted"] == topics(decisions)


def test_the_past_is_approved_with_a_recorded_preview_only(
    decisions: Decisions, office: ProgrammeOffice
) -> None:
    later = instant_of(CLUB.effective_from) + DAY
    without = ProgrammeOffice(decisions, now=lambda: later)
    office.draft(CLUB, by=ANA)
    for preview in (None, PREVIEW):
        with pytest.raises(ProgrammeRefusedError, match="cannot preview postings yet"):
            without.approve("club", "2026-1", digest=DIGEST, by=BEN, preview_digest=preview)
    of_others = RecordedPreviews(version("2026-1", claim_window_days=9))
    with pytest.raises(ProgrammeRefusedError, match=f"found no such one .*{PREVIEW}; run the what"):
        ProgrammeOffice(decisions, now=lambda: later, previews=of_others).approve(
            "club", "2026-1", digest=DIGEST, by=BEN, preview_digest=PREVIEW
        )
    assert ["programme_drafted"] == topics(decisions)
    previewed = ProgrammeOffice(decisions, now=lambda: later, previews=RecordedPreviews(CLUB))
    with refused("no_preview"):
        previewed.approve("club", "2026-1", digest=DIGEST, by=BEN)
    decided = previewed.approve("club", "2026-1", digest=DIGEST, by=BEN, preview_digest=PREVIEW)
    assert (PREVIEW, "approved") == (decided.record.preview_digest, decided.record.status)


def test_a_preview_that_is_named_is_a_recorded_one_even_where_none_is_needed(
    office: ProgrammeOffice,
) -> None:
    office.draft(CLUB, by=ANA)
    with refused("no_preview"):
        office.approve("club", "2026-1", digest=DIGEST, by=BEN, preview_digest=PREVIEW)


# ------------------------------------------------------------------ at the same time


def at_once(*actions: Any) -> list[Any]:
    """Start actions at the same moment; return what each answered or how it was refused."""
    barrier = Barrier(len(actions))

    def run(action: Any) -> Any:
        barrier.wait(20)
        try:
            return action()
        except ProgrammeRefusedError as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_of_concurrent_approvals_one_wins_and_all_are_told_who(
    office: ProgrammeOffice, decisions: Decisions
) -> None:
    for number in range(10):
        rules = version(f"v{number}", number)
        office.draft(rules, by=ANA)

        def approve(by: str, rules: ProgrammeVersion = rules) -> Any:
            return office.approve("club", rules.version, digest=version_digest(rules), by=by)

        found = at_once(
            lambda a=approve: a(BEN), lambda a=approve: a(CLEO), lambda a=approve: a(ANA)
        )
        if "same_person" in found:  # else she came last, and is told who approved
            found.remove("same_person")
        assert 1 == len([one for one in found if one.position is not None])
        assert {one.record.approved_by for one in found} in ({BEN}, {CLEO})
    assert 10 == topics(decisions).count("programme_approved")
    assert [*range(1, 11)] == [one.approval for one in office.programme("club").approved()]


def test_of_an_approval_and_another_draft_at_once_exactly_one_is_decided(
    office: ProgrammeOffice,
) -> None:
    for number in range(10):
        first, other = version(f"v{number}"), version(f"v{number}", claim_window_days=9)
        office.draft(first, by=ANA)
        found = at_once(
            lambda one=first: office.approve(
                "club", one.version, digest=version_digest(one), by=BEN
            ),
            lambda one=other: office.draft(one, by=ANA),
        )
        refusals = [one for one in found if isinstance(one, str)]
        assert refusals in (["already_approved"], ["other_digest"])
        record = office.programme("club").record(first.version)
        assert record is not None
        stands = (first, "approved") if refusals == ["already_approved"] else (other, "draft")
        assert stands == (record.rules, record.status)


def test_approvals_of_several_versions_at_once_are_all_recorded_in_some_order(
    office: ProgrammeOffice,
) -> None:
    versions = [version(f"v{number}") for number in range(6)]
    for one in versions:
        office.draft(one, by=ANA)

    def approve(rules: ProgrammeVersion) -> Any:
        return office.approve("club", rules.version, digest=version_digest(rules), by=BEN)

    at_once(*(partial(approve, one) for one in versions))
    approved = office.programme("club").approved()
    assert [1, 2, 3, 4, 5, 6] == [one.approval for one in approved]
    assert set(map(version_digest, versions)) == {one.digest for one in approved}


# ------------------------------------------------------------------ reading


def test_after_a_restart_everything_stands_as_it_was(
    office: ProgrammeOffice, database_url: str, log_id: int, connection: psycopg.Connection
) -> None:
    office.draft(CLUB, by=ANA)
    office.approve("club", "2026-1", digest=DIGEST, by=BEN)
    office.draft(version("2026-2", 1), by=BEN)
    before = office.programme("club")
    with open_decisions(database_url, log_id) as reopened:
        assert before == ProgrammeOffice(reopened).programme("club")
    known = read_programmes(connection, log_id)
    assert ((before,), before, None) == (
        known.programmes(), known.programme("club"), known.programme("miles")
    )  # fmt: skip


def test_programmes_of_other_tenants_are_not_told(
    office: ProgrammeOffice, database_url: str, connection: psycopg.Connection
) -> None:
    office.draft(CLUB, by=ANA)
    with psycopg.connect(database_url, autocommit=True) as owner:
        other = create_tenant(owner, "another").decisions
    assert () == read_programmes(connection, other).programmes()


def test_programmes_are_found_without_reading_the_other_decisions(
    office: ProgrammeOffice, decisions: Decisions, connection: psycopg.Connection, log_id: int
) -> None:
    """With 3,000 postings around them three programmes are three rows, and later none."""
    for code in ("c", "a", "b"):
        post(decisions, 1_000)
        office.draft(version("1", programme=code), by=ANA)
    post(decisions, 10)
    heard = HeardProgrammes(log_id)

    def rows_read() -> int:
        found = connection.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_all_tables"
            " WHERE schemaname = 'journal' AND relname = 'entry'"
        ).fetchone()
        return int(found[0]) if found else 0

    with connection.transaction():
        first = heard(connection)
        assert ["a", "b", "c"] == [one.code for one in first.programmes()]
        assert 3 == rows_read()
        assert first is heard(connection)
        assert 3 == rows_read()


def test_a_running_worker_hears_of_a_new_approval(
    office: ProgrammeOffice, decisions: Decisions, connection: psycopg.Connection, log_id: int
) -> None:
    heard = HeardRules(log_id, MADRID)
    begin = instant_of(CLUB.effective_from)
    assert ((), 0) == ((found := heard(connection))[0].programmes(), found[1])
    office.draft(CLUB, by=ANA)
    rules, position = heard(connection)
    assert (None, 1) == (rules.in_force("club", begin), position)
    post(decisions, 5)
    office.approve("club", "2026-1", digest=DIGEST, by=BEN)
    rules, position = heard(connection)
    in_force = rules.in_force("club", begin)
    assert ("2026-1", 7) == (in_force.version if in_force else None, position)
    post(decisions, 5)
    assert (rules, position) == heard(connection)
    assert rules is heard(connection)[0]
    office.withdraw("club", "2026-1", by=ANA)
    assert ((), 13) == ((found := heard(connection))[0].programmes(), found[1])


def test_the_rules_as_they_were_heard_are_read_again_for_ever(
    office: ProgrammeOffice, connection: psycopg.Connection, log_id: int
) -> None:
    heard = HeardRules(log_id, MADRID)
    told: list[tuple[int, tuple[ProgrammeVersion, ...]]] = []
    for name in ("one", "two", "three"):
        rules = version(name, len(told))
        office.draft(rules, by=ANA)
        office.approve("club", name, digest=version_digest(rules), by=BEN)
        book, position = heard(connection)
        told.append((position, book.versions("club")))
    assert [(2, 1), (4, 2), (6, 3)] == [(position, len(versions)) for position, versions in told]
    for position, versions in told:
        assert versions == load_rulebook(connection, log_id, MADRID, position).versions("club")
    assert told[-1][1] == load_rulebook(connection, log_id, MADRID).versions("club")
    assert 3 == programmes_at(connection, log_id, 3).position


def test_rules_may_be_asked_for_while_they_are_decided(
    office: ProgrammeOffice, database_url: str, log_id: int
) -> None:
    """Whatever a worker hears is the log up to the position that it is told, never a part of it."""
    heard, stop = HeardRules(log_id, MADRID), Barrier(2)

    def decide() -> None:
        for number in range(25):
            rules = version(f"v{number}", number)
            office.draft(rules, by=ANA)
            office.approve("club", rules.version, digest=version_digest(rules), by=BEN)
        stop.wait(60)

    def listen() -> set[tuple[int, int]]:
        told = set()
        with connect(database_url, name="vinculo test") as own:
            while stop.n_waiting == 0:
                book, position = heard(own)
                told.add((position, len(book.versions("club"))))
        stop.wait(60)
        return told

    with ThreadPoolExecutor(2) as pool:
        deciding, listening = pool.submit(decide), pool.submit(listen)
        deciding.result(100)
        told = listening.result(100)
    assert all(count == position // 2 for position, count in told)
    assert len(told) > 2


def test_a_stranger_among_programmes_is_refused(
    decisions: Decisions, connection: psycopg.Connection, log_id: int
) -> None:
    decisions.recorder.insert_events(
        [StoredEvent(programme_id("club"), 1, "vinculo.programme_renamed.v1", b"{}")]
    )
    with pytest.raises(UnreadableDecisionError, match="programme_renamed"):
        read_programmes(connection, log_id)


def test_the_clock_is_the_wall_clock_where_none_is_given(decisions: Decisions) -> None:
    office = ProgrammeOffice(decisions)
    rules = msgspec.structs.replace(CLUB, effective_from=datetime.now(UTC) + timedelta(days=30))
    office.draft(rules, by=ANA)
    decided = office.approve("club", "2026-1", digest=version_digest(rules), by=BEN)
    assert abs(decided.record.approved_at - instant_of(datetime.now(UTC))) < DAY
