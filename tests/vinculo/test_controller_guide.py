"""docs/controller.md: every command of the guide is run, and gives what the guide says."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from journal.decisions import open_decisions
from tests.projections.club_business import ClubBusiness, at
from tests.vinculo.commands import Run

GUIDE = Path(__file__).parents[2] / "docs" / "controller.md"
COMMANDS = re.findall(r"^\$ vinculo (.+)$", GUIDE.read_text("utf-8"), re.MULTILINE)
ANA = "crm:ana"


@pytest.fixture
def club(tenant: Run, database_url: str) -> Iterator[ClubBusiness]:
    """The tenant of the commands, with the guide's sale and first redemption."""
    assert tenant is not None
    with ClubBusiness(database_url) as made:
        made.buy(ANA, 100_000, "2026-11-05T10:00", tax=21_000)
        made.redeem(ANA, 4_500, "2026-11-20T10:00")
        yield made


class Guide:
    """Runs the commands of the guide in their order."""

    def __init__(self, run: Run, account: str) -> None:
        self._run = run
        self._account = account
        self.done = 0

    def next(self, begins: str) -> str:
        """Run the next command, which begins like this; return what it prints."""
        command = COMMANDS[self.done]
        assert command.startswith(begins), command
        self.done += 1
        arguments = shlex.split(command.replace("ACCOUNT", self._account))
        return self._run(*arguments).output


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def figures(path: str, *names: str) -> tuple[int, ...]:
    [row] = rows(path)
    return tuple(int(row[name]) for name in names)


MONEY = ("liability_opening", "liability_added", "liability_released", "liability_closing")


