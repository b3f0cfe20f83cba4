"""Smoke tests of the benchmarks at tiny sizes, where rates mean nothing.

The shape of the result, the checks that do not depend on speed, and the controls do.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SECONDS_MAX = 240
KEYS = {"name", "value", "unit", "reference", "ratio", "goal", "met", "goals", "arguments"}

TINY = {
    "ingest": "--present 3000 --personas 500 --events 1000 --rounds 1 --stock-events 200",
    "ingest_kafka": "--present 3000 --personas 500 --events 2000 --rounds 1 --batch 500",
    "project": "--parties 200 --base 500 --events 500 --rounds 1 --library-events 100",
    "late": "--parties 100 --rounds 2",
    "rebuild": "--parties 200 --events 1000 --rounds 1",
    "freshness": (
        "--parties 100 --sustained-seconds 2 --seconds 2 --foreign-seconds 2 --window 500 "
        "--journal 1"
    ),
    "read": (
        "--parties 1000 --simulated 60 --connections 8 --seconds 0.5 --rounds 1 --paced-seconds 1"
    ),
    "redeem": ("--accounts 50 --redemptions 640 --rounds 1 --stock-redemptions 64 --drained 1280"),
    "redeem_http": (
        "--accounts 20 --connections 8 --seconds 0.5 --rounds 1 --paced-seconds 0.5 "
        "--paced-rate 100"
    ),
    "close": "--parties 50 --purchases 300 --redemptions 300 --rounds 1",
    "whatif": "--parties 100 --events 2400 --redemptions 240 --rounds 2",
}
# What must hold at any speed, and the control with which it must not.
CHECKED = {
    "ingest": ("share_stored", "lossy"),
    "ingest_kafka": ("share_stored", "lossy"),
    "project": ("view_equals_journal", "damaged"),
    "late": ("same_digest", "damaged"),
    "rebuild": ("same_digest", "damaged"),
    "freshness": ("share_visible", "deaf"),
    "read": ("failures", "no-key"),
    "redeem": ("overdrafts", "unlocked"),
    "redeem_http": ("not_booked_once", "one-key"),
    "close": ("roll_forward_is_ledger", "stale"),
    "whatif": ("control_is_ledger", "timeless"),
}
WITHOUT_BROKER = [name for name in TINY if name != "ingest_kafka"]


def run(name: str, *more: str) -> dict[str, Any]:
    """Run a benchmark as `make bench-NAME` does and return what it prints, its only line."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *TINY[name].split(), *more]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [line] = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def expect_result(name: str) -> None:
    found = run(name)
    assert set() == KEYS - set(found)
    assert name == found["name"]
    assert found["value"] > 0
    assert found["met"] == all(one["met"] for one in found["goals"].values())
    checked, _ = CHECKED[name]
    assert found["goals"][checked]["met"], found["goals"]


def expect_control_to_fail(name: str) -> None:
    checked, control = CHECKED[name]
    found = run(name, "--control", control)
    assert found["met"] is False
    failing = "p99_ms" if control == "deaf" else checked
    assert found["goals"][failing]["met"] is False, found["goals"]


@pytest.mark.server
@pytest.mark.parametrize("name", WITHOUT_BROKER)
def test_a_benchmark_prints_one_line_and_keeps_what_does_not_depend_on_speed(name: str) -> None:
    expect_result(name)


@pytest.mark.server
@pytest.mark.parametrize("name", WITHOUT_BROKER)
def test_a_benchmark_with_its_defect_switched_on_does_not_meet_its_goal(name: str) -> None:
    expect_control_to_fail(name)


def test_the_benchmark_of_kafka_prints_one_line_and_loses_nothing(kafka_broker: str) -> None:
    assert kafka_broker
    expect_result("ingest_kafka")


def test_the_benchmark_of_kafka_notices_what_is_lost(kafka_broker: str) -> None:
    assert kafka_broker
    expect_control_to_fail("ingest_kafka")


@pytest.mark.server
def test_late_facts_that_are_folded_from_the_journal_are_told_by_their_speed() -> None:
    found = run("late", "--parties", "400", "--facts-each", "40", "--control", "from-journal")
    assert found["goals"]["of_live"]["met"] is False, found["goals"]
    assert found["goals"]["same_digest"]["met"]


@pytest.mark.server
def test_a_switch_that_queues_behind_an_open_reader_is_noticed_by_the_others() -> None:
    found = run("rebuild", "--control", "rename")
    assert found["goals"]["longest_read_seconds"]["met"] is False, found["goals"]


@pytest.mark.server
def test_a_transaction_for_every_message_is_told_by_its_speed() -> None:
    found = run("ingest", "--control", "one-by-one")
    assert found["goals"]["of_raw_copy"]["met"] is False, found["goals"]


@pytest.mark.server
def test_a_transaction_for_every_fact_is_told_by_its_speed() -> None:
    found = run("project", "--control", "one-by-one")
    assert found["goals"]["times_library"]["met"] is False, found["goals"]


@pytest.mark.server
def test_a_transaction_for_every_redemption_is_told_by_its_speed() -> None:
    found = run("redeem", "--control", "one-by-one")
    assert found["goals"]["times_stock"]["met"] is False, found["goals"]
    assert found["goals"]["overdrafts"]["met"]
