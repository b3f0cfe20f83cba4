"""Fixtures of the commands' tests: a command on the test's own database."""

from pathlib import Path

import pytest

from tests.vinculo.commands import EXAMPLES, Run, runner


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    """Run a command on the test's database and return its result."""
    return runner(
        {
            "DATABASE_URL": database_url,
            "VINCULO_SECRET": "a secret of the tests, 32 bytes or more",
            "VINCULO_SOURCES": str(EXAMPLES / "sources.toml"),
            "VINCULO_RULES": str(EXAMPLES / "rules.toml"),
            "VINCULO_HOME": str(tmp_path / "data"),
            "VINCULO_LOG_LEVEL": "error",
            "VINCULO_REBUILD_PROCESSES": "1",
        }
    )


@pytest.fixture
def tenant(run: Run) -> Run:
    """Run commands as before, the tenant being made."""
    run("migrate")
    return run
