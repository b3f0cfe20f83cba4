"""Touchpoints over HTTP: each mode, each outcome, each limit."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.settings import ApiLimits
from api.touchpoints import depth_of
from domain.cloudevent import BATCH_TYPE, STRUCTURED_TYPE
from domain.identifiers import parse_identifier
from journal.personas import PersonaNames
from journal.subject_keys import set_blocked
from tests.api.business import (
    SECRET,
    TILL,
    Business,
    customer_id_of,
    days_ago,
    event,
    purchase,
    reference,
)
from tests.api.server import Api, problem

ONE = {"Content-Type": STRUCTURED_TYPE}
MANY = {"Content-Type": BATCH_TYPE}


def send(api: Api, body: Any, headers: dict[str, str] = ONE) -> Any:
    return api.post("/v1/touchpoints", content=json.dumps(body).encode(), headers=headers)


def test_a_stored_event_is_visible_at_the_position_that_is_told(
    business: Business, api: Api
) -> None:
    response = send(api, purchase("crm:1", 1_500))
    assert 201 == response.status_code
    answer = response.json()
    assert ("stored", 0, 1) == (answer["status"], answer["index"], answer["position"])
    assert "facts=1" == response.headers["vinculo-position"]
    business.project()
    read = api.get(
        f"/v1/customers/{customer_id_of('crm:1')}",
        headers={"Vinculo-Min-Position": response.headers["vinculo-position"]},
    )
    assert 1 == read.json()["commercial"]["purchases"]


def test_the_same_event_is_a_duplicate_and_names_the_fact_that_is_kept(api: Api) -> None:
    one = purchase("crm:1")
    first, again = send(api, one).json(), send(api, one)
    assert 200 == again.status_code
    assert first | {"status": "duplicate"} == again.json()


def test_other_content_under_one_id_is_rejected_with_a_receipt(api: Api) -> None:
    one = purchase("crm:1", 1_000, event_id="same")
    other = {**one, "data": {**one["data"], "number": "another"}}
    send(api, one)
    told = problem(send(api, other), 422, "conflicting_content")
    listed = api.get("/v1/intake/rejected").json()["rejected"]
    assert [told["receipt"]] == [one["receipt"] for one in listed]


def test_an_event_of_a_blocked_subject_is_suppressed(business: Business, api: Api) -> None:
    send(api, purchase("crm:1"))
    persona = PersonaNames(SECRET).name(parse_identifier("crm:1"))
    set_blocked(business.connection, business.logs.facts, persona.persona_id, blocked=True)
    response = send(api, purchase("crm:1"))
    assert (200, "suppressed") == (response.status_code, response.json()["status"])
    assert "position" not in response.json()


def test_binary_mode_takes_attributes_from_headers_with_percent_encoding(
    business: Business, api: Api
) -> None:
    one = purchase("crm:Jos%C3%A9", event_id="b1")
    headers = {f"ce-{name}": one[name] for name in ("specversion", "id", "source", "type", "time")}
    response = api.post(
        "/v1/touchpoints",
        content=json.dumps(one["data"]),
        headers={**headers, "ce-subject": "crm:Jos%C3%A9", "Content-Type": "application/json"},
    )
    assert 201 == response.status_code
    business.project()
    assert 200 == api.get(f"/v1/customers/{customer_id_of('crm:José')}").status_code


def test_binary_and_structured_mode_of_one_event_are_the_same_event(api: Api) -> None:
    one = purchase("crm:1")
    headers = {f"ce-{name}": one[name] for name in one if name != "data"}
    headers["Content-Type"] = "application/json; charset=utf-8"
    assert "stored" == send(api, one).json()["status"]
    body = json.dumps(one["data"])
    again = api.post("/v1/touchpoints", content=body, headers=headers)
    assert "duplicate" == again.json()["status"]


def test_a_batch_has_an_answer_for_every_item_in_its_order(api: Api) -> None:
    one = purchase("crm:1")
    broken = event("purchase_made", "crm:1", {"number": "1"})
    response = send(api, [one, broken, one, 17, event("no_such", "crm:1")], MANY)
    assert 207 == response.status_code
    document = response.json()
    statuses = [item["status"] for item in document["results"]]
    assert ["stored", "rejected", "duplicate", "rejected", "rejected"] == statuses
    assert [0, 1, 2, 3, 4] == [item["index"] for item in document["results"]]
    codes = [item.get("code") for item in document["results"]]
    assert [None, "bad_data", None, "bad_envelope", "unknown_type"] == codes
    counts = [document[name] for name in ("stored", "duplicate", "rejected", "suppressed")]
    assert [1, 1, 3, 0] == counts
    receipts = {item["receipt"] for item in document["results"] if "receipt" in item}
    listed = api.get("/v1/intake/rejected").json()["rejected"]
    assert receipts == {one["receipt"] for one in listed}


def test_a_batch_without_a_rejection_answers_200(api: Api) -> None:
    response = send(api, [purchase("crm:1"), purchase("crm:2")], MANY)
    assert (200, 2) == (response.status_code, response.json()["stored"])
    assert "facts=2" == response.headers["vinculo-position"]
    assert (200, []) == ((empty := send(api, [], MANY)).status_code, empty.json()["results"])


def test_json_lines_are_a_batch(api: Api) -> None:
    lines = b"\n".join(json.dumps(one).encode() for one in (purchase("crm:1"), purchase("crm:2")))
    for kind, counted in (("application/x-ndjson", "stored"), ("application/jsonl", "duplicate")):
        headers = {"Content-Type": kind}
        document = api.post("/v1/touchpoints", content=lines + b"\r\n\n{", headers=headers).json()
        assert 2 == document[counted]
        assert "bad_json" == document["results"][2]["code"]


def test_what_a_client_may_not_send_is_refused_as_a_whole(api: Api) -> None:
    problem(send(api, purchase("crm:1"), {"Content-Type": "text/plain"}), 415,
            "unsupported_media_type")  # fmt: skip
    problem(send(api, purchase("crm:1"), {"Content-Type": "application/json"}), 415,
            "unsupported_media_type")  # fmt: skip
    problem(send(api, {}, MANY), 400, "bad_batch")
    deep = b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"
    problem(api.post("/v1/touchpoints", content=deep, headers=ONE), 400, "too_deep")
    very_deep = b"[" * 100_000 + b"]" * 100_000
    problem(api.post("/v1/touchpoints", content=very_deep, headers=MANY), 400, "too_deep")
    assert 0 == sum(one["received"] for one in api.get("/v1/intake/accounts").json()["accounts"])


def test_size_and_number_are_limited(business: Business) -> None:
    limits = ApiLimits(body_bytes_max=20_000, event_bytes_max=2_000, events_max=3)
    with Api(business, limits) as api:
        problem(send(api, [purchase("crm:1")] * 4, MANY), 413, "too_many")
        large = event("interaction_recorded", "crm:1", {"note": "x" * 3_000})
        assert "event 1" in problem(send(api, [purchase("crm:1"), large], MANY), 413,
                                    "too_large")["detail"]  # fmt: skip
        problem(send(api, large), 413, "too_large")
        huge = b"x" * 30_000
        problem(api.post("/v1/touchpoints", content=huge, headers=ONE), 413, "too_large")
        chunked = api.post("/v1/touchpoints", content=iter([huge]), headers=ONE)
        problem(chunked, 413, "too_large")
        assert 201 == send(api, purchase("crm:1")).status_code


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b'{"specversion":"1.0","source":"a\\u0000b"}',
        b'{"specversion":"1.0","source":"urn:test:crm","\\u0000":1,"time":"\\u0000"}',
        json.dumps(event("purchase_made", "crm:1", {"a\0b": 1})).encode(),
        json.dumps(event("purchase_made", "crm:1\0", {})).encode(),
        b"null",
    ],
)
def test_whatever_comes_is_answered_kept_and_counted(api: Api, payload: bytes) -> None:
    response = api.post("/v1/touchpoints", content=payload, headers=ONE)
    assert 422 == response.status_code, response.text
    receipt = response.json()["receipt"]
    assert 200 == api.get(f"/v1/intake/rejected/{receipt}").status_code
    accounts = api.get("/v1/intake/accounts").json()["accounts"]
    assert [(1, 1)] == [(one["received"], one["rejected"]) for one in accounts]


def test_nothing_is_read_twice_where_many_send_at_once(business: Business, api: Api) -> None:
    events = [purchase(f"crm:1{number}") for number in range(300)]
    api.client()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda one: send(api, one), events * 2))
    assert {200, 201} == {answer.status_code for answer in answers}
    assert 300 == sum(answer.json()["status"] == "stored" for answer in answers)
    positions = {answer.json()["position"] for answer in answers}
    assert set(range(1, 301)) == positions
    assert 300 == business.project()


def test_a_sender_learns_what_became_of_an_event(business: Business, api: Api) -> None:
    one = purchase("crm:1", event_id="known")

    def status(**parameters: str) -> Any:
        return api.get("/v1/touchpoints/status", params=parameters)

    named = {"source": one["source"], "id": "known"}
    unknown = status(**named).json()
    assert "unknown" == unknown["status"]
    assert "/v1/intake/rejected" in unknown["detail"]
    stored = send(api, one).json()
    told = status(**named).json()
    assert ("stored", stored["position"], stored["entry_id"]) == (
        told["status"], told["position"], told["entry_id"],
    )  # fmt: skip
    assert (False, False, False) == (told["visible"], told["corrected"], told["voided"])
    void = {"reference": reference(one), "reason": "twice"}
    voided = send(api, event("touchpoint_voided", "crm:1", void)).json()
    business.project()
    told = status(**named).json()
    assert (True, True, [voided["entry_id"]]) == (
        told["visible"], told["voided"], told["named_by"],
    )  # fmt: skip


def test_a_source_of_stable_time_is_asked_for_the_time(api: Api) -> None:
    one = purchase("receipt:7", source=TILL, event_id="till-1")
    send(api, one)
    named = {"source": TILL, "id": "till-1"}
    response = api.get("/v1/touchpoints/status", params=named)
    assert "time" in problem(response, 400, "bad_parameter")["detail"]
    for time, expected in ((one["time"], "stored"), (days_ago(1), "unknown")):
        told = api.get("/v1/touchpoints/status", params={**named, "time": time}).json()
        assert expected == told["status"]
    inner = {"source": TILL, "id": "01890a5d-ac96-774b-bcce-b302099a8057"}
    assert 200 == api.get("/v1/touchpoints/status", params=inner).status_code


def test_status_wants_a_known_source_and_an_id(api: Api) -> None:
    for parameters in ({"id": "1"}, {"source": TILL}, {"source": "urn:other", "id": "1"}):
        response = api.get("/v1/touchpoints/status", params=parameters)
        problem(response, 400, "bad_parameter")


def test_depth_counts_brackets_outside_of_texts() -> None:
    assert 3 == depth_of(b'{"a":[{"b":"[[[[ \\" [[[ "}]}')
    assert 0 == depth_of(b'"[[["')
