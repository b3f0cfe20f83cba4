"""Timeline, lifecycle and accounts of a customer."""

from typing import Any

import pytest

from tests.api.business import (
    CLUB,
    TILL,
    Business,
    customer_id_of,
    days_ago,
    event,
    purchase,
    reference,
)
from tests.api.server import Api, problem


def timeline(api: Api, subject: str = "crm:1", **parameters: Any) -> dict[str, Any]:
    response = api.get(f"/v1/customers/{customer_id_of(subject)}/timeline", params=parameters)
    assert 200 == response.status_code, response.text
    document: dict[str, Any] = response.json()
    return document


def ids(document: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in document["entries"]]


def test_the_newest_touchpoint_of_any_persona_stands_first(business: Business, api: Api) -> None:
    business.send(
        event("customer_registered", "crm:1", {"identifiers": ["card:1"]}, time=days_ago(90)),
        purchase("card:1", days=10, event_id="newest"),
        purchase("crm:1", days=20, event_id="older"),
    )
    business.project()
    document = timeline(api)
    assert ["newest", "older"] == ids(document)[:2]
    assert ["card", "crm"] == [one["persona"]["namespace"] for one in document["entries"]][:2]
    assert document["next"] is None


def test_touchpoints_of_one_instant_stand_by_source_sequence_and_id(
    business: Business, api: Api
) -> None:
    at = days_ago(5)
    events = [
        event("interaction_recorded", "crm:1", {"direction": "inbound", "counterpart": "human"},
              time=at, event_id=name, source=source) | {"sequence": sequence}
        for name, source, sequence in (("a", "urn:test:crm", 2), ("b", "urn:test:crm", 10),
                                       ("c", CLUB, 99))
    ]  # fmt: skip
    business.send(*events)
    business.project()
    assert ["b", "a", "c"] == ids(timeline(api))


def test_pages_of_a_timeline_are_complete_and_repeat_nothing(business: Business, api: Api) -> None:
    names = [f"p{number}" for number in range(11)]
    business.send(*(purchase("crm:1", days=n, event_id=name) for n, name in enumerate(names)))
    business.project()
    seen: list[str] = []
    parameters: dict[str, str] = {"limit": "3"}
    while True:
        document = timeline(api, **parameters)
        seen += ids(document)
        if document["next"] is None:
            break
        parameters["cursor"] = document["next"]
    assert names == seen


def test_a_timeline_is_filtered_by_type_and_family(business: Business, api: Api) -> None:
    business.send(
        purchase("crm:1", event_id="bought"),
        event("campaign_sent", "crm:1", {"campaign": "c"}, event_id="sent"),
        event("campaign_opened", "crm:1", {"campaign": "c"}, event_id="opened"),
    )
    business.project()
    assert ["bought"] == ids(timeline(api, type="vinculo.purchase_made.v1"))
    assert {"sent", "opened"} == set(ids(timeline(api, family="marketing")))
    assert {"bought", "sent", "opened"} == set(
        ids(timeline(api, family=["marketing", "commercial"]))
    )
    problem(
        api.get(f"/v1/customers/{customer_id_of('crm:1')}/timeline", params={"family": "no"}),
        400,
        "bad_parameter",
    )


def test_corrected_and_voided_touchpoints_say_by_what(business: Business, api: Api) -> None:
    wrong = purchase("crm:1", 1_000, days=9, event_id="wrong")
    gone = purchase("crm:1", 2_000, days=8, event_id="gone")
    correction = event("touchpoint_corrected", "crm:1", {"reference": reference(wrong),
        "corrected_type": "vinculo.purchase_made.v1", "reason": "price",
        "fields": {"number": "N9"}}, event_id="mended")  # fmt: skip
    void = event("touchpoint_voided", "crm:1", {"reference": reference(gone), "reason": "twice"},
                 event_id="void")  # fmt: skip
    business.send(wrong, gone, correction, void)
    business.project()
    entries = {entry["id"]: entry for entry in timeline(api)["entries"]}
    assert {"wrong", "gone"} == set(entries)
    assert (True, False) == (entries["wrong"]["corrected"], entries["wrong"]["voided"])
    assert "N9" == entries["wrong"]["data"]["number"]
    assert (False, True) == (entries["gone"]["corrected"], entries["gone"]["voided"])
    said = entries["wrong"]["corrections"][0]
    assert ("corrected", "mended", "price") == (said["kind"], said["id"], said["reason"])
    assert ["void"] == [one["id"] for one in entries["gone"]["corrections"]]