def test_the_guide_from_its_first_command_to_its_last(
    club: ClubBusiness, tenant: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    account = str(UUID(bytes=club.account(ANA)))
    with_time(club, "2027-01-02")
    guide = Guide(tenant, account)
    assert guide.next("estimate publish").endswith("\n1\n")
    guide.next("estimate approve")
    listed = guide.next("estimate list")
    assert "95.00 %" in listed
    assert "Bob Stone" in listed
    assert "nothing is recorded" in guide.next("close 2026-11 --dry-run")
    shown = guide.next("close 2026-11")
    assert "2026-11 is closed by Carla Reyes" in shown
    for figure in ("8,676", "-4,110", "4,566", "-4,500"):
        assert figure in shown
    assert (0, 8_676, 4_110, 4_566) == figures("roll-forward-2026-11.csv", *MONEY)
    assert [
        ("4000", "8676", "0"), ("2400", "0", "8676"), ("2400", "4110", "0"), ("4100", "0", "4110"),
    ] == [
        (row["account"], row["debit_minor_units"], row["credit_minor_units"])
        for row in rows("journal-2026-11.csv")
    ]  # fmt: skip
    club.redeem(ANA, 4_000, "2026-12-10T10:00")
    assert guide.next("estimate publish").endswith("\n2\n")
    guide.next("estimate approve")
    guide.next("close 2026-12")
    december = (*MONEY, "catch_up")
    assert (4_566, 0, 3_493, 1_073, -85) == figures("roll-forward-2026-12.csv", *december)
    assert "was closed before by Carla Reyes" in guide.next("close 2026-11")
    for name in ("journal", "roll-forward", "prior-period"):
        again = Path(f"{name}-again.csv").read_bytes()
        assert Path(f"{name}-2026-11.csv").read_bytes() == again
    assert "1,500" in guide.next("liability")
    assert "5,500" in guide.next("liability --as-of-day")
    # 5,500 points at 1 each, of which the estimate of November expects 95 %.
    assert (5_500, 5_225) == figures("liability-2026-11.csv", "points", "amount_minor_units")
    statement = guide.next("statement")
    assert re.search(r"closing .* 1,500 *$", statement, re.MULTILINE), statement
    assert len(COMMANDS) == guide.done


def test_a_closed_month_keeps_its_files_though_late_facts_came(
    club: ClubBusiness, tenant: Run, tmp_path: Path
) -> None:
    with_time(club, "2027-02-02")
    number = club.buy("crm:ben", 2_000, "2026-11-06T10:00")
    estimated(tenant)
    names = ("journal", "roll-forward", "prior-period")

    def files(month: str, run: str) -> list[bytes]:
        paths = [tmp_path / f"{name}-{run}.csv" for name in names]
        options = [
            part
            for name, path in zip(names, paths, strict=True)
            for part in (f"--{name}", str(path))
        ]
        tenant("close", month, "--by", "Carla Reyes", *options)
        return [path.read_bytes() for path in paths]

    november = files("2026-11", "first")
    club.give_back("crm:ben", number, 500, "2026-11-25T10:00")
    assert november == files("2026-11", "second")
    december = files("2026-12", "december")
    assert november == files("2026-11", "third")
    assert december == files("2026-12", "fourth")
    [late] = rows(str(tmp_path / "prior-period-december.csv"))
    assert ("2026-12", "2026-11", "2026-11-25", "clawed_back", "-50") == tuple(
        late[name] for name in ("month", "original_month", "value_date", "movement", "points")
    )
    [row] = rows(str(tmp_path / "roll-forward-december.csv"))
    assert ("-50", "-50") == (row["clawed_back"], row["prior_period_clawed_back"])


def test_a_month_that_is_not_over_is_not_closed(club: ClubBusiness, tenant: Run) -> None:
    with_time(club, "2026-11-30")
    estimated(tenant)
    failed = tenant("close", "2026-11", "--by", "Carla Reyes", code=1)
    assert "close it from 2026-12-01 on" in failed.stderr
    assert "would be closed" in tenant("close", "2026-11", "--dry-run").stdout


def test_refusals_say_what_to_do(club: ClubBusiness, tenant: Run) -> None:
    with_time(club, "2027-01-02")
    refused = tenant("close", "2026-11", "--by", "Carla Reyes", code=1).stderr
    assert "club/points/-/earned: expected an approved estimate" in refused
    assert "a month such as 2026-11" in tenant("close", "November", code=1).stderr
    publish = ("--from", "2026-01-01", "--money", "EUR", "--price", "1", "--redemption", "1")
    wrong = tenant("estimate", "publish", "club/points/-/given", *publish, "--by", "Ann", code=1)
    assert "such as club/points/-/earned" in wrong.stderr
    assert "begin with" in tenant("estimate", "list").stdout
    tenant("estimate", "publish", "club/points", *publish, "--by", "Ann")
    alone = tenant("estimate", "approve", "1", "--by", "Ann", code=1).stderr
    assert "somebody else must approve" in alone
    nobody = "00000000-0000-8000-8000-000000000000"
    period = ("--from", "2026-11-01", "--to", "2026-11-30")
    assert "found none" in tenant("statement", nobody, *period, code=1).stderr


def test_what_was_not_judged_or_run_is_warned_of(club: ClubBusiness, tenant: Run) -> None:
    with_time(club, "2027-01-02")
    estimated(tenant)
    assert "warning" not in tenant("close", "2026-11", "--dry-run").stderr
    club.connection.execute("UPDATE ledger.earning SET judged = judged - 1")
    club.connection.execute("UPDATE ledger.account SET next_timer = 5")
    warned = tenant("close", "2026-11", "--dry-run").stderr
    assert "1 facts were not judged yet" in warned
    assert "changed 1 accounts" in warned


def estimated(run: Run) -> None:
    run(
        "estimate", "publish", "club/points", "--from", "2026-01-01", "--money", "EUR",
        "--price", "1000", "--redemption", "9500", "--by", "Ann Ivory",
    )  # fmt: skip
    run("estimate", "approve", "1", "--by", "Bob Stone")


def with_time(club: ClubBusiness, day: str) -> None:
    """Let time in the log come to the noon of a day."""
    with open_decisions(club.url, club.logs.decisions) as decisions:
        decisions.advance_time(at(f"{day}T12:00"))
