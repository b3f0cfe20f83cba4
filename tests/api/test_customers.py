"""The customer document over HTTP."""

import threading
import time
from datetime import timedelta

import httpx

from api.settings import ApiLimits
from projections.customer.registry import PARTS
from tests.api.business import (
    TODAY,
    Business,
    customer_id_of,
    days_ago,
    event,
    purchase,
    reference,
)
from tests.api.server import Api, problem


def register(business: Business) -> None:
    business.send(
        event(
            "customer_registered",
            "crm:1",
            {"name": "Ana Pérez", "identifiers": ["email:ana@home.test"]},
            time=days_ago(100),
        ),
        purchase("email:ana@home.test", 3_000, days=5),
    )
    business.project()


def test_the_document_holds_every_part_and_says_for_when_it_was_rendered(shared_api: Api) -> None:
    response = shared_api.get(f"/v1/customers/{customer_id_of('crm:1')}")
    assert 200 == response.status_code
    document = response.json()
    head = ["as_of", "customer_id", "personas"]
    assert [*head, *(part.name for part in PARTS)] == list(document)
    assert 5_000 == document["commercial"]["currencies"][0]["gross"]
    assert "facts=7, decisions=0" == response.headers["vinculo-position"]


def test_a_survivor_names_all_its_personas_the_naming_one_first(shared_api: Api) -> None:
    document = shared_api.get(f"/v1/customers/{customer_id_of('crm:2')}").json()
    expected = [
        {"namespace": "crm", "persona_id": customer_id_of("crm:2"), "seen": True},
        {"namespace": "card", "persona_id": customer_id_of("card:6001"), "seen": True},
    ]
    assert expected == document["personas"]


def test_an_absorbed_id_answers_with_its_survivor_and_says_so(shared_api: Api) -> None:
    asked, survivor = customer_id_of("email:ana@home.test"), customer_id_of("crm:1")
    response = shared_api.get(f"/v1/customers/{asked}")
    assert 200 == response.status_code
    assert survivor == response.json()["customer_id"]
    assert asked == response.headers["vinculo-absorbed"]
    assert f"/v1/customers/{survivor}" == response.headers["content-location"]
    own = shared_api.get(f"/v1/customers/{survivor}")
    assert "vinculo-absorbed" not in own.headers


def test_an_unknown_id_is_told_with_the_position_at_which_it_was_unknown(shared_api: Api) -> None:
    response = shared_api.get(f"/v1/customers/{customer_id_of('crm:404')}")
    problem(response, 404, "unknown_customer")
    assert "facts=7, decisions=0" == response.headers["vinculo-position"]


def test_an_id_that_is_none_is_refused_without_repeating_it(shared_api: Api) -> None:
    response = shared_api.get("/v1/customers/ana@home.test")
    assert "ana" not in problem(response, 400, "bad_parameter")["detail"]


def test_every_answer_about_a_customer_follows_what_was_projected(
    business: Business, api: Api
) -> None:
    register(business)
    path = f"/v1/customers/{customer_id_of('crm:1')}"
    seen = [api.get(path).json()["commercial"]["purchases"] for _ in range(3)]
    business.send(purchase("crm:1", 1_000, days=1))
    business.project()
    assert [1, 1, 1, 2] == [*seen, api.get(path).json()["commercial"]["purchases"]]


def test_an_unlink_parts_what_was_kept_rendered(business: Business, api: Api) -> None:
    register(business)
    mail = customer_id_of("email:ana@home.test")
    assert customer_id_of("crm:1") == api.get(f"/v1/customers/{mail}").json()["customer_id"]
    business.send(event("identifier_unlinked", "crm:1", {"identifiers": ["email:ana@home.test"]}))
    business.project()
    parted = api.get(f"/v1/customers/{mail}")
    assert mail == parted.json()["customer_id"]
    assert 1 == parted.json()["commercial"]["purchases"]
    left = api.get(f"/v1/customers/{customer_id_of('crm:1')}").json()
    assert 0 == left["commercial"]["purchases"]
    assert [customer_id_of("crm:1")] == [one["persona_id"] for one in left["personas"]]


