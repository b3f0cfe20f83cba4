"""Commands about programmes: checked without a database, drafted by one, approved by another."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from domain.instants import instant_of
from domain.programmes.format import decode_version, version_digest
from journal.decisions import UNREACHABLE, open_decisions
from journal.programmes import ProgrammeOffice
from journal.tenants import find_tenant
from tests.vinculo.commands import EXAMPLES, Run
from vinculo.commands.running import explained
from vinculo.settings import Settings

CLUB = EXAMPLES / "programmes" / "club.json"


@pytest.fixture
def club(tmp_path: Path) -> Path:
    """The worked example, effective in a month."""
    return written(tmp_path / "club.json")


def written(path: Path, **changed: Any) -> Path:
    begins = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")
    document = json.loads(CLUB.read_bytes()) | {"effective_from": begins} | changed
    path.write_text(json.dumps(document))
    return path


def digest_of(path: Path) -> str:
    return version_digest(decode_version(path.read_bytes()))


def test_a_sound_file_is_checked_without_a_database(run: Run) -> None:
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    for result in (
        run("programme", "check", str(CLUB), **nowhere),
        run("programme", "check", "-", given=CLUB.read_bytes(), **nowhere),
    ):
        assert "club 2026-1 is sound, effective from 2026-01-01 00:00 +0100: 7 rules" in (
            result.stdout
        )
        assert digest_of(CLUB) == result.stdout.splitlines()[-1]


def test_every_fault_of_a_file_is_named_on_a_line_of_its_own(run: Run, tmp_path: Path) -> None:
    document = json.loads(CLUB.read_bytes())
    document["rules"][0]["earn"]["per"] = "100"
    document["rewards"][1]["points"] = 0
    misfit = tmp_path / "misfit.json"
    misfit.write_text(json.dumps(document))
    lines = run("programme", "check", str(misfit), code=1).stderr.splitlines()
    assert ["rules[0].earn.per", "rewards[1].points"] == [
        line.partition(":")[0] for line in lines[:-1]
    ]
    assert f"{misfit}: expected a sound version, found 2 faults" == lines[-1]
    document = json.loads(CLUB.read_bytes())
    document["rules"][0]["currency"] = "miles"
    document["rewards"] += document["rewards"][:1]
    unsound = tmp_path / "unsound.json"
    unsound.write_text(json.dumps(document))
    for arguments in (("check",), ("draft", "--by", "Ana Gil")):
        lines = run("programme", *arguments, str(unsound), code=1).stderr.splitlines()
        assert "rules[0].currency" == lines[0].partition(":")[0]
        assert any(line.startswith("rewards: expected each code once") for line in lines)
        assert f"found {len(lines) - 1} faults" in lines[-1]


def test_one_drafts_another_approves_and_all_is_shown(tenant: Run, club: Path) -> None:
    assert "no programme is drafted" in tenant("programme", "list").stdout
    drafted = tenant("programme", "draft", str(club), "--by", "Ana Gil").stdout.splitlines()
    assert "club 2026-1 is drafted; somebody else must approve it" == drafted[0]
    assert digest_of(club) == drafted[-1]
    again = tenant("programme", "draft", str(club), "--by", "Ben Sol").stdout
    assert "was drafted before with the same content" in again
    approve = ("programme", "approve", "club", "2026-1", "--digest", drafted[-1], "--by")
    same = tenant(*approve, "ana gil", code=1).stderr
    assert "expected the approval of a second person" in same
    approved = tenant(*approve, "Ben Sol").stdout
    assert "club 2026-1 is approved by Ben Sol, in force from" in approved
    assert "by Ben Sol" in (late := tenant(*approve, "Cleo Mar").stdout)
    assert "(it was before)" in late
    for shown in (tenant("programme", "list"), tenant("programme", "show", "club")):
        row = next(line for line in shown.stdout.splitlines() if "2026-1" in line)
        assert all(one in row for one in ("club", "approved", "Ana Gil", "Ben Sol", drafted[-1]))


def test_what_is_shown_of_a_version_may_be_drafted_as_another_one(
    tenant: Run, club: Path, tmp_path: Path
) -> None:
    tenant("programme", "draft", str(club), "--by", "Ana Gil")
    shown = tenant("programme", "show", "club", "2026-1")
    assert decode_version(club.read_bytes()) == decode_version(shown.stdout)
    assert f"draft, drafted by Ana Gil; digest {digest_of(club)}" in shown.stderr
    other = tmp_path / "other.json"
    other.write_text(shown.stdout.replace('"version": "2026-1"', '"version": "2026-2"'))
    tenant("programme", "draft", str(other), "--by", "Ana Gil")
    assert "2026-2" in tenant("programme", "list").stdout


def test_a_version_is_withdrawn(tenant: Run, club: Path) -> None:
    tenant("programme", "draft", str(club), "--by", "Ana Gil")
    withdraw = ("programme", "withdraw", "club", "2026-1", "--by", "Ana Gil")
    assert "club 2026-1 is withdrawn\n" == tenant(*withdraw, "--reason", "a mistake").stdout
    assert "club 2026-1 is withdrawn (it was before)\n" == tenant(*withdraw).stdout
    assert "withdrawn" in tenant("programme", "show", "club").stdout


def test_a_version_is_shown_in_force_once_its_time_has_come(
    tenant: Run, club: Path, database_url: str
) -> None:
    """The only version that can be in force today is one that was approved before it began."""
    begun = msgspec.structs.replace(
        decode_version(club.read_bytes()), effective_from=datetime.now(UTC) - timedelta(days=1)
    )
    with psycopg.connect(database_url, autocommit=True) as owner:
        log_id = find_tenant(owner, Settings().tenant).decisions
    with open_decisions(database_url, log_id) as decisions:
        then = instant_of(datetime.now(UTC) - timedelta(days=2))
        office = ProgrammeOffice(decisions, now=lambda: then)
        office.draft(begun, by="Ana Gil")
        office.approve("club", "2026-1", digest=version_digest(begun), by="Ben Sol")
    assert "in force" in tenant("programme", "list").stdout
    withdraw = ("programme", "withdraw", "club", "2026-1", "--by", "Ana Gil")
    assert "expected one that is not in force yet" in tenant(*withdraw, code=1).stderr


def test_what_is_effective_in_the_past_is_refused_with_what_to_do(
    tenant: Run, tmp_path: Path
) -> None:
    past = written(tmp_path / "past.json", effective_from="2020-01-01T00:00:00Z")
    tenant("programme", "draft", str(past), "--by", "Ana Gil")
    approve = ("programme", "approve", "club", "2026-1", "--digest", digest_of(past))
    for more in ((), ("--preview-digest", "ab" * 32)):
        refused = tenant(*approve, "--by", "Ben Sol", *more, code=1).stderr
        assert "expected the digest of a recorded preview of its postings" in refused
        assert "2020-01-01T00:00:00+00:00" in refused
        assert "draft the version with an effective_from that is to come" in refused


def test_what_is_not_there_is_said_with_what_is(tenant: Run, club: Path) -> None:
    assert "none is drafted" in tenant("programme", "show", "miles", code=1).stderr
    tenant("programme", "draft", str(club), "--by", "Ana Gil")
    assert "(club), found 'miles'" in tenant("programme", "show", "miles", code=1).stderr
    assert "(2026-1), found no '1'" in tenant("programme", "show", "club", "1", code=1).stderr
    approve = ("programme", "approve", "club", "2026-1", "--digest", "no", "--by", "Ben Sol")
    assert "expected the digest of its present draft" in tenant(*approve, code=1).stderr
    withdraw = ("programme", "withdraw", "club", "1", "--by", "Ben Sol")
    assert "expected one of its versions (2026-1)" in tenant(*withdraw, code=1).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "/nonexistent/club.json"],
        ["draft", str(CLUB)],
        ["approve", "club", "1"],
    ],
)
def test_misuse_ends_with_two(run: Run, arguments: list[str]) -> None:
    run("programme", *arguments, code=2)


def test_a_database_that_goes_away_is_said_in_a_sentence() -> None:
    for error in UNREACHABLE:
        assert "check DATABASE_URL" in (explained(error("server closed")) or "")
