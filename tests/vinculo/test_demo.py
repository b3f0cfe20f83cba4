"""The demo: one command, everything real, data kept, and its own requests answered."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from vinculo.cli import cli
from vinculo.demo.tour import Stop, Tour

DEMO = [sys.executable, "-m", "vinculo", "demo", "--port", "0"]
REPOSITORY = Path(__file__).parents[2]
FEW = "150"

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]


@pytest.fixture
def folder(server_folder: Path) -> Path:
    """A folder for the demo's data that its server can reach, whoever runs the tests."""
    server_folder.chmod(0o711)
    return server_folder / "data"


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VINCULO_", "KAFKA_")) and name != "DATABASE_URL"
    }
    return kept | {"VINCULO_HOME": str(folder), "VINCULO_LOG": "json"} | more


def demo(folder: Path, *arguments: str, **more: str) -> str:
    """Run the demo in a process of its own until it ends, and return what it says."""
    ended = subprocess.run(
        [*DEMO, *arguments],
        env=environment(folder, **more),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def command(folder: Path, *arguments: str) -> Result:
    blank = dict.fromkeys(("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", "VINCULO_SECRET"), "")
    return CliRunner().invoke(cli, arguments, env=blank | {"VINCULO_HOME": str(folder)})


def test_the_first_start_shows_a_business_and_answers_its_own_requests(folder: Path) -> None:
    said = demo(folder, "--customers", FEW, "--exit")
    assert re.search(r"[\d,]+ facts about [\d,]+ people", said)
    assert "reconciles: " in said
    assert "Three customers worth a look" in said
    for why in (", loyal\n", ", at risk of leaving\n", ", known under several names, merged\n"):
        assert why in said
    assert said.count("answered as expected") == said.count("curl ")
    assert "answered as expected (201)" in said


def test_data_are_kept_between_starts_and_other_commands_work_on_them(
    folder: Path,
) -> None:
    first = demo(folder, "--customers", FEW, "--exit")
    second = demo(folder, "--exit")
    assert "making up" in first
    assert "making up" not in second
    facts = [
        int(re.findall(r"([\d,]+) facts about", one)[0].replace(",", "")) for one in (first, second)
    ]
    assert facts[0] + 1 == facts[1]  # the purchase of the first tour
    accounts = command(folder, "accounts")
    assert (0, True) == (accounts.exit_code, "reconciles: " in accounts.stdout)
    assert 0 == command(folder, "verify", "--processes", "1").exit_code
    assert "vinculo_" not in accounts.stdout


def test_its_key_ends_with_it_and_nothing_personal_is_logged(folder: Path) -> None:
    ended = subprocess.run(
        [*DEMO, "--customers", FEW, "--exit"],
        env=environment(folder, VINCULO_LOG_LEVEL="debug"),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    keys = command(folder, "keys", "list").stdout
    assert re.search(r"the demo on this machine.*\d{4}-\d\d-\d\d \d\d:\d\d.*\d{4}-\d\d-\d\d", keys)
    names = re.findall(r"^  (\w+ \w+), (?:loyal|at risk|known)", ended.stdout, re.MULTILINE)
    assert len(names) == 3
    assert '"event"' in ended.stderr
    for name in [*names, "example.test", "crm:"]:
        assert name not in ended.stderr


def test_it_stays_until_ctrl_c_while_its_lines_work_in_a_shell(folder: Path) -> None:
    with subprocess.Popen(
        [*DEMO, "--customers", FEW],
        env=environment(folder),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(200, process.kill)
        watchdog.start()
        try:
            said = _read_until(process, "Stop with Ctrl-C")
            token = re.findall(r"KEY=(\S+)", said)[0]
            line = next(one for one in said.splitlines() if "/timeline" in one)
            words = shlex.split(line.replace("$KEY", token))
            assert "curl" == words[0]
            answered = Tour(*_place(words[-1], token)).visit(Stop("", _path(words[-1])))
            assert answered["entries"]
            for more in ([], ["--fresh"]):
                refused = command(folder, "demo", "--exit", *more)
                assert (1, True) == (refused.exit_code, "still running" in refused.stderr)
            assert Tour(*_place(words[-1], token)).visit(Stop("", _path(words[-1])))
            process.send_signal(signal.SIGINT)
            assert 0 == process.wait(60)
        finally:
            watchdog.cancel()
            if process.poll() is None:
                process.kill()


def _facts(said: str) -> int:
    return int(re.findall(r"([\d,]+) facts about", said)[0].replace(",", ""))


def _read_until(process: "subprocess.Popen[str]", word: str) -> str:
    assert process.stdout is not None
    said = ""
    while word not in said:
        line = process.stdout.readline()
        assert line, f"ended before saying {word!r}: {said}"
        said += line
    return said


def _place(url: str, token: str) -> tuple[str, str]:
    return url.split("/v1/", maxsplit=1)[0], token


def _path(url: str) -> str:
    return "/v1/" + url.split("/v1/")[1]


def test_an_interrupted_first_start_goes_on_with_the_same_business(folder: Path) -> None:
    demo(folder, "--customers", "20", "--exit")
    plan = folder / "demo.json"
    plan.write_text(plan.read_text().replace('"complete":true', '"complete":false'))
    again = demo(folder, "--customers", "99", "--seed", "9", "--exit")
    assert "making up 20 people" in again
    assert re.search(r"received = [\d,]+ stored as facts \+ [\d,]+ sent twice", again)
    assert "reconciles: " in again


def test_beginning_anew_removes_only_what_the_demo_has_made(folder: Path) -> None:
    demo(folder, "--customers", "20", "--exit")
    own = folder / "my-notes.txt"
    own.write_text("keep me")
    assert "making up 30 people" in demo(folder, "--fresh", "--customers", "30", "--exit")
    assert "keep me" == own.read_text()


def test_a_journal_that_is_not_the_demos_is_left_alone(database_url: str, folder: Path) -> None:
    runner = CliRunner()
    given = {
        "DATABASE_URL": database_url,
        "VINCULO_SECRET": "a secret of the tests, 32 bytes or more",
        "VINCULO_SOURCES": str(REPOSITORY / "vinculo" / "examples" / "sources.toml"),
        "VINCULO_HOME": str(folder),
    }
    assert 0 == runner.invoke(cli, ["migrate"], env=given).exit_code
    lines = runner.invoke(cli, ["simulate", "--customers", "5", "--until", "2025-01-31"])
    assert 0 == runner.invoke(cli, ["ingest", "-"], input=lines.stdout_bytes, env=given).exit_code
    refused = runner.invoke(cli, ["demo", "--exit"], env=given)
    assert (1, True) == (refused.exit_code, "that are not the demo's" in refused.stderr)
    fresh = runner.invoke(cli, ["demo", "--fresh", "--exit"], env=given)
    assert (1, True) == (fresh.exit_code, "found DATABASE_URL" in fresh.stderr)


def test_a_tour_that_is_not_answered_as_it_should_be_fails() -> None:
    with pytest.raises(OSError, match="refused"):
        Tour("http://127.0.0.1:1", "token").visit(Stop("", "/healthz"))


def test_with_kafka_everything_goes_through_the_broker(
    kafka_broker: str, database_url: str, folder: Path
) -> None:
    ended = subprocess.run(
        [*DEMO, "--customers", "40", "--exit"],
        env=environment(
            folder,
            DATABASE_URL=database_url,
            KAFKA_BOOTSTRAP_SERVERS=kafka_broker,
            KAFKA_GROUP=f"demo-{time.time_ns()}",
        ),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    said = ended.stdout
    for noise in ("Topic", "topics_missing", "Metadata refresh"):
        assert noise not in ended.stderr
    assert "taking in messages from Kafka" in said
    assert "reconciles: " in said
    with psycopg.connect(database_url) as connection:
        channels = connection.execute("select distinct channel from journal.intake_account")
        assert {"kafka", "http"} == {channel for (channel,) in channels}
