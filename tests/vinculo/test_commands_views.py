"""Commands about views: status, rebuild, verify, and a worker of other rules."""

import re
from pathlib import Path

import psycopg
import pytest

from tests.projections.club_business import ClubBusiness
from tests.vinculo.commands import Run, project, simulated


def test_status_tells_whether_the_view_is_current(tenant: Run, database_url: str) -> None:
    assert "found none" in tenant("status", code=1).stderr
    tenant("ingest", "-", given=simulated())
    project(database_url)
    assert "current" in tenant("status").stdout


@pytest.mark.timeout(120)
def test_a_rebuild_and_a_verification_agree_with_the_live_view(
    tenant: Run, database_url: str
) -> None:
    tenant("ingest", "-", given=simulated())
    project(database_url)
    verified = tenant("verify").stdout
    rebuilt = tenant("rebuild").stdout
    digest = re.search(r"^digest (\w+)$", rebuilt, re.MULTILINE)
    assert digest is not None
    assert f"view    {digest[1]}\njournal {digest[1]}\n" in verified
    assert "generation 2 is read now" in rebuilt or "generation 3 is read now" in rebuilt


@pytest.mark.timeout(120)
def test_a_view_that_was_tampered_with_is_found_and_ends_with_one(
    tenant: Run, database_url: str
) -> None:
    tenant("ingest", "-", given=simulated())
    project(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update view.customer set stage = 'closed' where customer_id = (select"
            " customer_id from view.customer where stage = 'lapsed' limit 1)"
        )
    result = tenant("verify", code=1)
    assert 1 == result.stdout.count("differs: ")
    assert "'vinculo rebuild' makes the view right again" in result.stderr


def test_a_worker_refuses_a_view_of_other_rules(
    tenant: Run, database_url: str, tmp_path: Path
) -> None:
    tenant("ingest", "-", given=simulated())
    project(database_url)
    rules = tmp_path / "rules.toml"
    rules.write_text('[[lifecycle]]\nversion = "lifecycle-2"\nrisk_tenths = 30\n')
    result = tenant("work", "project", code=1, VINCULO_RULES=str(rules))
    assert "run 'vinculo rebuild'" in result.stderr


def test_a_ledger_is_compared_with_its_log(tenant: Run, database_url: str) -> None:
    with ClubBusiness(database_url) as club:
        club.buy("crm:ana", 100_000, "2026-11-05T10:00", tax=21_000)
    assert "compared 1 accounts" in tenant("verify", "--ledger").stdout
    with psycopg.connect(database_url) as connection:
        connection.execute("update ledger.account set version = version + 1")
    assert "found 1 faults" in tenant("verify", "--ledger", code=1).stderr