def test_a_correction_that_was_voided_counts_for_nothing(business: Business, api: Api) -> None:
    wrong = purchase("crm:1", days=9, event_id="wrong")
    correction = event("touchpoint_corrected", "crm:1", {"reference": reference(wrong),
        "corrected_type": "vinculo.purchase_made.v1", "reason": "price",
        "fields": {"number": "N9"}}, event_id="mended")  # fmt: skip
    void = event("touchpoint_voided", "crm:1", {"reference": reference(correction), "reason": "no"})
    business.send(wrong, correction, void)
    business.project()
    entry = timeline(api)["entries"][0]
    assert (False, False) == (entry["corrected"], entry["voided"])
    assert entry["corrections"][0]["voided"]
    assert "N9" != entry["data"]["number"]


def test_a_touchpoint_moved_to_another_customer_is_told_there(business: Business, api: Api) -> None:
    wrong = purchase("crm:1", event_id="moved")
    correction = event("touchpoint_corrected", "crm:1", {"reference": reference(wrong),
        "corrected_type": "vinculo.purchase_made.v1", "reason": "wrong card",
        "subject": "crm:2"})  # fmt: skip
    business.send(purchase("crm:1", event_id="stays"), purchase("crm:2", event_id="own"))
    business.send(wrong, correction)
    business.project()
    assert ["stays"] == ids(timeline(api))
    assert {"own", "moved"} == set(ids(timeline(api, "crm:2")))


def test_the_lifecycle_tells_every_move_with_reason_cause_and_timer(
    business: Business, api: Api
) -> None:
    business.send(
        event("customer_registered", "crm:1", time=days_ago(700), event_id="registered"),
        purchase("crm:1", days=600, event_id="first"),
        purchase("crm:1", days=2, event_id="back"),
    )
    business.project()
    document = api.get(f"/v1/customers/{customer_id_of('crm:1')}/lifecycle").json()
    moves = [(one["to_stage"], one["timer"]) for one in document["transitions"]]
    expected = [("prospect", None), ("development", None), ("prevention", "silence_risk"),
                ("lapsed", "silence_lapse"), ("won_back", None)]  # fmt: skip
    assert expected == moves
    causes = [one["cause"] for one in document["transitions"]]
    entries = {entry["id"]: entry["entry_id"] for entry in timeline(api)["entries"]}
    first = entries["first"]
    assert [entries["registered"], first, first, first, entries["back"]] == causes
    assert all(one["reasons"] for one in document["transitions"])
    assert "won_back" == document["standing"]["stage"]


def test_accounts_are_told_with_their_movements(shared_api: Api) -> None:
    document = shared_api.get(f"/v1/customers/{customer_id_of('card:6001')}/accounts").json()
    assert customer_id_of("crm:2") == document["customer_id"]
    account = document["accounts"][0]
    assert ("club", CLUB, "6001") == tuple(
        account["account"][name] for name in ("programme", "source", "account")
    )
    assert ["opened", "earned"] == [one["kind"] for one in account["movements"]]
    assert 100 == account["movements"][1]["after"]["available"]
    assert 100 == account["account"]["balances"][0]["available"]


@pytest.mark.parametrize("last", ["timeline", "lifecycle", "accounts"])
def test_histories_know_absorbed_unknown_and_position(shared_api: Api, last: str) -> None:
    absorbed = shared_api.get(f"/v1/customers/{customer_id_of('email:ana@home.test')}/{last}")
    assert customer_id_of("crm:1") == absorbed.json()["customer_id"]
    assert customer_id_of("email:ana@home.test") == absorbed.headers["vinculo-absorbed"]
    assert "facts=7, decisions=0" == absorbed.headers["vinculo-position"]
    unknown = shared_api.get(f"/v1/customers/{customer_id_of('crm:404')}/{last}")
    problem(unknown, 404, "unknown_customer")


def test_an_anonymous_sale_has_a_timeline(shared_api: Api) -> None:
    document = timeline(shared_api, "receipt:7")
    assert [TILL] == [entry["source"] for entry in document["entries"]]