def test_a_document_at_hand_is_not_sent_again_until_it_changes(
    business: Business, api: Api
) -> None:
    register(business)
    path = f"/v1/customers/{customer_id_of('crm:1')}"
    etag = api.get(path).headers["etag"]
    assert etag.startswith('W/"')
    again = api.get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert (304, b"", etag) == (again.status_code, again.content, again.headers["etag"])
    assert "vinculo-position" in again.headers
    business.send(purchase("crm:1", 1_000, days=1))
    business.project()
    changed = api.get(path, headers={"If-None-Match": etag})
    assert 200 == changed.status_code
    assert etag != changed.headers["etag"]


def test_documents_follow_the_clock_and_lists_the_horizon(business: Business, api: Api) -> None:
    business.send(purchase("crm:1", 1_000, days=200))
    business.project()
    path, asked = f"/v1/customers/{customer_id_of('crm:1')}", {"stage": "prevention"}
    assert "prevention" == api.get(path).json()["lifecycle"]["stage"]
    assert [] == api.get("/v1/customers", params=asked).json()["customers"]
    business.advance_time(TODAY + timedelta(hours=1))
    assert "prevention" == api.get(path).json()["lifecycle"]["stage"]
    page = api.get("/v1/customers", params=asked).json()
    assert [customer_id_of("crm:1")] == [one["customer_id"] for one in page["customers"]]
    assert (TODAY + timedelta(hours=1)).isoformat()[:19] == page["horizon"][:19]
    assert "decisions=1" in api.get(path).headers["vinculo-position"]


def test_an_open_incident_is_rendered_anew_at_each_reading(business: Business, api: Api) -> None:
    data = {"incident": "i1", "severity": 3}
    business.send(event("incident_opened", "crm:1", data, time=days_ago(3)))
    business.project()
    path = f"/v1/customers/{customer_id_of('crm:1')}"
    first = api.get(path).json()["quality"]["incidents"]["open"][0]["open_seconds"]
    time.sleep(1.1)
    second = api.get(path).json()["quality"]["incidents"]["open"][0]["open_seconds"]
    assert first < second


def test_a_reader_waits_until_what_it_wrote_is_visible(business: Business, api: Api) -> None:
    register(business)
    position = f"facts={business.send(purchase('crm:1', 1_000, days=1))[0].position}"
    later = threading.Timer(0.3, business.project)
    later.start()
    response = api.get(
        f"/v1/customers/{customer_id_of('crm:1')}",
        headers={"Vinculo-Min-Position": f"{position}, decisions=0, other=9"},
    )
    later.join()
    assert 200 == response.status_code
    assert 2 == response.json()["commercial"]["purchases"]
    assert response.headers["vinculo-position"].startswith(position)


def test_a_wait_is_componentwise_and_bounded_and_tells_what_was_reached(business: Business) -> None:
    register(business)
    with Api(business, ApiLimits(wait_seconds=0.2)) as api:
        path = f"/v1/customers/{customer_id_of('crm:1')}"
        for wanted in ("facts=9999", "facts=1, decisions=5"):
            response = api.get(path, headers={"Vinculo-Min-Position": wanted})
            told = problem(response, 503, "position_not_reached")
            assert "facts=2, decisions=0" == told["reached"]
            assert "1" == response.headers["retry-after"]


def test_a_position_of_another_form_is_refused(shared_api: Api) -> None:
    for text in ("facts", "facts=x", "412", "facts=-1", "facts=1;a, decisions=", "facts=1" * 100):
        response = shared_api.get("/v1/customers", headers={"Vinculo-Min-Position": text})
        problem(response, 400, "bad_position")


def test_personal_data_are_shown_to_who_may_read_them(shared_api: Api) -> None:
    client = shared_api.client("read", "read_personal")
    response = client.get(f"/v1/customers/{customer_id_of('crm:1')}", params={"personal": "true"})
    personal = response.json()["personal"]
    expected = {"name": "Ana Pérez", "email": "ana@home.test"}
    assert expected == {name: one["value"] for name, one in personal["profile"].items()}
    assert ["crm", "email"] == [one["namespace"] for one in personal["identifiers"]]
    assert ["1", "ana@home.test"] == [one["value"] for one in personal["identifiers"]]
    assert "no-store" == response.headers["cache-control"]
    assert "etag" not in response.headers


def test_personal_data_are_refused_without_the_scope(shared_api: Api) -> None:
    path = f"/v1/customers/{customer_id_of('crm:1')}"
    response = shared_api.client("read").get(path, params={"personal": "true"})
    assert "read_personal" in problem(response, 403, "wrong_scope")["detail"]


