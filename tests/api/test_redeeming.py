"""Redeeming over HTTP: never overdrawn, never twice, and every refusal explained."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.cloudevent import STRUCTURED_TYPE
from journal.ledger.verifying import verify
from tests.api.business import CONTEXT, Business, customer_id_of, event, purchase
from tests.api.club import (
    begin_programme,
    earn,
    give,
    in_parallel,
    key,
    opened,
    send,
)
from tests.api.server import Api, problem

NOBODY = "00000000-0000-8000-8000-000000000000"


@pytest.fixture
def club(business: Business) -> Iterator[Api]:
    """A server of a tenant with a programme of ours."""
    begin_programme(business)
    business.project()
    with Api(business) as running:
        yield running


class Till:
    """A shop with keys: one that redeems and asks, one of another person who approves."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.client = api.client_with(api.token("redeem", "read", holder="till"))
        self.luis = api.client_with(api.token("approve", holder="luis"))

    def account(self, points: int, identifier: str | None = None) -> str:
        account_id = opened(self.client, identifier)
        give(self.client, self.luis, account_id, points)
        return account_id

    def post(self, path: str, body: Any = None, name: str | None = None) -> httpx.Response:
        response: httpx.Response = send(self.client, path, body, name)
        return response

    def done(self, path: str, body: Any = None, name: str | None = None) -> dict[str, Any]:
        response = self.post(path, body, name)
        assert 201 == response.status_code, response.text
        told: dict[str, Any] = response.json()
        return told

    def redeem(self, account_id: str, name: str | None = None, **asked: Any) -> httpx.Response:
        return self.post(f"/v1/accounts/{account_id}/redemptions", asked, name)

    def book(self, account_id: str, currency: str = "points") -> dict[str, Any]:
        told = self.client.get(f"/v1/accounts/{account_id}").json()
        return next((one for one in told["books"] if one["currency"] == currency), {})


@pytest.fixture
def till(club: Api) -> Till:
    return Till(club)


def sound(business: Business) -> dict[str, dict[str, int]]:
    """The books of all accounts together, the whole ledger compared with its log."""
    verified = verify(business.connection, business.logs.decisions)
    assert verified.sound, verified.faults
    return verified.books  # type: ignore[return-value]


def test_an_account_is_opened_once_and_found_by_its_customer(
    till: Till, business: Business
) -> None:
    business.send(event("customer_registered", "crm:1", {"identifiers": ["email:ana@home.test"]}))
    business.project()
    body = {"identifier": "crm:1"}
    first = till.post("/v1/programmes/own/accounts", body, "one")
    assert 201 == first.status_code, first.text
    assert "decisions=" in first.headers["vinculo-position"]
    again = till.post("/v1/programmes/own/accounts", body, "one")
    assert (201, "true") == (again.status_code, again.headers["idempotent-replayed"])
    other_key = till.post("/v1/programmes/own/accounts", body)
    assert 200 == other_key.status_code
    by_customer = till.post(
        "/v1/programmes/own/accounts", {"customer_id": customer_id_of("email:ana@home.test")}
    )
    assert 200 == by_customer.status_code
    ids = {one.json()["account_id"] for one in (first, again, other_key, by_customer)}
    assert {first.json()["account_id"]} == ids
    shown = till.client.get(f"/v1/customers/{customer_id_of('email:ana@home.test')}/accounts")
    assert [first.json()["account_id"]] == [one["account_id"] for one in shown.json()["owned"]]
    assert [] == shown.json()["accounts"]


def test_a_customer_may_have_an_account_by_the_persona_that_the_programme_admits(
    till: Till, business: Business
) -> None:
    business.send(event("customer_registered", "email:b@home.test", {"identifiers": ["crm:2"]}))
    business.project()
    customer = customer_id_of("crm:2")
    told = till.done("/v1/programmes/own/accounts", {"customer_id": customer})
    assert customer_id_of("crm:2") == told["persona_id"]


