from datetime import datetime
from typing import Any

import pytest

from domain.touchpoints.consent import (
    ConsentExpired,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    ExclusionListed,
    ObjectionRaised,
)
from domain.touchpoints.identity import IdentifierLinked
from projections.customer.parts.consent import PART, permission
from tests.folding import ANA, CARD, fact, fold, instant, shown

MARKETING: dict[str, Any] = {"purpose": "marketing", "contact_channel": "email"}


def states(*facts: Any, now: str = "2024-12-31") -> dict[tuple[str, str], str]:
    return {
        (one["purpose"], one["channel"]): one["state"]
        for one in shown(PART, facts, now)["permissions"]
    }


def email(*facts: Any, now: str = "2024-12-31") -> str:
    return states(*facts, now=now)["marketing", "email"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ConsentGiven(**MARKETING), "granted"),
        (ConsentRefused(**MARKETING), "refused"),
        (ConsentWithdrawn(**MARKETING), "withdrawn"),
        (ConsentExpired(**MARKETING), "expired"),
        (ObjectionRaised(**MARKETING), "objected"),
        (ExclusionListed(**MARKETING, list_name="Robinson"), "excluded"),
    ],
)
def test_each_statement_has_its_state_and_other_channels_were_never_asked(
    statement: Any, expected: str
) -> None:
    assert {("marketing", "any"): "never asked", ("marketing", "email"): expected} == states(
        fact(statement)
    )


def test_a_permission_says_since_when_on_what_basis_and_under_which_notice() -> None:
    given = ConsentGiven(
        purpose="service",
        legal_basis="contract",
        notice_version="v3",
        expires_at=datetime.fromisoformat("2025-01-01T01:00:00+01:00"),
    )

    assert [
        {
            "purpose": "service",
            "channel": "any",
            "state": "granted",
            "since": "2024-03-01T12:00:00Z",
            "legal_basis": "contract",
            "notice_version": "v3",
            "expires_at": "2025-01-01T00:00:00Z",
        }
    ] == shown(PART, [fact(given)])["permissions"]


def test_the_last_statement_counts_whenever_it_arrives() -> None:
    given = fact(ConsentGiven(**MARKETING), "2024-03-01")
    withdrawn = fact(ConsentWithdrawn(**MARKETING), "2024-03-02")
    given_again = fact(ConsentGiven(**MARKETING), "2024-03-03")

    assert "withdrawn" == email(withdrawn, given)
    assert "granted" == email(given_again, withdrawn, given)


@pytest.mark.parametrize("other", [ConsentRefused, ConsentWithdrawn, ConsentExpired])
def test_of_the_same_instant_the_restrictive_statement_counts(other: Any) -> None:
    given = fact(ConsentGiven(**MARKETING), source="z", sequence=9)
    restrictive = fact(other(**MARKETING), source="a", sequence=1)

    assert email(restrictive) == email(given, restrictive) == email(restrictive, given)


def test_of_two_consents_of_the_same_instant_the_one_that_expires_first_counts() -> None:
    early = ConsentGiven(**MARKETING, expires_at=datetime.fromisoformat("2024-06-01T00:00:00Z"))
    late = ConsentGiven(**MARKETING, expires_at=datetime.fromisoformat("2024-07-01T00:00:00Z"))
    never = ConsentGiven(**MARKETING)

    for facts in ((early, late, never), (never, late, early), (late, never, early)):
        assert "expired" == email(*(fact(one) for one in facts), now="2024-06-15")


def test_a_consent_expires_at_its_instant() -> None:
    given = fact(
        ConsentGiven(**MARKETING, expires_at=datetime.fromisoformat("2024-06-01T00:00:00Z"))
    )

    assert "granted" == email(given, now="2024-05-31T23:59:59.999999+00:00")
    assert "expired" == email(given, now="2024-06-01T00:00:00+00:00")
    line = shown(PART, [given], "2024-07-01")["permissions"][1]
    assert "2024-06-01T00:00:00Z" == line["since"] == line["expires_at"]


def test_the_party_takes_the_most_restrictive_of_its_personas() -> None:
    given = fact(ConsentGiven(**MARKETING), "2024-03-09", persona=ANA)
    refused = fact(ConsentRefused(**MARKETING), "2024-03-01", persona=CARD)

    assert "refused" == email(given, refused)


def test_a_persona_that_was_never_asked_restricts_nothing() -> None:
    given = fact(ConsentGiven(**MARKETING), persona=ANA)
    other = fact(ConsentRefused(purpose="profiling"), persona=CARD)

    assert "granted" == email(given, other)


def test_a_statement_counts_for_every_persona_that_it_names() -> None:
    refused = fact(ConsentRefused(**MARKETING), "2024-03-01", persona=ANA, linked=(CARD,))
    ana_later = fact(ConsentGiven(**MARKETING), "2024-03-02", persona=ANA)
    card_later = fact(ConsentGiven(**MARKETING), "2024-03-03", persona=CARD)
    both_later = fact(ConsentGiven(**MARKETING), "2024-03-02", persona=ANA, linked=(CARD,))

    assert "refused" == email(refused, ana_later)
    assert "granted" == email(refused, ana_later, card_later)
    assert "granted" == email(refused, both_later)


def test_any_channel_speaks_of_each_until_the_channel_is_spoken_of_again() -> None:
    given_all = fact(ConsentGiven(purpose="marketing"), "2024-03-01")
    refused_email = fact(ConsentRefused(**MARKETING), "2024-03-02")
    withdrawn_all = fact(ConsentWithdrawn(purpose="marketing"), "2024-03-03")
    given_email = fact(ConsentGiven(**MARKETING), "2024-03-04")

    key_any, key_email = ("marketing", "any"), ("marketing", "email")
    assert {key_any: "granted", key_email: "refused"} == states(refused_email, given_all)
    assert {key_any: "withdrawn", key_email: "withdrawn"} == states(
        withdrawn_all, refused_email, given_all
    )
    assert {key_any: "withdrawn", key_email: "granted"} == states(
        given_email, withdrawn_all, given_all
    )


def test_objections_and_exclusions_outrank_earlier_and_later_consents() -> None:
    given = fact(ConsentGiven(**MARKETING), "2024-03-09")
    excluded = fact(ExclusionListed(purpose="marketing", list_name="Robinson"), "2024-03-01")
    objected = fact(ObjectionRaised(purpose="marketing"), "2024-03-02")

    assert "excluded" == email(given, excluded)
    assert "objected" == email(given, excluded, objected)
    assert "granted" == email(given)


def test_a_channel_without_a_statement_of_its_own_follows_what_was_said_of_any() -> None:
    state = fold(
        PART,
        [
            fact(ConsentGiven(purpose="marketing", notice_version="v1")),
            fact(ConsentRefused(purpose="marketing", contact_channel="phone")),
        ],
    )
    now = instant("2024-12-31")

    assert "granted" == permission(state, "marketing", "sms", now).state
    assert "v1" == permission(state, "marketing", "sms", now).notice_version
    assert "refused" == permission(state, "marketing", "phone", now).state
    assert "never asked" == permission(state, "profiling", "sms", now).state
    assert permission(state, "profiling", "sms", now).since is None


def test_purposes_may_contain_spaces() -> None:
    given = fact(ConsentGiven(purpose="any email list", contact_channel="sms"))

    assert {("any email list", "any"): "never asked", ("any email list", "sms"): "granted"} == (
        states(given)
    )


def test_a_link_alone_is_no_statement() -> None:
    assert {} == states(fact(IdentifierLinked(identifiers=("crm:1",)), linked=(CARD,)))
