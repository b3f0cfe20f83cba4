"""The guide for shops is true: every request of it is sent with curl, and answered as it says."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from api.ledger import STATUSES
from tests.api.business import CONTEXT, Business
from tests.api.club import begin_programme
from tests.api.server import Api

GUIDE = (Path(__file__).parents[2] / "docs" / "redeeming.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```sh\n(.*?)^```\n+```json\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
REMEMBERED = {
    "account_id": "ACCOUNT", "redemption_id": "REDEMPTION", "adjustment_id": "ADJUSTMENT",
}  # fmt: skip


@pytest.fixture
def environment(business: Business) -> Iterator[dict[str, str]]:
    """What the guide's variables stand for, a server running."""
    begin_programme(business)
    business.project()
    with Api(business) as api:
        yield {
            "PATH": os.environ["PATH"],
            "API": api.url,
            "KEY": api.token("redeem", "read", holder="till 4"),
            "APPROVER": api.token("approve", holder="Ben Sol"),
            "TODAY": datetime.now(tz=CONTEXT.calendar.zone_at(0)).date().isoformat(),
        }


def same(expected: Any, found: Any) -> bool:
    """Whether an answer is as the guide shows it; `…` stands for anything."""
    if expected == "…":
        return found is not None
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and expected.keys() == found.keys()
            and all(same(value, found[name]) for name, value in expected.items())
        )
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(same, expected, found))
    return bool(expected == found)


def test_every_request_is_answered_as_the_guide_shows(environment: dict[str, str]) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    assert shutil.which("curl") is not None, "expected curl, to run what the guide shows"
    assert len(STEPS) >= 14
    assert GUIDE.count("```sh") == len(STEPS)
    for asked, shown in STEPS:
        done = subprocess.run(
            [bash, "-euc", asked], env=environment, capture_output=True, text=True, timeout=30,
            check=True,
        )  # fmt: skip
        told = json.loads(done.stdout)
        assert same(json.loads(shown), told), f"{asked}\nexpected {shown}\nfound {done.stdout}"
        for member, variable in REMEMBERED.items():
            if told.get(member):
                environment[variable] = told[member]


def test_the_refusals_that_the_guide_lists_have_the_statuses_that_it_says() -> None:
    listed = re.findall(r"^\| (\d{3}) \| (.*?) \|", GUIDE, re.MULTILINE)
    told = {code: int(status) for status, codes in listed for code in re.findall(r"`(\w+)`", codes)}
    assert {"insufficient_points", "idempotency_conflict", "sold_out"} <= told.keys()
    for code, status in STATUSES.items():
        assert status == told.get(code, status)
    conflicts = {code for code, status in told.items() if status == 409}
    assert conflicts.isdisjoint(STATUSES)