@pytest.mark.parametrize(
    ("programme", "body", "status", "code"),
    [
        ("own", {"identifier": "email:x@home.test"}, 409, "may_not_enrol"),
        ("own", {"identifier": "crm:0"}, 409, "identifier_of_nobody"),
        ("own", {}, 409, "whose_account"),
        ("own", {"identifier": "crm"}, 409, "bad_identifier"),
        ("own", {"customer_id": NOBODY}, 404, "unknown_customer"),
        ("own", {"customer_id": "x"}, 400, "bad_body"),
        ("nobodys", {"identifier": "crm:1"}, 404, "programme_unknown"),
    ],
)
def test_who_may_not_have_an_account_is_told_why(
    till: Till, programme: str, body: dict[str, Any], status: int, code: str
) -> None:
    problem(till.post(f"/v1/programmes/{programme}/accounts", body), status, code)


def test_points_are_reserved_captured_in_parts_and_the_rest_released(
    till: Till, business: Business
) -> None:
    account_id = till.account(100)
    held = till.done(
        f"/v1/accounts/{account_id}/reservations", {"currency": "points", "points": 60}
    )
    assert ("reserve", 60) == (held["kind"], held["points"])
    assert {"available": 40, "pending": 0, "reserved": 60} == held["balance"]
    until = datetime.fromisoformat(held["until"]) - datetime.fromisoformat(held["at"])
    assert timedelta(seconds=900) == until
    [shown] = till.book(account_id)["reservations"]
    assert (held["redemption_id"], 60) == (shown["redemption_id"], shown["points"])
    path = f"/v1/redemptions/{held['redemption_id']}"
    part = till.done(f"{path}/capture", {"points": 20, "final": False})
    assert {"available": 40, "pending": 0, "reserved": 40} == part["balance"]
    rest = till.done(f"{path}/capture", {"points": 10})
    assert (10, 30, 70) == (rest["points"], rest["returned"], rest["balance"]["available"])
    problem(till.post(f"{path}/release"), 409, "not_reserved")
    undone = till.done(f"{path}/reversal", {"points": 25})
    assert 95 == undone["balance"]["available"]
    assert 100 == till.done(f"{path}/reversal")["balance"]["available"]
    problem(till.post(f"{path}/reversal"), 409, "not_redeemed")
    assert 0 == sound(business)["points"]["redeemed"]


def test_what_was_released_can_be_spent(till: Till) -> None:
    account_id = till.account(50)
    asked = {"currency": "points", "points": 50, "reference": "ticket 7"}
    held = till.done(f"/v1/accounts/{account_id}/reservations", asked)
    told = problem(
        till.redeem(account_id, currency="points", points=10), 409, "insufficient_points"
    )
    assert 0 == told["available"]
    till.done(f"/v1/redemptions/{held['redemption_id']}/release")
    assert 201 == till.redeem(account_id, currency="points", points=50).status_code


def test_a_refusal_says_what_is_available_and_records_nothing(till: Till) -> None:
    account_id = till.account(33)
    refused = till.redeem(account_id, "k", currency="points", points=35)
    told = problem(refused, 409, "insufficient_points")
    assert 33 == told["available"]
    assert "expected at most 33" in told["detail"]
    assert 201 == till.redeem(account_id, "k", currency="points", points=30).status_code


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"currency": "points", "points": 7}, 422, "points_invalid"),
        ({"currency": "points", "points": 12}, 422, "points_invalid"),
        ({"currency": "stars", "points": 10}, 422, "currency_unknown"),
        ({"currency": "status", "points": 10}, 422, "not_redeemable"),
        ({"points": 10}, 422, "points_missing"),
        ({"reward": "mug", "elsewhere": True}, 422, "points_missing"),
        ({"reward": "mug", "currency": "points", "points": 12}, 422, "reward_price"),
        ({"reward": "cup"}, 404, "reward_unknown"),
        ({"currency": "points", "points": 0}, 400, "bad_body"),
        ({"currency": "points", "points": "10"}, 400, "bad_body"),
        ({"currency": "points", "points": 10, "more": 1}, 400, "bad_body"),
    ],
)
def test_what_cannot_be_redeemed_is_told(
    till: Till, asked: dict[str, Any], status: int, code: str
) -> None:
    problem(till.redeem(till.account(100), **asked), status, code)


def test_accounts_and_redemptions_that_are_none(till: Till) -> None:
    problem(till.redeem(NOBODY, currency="points", points=10), 404, "account_unknown")
    problem(till.client.get(f"/v1/accounts/{NOBODY}"), 404, "account_unknown")
    problem(till.post(f"/v1/redemptions/{NOBODY}/capture"), 404, "redemption_unknown")
    body = {"currency": "points", "points": 5, "reason": "x"}
    problem(till.post(f"/v1/accounts/{NOBODY}/adjustments", body), 404, "account_unknown")
    problem(till.client.get(f"/v1/adjustments/{NOBODY}"), 404, "adjustment_unknown")
    problem(send(till.luis, f"/v1/adjustments/{NOBODY}/approval"), 404, "adjustment_unknown")


