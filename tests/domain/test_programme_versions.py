"""Versions of a programme: four eyes, the past previewed, and which rules are in force."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decisions import StreamBrokenError, record
from domain.decisions.catalogue import DECISIONS
from domain.errors import VinculoError
from domain.instants import instant_of
from domain.programmes.decisions import (
    ProgrammeApproved,
    ProgrammeDecision,
    ProgrammeDrafted,
    ProgrammeWithdrawn,
)
from domain.programmes.faults import UnsoundRulesError
from domain.programmes.format import ProgrammeVersion, version_digest
from domain.programmes.rulebook import ProgrammeRulebook
from domain.programmes.versions import (
    Programme,
    ProgrammeRefusedError,
    approve,
    draft,
    evolve,
    new_programme,
    programme_id,
    project_programme,
    withdraw,
)
from tests.domain.programme_cases import CLUB, MADRID

ANA, BEN = "ana", "ben"
NOW = instant_of(datetime(2025, 12, 1, tzinfo=UTC))
LATER = instant_of(datetime(2026, 2, 1, tzinfo=UTC))
BEGIN = instant_of(CLUB.effective_from)
PREVIEW = "ab" * 32


def version(name: str, months: int = 0, **fields: Any) -> ProgrammeVersion:
    begins = CLUB.effective_from + timedelta(days=30 * months)
    return msgspec.structs.replace(CLUB, version=name, effective_from=begins, **fields)


def after(programme: Programme, *decisions: ProgrammeDecision) -> Programme:
    for decision in decisions:
        programme = evolve(programme, decision)
    return programme


def drafted(rules: ProgrammeVersion = CLUB, by: str = ANA) -> Programme:
    programme = new_programme("club")
    return after(programme, *draft(programme, rules, by=by, at=NOW))


def approved(rules: ProgrammeVersion = CLUB) -> Programme:
    programme = drafted(rules)
    digest = version_digest(rules)
    return after(programme, *approve(programme, rules.version, digest=digest, by=BEN, at=NOW))


def refused(code: str) -> Any:
    return pytest.raises(ProgrammeRefusedError, check=lambda error: error.code == code)


# ------------------------------------------------------------------ the way into force


def test_a_version_is_drafted_by_one_person_and_approved_by_another() -> None:
    programme = approved()
    found = programme.record("2026-1")
    assert found is not None
    assert (CLUB, version_digest(CLUB)) == (found.rules, found.digest)
    assert ("approved", ANA, BEN, NOW) == (
        found.status, found.drafted_by, found.approved_by, found.approved_at
    )  # fmt: skip
    assert (found,) == programme.approved()


def test_a_draft_of_the_same_content_and_a_second_approval_decide_nothing() -> None:
    programme = drafted()
    assert () == draft(programme, CLUB, by=BEN, at=NOW)
    digest = version_digest(CLUB)
    assert () == approve(approved(), "2026-1", digest=digest, by=BEN, at=LATER)


def test_who_drafted_may_not_approve_however_the_name_is_spelt() -> None:
    programme = drafted()
    for by in (ANA, "Ana ", "ANA"):
        with refused("same_person"):
            approve(programme, "2026-1", digest=version_digest(CLUB), by=by, at=NOW)


def test_an_approval_is_of_the_draft_that_was_read() -> None:
    programme = drafted()
    changed = version("2026-1", claim_window_days=60)
    redrafted = after(programme, *draft(programme, changed, by=BEN, at=NOW))
    assert 1 == len(redrafted.records)
    with refused("other_digest"):
        approve(redrafted, "2026-1", digest=version_digest(CLUB), by=ANA, at=NOW)
    with refused("same_person"):
        approve(redrafted, "2026-1", digest=version_digest(changed), by=BEN, at=NOW)
    (decision,) = approve(redrafted, "2026-1", digest=version_digest(changed), by=ANA, at=NOW)
    assert "approved" == after(redrafted, decision).records[0].status


def test_a_version_effective_in_the_past_needs_its_preview() -> None:
    programme, digest = drafted(), version_digest(CLUB)
    for at in (BEGIN, LATER):
        with refused("no_preview"):
            approve(programme, "2026-1", digest=digest, by=BEN, at=at)
        (decision,) = approve(
            programme, "2026-1", digest=digest, by=BEN, at=at, preview_digest=PREVIEW
        )
        assert PREVIEW == decision.preview_digest
        assert PREVIEW == after(programme, decision).records[0].preview_digest
    assert approve(programme, "2026-1", digest=digest, by=BEN, at=BEGIN - 1)


def test_what_was_approved_never_changes() -> None:
    with refused("already_approved"):
        draft(approved(), version("2026-1", claim_window_days=60), by=ANA, at=NOW)


def test_a_version_is_withdrawn_before_it_is_in_force_and_never_after() -> None:
    for programme in (drafted(), approved()):
        (decision,) = withdraw(programme, "2026-1", by=ANA, at=BEGIN - 1, reason="a mistake")
        gone = after(programme, decision)
        assert ("withdrawn", ()) == (gone.records[0].status, gone.approved())
        assert () == withdraw(gone, "2026-1", by=ANA, at=LATER)
        with refused("withdrawn"):
            draft(gone, version("2026-1", claim_window_days=9), by=ANA, at=NOW)
        with refused("withdrawn"):
            approve(gone, "2026-1", digest=version_digest(CLUB), by=BEN, at=NOW)
    with refused("in_force"):
        withdraw(approved(), "2026-1", by=ANA, at=BEGIN)


def test_unsound_rules_are_not_drafted() -> None:
    with pytest.raises(UnsoundRulesError, match="rewards"):
        draft(new_programme("club"), version("x", rewards=CLUB.rewards * 2), by=ANA, at=NOW)


def test_nonsense_is_refused_with_a_reason() -> None:
    with refused("other_programme"):
        draft(new_programme("miles"), CLUB, by=ANA, at=NOW)
    with refused("unknown_version"):
        approve(drafted(), "2027-1", digest=PREVIEW, by=BEN, at=NOW)
    with refused("unknown_version"):
        withdraw(drafted(), "2027-1", by=BEN, at=NOW)
    with refused("nobody"):
        draft(new_programme("club"), CLUB, by=" ", at=NOW)
    with refused("nobody"):
        approve(drafted(), "2026-1", digest=version_digest(CLUB), by="", at=NOW)


# ------------------------------------------------------------------ the log


def test_a_stream_is_read_again_as_it_was_decided() -> None:
    programme = approved()
    decisions: list[ProgrammeDecision] = [
        *draft(new_programme("club"), CLUB, by=ANA, at=NOW),
        *approve(drafted(), "2026-1", digest=version_digest(CLUB), by=BEN, at=NOW),
    ]
    events = record(new_programme("club"), decisions)
    read = project_programme(None, events)
    assert msgspec.structs.replace(programme, version=2) == read
    assert read == project_programme(project_programme(None, events[:1]), events[1:])
    assert programme_id("club") == programme.id
    assert project_programme(None, []) is None
    with pytest.raises(StreamBrokenError):
        project_programme(read, events)


def test_decisions_are_stored_whole_and_read_again() -> None:
    (one,) = draft(new_programme("club"), CLUB, by=ANA, at=NOW)
    (two,) = approve(drafted(), "2026-1", digest=one.digest, by=BEN, at=NOW)
    (three,) = withdraw(drafted(), "2026-1", by=BEN, at=NOW, reason="no")
    for decision in (one, two, three):
        assert type(decision) is DECISIONS.types[decision.topic]
        encoded = msgspec.json.encode(decision)
        assert decision == msgspec.json.decode(encoded, type=type(decision))
    assert b'"rounding":"down"' in msgspec.json.encode(one)


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (ProgrammeApproved(version="2026-1", digest=PREVIEW, by=BEN, at=NOW), "damaged"),
        (
            ProgrammeApproved(version="2026-1", digest=version_digest(CLUB), by=ANA, at=NOW),
            "same_person",
        ),
        (
            ProgrammeApproved(version="2026-1", digest=version_digest(CLUB), by=BEN, at=LATER),
            "no_preview",
        ),
        (ProgrammeWithdrawn(version="other", by=BEN, at=NOW), "unknown_version"),
        (
            ProgrammeDrafted(
                rules=msgspec.structs.replace(CLUB, programme="miles"),
                digest=PREVIEW, by=ANA, at=NOW,
            ),
            "damaged",
        ),
    ],
)  # fmt: skip
def test_a_log_that_holds_what_could_not_be_decided_is_refused(
    decision: ProgrammeDecision, code: str
) -> None:
    with refused(code):
        evolve(drafted(), decision)


def test_an_approved_version_is_neither_drafted_nor_approved_again_by_a_log() -> None:
    (again,) = draft(new_programme("club"), CLUB, by=ANA, at=NOW)
    with refused("already_approved"):
        evolve(approved(), again)
    twice = ProgrammeApproved(version="2026-1", digest=version_digest(CLUB), by=BEN, at=NOW)
    with refused("damaged"):
        evolve(approved(), twice)


# ------------------------------------------------------------------ the rulebook


def test_the_version_in_force_is_the_latest_that_has_begun() -> None:
    first, second = version("one"), version("two", months=2)
    book = ProgrammeRulebook([second, first], MADRID)
    start, change = (instant_of(one.effective_from) for one in (first, second))
    assert book.in_force("club", start - 1) is None
    assert book.in_force("miles", start) is None
    names = [book.in_force("club", at) for at in (start, change - 1, change, change + 10**15)]
    assert ["one", "one", "two", "two"] == [one.version for one in names if one]
    assert (("club",), (start, change)) == (book.programmes(), book.starts("club"))
    assert (first, second) == book.versions("club")
    assert book.in_force("club", start) is book.in_force("club", start + 1)


def test_of_two_versions_from_one_moment_the_one_approved_last_is_in_force() -> None:
    programme = new_programme("club")
    names = ("one", "two", "three")
    for name in names:
        programme = after(programme, *draft(programme, version(name), by=ANA, at=NOW))
    for name in ("two", "one"):
        digest = version_digest(version(name))
        programme = after(programme, *approve(programme, name, digest=digest, by=BEN, at=NOW))
    book = ProgrammeRulebook.of([programme], MADRID)
    found = book.in_force("club", BEGIN)
    assert found is not None
    assert "one" == found.version
    assert ("two", None) == (
        getattr(book.version("club", "two"), "version", None), book.version("club", "three")
    )  # fmt: skip


def test_a_what_if_has_a_rulebook_of_its_own() -> None:
    book = ProgrammeRulebook([version("one")], MADRID)
    half = version("one", claim_window_days=5)
    other = book.replacing([half, version("two", months=1)])
    assert (("one",), ("one", "two")) == (
        tuple(one.version for one in book.versions("club")),
        tuple(one.version for one in other.versions("club")),
    )
    assert (30, 5) == tuple(
        one.written.claim_window_days
        for one in (book.in_force("club", BEGIN), other.in_force("club", BEGIN))
        if one
    )
    with pytest.raises(VinculoError, match="club one twice"):
        ProgrammeRulebook([version("one"), half], MADRID)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(-1, 7))
def test_the_rulebook_is_what_a_search_through_all_versions_finds(
    months: list[int], when: int
) -> None:
    versions = [version(f"v{index}", month) for index, month in enumerate(months)]
    at = instant_of(CLUB.effective_from + timedelta(days=30 * when))
    begun = [
        (instant_of(one.effective_from), place, one.version) for place, one in enumerate(versions)
    ]
    expected = max([one for one in begun if one[0] <= at], default=None)
    found = ProgrammeRulebook(versions, MADRID).in_force("club", at)
    assert (expected[2] if expected else None) == (found.version if found else None)
