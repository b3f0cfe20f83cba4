"""Programmes over HTTP: drafted by one person, approved by another, every fault told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
import structlog.testing
from jsonschema import Draft202012Validator

from api.application import endpoints_of
from api.openapi import export
from api.settings import ApiLimits
from domain.instants import instant_of
from domain.programmes.format import ProgrammeVersion, encode_version, version_digest
from journal.decisions import UNREACHABLE, ConflictError, open_decisions
from journal.programmes import ProgrammeOffice
from tests.api.business import CONTEXT, Business
from tests.api.server import Api, problem
from tests.domain.programme_cases import CLUB

DESCRIPTION: dict[str, Any] = json.loads(export(endpoints_of(ApiLimits(), CONTEXT)))
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
PATH = "/v1/programmes/club/versions"


def version(name: str = "2027-1", **fields: Any) -> ProgrammeVersion:
    return msgspec.structs.replace(CLUB, **{"version": name, "effective_from": SOON, **fields})


class Person:
    """Somebody with a key."""

    def __init__(self, api: Api, name: str, *scopes: str) -> None:
        self.client = api.client_with(api.token(*scopes, holder=name))

    def drafts(self, rules: ProgrammeVersion, path: str = PATH) -> httpx.Response:
        return self.client.post(path, content=encode_version(rules))

    def approves(self, rules: ProgrammeVersion, **more: str) -> httpx.Response:
        body = {"digest": version_digest(rules), **more}
        return self.client.post(f"{PATH}/{rules.version}/approval", json=body)


@pytest.fixture
def ana(api: Api) -> Person:
    return Person(api, "Ana Gil", "publish_rules", "approve", "read")


@pytest.fixture
def ben(api: Api) -> Person:
    return Person(api, "Ben Sol", "approve")


@pytest.fixture
def described() -> Iterator[list[httpx.Response]]:
    """Responses put here are compared with the description in the end."""
    responses: list[httpx.Response] = []
    yield responses
    for response in responses:
        path = response.request.url.path
        for name, value in (("code", "/club"), ("version", "/2027-1")):
            path = path.replace(value, f"/{{{name}}}", 1)
        operation = DESCRIPTION["paths"][path][response.request.method.lower()]
        content = operation["responses"][str(response.status_code)]["content"]
        schema = content[response.headers["content-type"]]["schema"]
        whole = {**schema, "components": DESCRIPTION["components"]}
        Draft202012Validator(whole).validate(response.json())


def test_one_person_drafts_another_approves_and_everybody_reads(
    ana: Person, ben: Person, described: list[httpx.Response]
) -> None:
    rules = version()
    drafted = ana.drafts(rules)
    assert (201, "draft", "Ana Gil", None, version_digest(rules)) == (
        drafted.status_code, drafted.json()["status"], drafted.json()["drafted_by"],
        drafted.json()["approved_by"], drafted.json()["digest"],
    )  # fmt: skip
    again = ben.client.get(f"{PATH}/2027-1")
    assert CLUB.rules == msgspec.convert(again.json()["rules"], ProgrammeVersion).rules
    assert rules == msgspec.convert(again.json()["rules"], ProgrammeVersion)
    approved = ben.approves(rules)
    assert (200, "approved", "Ben Sol", False) == (
        approved.status_code, approved.json()["status"], approved.json()["approved_by"],
        approved.json()["in_force"],
    )  # fmt: skip
    one, every = ana.client.get("/v1/programmes/club"), ana.client.get("/v1/programmes")
    assert {"programme": "club", "in_force": None, "versions": [approved.json()]} == one.json()
    assert {"programmes": [one.json()]} == every.json()
    gone = ben.client.delete(f"{PATH}/2027-1", params={"reason": "too dear"})
    assert (200, "withdrawn") == (gone.status_code, gone.json()["status"])
    described += [drafted, again, approved, one, every, gone]


def test_the_same_sent_again_is_answered_alike_and_decided_once(
    ana: Person, ben: Person, business: Business
) -> None:
    first, again = ana.drafts(version()), ana.drafts(version())
    assert (201, 200, first.json()) == (first.status_code, again.status_code, again.json())
    cleo = [ben.approves(version()) for _ in range(2)]
    assert [200, 200] == [one.status_code for one in cleo]
    assert cleo[0].json() == cleo[1].json()
    for _ in range(2):
        assert 200 == ben.client.delete(f"{PATH}/2027-1").status_code
    assert 3 == decisions(business)


def decisions(business: Business) -> int:
    found = business.connection.execute(
        "SELECT position FROM journal.log_head WHERE log_id = %s", (business.logs.decisions,)
    ).fetchone()
    return int(found[0]) if found else 0


def test_of_many_who_approve_at_once_one_is_on_record(
    api: Api, ana: Person, business: Business
) -> None:
    ana.drafts(version())
    people = [Person(api, f"Person {number}", "approve") for number in range(8)]
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(lambda one: one.approves(version()), people))
    assert {200} == {one.status_code for one in answers}
    assert 1 == len({one.json()["approved_by"] for one in answers})
    assert 2 == decisions(business)


def test_who_drafted_never_approves_whatever_the_key_allows(
    api: Api, ana: Person, described: list[httpx.Response]
) -> None:
    ana.drafts(version())
    other_key = Person(api, " ana GIL", "approve")
    for one in (ana, other_key):
        refused = one.approves(version())
        assert "second person" in problem(refused, 403, "same_person")["detail"]
        described.append(refused)


def test_an_approval_names_the_draft_that_was_read(
    ana: Person, ben: Person, described: list[httpx.Response]
) -> None:
    ana.drafts(version())
    ana.drafts(changed := version(claim_window_days=9))
    stale = ben.approves(version())
    assert version_digest(changed) in problem(stale, 409, "other_digest")["detail"]
    assert 200 == ben.approves(changed).status_code
    problem(ana.drafts(version()), 409, "already_approved")
    described.append(stale)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"digest": "x"}', b'{"digest": 1}', b"[" * 50_000])
def test_an_approval_that_names_no_digest_is_refused(ben: Person, body: bytes) -> None:
    problem(ben.client.post(f"{PATH}/2027-1/approval", content=body), 400, "bad_body")


def test_what_is_effective_in_the_past_is_not_approved_without_a_preview(
    ana: Person, ben: Person
) -> None:
    rules = version(effective_from=datetime(2024, 1, 1, tzinfo=UTC))
    assert 201 == ana.drafts(rules).status_code
    for more in ({}, {"preview_digest": "ab" * 32}):
        told = problem(ben.approves(rules, **more), 409, "no_preview")["detail"]
        assert "effective in the past (2024-01-01T00:00:00+00:00)" in told
        assert "cannot preview postings yet" in told


def test_rules_that_do_not_fit_are_refused_with_every_place(
    ana: Person, business: Business, described: list[httpx.Response]
) -> None:
    document = json.loads(encode_version(version()))
    document["rules"][0]["earn"]["points"] = "many"
    document["rules"][3]["when"] = [{"kind": "mood"}]
    del document["currencies"][1]["code"]
    refused = ana.client.post(PATH, json=document)
    told = problem(refused, 422, "misfit_rules")
    assert {"rules[0].earn.points", "rules[3].when[0]", "currencies[1].code"} == {
        fault["field"] for fault in told["faults"]
    }
    assert "found 3 faults" in told["detail"]
    for body in (b"", b"[]", b"{", b"\xff", b'{"rules": ' + b"[" * 50_000):
        told = problem(ana.client.post(PATH, content=body), 422, "misfit_rules")
        assert 1 == len(told["faults"])
    described.append(refused)
    assert 0 == decisions(business)


def test_rules_that_make_no_sense_are_refused_with_every_fault(
    ana: Person, business: Business
) -> None:
    refused = ana.drafts(version(rewards=CLUB.rewards * 2, tiers=None))
    told = problem(refused, 422, "unsound_rules")
    assert {"rewards", "rules[0].tiers"} == {fault["field"] for fault in told["faults"]}
    assert all("expected" in fault["message"] for fault in told["faults"])
    assert 0 == decisions(business)


def test_very_many_faults_are_counted_and_some_are_told(ana: Person) -> None:
    document = json.loads(encode_version(version()))
    document["rewards"] = [{}] * 1_000
    told = problem(ana.client.post(PATH, json=document), 422, "misfit_rules")
    assert 500 == len(told["faults"])
    assert "found 3000 faults (the first 500 are told)" in told["detail"]


def test_a_version_is_drafted_under_its_own_programme_only(ana: Person) -> None:
    refused = ana.drafts(version(), "/v1/programmes/miles/versions")
    assert "mend 'programme' or the path" in problem(refused, 422, "other_programme")["detail"]


def test_what_is_not_there_is_told_as_such(ana: Person, ben: Person) -> None:
    problem(ana.client.get("/v1/programmes/club"), 404, "not_found")
    problem(ana.client.get(f"{PATH}/1"), 404, "not_found")
    problem(ben.approves(version()), 404, "unknown_version")
    problem(ben.client.delete(f"{PATH}/1"), 404, "unknown_version")
    ana.drafts(version())
    problem(ana.client.get(f"{PATH}/1"), 404, "not_found")
    problem(ben.client.delete(f"{PATH}/1"), 404, "unknown_version")
    problem(ben.client.delete(f"{PATH}/2027-1?reason="), 400, "bad_parameter")
    problem(ben.client.delete(f"{PATH}/2027-1?because=x"), 400, "bad_parameter")


def test_a_code_of_any_letters_finds_its_programme(ana: Person) -> None:
    rules = version(programme="Club Más 2")
    assert 201 == ana.drafts(rules, "/v1/programmes/Club%20M%C3%A1s%202/versions").status_code
    shown = ana.client.get("/v1/programmes/Club%20M%C3%A1s%202")
    assert "Club Más 2" == shown.json()["programme"]


def test_what_is_in_force_is_told_and_not_withdrawn(
    api: Api, ana: Person, business: Business
) -> None:
    """The only version that can be in force today is one that was approved before it began."""
    then = datetime.now(UTC) - timedelta(days=2)
    begun = version("2026-9", effective_from=then + timedelta(days=1))
    with open_decisions(business.url, business.logs.decisions) as log:
        office = ProgrammeOffice(log, now=lambda: instant_of(then))
        office.draft(begun, by="Ana Gil")
        office.approve("club", "2026-9", digest=version_digest(begun), by="Ben Sol")
    ana.drafts(version())
    shown = ana.client.get("/v1/programmes/club").json()
    assert "2026-9" == shown["in_force"]
    assert [("2026-9", True), ("2027-1", False)] == [
        (one["version"], one["in_force"]) for one in shown["versions"]
    ]
    assert ana.client.get(f"{PATH}/2026-9").json()["overview"]["in_force"]
    again = Person(api, "Cleo", "approve").approves(begun)
    assert (200, True) == (again.status_code, again.json()["in_force"])
    problem(ana.client.delete(f"{PATH}/2026-9"), 409, "in_force")


def test_another_process_sees_what_was_decided_here_at_once(
    ana: Person, ben: Person, business: Business
) -> None:
    with Api(business) as other:
        reader = other.client("read")
        assert [] == reader.get("/v1/programmes").json()["programmes"]
        ana.drafts(version())
        assert "draft" == reader.get(f"{PATH}/2027-1").json()["overview"]["status"]
        ben.approves(version())
        assert "approved" == reader.get(f"{PATH}/2027-1").json()["overview"]["status"]


def test_a_body_that_is_too_large_is_refused(business: Business) -> None:
    business.project()
    with Api(business, ApiLimits(body_bytes_max=1_000)) as small:
        refused = Person(small, "Ana", "publish_rules").drafts(version())
        problem(refused, 413, "too_large")


def test_a_log_that_is_away_or_busy_is_told_as_such(
    ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, status, code in (
        (UNREACHABLE[0]("server closed the connection"), 503, "database_away"),
        (ConflictError("others were faster"), 409, "busy"),
    ):

        def broken(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("journal.programmes.deciding.ProgrammeOffice.draft", broken)
        problem(ana.drafts(version()), status, code)


def test_a_damaged_log_is_a_defect_of_ours_and_not_of_whoever_asks(
    ana: Person, ben: Person, business: Business
) -> None:
    ana.drafts(version())
    with psycopg.connect(business.url, autocommit=True) as owner:
        owner.execute(
            "UPDATE journal.entry SET body = replace(convert_from(body, 'UTF8'),"
            ' \'"programme":"club"\', \'"programme":"clab"\')::bytea'
            " WHERE type = 'vinculo.programme_drafted.v1'"
        )
    with structlog.testing.capture_logs() as logs:
        problem(ben.approves(version()), 500, "failed")
    assert ["request.failed"] == [one["event"] for one in logs if one["log_level"] == "error"]
