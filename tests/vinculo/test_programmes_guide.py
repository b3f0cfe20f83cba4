"""The guide for the programme manager is true: every rule is sound, every figure is reckoned."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.instants import date_of, day_of
from domain.ledger.terms import NEVER, Standing
from domain.programmes.checking import faults_of
from domain.programmes.compiling import CompiledVersion, compile_version
from domain.programmes.judging import cap_keys, judge
from domain.programmes.misfits import read_version
from domain.programmes.occasion import Occasion
from domain.programmes.tiers import Qualification, judge_tier
from domain.touchpoints import Line, SurveyAnswered, Tender
from tests.domain.programme_cases import MADRID, bought, on
from tests.vinculo.commands import EXAMPLES, Run

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "programmes.md").read_text(encoding="utf-8")
Row = dict[str, str]


def blocks() -> Iterator[tuple[str, dict[str, Any], list[Row]]]:
    """Every JSON text of the guide, under its heading, with the rows of the tables behind it."""
    heading = ""
    pieces = re.split(r"^(## [^\n]*)$|^```json\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)
    for title, text, behind in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if title:
            heading = title.removeprefix("## ")
        elif text:
            yield heading, json.loads(text), list(rows(behind))


def rows(text: str) -> Iterator[Row]:
    titles: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            titles = []
        elif not titles:
            titles = cells
        elif not set(line) <= set("|-"):
            yield dict(zip(titles, cells, strict=True))


BLOCKS = list(blocks())
SMALLEST = BLOCKS[0][1]
ROWS = [
    pytest.param(part, row, id=f"{heading}: {' / '.join(row.values())}")
    for heading, part, shown in BLOCKS
    for row in shown
]


def whole(part: dict[str, Any]) -> dict[str, Any]:
    """The smallest version with a part in it, as the guide says."""
    made = dict(SMALLEST)
    for name, value in part.items():
        if name in {"rules", "currencies"}:
            by_code = {one["code"]: one for one in (*SMALLEST[name], *value)}
            made[name] = list(by_code.values())
        else:
            made[name] = value
    return made


def compiled(part: dict[str, Any]) -> CompiledVersion:
    return compile_version(read_version(json.dumps(whole(part))), MADRID)


def day_named(text: str) -> date:
    """``Fri 2027-03-05``, checked to be a Friday."""
    weekday, _, written = text.partition(" ")
    found = date.fromisoformat(written)
    assert weekday == found.strftime("%a")
    return found


def occasion_of(receipt: str, day: str) -> Occasion:
    if receipt == "survey":
        return on(day_named(day), SurveyAnswered(survey="nps", score=9))
    lines, _, tender = receipt.partition(", ")
    tenders = [Tender("points", cents(tender.removesuffix(" in points")))] if tender else []
    items = [line_of(item) for item in lines.split(" + ")]
    return on(day_named(day), bought(*items, tenders=tuple(tenders)))


def line_of(item: str) -> Line:
    amount, _, what = item.partition(" ")
    kind: Any = "stored_value" if what == "gift card" else "goods"
    category = what if what and kind == "goods" else None
    return Line(product="P", quantity=1_000, amount=cents(amount), category=category, kind=kind)


def cents(amount: str) -> int:
    assert re.fullmatch(r"\d+\.\d\d", amount)
    return int(amount.replace(".", ""))


def standing_of(account: str, keys: tuple[str, ...]) -> Standing:
    if account == "first purchase":
        return Standing(first=True)
    if account.startswith("tier "):
        return Standing(tier=account.removeprefix("tier "))
    if not account:
        return Standing()
    code, period, used = account.split(" ")
    (key,) = (key for key in keys if key.startswith(f"{code}|{period}|"))
    return Standing(used={key: int(used)})


# ------------------------------------------------------------------ the promises


def test_the_guide_shows_what_managers_ask_for() -> None:
    headings = [heading for heading, _, _ in BLOCKS]
    assert len(BLOCKS) >= 15
    assert len(ROWS) >= 30
    for wanted in ("smallest", "weekend", "category", "welcome", "Caps", "Tiers", "Pending",
                   "Expiry", "claw-back", "Spending"):  # fmt: skip
        assert any(wanted in heading for heading in headings), wanted


@pytest.mark.parametrize(
    "part",
    [pytest.param(part, id=f"{heading} {at}") for at, (heading, part, _) in enumerate(BLOCKS)],
)
def test_every_rule_of_the_guide_is_sound(part: dict[str, Any]) -> None:
    assert () == faults_of(read_version(json.dumps(whole(part))))


@pytest.mark.parametrize(("part", "row"), ROWS)
def test_every_figure_of_the_guide_is_what_is_reckoned(part: dict[str, Any], row: Row) -> None:
    version = compiled(part)
    if "receipt" in row:
        assert row["points"] == points(version, row)
    elif "came in" in row:
        assert (row["tier"], row["to the end of"]) == tier(version, row)
    else:
        assert (row["may be spent from"], row["last day"]) == lifetime(version, row["earned on"])


def points(version: CompiledVersion, row: Row) -> str:
    occasion = occasion_of(row["receipt"], row["day"])
    standing = standing_of(row["account"], cap_keys(version, occasion))
    awards = judge(version, occasion, standing)
    shares = {share.rule: share.points for award in awards for share in award.shares}
    return ", ".join(f"{rule} {given}" for rule, given in shares.items()) or "nothing"


def tier(version: CompiledVersion, row: Row) -> tuple[str, str]:
    day = day_of(day_named(row["on"]))
    verdict = judge_tier(
        version, "", NEVER, Qualification({day: int(row["came in"])}), MADRID.start(day)
    )
    last = "" if verdict.until == NEVER else date_of(MADRID.day(verdict.until - 1)).isoformat()
    return verdict.tier or "none", last


def lifetime(version: CompiledVersion, earned_on: str) -> tuple[str, str]:
    ((share,),) = (one.shares for one in judge(version, occasion_of("9.00", earned_on), Standing()))
    terms = share.terms
    begins = date_of(MADRID.day(terms.active_from)).isoformat()
    ends = terms.expires_at
    return begins, "" if ends == NEVER else date_of(MADRID.day(ends - 1)).isoformat()


def test_the_commands_of_the_guide_run_line_by_line(
    tenant: Run, database_url: str, tmp_path: Path
) -> None:
    soon = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")
    (tmp_path / "club.json").write_text(json.dumps(SMALLEST | {"effective_from": soon}))
    script = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
    assert script.count("vinculo") >= 8
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VINCULO_")},
        "DATABASE_URL": database_url,
        "VINCULO_SECRET": "a secret of the tests, 32 bytes or more",
        "VINCULO_RULES": str(EXAMPLES / "rules.toml"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    shown = tenant("programme", "list").stdout
    assert re.search(r"2027-1 .*approved .*Ana Gil .*Ben Sol", shown)
    assert re.search(r"2027-2 .*withdrawn", shown)
