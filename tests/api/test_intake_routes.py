"""Accounts of intake, and rejected messages: listed, read, mended, sent again."""

import json
from base64 import b64decode
from typing import Any

from domain.cloudevent import STRUCTURED_TYPE
from tests.api.business import Business, customer_id_of, event, purchase
from tests.api.server import Api, problem

ONE = {"Content-Type": STRUCTURED_TYPE}


def rejected(api: Api, **parameters: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.get("/v1/intake/rejected", params=parameters).json()[
        "rejected"
    ]
    return listed


def test_received_is_the_sum_of_what_became_of_the_messages(business: Business, api: Api) -> None:
    one = purchase("crm:1")
    business.send(one, one, event("purchase_made", "crm:1"))
    headers = {"Content-Type": STRUCTURED_TYPE}
    api.post("/v1/touchpoints", content=json.dumps(purchase("crm:2")), headers=headers)
    accounts = api.get("/v1/intake/accounts").json()["accounts"]
    by_channel = {one["channel"]: one for one in accounts}
    assert (3, 1, 1, 1, 0) == tuple(
        by_channel["file"][name]
        for name in ("received", "stored", "duplicate", "rejected", "suppressed")
    )
    assert (1, 1) == (by_channel["http"]["received"], by_channel["http"]["stored"])


def test_accounts_are_filtered_and_paged(business: Business, api: Api) -> None:
    business.send(purchase("crm:1"), purchase("crm:1", source="urn:test:till"))
    business.keep(b"?", b'{"source":"urn:other"}')

    def asked(**parameters: str) -> list[str]:
        page = api.get("/v1/intake/accounts", params=parameters).json()
        return [one["source"] for one in page["accounts"]]

    assert ["urn:test:till", "urn:test:crm", "urn:other", "unknown"] == asked()
    assert ["urn:test:crm"] == asked(source="urn:test:crm")
    assert [] == asked(channel="http")
    hour = api.get("/v1/intake/accounts").json()["accounts"][0]["hour"]
    assert 4 == len(asked(since=hour))
    assert [] == asked(until=hour)
    seen, parameters = [], {"limit": "1"}
    while True:
        page = api.get("/v1/intake/accounts", params=parameters).json()
        seen += [one["source"] for one in page["accounts"]]
        if page["next"] is None:
            break
        parameters["cursor"] = page["next"]
    assert asked() == seen


def test_rejected_messages_are_listed_the_newest_first(business: Business, api: Api) -> None:
    for _ in range(5):
        business.keep(b"not json")
    business.send(event("purchase_made", "crm:1"))
    listed = rejected(api)
    assert 6 == len(listed)
    assert "bad_data" == listed[0]["code"]
    assert 5 == len(rejected(api, code="bad_json"))
    assert 1 == len(rejected(api, source="urn:test:crm"))
    seen, parameters = [], {"limit": "4"}
    while True:
        page = api.get("/v1/intake/rejected", params=parameters).json()
        seen += [one["receipt"] for one in page["rejected"]]
        if page["next"] is None:
            break
        parameters["before"] = page["next"]
    assert [one["receipt"] for one in listed] == seen


def test_what_a_rejected_message_holds_is_shown_and_the_reading_is_logged(
    business: Business, api: Api
) -> None:
    business.keep(b'{"name": "Ana"', b"\xff")
    binary, text = rejected(api)
    contents = [api.get(f"/v1/intake/rejected/{one['receipt']}") for one in (binary, text)]
    payloads = {b64decode(one.json()["payload"]) for one in contents}
    assert {b'{"name": "Ana"', b"\xff"} == payloads
    assert {'{"name": "Ana"', None} == {one.json()["text"] for one in contents}
    readers = business.connection.execute(
        "SELECT DISTINCT reader, count(*) OVER () FROM journal.rejected_reading"
    ).fetchall()
    assert ["a test"] == [reader for reader, _ in readers]


def test_a_mended_message_is_stored_and_the_old_receipt_names_the_entry(
    business: Business, api: Api
) -> None:
    business.send(event("purchase_made", "crm:1", {"number": "1"}, event_id="broken"))
    receipt = rejected(api)[0]["receipt"]
    mended = purchase("crm:1", event_id="broken")
    path = f"/v1/intake/rejected/{receipt}/resend"
    response = api.post(path, content=json.dumps(mended), headers=ONE)
    assert (201, "stored") == (response.status_code, response.json()["status"])
    assert [] == rejected(api)
    assert response.json()["entry_id"] == rejected(api, open="false")[0]["mended_by"]
    business.project()
    assert 200 == api.get(f"/v1/customers/{customer_id_of('crm:1')}").status_code


def test_a_message_sent_again_as_it_was_is_rejected_again_under_a_new_receipt(
    business: Business, api: Api
) -> None:
    business.send(event("purchase_made", "crm:1", {"number": "1"}))
    receipt = rejected(api)[0]["receipt"]
    told = problem(api.post(f"/v1/intake/rejected/{receipt}/resend"), 422, "bad_data")
    assert receipt != told["receipt"]
    listed = {one["receipt"]: one for one in rejected(api, open="false")}
    assert receipt == listed[told["receipt"]]["mends"]
    assert told["receipt"] == listed[receipt]["mended_by"]
    assert [told["receipt"]] == [one["receipt"] for one in rejected(api)]


def test_a_batch_mends_nothing(business: Business, api: Api) -> None:
    business.keep(b"?")
    path = f"/v1/intake/rejected/{rejected(api)[0]['receipt']}/resend"
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    problem(api.post(path, content=b"[]", headers=headers), 400, "one_only")


def test_a_receipt_that_was_never_given_is_told(api: Api) -> None:
    path = "/v1/intake/rejected/00000000-0000-8000-8000-000000000000"
    problem(api.get(path), 404, "unknown_receipt")
    problem(api.post(f"{path}/resend"), 404, "unknown_receipt")


def test_what_was_forgotten_is_gone_and_can_still_be_mended(business: Business, api: Api) -> None:
    business.send(event("purchase_made", "crm:1", {"number": "1"}, event_id="old"))
    business.connection.execute("DELETE FROM subject.rejected_key")
    path = f"/v1/intake/rejected/{rejected(api)[0]['receipt']}"
    problem(api.get(path), 410, "forgotten")
    problem(api.post(f"{path}/resend"), 410, "forgotten")
    body = json.dumps(purchase("crm:1", event_id="old"))
    # The day's key is made anew by whoever rejects next; storing needs none.
    assert 201 == api.post(f"{path}/resend", content=body, headers=ONE).status_code
