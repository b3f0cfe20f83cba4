"""docs/what-if.md: every command of the guide is run, and prints what the guide says."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projections.whatif_business import FOREVER, WhatIfBusiness
from tests.servers import Databases
from tests.vinculo.commands import EXAMPLES, Run, runner

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "what-if.md"
BLOCKS = re.findall(r"```text\n\$ vinculo (.+)\n((?:.*\n)*?)```", GUIDE.read_text("utf-8"))


@pytest.fixture(scope="module")
def run(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run commands on the business of the guide."""
    with databases.fresh() as url:
        business = WhatIfBusiness(url, 3, 60, 1_000, versions=(FOREVER,), later=None, hurried=False)
        business.live()
        business.engine.project()
        found = business.engine.connection.execute("SELECT tenant FROM journal.log").fetchone()
        assert found is not None
        yield runner(
            {
                "DATABASE_URL": url,
                "VINCULO_TENANT": found[0],
                "VINCULO_SECRET": "a secret of the tests, 32 bytes.",
                "VINCULO_SOURCES": str(EXAMPLES / "sources.toml"),
                "VINCULO_RULES": str(EXAMPLES / "rules.toml"),
                "VINCULO_HOME": str(tmp_path_factory.mktemp("home")),
                "VINCULO_LOG_LEVEL": "error",
            }
        )
        business.engine.close()


@pytest.mark.parametrize("place", range(3))
def test_a_worked_example_prints_what_the_guide_says(
    run: Run, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    command, expected = BLOCKS[place]
    output = run(*shlex.split(command)).stdout
    printed = "".join(f"{line.rstrip()}\n" for line in output.splitlines())
    if os.environ.get("WRITE_GUIDE"):
        text = GUIDE.read_text("utf-8")
        GUIDE.write_text(text.replace(f"{command}\n{expected}```", f"{command}\n{printed}```"))
        return
    assert expected == printed


def test_the_guide_has_three_worked_examples() -> None:
    assert 3 == len(BLOCKS)
