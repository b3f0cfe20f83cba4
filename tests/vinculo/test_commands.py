"""The command line as such: help, misuse, refusals, and what needs no journal."""

import gzip
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest
from click.testing import CliRunner

from tests.vinculo.commands import SIMULATED, Run, simulated
from vinculo.cli import COMMANDS, LazyGroup, cli

REPOSITORY = Path(__file__).parents[2]


def test_help_loads_no_command_and_answers_at_once() -> None:
    code = (
        "import sys; from vinculo.cli import cli; cli(['--help'], standalone_mode=False); "
        "print(sorted({one.partition('.')[0] for one in sys.modules}))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ended.stdout.splitlines()[-1]
    for slow in ("psycopg", "rich", "litestar", "kafka", "eventsourcing", "msgspec", "structlog"):
        assert f"'{slow}'" not in loaded


def test_help_takes_less_than_five_bare_starts_of_python() -> None:
    def seconds(*arguments: str) -> float:
        """Return the processor's time, which other programs on the machine do not lengthen."""
        begun = getrusage(RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        ended = getrusage(RUSAGE_CHILDREN)
        return ended.ru_utime - begun.ru_utime + ended.ru_stime - begun.ru_stime

    bare = min(seconds("-c", "import re, enum, inspect, logging") for _ in range(7))
    assert 5 * bare > min(seconds("-m", "vinculo", "--help") for _ in range(7))


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


def test_the_version_is_the_one_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    result = CliRunner().invoke(cli, ["--version"])
    assert f"vinculo, version {project['version']}\n" == result.stdout


def test_a_simulation_is_the_same_at_each_run(tmp_path: Path) -> None:
    plain, compressed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    for path in (plain, compressed):
        assert 0 == CliRunner().invoke(cli, [*SIMULATED, "--to", str(path)]).exit_code
    assert simulated() == plain.read_bytes() == gzip.decompress(compressed.read_bytes())