def test_a_key_is_needed_belongs_to_one_request_and_to_one_holder(till: Till) -> None:
    account_id = till.account(100)
    path = f"/v1/accounts/{account_id}/redemptions"
    body = {"currency": "points", "points": 10}
    problem(till.client.post(path, json=body), 400, "no_idempotency_key")
    for value in ('""', '"', "a b", "x" * 129, '"half'):
        refused = till.client.post(path, json=body, headers={"Idempotency-Key": value})
        problem(refused, 400, "bad_idempotency_key")
    first = till.client.post(path, json=body, headers=key("k"))
    bare = till.client.post(path, json=body, headers={"Idempotency-Key": "k"})
    assert first.content == bare.content
    assert "idempotent-replayed" not in first.headers
    assert "true" == bare.headers["idempotent-replayed"]
    assert first.headers["vinculo-position"] == bare.headers["vinculo-position"]
    other = till.client.post(path, json={**body, "points": 15}, headers=key("k"))
    problem(other, 422, "idempotency_conflict")
    reserve = till.client.post(
        f"/v1/accounts/{account_id}/reservations", json=body, headers=key("k")
    )
    problem(reserve, 422, "idempotency_conflict")
    somebody = till.api.client_with(till.api.token("redeem", holder="another till"))
    assert 201 == somebody.post(path, json=body, headers=key("k")).status_code
    assert 80 == till.book(account_id)["available"]


def test_a_thousand_repetitions_redeem_once(till: Till, business: Business) -> None:
    account_id = till.account(100)
    answers: Counter[bytes] = Counter()
    clients = [till.api.client_with(till.api.token("redeem", holder="till")) for _ in range(8)]

    def repeat(number: int) -> None:
        for _ in range(125):
            told = send(
                clients[number], f"/v1/accounts/{account_id}/redemptions",
                {"currency": "points", "points": 10}, "the-same",
            )  # fmt: skip
            assert 201 == told.status_code, told.text
            answers[told.content] += 1

    in_parallel(8, repeat)
    assert [1_000] == list(answers.values())
    assert 90 == till.book(account_id)["available"]
    assert 10 == sound(business)["points"]["redeemed"]


def test_sixty_four_clients_on_one_account_never_overdraw_it(
    till: Till, business: Business
) -> None:
    account_id = till.account(600)
    token = till.api.token("redeem", holder="till")
    clients = [till.api.client_with(token) for _ in range(64)]
    told: Counter[int] = Counter()

    def shop(number: int) -> None:
        for _ in range(3):
            response = send(
                clients[number], f"/v1/accounts/{account_id}/redemptions",
                {"currency": "points", "points": 10},
            )  # fmt: skip
            assert response.status_code in {201, 409}, response.text
            told[response.status_code] += 1
            assert response.json().get("balance", {"available": 0})["available"] >= 0

    in_parallel(64, shop)
    assert {201: 60, 409: 132} == dict(told)
    assert 0 == till.book(account_id)["available"]
    assert 600 == sound(business)["points"]["redeemed"]


def test_what_happened_elsewhere_is_booked_and_alarmed_beyond_what_is_tolerated(
    till: Till, business: Business
) -> None:
    account_id = till.account(10)
    asked = {"currency": "points", "points": 30, "elsewhere": True}
    first = till.done(f"/v1/accounts/{account_id}/redemptions", asked)
    assert (20, -20) == (first["uncovered"], first["balance"]["available"])
    metrics = till.api.get("/metrics").text
    assert "vinculo_ledger_overdrafts_total 0" in metrics
    till.done(f"/v1/accounts/{account_id}/redemptions", {**asked, "points": 1})
    metrics = till.api.get("/metrics").text
    assert "vinculo_ledger_overdrafts_total 1" in metrics
    assert 'vinculo_ledger_orders_total{kind="redeem",outcome="done"} 2' in metrics
    assert -21 == till.book(account_id)["available"]
    assert 31 == sound(business)["points"]["redeemed"]


