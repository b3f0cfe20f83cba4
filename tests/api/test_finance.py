"""Liability and statements over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from tests.api.business import SECRET, TENANT, Business
from tests.api.server import Api, problem
from tests.api.test_openapi import DESCRIPTION
from tests.projections.club_business import ClubBusiness
from tests.servers import Databases

ANA = "crm:ana"


@pytest.fixture(scope="module")
def club(databases: Databases) -> Iterator[tuple[ClubBusiness, Api]]:
    """A shop with a programme, and a server before it."""
    with (
        databases.fresh() as url,
        Business(url) as business,
        ClubBusiness(url, TENANT, secret=SECRET) as made,
    ):
        made.buy(ANA, 1_000, "2026-08-05T10:00")
        made.redeem(ANA, 30, "2026-09-05T10:00")
        with Api(business) as api:
            problem(api.get("/v1/liability"), 409, "no_estimate")
            made.estimate("2026-01-01", 5_000)
            yield made, api


def described(path: str, document: Any) -> None:
    """Check a document against its description."""
    answer = DESCRIPTION["paths"][path]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    whole = {**schema, "components": DESCRIPTION["components"]}
    Draft202012Validator(whole).validate(document)


def test_the_liability_is_told_by_month_of_expiry(club: tuple[ClubBusiness, Api]) -> None:
    _, api = club
    found = api.get("/v1/liability").json()
    described("/v1/liability", found)
    line = {
        "programme": "club", "currency": "points", "legal_entity": "", "kind": "earned",
        "expires_in": None, "points": 70, "money": "EUR", "amount": 35,
    }  # fmt: skip
    assert [line] == found["lines"]
    before = api.client("audit").get("/v1/liability?as_of_day=2026-08-31").json()
    assert ("2026-08-31", 100, 50) == (
        before["as_of_day"], before["lines"][0]["points"], before["lines"][0]["amount"]
    )  # fmt: skip
    assert [] == api.get("/v1/liability?as_of_day=2026-08-04").json()["lines"]


def test_a_statement_is_told_by_value_date(club: tuple[ClubBusiness, Api]) -> None:
    business, api = club
    account = str(UUID(bytes=business.account(ANA)))
    path = f"/v1/accounts/{account}/statement"
    found = api.client("read").get(f"{path}?from=2026-09-01&to=2026-09-30").json()
    described("/v1/accounts/{account_id}/statement", found)
    assert (account, "2026-09-01", "2026-09-30", "available") == (
        found["account_id"], found["from"], found["to"], found["balance"]
    )  # fmt: skip
    [statement] = found["statements"]
    assert ("points", 100, 70) == tuple(
        statement[name] for name in ("currency", "opening", "closing")
    )
    [line] = statement["lines"]
    assert ("2026-09-05", "redemption_made", -30, 70) == tuple(
        line[name] for name in ("day", "code", "points", "balance")
    )
    year = api.get(f"{path}?to=2026-12-31&currency=points&balance=total").json()
    assert (0, 70, 2) == (
        year["statements"][0]["opening"], year["statements"][0]["closing"],
        len(year["statements"][0]["lines"]),
    )  # fmt: skip


def test_what_cannot_be_told_is_a_problem(club: tuple[ClubBusiness, Api]) -> None:
    business, api = club
    path = f"/v1/accounts/{UUID(bytes=business.account(ANA))}/statement"
    nobody = "/v1/accounts/00000000-0000-8000-8000-000000000000/statement"
    problem(api.get(nobody), 404, "unknown_account")
    problem(api.get(f"{path}?currency=miles"), 404, "unknown_account")
    problem(api.get("/v1/accounts/x/statement"), 400, "bad_parameter")
    for query in (
        "from=2026-11-30&to=2026-11-01", "from=2026-13-01", "to=20261101", "to=2026-W10",
        "balance=all", "currency=", "until=2026-11-01",
    ):  # fmt: skip
        problem(api.get(f"{path}?{query}"), 400, "bad_parameter")
    problem(api.get("/v1/liability?as_of_day=yesterday"), 400, "bad_parameter")
    for day in ("0001-01-01", "9999-12-31"):
        assert api.get(f"{path}?to={day}").status_code in {200, 400}
        assert api.get(f"/v1/liability?as_of_day={day}").status_code in {200, 409}


def test_of_another_tenant_nothing_is_told(club: tuple[ClubBusiness, Api]) -> None:
    """An account that exists, asked for by a key of the tenant whose it is not."""
    business, api = club
    with ClubBusiness(business.url, "other") as other:
        other.buy("crm:eve", 1_000, "2026-08-05T10:00")
        account = str(UUID(bytes=other.account("crm:eve")))
    problem(api.get(f"/v1/accounts/{account}/statement"), 404, "unknown_account")


def test_an_account_that_is_too_long_is_refused(
    club: tuple[ClubBusiness, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    business, api = club
    monkeypatch.setattr("projections.ledger.statements.DECISIONS_MAX", 2)
    path = f"/v1/accounts/{UUID(bytes=business.account(ANA))}/statement"
    problem(api.get(path), 422, "statement_too_long")