def test_nothing_personal_is_in_any_answer_without_the_scope(shared_api: Api) -> None:
    customer = customer_id_of("crm:1")
    paths = [f"/v1/customers/{customer}{last}" for last in ("", "/timeline", "/lifecycle")]
    paths += [f"/v1/customers/{customer}/accounts", "/v1/customers", "/v1/intake/rejected"]
    for path in (*paths, "/v1/intake/accounts", "/metrics", "/v1/projections"):
        text = shared_api.get(path).text
        assert "Ana" not in text
        assert "ana@" not in text


def test_the_display_is_the_last_statement_of_each_field_with_its_corrections(
    business: Business, api: Api
) -> None:
    stated = {"name": "Ana", "email": "old@home.test", "phone": "600"}
    first = event("customer_registered", "crm:1", stated, time=days_ago(50))
    second = event("profile_updated", "crm:1", {"name": "Ana Gil"}, time=days_ago(40))
    third = event("profile_updated", "crm:1", {"name": "Wrong"}, time=days_ago(30))
    mended = {
        "corrected_type": "vinculo.customer_registered.v1",
        "reason": "typing",
        "fields": {"email": "new@home.test", "phone": None},
        "reference": reference(first),
    }
    voided = {"reason": "of another", "reference": reference(third)}
    business.send(first, second, third)
    business.send(event("touchpoint_corrected", "crm:1", mended))
    business.send(event("touchpoint_voided", "crm:1", voided))
    business.project()
    client = api.client("read", "read_personal")
    response = client.get(f"/v1/customers/{customer_id_of('crm:1')}", params={"personal": "true"})
    profile = response.json()["personal"]["profile"]
    expected = {"name": "Ana Gil", "email": "new@home.test"}
    assert expected == {name: one["value"] for name, one in profile.items()}


def test_the_display_is_whole_where_the_state_does_not_name_every_statement(
    business: Business, api: Api
) -> None:
    business.send(
        event("customer_registered", "crm:1", {"name": "Ana"}, time=days_ago(90)),
        event("profile_updated", "crm:1", {"language": "es"}, time=days_ago(80)),
        event("profile_updated", "crm:1", {"phone": "600"}, time=days_ago(70)),
        *(event("profile_updated", "crm:1", {"language": "es"}, time=days_ago(60 - n))
          for n in range(12)),
    )  # fmt: skip
    business.project()
    path = f"/v1/customers/{customer_id_of('crm:1')}"
    assert not api.get(path).json()["identity"]["profile_entries_complete"]
    response = api.client("read", "read_personal").get(path, params={"personal": "true"})
    profile = response.json()["personal"]["profile"]
    assert {"name": "Ana", "phone": "600"} == {name: one["value"] for name, one in profile.items()}


def test_many_readers_at_once_get_each_their_own_customer(business: Business, api: Api) -> None:
    names = [f"crm:1{number}" for number in range(40)]
    business.send(*(purchase(name, 100 + number) for number, name in enumerate(names)))
    business.project()
    token = api.token("read")
    answers: dict[int, httpx.Response] = {}

    def read(number: int) -> None:
        client = api.client_with(token)
        answers[number] = client.get(f"/v1/customers/{customer_id_of(names[number])}")

    threads = [threading.Thread(target=read, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gross = [answers[n].json()["commercial"]["currencies"][0]["gross"] for n in range(40)]
    assert [100 + number for number in range(40)] == gross


def test_a_small_cache_gives_the_same_answers(business: Business) -> None:
    names = [f"crm:1{number}" for number in range(12)]
    business.send(*(purchase(name, 100 + number) for number, name in enumerate(names)))
    business.project()
    with Api(business, ApiLimits(cached_documents_bytes_max=8_000)) as api:
        for _ in range(2):
            for number, name in enumerate(names):
                document = api.get(f"/v1/customers/{customer_id_of(name)}").json()
                assert 100 + number == document["commercial"]["currencies"][0]["gross"]


def test_a_view_that_was_never_begun_is_told(business: Business, api: Api) -> None:
    business.connection.execute(
        "UPDATE view.view_generation SET state = 'retired' WHERE log_id = %s",
        (business.logs.facts,),
    )
    for path in (f"/v1/customers/{customer_id_of('crm:1')}", "/v1/customers"):
        problem(api.get(path), 503, "not_projected")
