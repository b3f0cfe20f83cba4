"""What the tests of the commands share: a simulated business, and how to run a command."""

from collections.abc import Callable
from pathlib import Path
from typing import LiteralString

import psycopg
from click.testing import CliRunner, Result

from consumers.projecting import ProjectionWorker
from projections.customer.fold import Fold
from vinculo.cli import cli
from vinculo.composition import Composition
from vinculo.demo.workers import Workers, wait_until_current
from vinculo.rules import read_rules
from vinculo.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "vinculo" / "examples"
Run = Callable[..., Result]

CUSTOMERS, SEED, UNTIL = 60, 7, "2025-06-30"
SIMULATED = ["simulate", "--customers", str(CUSTOMERS), "--seed", str(SEED), "--until", UNTIL]


def runner(environment: dict[str, str]) -> Run:
    """Give what runs a command in this process and expects how it ends."""

    def invoke(*arguments: str, given: bytes | None = None, code: int = 0, **more: str) -> Result:
        result = CliRunner().invoke(cli, arguments, input=given, env=environment | more)
        assert code == result.exit_code, f"{result.output}\n{result.exception!r}"
        return result

    return invoke


def simulated() -> bytes:
    return CliRunner().invoke(cli, SIMULATED).stdout_bytes


def project(url: str) -> None:
    """Project what there is, as 'vinculo work project' does."""
    made = Composition(Settings(), url)
    workers = Workers()
    fold = Fold(read_rules(EXAMPLES / "rules.toml"))
    workers.start("project", ProjectionWorker(url, made.logs, fold))
    try:
        wait_until_current(made, workers, lambda _: None)
    finally:
        workers.stop()


def number(url: str, query: LiteralString) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(query).fetchone()
    return int(found[0] or 0) if found else 0
