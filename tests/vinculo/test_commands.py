"""The commands on a real database: what they do, what they print, how they end."""

import gzip
import json
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from click.testing import CliRunner, Result

from api.keys import SCOPES, digest_of, find_holder
from vinculo.cli import COMMANDS, LazyGroup, cli
from vinculo.commands.keys import SCOPES as OFFERED_SCOPES
from vinculo.simulator import simulate

REPOSITORY = Path(__file__).parents[2]
SECRET = "a secret of the tests, 32 bytes or more"
Run = Callable[..., Result]

CUSTOMERS, SEED, UNTIL = 60, 7, "2025-06-30"
SIMULATED = ["simulate", "--customers", str(CUSTOMERS), "--seed", str(SEED), "--until", UNTIL]


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    """Run a command on the test's database and return its result."""
    environment = {
        "DATABASE_URL": database_url,
        "VINCULO_SECRET": SECRET,
        "VINCULO_SOURCES": str(REPOSITORY / "vinculo" / "examples" / "sources.toml"),
        "VINCULO_RULES": str(REPOSITORY / "vinculo" / "examples" / "rules.toml"),
        "VINCULO_HOME": str(tmp_path / "data"),
        "VINCULO_LOG_LEVEL": "error",
        "VINCULO_REBUILD_PROCESSES": "1",
    }

    def invoke(*arguments: str, given: bytes | None = None, code: int = 0, **more: str) -> Result:
        result = CliRunner().invoke(cli, arguments, input=given, env=environment | more)
        assert code == result.exit_code, f"{result.output}\n{result.exception!r}"
        return result

    return invoke


@pytest.fixture
def tenant(run: Run) -> Run:
    """The same with the tenant made."""
    run("migrate")
    return run


def simulated() -> bytes:
    return CliRunner().invoke(cli, SIMULATED).stdout_bytes


def project(url: str) -> None:
    """Project what there is, as 'vinculo work project' does."""
    from consumers.projecting import ProjectionWorker  # noqa: PLC0415
    from projections.customer.fold import Fold  # noqa: PLC0415
    from vinculo.composition import Composition  # noqa: PLC0415
    from vinculo.demo.workers import Workers, wait_until_current  # noqa: PLC0415
    from vinculo.rules import read_rules  # noqa: PLC0415
    from vinculo.settings import Settings  # noqa: PLC0415

    made = Composition(Settings(), url)
    context = read_rules(REPOSITORY / "vinculo" / "examples" / "rules.toml")
    workers = Workers()
    workers.start("project", ProjectionWorker(url, made.logs, Fold(context)))
    try:
        wait_until_current(made, workers, lambda _: None)
    finally:
        workers.stop()


def number(url: str, query: LiteralString) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(query).fetchone()
    return int(found[0] or 0) if found else 0


# ------------------------------------------------------------------ the command line as such