def test_adjustments_need_two_persons(till: Till, business: Business) -> None:
    account_id = opened(till.client)
    both = till.api.client_with(till.api.token("redeem", "approve", holder="till"))
    body = {"currency": "points", "points": 40, "reason": "a broken cup"}
    path = f"/v1/accounts/{account_id}/adjustments"
    asked = send(till.client, path, body, "a")
    assert 201 == asked.status_code, asked.text
    again = send(till.client, path, body, "a")
    assert asked.json() == again.json()
    assert "true" == again.headers["idempotent-replayed"]
    problem(send(till.client, path, {**body, "points": 41}, "a"), 422, "idempotency_conflict")
    problem(send(till.client, path, {**body, "points": 0}), 422, "points_invalid")
    assert {} == till.book(account_id)
    adjustment_id = asked.json()["adjustment_id"]
    approval = f"/v1/adjustments/{adjustment_id}/approval"
    problem(send(both, approval), 403, "same_person")
    done = send(till.luis, approval)
    assert (201, 40) == (done.status_code, done.json()["balance"]["available"])
    assert "true" == send(till.luis, approval).headers["idempotent-replayed"]
    marta = till.api.client_with(till.api.token("approve", holder="marta"))
    problem(send(marta, approval), 409, "already_approved")
    shown = till.client.get(f"/v1/adjustments/{adjustment_id}").json()
    assert ("till", 40, done.json()) == (shown["by"], shown["points"], shown["booked"])
    assert -40 == sound(business)["points"]["adjusted"]  # the other side of what is available
    taking = send(till.client, path, {**body, "points": -50}).json()["adjustment_id"]
    refused = send(till.luis, f"/v1/adjustments/{taking}/approval")
    problem(refused, 409, "insufficient_points")


def test_points_are_given_to_another_account_where_the_version_allows_it(
    till: Till, business: Business
) -> None:
    giver, taker = till.account(100), opened(till.client)
    path = f"/v1/accounts/{giver}/transfers"
    body = {"to_account": taker, "currency": "points", "points": 40}
    assert 60 == till.done(path, body)["balance"]["available"]
    assert 40 == till.book(taker)["available"]
    problem(till.post(path, {**body, "points": 41}), 422, "points_invalid")
    problem(till.post(path, {**body, "to_account": NOBODY}), 404, "account_unknown")
    problem(till.post(path, {**body, "to_account": giver}), 422, "same_account")
    assert 0 == sound(business)["points"]["transferred"]


def test_a_till_without_a_line_captures_its_allowance_in_parts(till: Till) -> None:
    account_id = till.account(70)
    today = (datetime.now(tz=CONTEXT.calendar.zone_at(0))).date().isoformat()
    body = {"currency": "points", "day": today, "till": "till 4"}
    path = f"/v1/accounts/{account_id}/offline-allowances"
    held = till.done(path, body)
    assert (50, 20) == (held["points"], held["balance"]["available"])
    again = till.post(path, body)
    assert ("true", held) == (again.headers["idempotent-replayed"], again.json())
    other = till.done(path, {**body, "till": "till 5"})
    assert (20, 0) == (other["points"], other["balance"]["available"])
    capture = f"/v1/redemptions/{held['redemption_id']}/capture"
    assert 50 == till.done(capture, {"points": 20, "final": False})["balance"]["reserved"]
    assert 20 == till.done(capture, {"points": 30, "final": False})["balance"]["reserved"]
    problem(till.post(path, {**body, "till": "till 6"}), 409, "insufficient_points")
    problem(till.post(path, {**body, "day": "2020-01-01"}), 422, "day_invalid")


def test_a_balance_is_as_of_now_whatever_the_timekeeper_did(till: Till) -> None:
    account_id = till.account(50)
    soon = datetime.now().astimezone() + timedelta(seconds=1)
    asked = {"currency": "points", "points": 20, "until": soon.isoformat()}
    till.done(f"/v1/accounts/{account_id}/reservations", asked)
    assert 30 == till.book(account_id)["available"]
    while datetime.now().astimezone() < soon:
        pass
    book = till.book(account_id)
    assert (50, 0, []) == (book["available"], book["reserved"], book["reservations"])


