"""What people are shown of a programme."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.instants import DAY, instant_of, moment_of
from domain.programmes.format import version_digest
from domain.programmes.overview import programme_overview, version_in_force
from domain.programmes.rulebook import ProgrammeRulebook
from domain.programmes.versions import (
    Programme,
    approve,
    draft,
    evolve,
    new_programme,
    withdraw,
)
from tests.domain.programme_cases import CLUB, MADRID

BEGIN = instant_of(CLUB.effective_from)
NOW = BEGIN - 30 * DAY


def programme_of(*months: int, withdrawn: tuple[int, ...] = ()) -> Programme:
    """A programme whose approved versions begin in these months, approved in their order."""
    programme = new_programme("club")
    for index, month in enumerate(months):
        rules = msgspec.structs.replace(
            CLUB,
            version=f"v{index}",
            effective_from=CLUB.effective_from + timedelta(days=30 * month),
        )
        for decision in draft(programme, rules, by="ana", at=NOW):
            programme = evolve(programme, decision)
        digest = version_digest(rules)
        for approved in approve(programme, rules.version, digest=digest, by="ben", at=NOW):
            programme = evolve(programme, approved)
    for index in withdrawn:
        for gone in withdraw(programme, f"v{index}", by="ana", at=NOW):
            programme = evolve(programme, gone)
    return programme


@given(st.lists(st.integers(0, 4), max_size=6), st.integers(-1, 5), st.sets(st.integers(0, 5)))
def test_what_is_shown_in_force_is_what_judges(
    months: list[int], when: int, gone: set[int]
) -> None:
    withdrawn = tuple(index for index in gone if index < len(months))
    programme, at = programme_of(*months, withdrawn=withdrawn), BEGIN + 30 * when * DAY
    judging = ProgrammeRulebook.of([programme], MADRID).in_force("club", at)
    shown, overview = version_in_force(programme, at), programme_overview(programme, at)
    assert (judging.version if judging else None) == (shown.rules.version if shown else None)
    assert overview.in_force == (shown.rules.version if shown else None)
    in_force = [one.version for one in overview.versions if one.in_force]
    assert ([overview.in_force] if overview.in_force else []) == in_force


def test_a_version_is_shown_with_who_and_when() -> None:
    shown = programme_overview(programme_of(0, 1, withdrawn=(1,)), BEGIN)
    first, second = shown.versions
    assert ("club", "v0", "v0", "approved", True, "Club, from January 2026") == (
        shown.programme, shown.in_force, first.version, first.status, first.in_force, first.name,
    )  # fmt: skip
    assert ("ana", "ben", moment_of(NOW), moment_of(NOW), CLUB.effective_from) == (
        first.drafted_by, first.approved_by, first.drafted_at, first.approved_at,
        first.effective_from,
    )  # fmt: skip
    assert ("withdrawn", False, None) == (second.status, second.in_force, second.preview_digest)


def test_a_draft_shows_nobody_who_approved_it() -> None:
    programme = new_programme("club")
    (decision,) = draft(programme, CLUB, by="ana", at=NOW)
    (shown,) = programme_overview(evolve(programme, decision), BEGIN).versions
    assert ("draft", None, None, False, version_digest(CLUB)) == (
        shown.status, shown.approved_by, shown.approved_at, shown.in_force, shown.digest
    )  # fmt: skip
