"""Looking customers up, and listing them."""

from tests.api.business import Business, customer_id_of, days_ago, event, purchase
from tests.api.server import Api, problem


def test_identifiers_are_looked_up_in_their_order_and_not_repeated(shared_api: Api) -> None:
    identifiers = ["email:ANA@home.test", "card:6001", "crm:404", "nonsense"]
    response = shared_api.post("/v1/customers/lookup", json={"identifiers": identifiers})
    results = response.json()["results"]
    assert ["found", "found", "unknown", "malformed"] == [one["status"] for one in results]
    expected = [customer_id_of("crm:1"), customer_id_of("crm:2"), None, None]
    assert expected == [one["customer_id"] for one in results]
    assert "expected an identifier" in results[3]["detail"]
    assert "home" not in response.text
    assert "facts=7, decisions=0" == response.headers["vinculo-position"]


def test_a_value_that_stands_for_nobody_is_told_as_such(shared_api: Api) -> None:
    identifiers = ["crm:0000", "email:unknown@home.test", "crm:1"]
    response = shared_api.post("/v1/customers/lookup", json={"identifiers": identifiers})
    nobody, mail, found = response.json()["results"]
    assert ("nobody", "nobody", "found") == (nobody["status"], mail["status"], found["status"])
    assert "found one that stands for nobody" in nobody["detail"]


def test_a_thousand_identifiers_are_looked_up_and_no_more(shared_api: Api) -> None:
    many = [f"crm:{number}" for number in range(1_000)]
    response = shared_api.post("/v1/customers/lookup", json={"identifiers": many})
    found = [one["index"] for one in response.json()["results"] if one["status"] == "found"]
    assert [1, 2] == found
    more = shared_api.post("/v1/customers/lookup", json={"identifiers": [*many, "crm:1000"]})
    assert "1000" in problem(more, 400, "bad_body")["detail"]


def test_a_body_of_another_form_is_refused_by_the_name_of_the_field(shared_api: Api) -> None:
    for body in (b"", b"{", b"[]", b'{"identifiers": "crm:1"}', b'{"identifiers": []}', b"\xff"):
        problem(shared_api.post("/v1/customers/lookup", content=body), 400, "bad_body")
    response = shared_api.post("/v1/customers/lookup", json={"emails": ["ana@home.test"]})
    assert "ana" not in problem(response, 400, "bad_body")["detail"]


def test_pages_are_complete_and_repeat_nothing(business: Business, api: Api) -> None:
    business.send(*(purchase(f"crm:{number}") for number in range(1, 26)))
    business.project()
    seen: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = api.get("/v1/customers", params={"limit": "4", **cursor}).json()
        seen += [one["customer_id"] for one in page["customers"]]
        pages += 1
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert 7 == pages
    assert sorted(customer_id_of(f"crm:{number}") for number in range(1, 26)) == seen


def test_filters_are_and_ed(business: Business, api: Api) -> None:
    business.send(
        event("customer_registered", "crm:1", {"name": "A"}, time=days_ago(20)),
        purchase("crm:2", days=5),
        purchase("crm:3", days=150),
        purchase("receipt:9", days=5),
    )
    business.project()

    def listed(**filters: str) -> set[str]:
        page = api.get("/v1/customers", params=filters).json()
        return {one["customer_id"] for one in page["customers"]}

    one, two, three, sale = map(customer_id_of, ("crm:1", "crm:2", "crm:3", "receipt:9"))
    assert {one} == listed(stage="prospect")
    assert {two, three} == listed(stage="development")
    assert {one, two, three} == listed()
    assert {sale} == listed(anonymous="only")
    assert {one, two, three, sale} == listed(anonymous="with")
    assert {two, sale} == listed(purchased_since=days_ago(10), anonymous="with")
    assert {three} == listed(purchased_before=days_ago(10))
    assert {two} == listed(purchased_since=days_ago(10))
    assert {one, two} == listed(seen_since=days_ago(30))
    assert {three} == listed(seen_before=days_ago(30))
    assert set() == listed(at_risk="true")


def test_a_cursor_of_another_question_is_refused(business: Business, api: Api) -> None:
    business.send(*(purchase(f"crm:{number}") for number in range(1, 4)))
    business.project()
    cursor = api.get("/v1/customers", params={"limit": "1"}).json()["next"]
    other = {"cursor": cursor, "stage": "development"}
    problem(api.get("/v1/customers", params=other), 400, "bad_parameter")
    for wrong in ("x", "AAAA", "é", cursor[:-4]):
        problem(api.get("/v1/customers", params={"cursor": wrong}), 400, "bad_parameter")


def test_parameters_that_are_unknown_wrong_or_repeated_are_refused_by_name(
    shared_api: Api,
) -> None:
    wrong = {
        "stage=gone": "stage", "at_risk=yes": "at_risk", "limit=0": "limit", "limit=501": "limit",
        "limit=%C2%B2": "limit", "seen_since=2024-01-01": "seen_since", "mail=a%40b.c": "parameter",
        "limit=1&limit=2": "limit", "cursor=": "cursor",
    }  # fmt: skip
    for query, name in wrong.items():
        detail = problem(shared_api.get(f"/v1/customers?{query}"), 400, "bad_parameter")["detail"]
        assert name in detail
        assert "expected" in detail
        assert "a@b" not in detail