def test_earned_points_can_be_awaited_and_tell_tier_and_what_is_missing(
    till: Till, business: Business
) -> None:
    sender = till.api.client_with(till.api.token("publish", holder="shop"))
    sent = sender.post(
        "/v1/touchpoints",
        json=purchase("crm:5", 4_000, days=0),
        headers={"Content-Type": STRUCTURED_TYPE},
    )
    assert 201 == sent.status_code, sent.text
    position = sent.headers["vinculo-position"]
    persona = customer_id_of("crm:5")
    account_id = opened(till.client, "crm:5")
    path = f"/v1/accounts/{account_id}"
    late = till.client.get(path, headers={"Vinculo-Min-Position": position})
    assert "decisions=" in problem(late, 503, "position_not_reached")["reached"]
    earn(business)
    told = till.client.get(path, headers={"Vinculo-Min-Position": position})
    account = told.json()
    assert "facts=1," in told.headers["vinculo-position"]
    books = {one["currency"]: one["available"] for one in account["books"]}
    assert ({"points": 40, "status": 40}, persona) == (books, account["persona_id"])
    tier = account["tier"]
    assert ("silver", 40, "gold", 960) == (
        tier["code"], tier["points"], tier["next"], tier["points_to_next"],
    )  # fmt: skip


def test_rewards_are_listed_bought_and_never_oversold(till: Till, business: Business) -> None:
    account_id = till.account(200)
    mug, song = till.client.get("/v1/programmes/own/rewards").json()["rewards"]
    assert ("mug", 13, 2, 2, True) == (
        mug["code"], mug["points"], mug["stock"], mug["left"], mug["to_be_had"],
    )  # fmt: skip
    assert (None, None, True) == (song["stock"], song["left"], song["to_be_had"])
    problem(till.client.get("/v1/programmes/nobodys/rewards"), 404, "not_found")
    told: Counter[int] = Counter()
    clients = [till.api.client_with(till.api.token("redeem", holder="till")) for _ in range(8)]

    def buy(number: int) -> None:
        response = send(
            clients[number], f"/v1/accounts/{account_id}/redemptions", {"reward": "mug"}
        )
        told[response.status_code] += 1

    in_parallel(8, buy)
    assert {201: 2, 409: 6} == dict(told)
    mug = till.client.get("/v1/programmes/own/rewards").json()["rewards"][0]
    assert (0, False) == (mug["left"], mug["to_be_had"])
    problem(till.redeem(account_id, reward="mug"), 409, "sold_out")
    assert 7 == till.redeem(account_id, reward="song").json()["points"]
    assert 33 == sound(business)["points"]["redeemed"]


def test_a_dry_run_tells_every_rule_and_records_nothing(till: Till, business: Business) -> None:
    business.send(purchase("crm:9", 14_000, days=0))
    earn(business)
    heads = business.connection.execute("SELECT log_id, position FROM journal.log_head").fetchall()
    body = {"event": purchase("crm:9", 2_000, days=0)}
    told = till.client.post("/v1/programmes/own/dry-runs", json=body).json()
    base, miles = told["rules"]
    assert ("base", True, "capped", 10) == (
        base["rule"], base["fired"], base["code"], base["points"],
    )  # fmt: skip
    assert ("miles", True, 20) == (miles["rule"], miles["fired"], miles["points"])
    assert [140] == list(told["standing"]["used"].values())
    assert (False, "silver") == (told["standing"]["first"], told["standing"]["tier"])
    points, _ = told["awards"]
    assert ("points", 10, None) == (
        points["currency"], points["points"], points["shares"][0]["expires_at"],
    )  # fmt: skip
    stranger = till.client.post(
        "/v1/programmes/own/dry-runs", json={"event": purchase("crm:77", 2_000)}
    ).json()
    assert (None, True) == (stranger["standing"]["account_id"], stranger["standing"]["first"])
    still = business.connection.execute("SELECT log_id, position FROM journal.log_head").fetchall()
    assert heads == still
    visit = {"event": event("page_viewed", "crm:9", {"page": "/"})}
    refused = till.client.post("/v1/programmes/own/dry-runs", json=visit)
    assert refused.status_code in {200, 422}
    broken = {"event": {**body["event"], "source": "urn:nobody"}}
    problem(till.client.post("/v1/programmes/own/dry-runs", json=broken), 422, "unknown_source")
    unknown = till.client.post("/v1/programmes/nobodys/dry-runs", json=body)
    problem(unknown, 404, "not_found")
