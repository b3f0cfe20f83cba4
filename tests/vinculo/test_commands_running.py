"""Long-running commands as processes: they start, do their work, and end in order when told to."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.oracle.sources import data_folder, missing
from tests.servers import Topics
from vinculo.importers import DATA_SETS

REPOSITORY = Path(__file__).parents[2]
SECONDS = 60.0
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    blank = {name: value for name, value in os.environ.items() if not name.startswith("VINCULO_")}
    return blank | {
        "DATABASE_URL": database_url,
        "VINCULO_SECRET": "a secret of the tests, 32 bytes or more",
        "VINCULO_SOURCES": str(REPOSITORY / "vinculo" / "examples" / "sources.toml"),
        "VINCULO_RULES": str(REPOSITORY / "vinculo" / "examples" / "rules.toml"),
        "VINCULO_LOG": "json",
        "VINCULO_TIMEKEEPER_INTERVAL_SECONDS": "0.2",
    }


def vinculo(environment: dict[str, str], *arguments: str, given: bytes | None = None) -> bytes:
    """Run a command to its end and return what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", "vinculo", *arguments],
        env=environment,
        cwd=REPOSITORY,
        input=given,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr).decode()
    return ended.stdout


@contextmanager
def running(environment: dict[str, str], *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A command that runs until the block ends; it must end by itself then, with 0."""
    with subprocess.Popen(
        [sys.executable, "-m", "vinculo", *arguments],
        env=environment,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            _, logged = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, logged.decode()
        finally:
            if process.poll() is None:
                process.kill()


def wait_until(true: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < give_up_at, f"waited {SECONDS} s for {what}"
        time.sleep(0.05)


def number(url: str, query: LiteralString) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(query).fetchone()
    return int(found[0] or 0) if found else 0


def test_project_and_timekeeper_do_their_work_and_end_when_told(
    environment: dict[str, str], database_url: str
) -> None:
    vinculo(environment, "migrate")
    events = vinculo(environment, "simulate", "--customers", "20", "--until", "2025-01-31")
    vinculo(environment, "ingest", "-", given=events)
    facts = number(database_url, "select position from journal.log_head where log_id = 1")
    with running(environment, "work", "project"), running(environment, "work", "timekeeper"):
        reached = "select facts_position from view.view_generation where state = 'live'"
        wait_until(lambda: number(database_url, reached) == facts, "the view")
        ticks = "select position from journal.log_head where log_id = 2"
        wait_until(lambda: number(database_url, ticks) >= 2, "two ticks")
        timed = "select decisions_position from view.view_generation where state = 'live'"
        wait_until(lambda: number(database_url, timed) >= 1, "the view to follow time")
    assert b"current" in vinculo(environment, "status")
    assert b"earning" not in vinculo(environment, "status")
    with running(environment, "work", "earning"):
        judged = "select max(judged) from ledger.earning"
        wait_until(lambda: number(database_url, judged) == facts, "earning")
    assert f"{facts:,} of {facts:,} facts judged".encode() in vinculo(environment, "status")


def test_serve_answers_on_this_machine_and_ends_when_told(environment: dict[str, str]) -> None:
    vinculo(environment, "migrate")
    with running(environment, "serve", "--port", "0") as process:
        assert process.stderr is not None
        port = 0
        while not port:
            line = process.stderr.readline().decode()
            assert line, "expected the server to say where it listens"
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                port = int(found[1])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            assert {"status": "alive"} == json.load(answer)


HOLD = """
import sys
from pathlib import Path
from vinculo.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    print(server.conninfo, flush=True)
    sys.stdin.read()
"""


def test_a_worker_outlives_the_command_that_started_the_database_of_its_home(
    environment: dict[str, str], server_folder: Path
) -> None:
    server_folder.chmod(0o711)
    home = server_folder / "home"
    here = {name: value for name, value in environment.items() if name != "DATABASE_URL"}
    here["VINCULO_HOME"] = str(home)
    vinculo(here, "migrate")
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        ticks: LiteralString = "select position from journal.log_head where log_id = 2"
        with running(here, "work", "timekeeper"):
            wait_until(lambda: number(url, ticks) >= 1, "the worker to work")
            before = number(url, ticks)
            owner.communicate("")

            def goes_on() -> bool:
                try:
                    return number(url, ticks) > before + 10
                except psycopg.OperationalError:
                    return False

            wait_until(goes_on, "the worker to go on")


def test_serve_refuses_an_open_address_while_nobody_holds_a_key(
    environment: dict[str, str],
) -> None:
    vinculo(environment, "migrate")
    ended = subprocess.run(
        [sys.executable, "-m", "vinculo", "serve", "--host", "0.0.0.0", "--port", "0"],  # noqa: S104 - refused
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (1, True) == (ended.returncode, "'vinculo keys create'" in ended.stderr)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("role", ["intake", "project", "earning", "timekeeper"])
def test_a_worker_without_a_tenant_says_what_to_do(role: str, environment: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "vinculo", "work", role],
        env=environment | {"VINCULO_TENANT": "nobody"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (1, True) == (ended.returncode, "run 'vinculo migrate'" in ended.stderr)


def test_a_simulation_goes_through_kafka_into_the_journal(
    environment: dict[str, str], database_url: str, kafka_broker: str, topic: Topics
) -> None:
    name = topic(partitions=2)
    sources = Path(environment["VINCULO_SOURCES"]).read_text()
    assert sources
    here = environment | {"KAFKA_BOOTSTRAP_SERVERS": kafka_broker, "KAFKA_GROUP": name}
    vinculo(here, "migrate")
    said = vinculo(here, "simulate", "--customers", "15", "--until", "2025-01-31", "--to", "kafka")
    sent = int(said.split(b" ")[0].replace(b",", b""))
    received = "select sum(messages)::int from journal.intake_account where channel = 'kafka'"
    with running(here, "work", "intake"):
        wait_until(lambda: number(database_url, received) >= sent, "what was published")
    assert b"reconciles: " in vinculo(here, "accounts")


def test_topics_that_do_not_exist_yet_are_one_warning_and_no_errors(
    environment: dict[str, str], kafka_broker: str, tmp_path: Path
) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(
        '[[source]]\nname = "urn:x"\ntopics = ["not-made-yet"]\nnamespaces = ["crm"]\n'
    )
    here = environment | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_broker,
        "KAFKA_GROUP": f"missing-{time.time_ns()}",
        "VINCULO_SOURCES": str(sources),
    }
    vinculo(here, "migrate")
    log = tmp_path / "log"
    with log.open("wb") as logging:
        process = subprocess.Popen(
            [sys.executable, "-m", "vinculo", "work", "intake"],
            env=here, cwd=REPOSITORY, stderr=logging,
        )  # fmt: skip
    with process:
        wait_until(lambda: "intake_topics_missing" in log.read_text(), "the warning")
        time.sleep(4)  # two more looks at the topics, which are to say nothing
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
    logged = log.read_text()
    lines = [json.loads(line) for line in logged.splitlines()]
    told = [line["topics"] for line in lines if line["event"] == "intake_topics_missing"]
    assert [["not-made-yet"]] == told
    assert [] == [line for line in lines if line["level"] == "error"]
    assert len(lines) < 12, logged


def test_public_data_are_imported_into_a_fresh_home_without_a_register_of_sources(
    environment: dict[str, str], server_folder: Path, tmp_path: Path
) -> None:
    server_folder.chmod(0o711)
    kept_out = {"DATABASE_URL", "VINCULO_SOURCES", "VINCULO_RULES", "VINCULO_SECRET"}
    here = {name: value for name, value in environment.items() if name not in kept_out}
    here["VINCULO_HOME"] = str(server_folder / "home")
    rows = "master_id,sample_id,date,cds,value\n4,1,1997-01-01,2,29.33\n"
    (tmp_path / "cdnow_sample.csv.gz").write_bytes(gzip.compress(rows.encode()))
    vinculo(here, "migrate")
    said = vinculo(here, "import", "cdnow", str(tmp_path), "--to", "journal").decode()
    assert re.search(r"stored +│ +1 ", said)


@pytest.mark.skipif(
    missing(DATA_SETS["cdnow"].files) is not None, reason="the public data are not here"
)
def test_public_data_are_imported_whole_and_what_is_left_out_is_listed(
    environment: dict[str, str], database_url: str
) -> None:
    vinculo(environment, "migrate")
    folder = data_folder()
    said = vinculo(environment, "import", "cdnow", str(folder), "--to", "journal").decode()
    with gzip.open(folder / DATA_SETS["cdnow"].files[0], "rt") as file:
        rows = sum(1 for _ in file) - 1
    left_out = sum(
        int(one.replace(",", "")) for one in re.findall(r"left out: ([\d,]+) rows", said)
    )
    facts = number(database_url, "select position from journal.log_head where log_id = 1")
    assert f"{rows:,} rows read" in said
    assert rows == facts + left_out
    again = vinculo(environment, "import", "cdnow", str(folder), "--to", "journal").decode()
    assert re.search(rf"duplicate +│ +{facts:,} ", again)
