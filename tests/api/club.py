"""A programme of ours for tests of the API: its rules in force, its accounts, its points."""

import threading
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from consumers.earning import EarningWorker
from domain.programmes.earn_rules import Cap, EarnRule, PerAmount
from domain.programmes.format import (
    Burn,
    Enrolment,
    PointsCurrency,
    ProgrammeVersion,
    Reward,
    Transfers,
)
from domain.programmes.tier_rules import (
    CalendarYear,
    HoldsToNextPeriodEnd,
    Level,
    PeriodMeasure,
    TierRules,
)
from domain.programmes.versions import VersionRecord
from journal.decisions import open_decisions
from journal.programmes import HeardRules, ProgrammeOffice
from tests.api.business import CONTEXT, Business

LONG_AGO = 1_577_836_800_000_000  # 2020-01-01
_numbers = count(1)

CLUB = ProgrammeVersion(
    programme="own", version="v1", effective_from=datetime(2020, 1, 2, tzinfo=UTC),
    currencies=(
        PointsCurrency(
            code="points",
            burn=Burn(minimum=10, step=5, offline_points_per_day=50, overdraft_tolerated=20),
        ),
        PointsCurrency(code="status", kind="qualifying"),
    ),
    enrolment=Enrolment(namespaces=("crm",)),
    rules=(
        EarnRule(
            code="base", currency="points", touchpoints=("purchase_made",),
            earn=PerAmount(points=1, per=100, currency="EUR"),
            caps=(Cap(points=150, period="year"),),
        ),
        EarnRule(
            code="miles", currency="status", touchpoints=("purchase_made",),
            earn=PerAmount(points=1, per=100, currency="EUR"),
        ),
    ),
    tiers=TierRules(
        measure=PeriodMeasure(currency="status", period=CalendarYear()),
        levels=(Level(code="silver", threshold=30), Level(code="gold", threshold=1_000)),
        validity=HoldsToNextPeriodEnd(),
    ),
    transfers=Transfers(points_per_transfer=40),
    rewards=(
        Reward(code="mug", name="A mug", currency="points", points=13, stock=2),
        Reward(code="song", currency="points", points=7),
    ),
)  # fmt: skip


def begin_programme(business: Business, version: ProgrammeVersion = CLUB) -> VersionRecord:
    """Put a version into force, under four eyes, on the first day of 2020."""
    with open_decisions(business.url, business.logs.decisions) as decisions:
        office = ProgrammeOffice(decisions, now=lambda: LONG_AGO)
        drafted = office.draft(version, by="ana").record
        return office.approve(
            version.programme, version.version, digest=drafted.digest, by="luis"
        ).record


def earn(business: Business) -> None:
    """Judge all facts there are."""
    rules = HeardRules(business.logs.decisions, CONTEXT.calendar)
    EarningWorker(business.url, business.logs, rules).catch_up(business.connection)


def key(text: str | None = None) -> dict[str, str]:
    """The header of a key of its own."""
    return {"Idempotency-Key": f'"{text or uuid4()}"'}


def send(client: httpx.Client, path: str, body: Any = None, name: str | None = None) -> Any:
    """POST under a key of its own, or under a named one."""
    return client.post(path, json=body, headers=key(name)) if body is not None else client.post(
        path, headers=key(name)
    )  # fmt: skip


def opened(client: httpx.Client, identifier: str | None = None) -> str:
    """The id of a new account."""
    told = send(
        client, "/v1/programmes/own/accounts",
        {"identifier": identifier or f"crm:{next(_numbers) + 1_000}"},
    )  # fmt: skip
    assert 201 == told.status_code, told.text
    account_id: str = told.json()["account_id"]
    return account_id


def give(asking: httpx.Client, approving: httpx.Client, account_id: str, points: int) -> None:
    """Give points to an account, as two persons."""
    body = {"currency": "points", "points": points, "reason": "goodwill"}
    asked = send(asking, f"/v1/accounts/{account_id}/adjustments", body)
    assert 201 == asked.status_code, asked.text
    path = f"/v1/adjustments/{asked.json()['adjustment_id']}/approval"
    approved = send(approving, path)
    assert 201 == approved.status_code, approved.text


def in_parallel(count_of_threads: int, work: Any) -> None:
    """Run a function of a number in so many threads, and raise what one of them raised."""
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count_of_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]
