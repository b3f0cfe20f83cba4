"""``vinculo whatif``: rules and scenarios from files, the report as a file, an end by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain.programmes.format import encode_version
from tests.projections.whatif_business import CLUB, WhatIfBusiness
from tests.servers import Databases
from tests.vinculo.commands import EXAMPLES, Run, runner

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Settings of a tenant that has lived."""
    with databases.fresh() as url:
        business = WhatIfBusiness(url, 9, 20)
        business.live()
        found = business.engine.connection.execute("SELECT tenant FROM journal.log").fetchone()
        assert found is not None
        yield {
            "DATABASE_URL": url,
            "VINCULO_TENANT": found[0],
            "VINCULO_SECRET": "a secret of the tests, 32 bytes.",
            "VINCULO_SOURCES": str(EXAMPLES / "sources.toml"),
            "VINCULO_RULES": str(EXAMPLES / "rules.toml"),
            "VINCULO_HOME": str(tmp_path_factory.mktemp("home")),
            "VINCULO_LOG_LEVEL": "error",
            "VINCULO_REBUILD_PROCESSES": "1",
        }
        business.engine.close()


@pytest.fixture(scope="module")
def run(environment: dict[str, str]) -> Run:
    """Run a command on that tenant."""
    return runner(environment)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The club's own version, as a file."""
    path = tmp_path / "club.json"
    path.write_bytes(encode_version(CLUB))
    return path


def test_the_control_changes_nothing_and_says_so(run: Run) -> None:
    printed = run("whatif", "-", "--programme", "club", given=b"{}").stdout
    assert "→" not in "".join(line for line in printed.splitlines() if line.startswith(" points"))
    assert "0 would differ" in printed


def test_a_version_is_a_scenario_and_begins_when_told(
    run: Run, rules: Path, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    printed = run("whatif", str(rules), "--from", "2025-06-01", "--json", str(file)).stdout
    report = json.loads(file.read_bytes())
    assert 1_748_728_800_000_000 == report["question"]["begins"]  # midnight in Madrid
    assert "club, v1" in printed
    again = run("whatif", str(rules), "--from", "2025-06-01", "--json", "-").stdout_bytes
    assert file.read_bytes() == again.rstrip(b"\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[1]", "expected a JSON object"),
        (b'{"versions": 3}', "versions"),
        (b'{"programme": "club"}', "schemas/programme"),
        (b"{}", "expected one programme, found none"),
    ],
)
def test_what_is_no_scenario_is_refused_with_a_reason(run: Run, text: bytes, told: str) -> None:
    assert told in run("whatif", "-", given=text, code=1).stderr


def test_a_version_that_makes_no_sense_is_refused(run: Run, rules: Path) -> None:
    document = json.loads(rules.read_bytes())
    document["caps"][0]["rules"] = ["base", "nobody"]
    rules.write_text(json.dumps(document))
    assert "nobody" in run("whatif", str(rules), code=1).stderr


def test_ctrl_c_ends_it_with_its_processes_and_one_line(
    environment: dict[str, str], rules: Path
) -> None:
    """The database is held up, so that it is in the middle of its work when it is told to end."""
    name = environment["DATABASE_URL"]
    with psycopg.connect(name) as holding:
        holding.execute("LOCK TABLE journal.entry IN ACCESS EXCLUSIVE MODE")
        asked = subprocess.Popen(
            [sys.executable, "-m", "vinculo", "whatif", str(rules)],
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        with psycopg.connect(name, autocommit=True) as watching:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                found = watching.execute(
                    "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database "
                    "WHERE datname = current_database() AND NOT granted"
                ).fetchone()
                if found and found[0]:
                    break
                time.sleep(0.05)
        os.killpg(asked.pid, signal.SIGINT)
        holding.rollback()
        out, err = asked.communicate(timeout=60)
    assert 1 == asked.returncode
    assert "" == out
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.killpg(asked.pid, 0)
