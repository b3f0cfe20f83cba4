"""Commands that make a tenant, take files in and account for them."""

import gzip
import json
import re
from datetime import date
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from click.testing import Result

from tests.vinculo.commands import CUSTOMERS, SEED, Run, number, simulated
from vinculo.simulator import simulate


def test_migrate_makes_schema_and_tenant_once(run: Run, empty_database_url: str) -> None:
    first = run("migrate", DATABASE_URL=empty_database_url)
    again = run("migrate", DATABASE_URL=empty_database_url)
    assert "applied journal/0001_journal.sql" in first.stdout
    assert "applied projections/0001_views.sql" in first.stdout
    assert "applied" not in again.stdout
    assert "tenant main has the logs 1 (facts) and 2 (decisions)" in again.stdout


def test_a_file_is_taken_in_and_summed_up(tenant: Run, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(simulated())
    truth = simulate(customers=CUSTOMERS, seed=SEED, until=date(2025, 6, 30))
    stored = truth.truth.touchpoints().total()
    result = tenant("ingest", str(path))
    assert re.search(rf"stored +│ +{stored:,} ", result.stdout)
    assert re.search(rf"received +│ +{len(truth.messages):,} ", result.stdout)
    assert "line " in result.stdout  # the first rejects, with their lines
    assert "rejected, by reason: " in result.stdout


def test_a_compressed_file_and_standard_input_give_the_same_as_a_plain_file(
    tenant: Run, tmp_path: Path
) -> None:
    events = simulated()
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(events))
    first = tenant("ingest", str(path))
    again = tenant("ingest", "-", given=events)
    stored = re.search(r"stored +│ +([\d,]+)", first.stdout)
    assert stored is not None
    assert re.search(r"stored +│ +0 ", again.stdout)  # all of them are there already
    received = [re.search(r"received +│ +([\d,]+)", one.stdout) for one in (first, again)]
    assert received[0] is not None
    assert received[1] is not None
    assert received[0][1] == received[1][1]


def test_small_batches_give_the_same_facts_as_one(tenant: Run, database_url: str) -> None:
    events = simulated()
    tenant("ingest", "-", given=events, VINCULO_INTAKE_BATCH_MESSAGES_MAX="17")
    with psycopg.connect(database_url) as connection:
        small = connection.execute("select count(*), max(position) from journal.entry").fetchone()
        # The order of the file is the order of the log, whatever the batches.
        found = connection.execute("select source, body from journal.entry order by position")
        in_log = [(source, json.loads(body)["id"]) for source, body in found]
    assert small is not None
    assert small[0] == small[1] == len(in_log)
    places: dict[tuple[str, str], int] = {}
    for place, line in enumerate(events.splitlines()):
        try:
            event = json.loads(line)
            places.setdefault((event["source"], event["id"]), place)
        except (ValueError, KeyError):
            continue
    numbers = [places[one] for one in in_log]
    assert sorted(numbers) == numbers


def test_a_broken_compressed_file_is_told_with_what_was_taken_in_before(
    tenant: Run, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(simulated())[:-2_000])
    result = tenant("ingest", str(path), code=1, VINCULO_INTAKE_BATCH_MESSAGES_MAX="100")
    assert "events.jsonl.gz: expected a readable file of JSON lines" in result.stderr
    told = re.search(r"the ([\d,]+) messages before that are taken in and stay", result.stderr)
    assert told is not None
    assert "take it in again, which does not repeat them" in result.stderr
    taken = int(told[1].replace(",", ""))
    received: LiteralString = "select sum(messages)::int from journal.intake_account"
    assert taken == number(database_url, received)
    assert taken > 0.9 * len(simulated().splitlines()[:-100])


def test_a_line_that_never_ends_is_refused_by_its_number(tenant: Run) -> None:
    result = tenant("ingest", "-", given=b"{}\n" + b"x" * (6 * 1024 * 1024), code=1)
    assert "line 2: expected at most 4194304 bytes" in result.stderr


def test_accounts_reconcile_and_say_so(tenant: Run) -> None:
    events = simulated()
    tenant("ingest", "-", given=events)
    result = tenant("accounts")
    total = [int(one.replace(",", "")) for one in re.findall(r"[\d,]+", _line(result, "total"))]
    assert [len(events.splitlines()), sum(total[1:])] == [total[0], total[0]]
    assert "urn:vinculo:demo:till" in result.stdout
    assert "reconciles: " in result.stdout


@pytest.mark.parametrize(
    "damage",
    [
        "delete from journal.rejected_message where source = 'unknown'",
        "update journal.intake_account set messages = messages + 1 where outcome = 'stored'",
    ],
)
def test_accounts_that_do_not_reconcile_end_with_one(
    tenant: Run, database_url: str, damage: LiteralString
) -> None:
    tenant("ingest", "-", given=simulated())
    with psycopg.connect(database_url) as connection:
        assert connection.execute(damage).rowcount
    assert "does not reconcile" in tenant("accounts", code=1).stderr


def _line(result: Result, word: str) -> str:
    return next(line for line in result.stdout.splitlines() if line.strip().startswith(word))