def test_help_loads_no_command_and_answers_at_once() -> None:
    code = (
        "import sys; from vinculo.cli import cli; cli(['--help'], standalone_mode=False); "
        "print(sorted({one.partition('.')[0] for one in sys.modules}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ended.stdout.splitlines()[-1]
    for slow in ("psycopg", "rich", "litestar", "kafka", "eventsourcing", "msgspec", "structlog"):
        assert f"'{slow}'" not in loaded


def test_help_takes_less_than_three_bare_starts_of_python() -> None:
    def seconds(*arguments: str) -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - begun

    bare = min(seconds("-c", "import re, enum, inspect, logging") for _ in range(5))
    assert 3 * bare > min(seconds("-m", "vinculo", "--help") for _ in range(5))


def test_every_command_says_in_help_what_the_table_says() -> None:
    group = cli
    assert isinstance(group, LazyGroup)
    result = CliRunner().invoke(cli, ["--help"])
    for name, (_, sentence) in COMMANDS.items():
        command = group.get_command(None, name)  # type: ignore[arg-type] # needs no context
        assert command is not None
        assert command.help
        assert re.search(rf"^  {name} +{re.escape(sentence)}$", result.output, re.MULTILINE)


@pytest.mark.parametrize("arguments", [["nothing"], ["ingest"], ["import", "cdnow"], ["work", "x"]])
def test_a_misused_command_ends_with_two(arguments: list[str]) -> None:
    assert 2 == CliRunner().invoke(cli, arguments).exit_code


def test_a_wrong_setting_ends_with_one_and_a_sentence(run: Run) -> None:
    result = run("status", code=1, VINCULO_API_PORT="x")
    assert "error: VINCULO_API_PORT: expected a whole number" in result.stderr
    assert "Traceback" not in result.output


def test_a_database_that_is_away_ends_with_one_and_what_to_do(run: Run) -> None:
    result = run("migrate", code=1, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert "expected an answer of PostgreSQL" in result.stderr
    assert "check DATABASE_URL" in result.stderr


def test_a_file_that_cannot_be_written_is_said_before_the_simulation(run: Run) -> None:
    result = run(*SIMULATED, "--to", "/nonexistent/x.jsonl", code=2)
    assert "found none at /nonexistent" in result.output


def test_a_file_that_fails_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    taken = tmp_path / "folder.jsonl"
    taken.mkdir()
    result = run(*SIMULATED, "--to", str(taken), code=1)
    assert f"error: expected to use {taken}, found: Is a directory" in result.stderr


@pytest.mark.parametrize("servers", ["foo", "a:1,b", "a:x", "http://a:1"])
def test_brokers_of_another_form_are_refused_with_the_form(tenant: Run, servers: str) -> None:
    result = tenant("work", "intake", code=1, KAFKA_BOOTSTRAP_SERVERS=servers)
    assert "error: KAFKA_BOOTSTRAP_SERVERS: expected host:port" in result.stderr


def test_serving_on_a_port_that_is_taken_is_refused_with_what_to_do(tenant: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for more in ([], ["--workers", "2"]):
            result = tenant("serve", "--port", port, *more, code=1)
            expected = f"expected to listen on 127.0.0.1 port {port}, found: Address already in use"
            assert expected in result.stderr
            assert "--port" in result.stderr


def test_without_a_tenant_a_command_says_to_migrate(run: Run) -> None:
    assert "run 'vinculo migrate'" in run("accounts", code=1).stderr


# ------------------------------------------------------------------ the tenant's secret

ANOTHER = "another secret of the tests, 32 bytes or more"


@pytest.mark.parametrize("arguments", [
    ["ingest", "-"], ["migrate"], ["status"], ["accounts"], ["verify"], ["rejected", "list"],
    ["serve", "--port", "0"], ["work", "project"], ["work", "timekeeper"], ["rebuild"],
])  # fmt: skip
def test_another_secret_than_the_first_is_refused_and_nothing_written(
    run: Run, database_url: str, arguments: list[str]
) -> None:
    run("migrate")
    result = run(*arguments, given=simulated(), code=1, VINCULO_SECRET=ANOTHER)
    assert "expected the secret that this tenant's log was begun with" in result.stderr
    assert ANOTHER not in result.output
    written = "select sum(position)::int from journal.log_head"
    assert 0 == number(database_url, written)
    assert 0 == number(database_url, "select count(*) from subject.subject_key")


def test_a_journal_older_than_its_fingerprint_knows_its_secret_by_its_keys(
    tenant: Run, database_url: str
) -> None:
    tenant("ingest", "-", given=simulated())
    with psycopg.connect(database_url) as owner:
        owner.execute("delete from subject.secret_fingerprint")
    tenant("ingest", "-", given=simulated(), code=1, VINCULO_SECRET=ANOTHER)
    assert 0 == number(database_url, "select count(*) from subject.secret_fingerprint")
    tenant("ingest", "-", given=simulated())
    assert 1 == number(database_url, "select count(*) from subject.secret_fingerprint")


@pytest.mark.parametrize("arguments", [["status"], ["migrate"], ["accounts"], ["keys", "list"]])
def test_too_short_a_secret_fails_every_command(tenant: Run, arguments: list[str]) -> None:
    result = tenant(*arguments, code=1, VINCULO_SECRET="short")
    assert "VINCULO_SECRET: expected at least 32 bytes, found 5" in result.stderr


# ------------------------------------------------------------------ migrate, ingest, accounts


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


# ------------------------------------------------------------------ rejected


def _rejected(tenant: Run, code: str) -> list[str]:
    listed = tenant("rejected", "list", "--code", code).stdout
    return re.findall(r"^([0-9a-f-]{36})  ", listed, re.MULTILINE)


def test_rejected_messages_are_listed_shown_as_they_came_and_the_reading_is_noted(
    tenant: Run, database_url: str
) -> None:
    events = simulated()
    tenant("ingest", "-", given=events)
    receipts = _rejected(tenant, "unknown_type")
    shown = tenant("rejected", "show", receipts[0], "--reader", "ana").stdout_bytes
    assert shown.strip() in events.splitlines()
    with psycopg.connect(database_url) as connection:
        found = connection.execute("select reader from journal.rejected_reading").fetchall()
    assert [("ana",)] == found


def test_a_rejected_message_is_mended_and_sent_again(tenant: Run, tmp_path: Path) -> None:
    tenant("ingest", "-", given=simulated())
    receipt = _rejected(tenant, "bad_data")[0]
    event = json.loads(tenant("rejected", "show", receipt).stdout)
    event["data"].pop("colour", None)
    if "currency" in event["data"]:
        event["data"]["currency"] = "EUR"
    mended = tmp_path / "mended.json"
    mended.write_text(json.dumps(event))
    resent = tenant("rejected", "resend", receipt, "--file", str(mended)).stdout
    assert "stored at position" in resent
    assert receipt not in _rejected(tenant, "bad_data")
    assert "reconciles: " in tenant("accounts").stdout


def test_what_is_sent_again_from_here_is_booked_as_such(
    tenant: Run, database_url: str, tmp_path: Path
) -> None:
    tenant("ingest", "-", given=simulated())
    receipt = _rejected(tenant, "unknown_type")[0]
    mended = tmp_path / "mended.json"
    mended.write_bytes(tenant("rejected", "show", receipt).stdout_bytes)
    with psycopg.connect(database_url) as owner:  # as if it had come over HTTP
        owner.execute("update journal.rejected_message set channel = 'http', topic = ''")
    tenant("rejected", "resend", receipt, "--file", str(mended), code=1)
    tenant("rejected", "resend", receipt, code=1)
    booked = "select count(*) from journal.intake_account where channel <> 'file'"
    assert 0 == number(database_url, booked)


def test_where_no_rejected_message_is_found_the_codes_that_there_are_are_named(
    tenant: Run,
) -> None:
    assert "no rejected messages; there are none" in tenant("rejected", "list").stdout
    tenant("ingest", "-", given=simulated())
    said = tenant("rejected", "list", "--code", "no_such_code").stdout
    assert "no rejected messages with the code no_such_code" in said
    assert re.search(r"there are some with: .*bad_data.*unknown_type", said)


def test_what_is_still_broken_is_rejected_again_and_ends_with_one(tenant: Run) -> None:
    tenant("ingest", "-", given=simulated())
    receipt = _rejected(tenant, "unknown_type")[0]
    assert "rejected again" in tenant("rejected", "resend", receipt, code=1).stderr


def test_a_receipt_that_does_not_exist_is_said(tenant: Run) -> None:
    nobody = "00000000-0000-8000-8000-000000000000"
    assert "expected a rejected message" in tenant("rejected", "show", nobody, code=1).stderr


# ------------------------------------------------------------------ views


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


# ------------------------------------------------------------------ simulate, keys


def test_a_simulation_is_the_same_at_each_run(tmp_path: Path) -> None:
    plain, compressed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    for path in (plain, compressed):
        assert 0 == CliRunner().invoke(cli, [*SIMULATED, "--to", str(path)]).exit_code
    assert simulated() == plain.read_bytes() == gzip.decompress(compressed.read_bytes())


def test_a_key_is_made_listed_and_revoked(tenant: Run, database_url: str) -> None:
    token = tenant("keys", "create", "--holder", "ana", "--scope", "read").stdout.strip()
    digest = digest_of(token.encode())
    assert digest is not None
    with psycopg.connect(database_url) as connection:
        holder = find_holder(connection, "main", digest)
        assert holder is not None
        assert ("ana", frozenset({"read"})) == (holder.name, holder.scopes)
    listed = tenant("keys", "list").stdout
    assert holder.key_id in listed
    assert token not in listed
    tenant("keys", "revoke", holder.key_id)
    with psycopg.connect(database_url) as connection:
        assert find_holder(connection, "main", digest) is None
    assert "found none" in tenant("keys", "revoke", holder.key_id, code=1).stderr


def test_the_version_is_the_one_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    result = CliRunner().invoke(cli, ["--version"])
    assert f"vinculo, version {project['version']}\n" == result.stdout


def test_every_scope_of_the_api_is_offered() -> None:
    assert SCOPES == OFFERED_SCOPES


def _line(result: Result, word: str) -> str:
    return next(line for line in result.stdout.splitlines() if line.strip().startswith(word))
