"""Identity: who somebody is, and which identifiers are one person's."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from domain.touchpoints.base import Code, IdentifierText, Label, PersonalText, Touchpoint

PersonalDate = Annotated[
    date,
    Meta(
        description="A date that may identify a person: sealed under the subject's own key.",
        extra_json_schema={"x-personal": True},
        extra={"personal": True},
    ),
]
PartyKind = Literal["person", "organisation", "household"]
Country = Annotated[str, Meta(min_length=2, max_length=2, description="ISO 3166-1 alpha-2.")]


# The journal keeps personas in place of identifiers, so a stored body has none: that at least one
# is stated is asked of the publisher, at intake and in the schema.
Identifiers = Annotated[
    tuple[IdentifierText, ...], Meta(max_length=20, extra_json_schema={"minItems": 1})
]


class _Profile(Touchpoint, frozen=True, kw_only=True):
    """The personal display of a customer, as a source states it. The last statement counts."""

    name: PersonalText | None = None
    email: PersonalText | None = None
    phone: PersonalText | None = None
    address: PersonalText | None = None
    postcode: PersonalText | None = None
    born_on: PersonalDate | None = None
    language: Code | None = None
    country: Country | None = None


class CustomerRegistered(_Profile, frozen=True, kw_only=True):
    """A customer became known by name: a registration, a card handed out, an account opened."""

    kind: PartyKind = "person"


class ProfileUpdated(_Profile, frozen=True, kw_only=True):
    """A customer's own data changed; fields that are absent stay as they were."""


class LeadCaptured(_Profile, frozen=True, kw_only=True):
    """Somebody showed interest before buying anything."""

    origin: Label | None = None
    campaign: Code | None = None


class LeadQualified(Touchpoint, frozen=True, kw_only=True):
    """A lead was judged worth pursuing."""

    score: Annotated[int, Meta(ge=0, le=1000)] | None = None


class LeadDisqualified(Touchpoint, frozen=True, kw_only=True):
    """A lead was judged not worth pursuing."""

    reason: Label | None = None


class IdentifierLinked(Touchpoint, frozen=True, kw_only=True):
    """The subject and every identifier named here are the same customer."""

    identifiers: Identifiers = ()
    reason: Label | None = None


class IdentifierUnlinked(Touchpoint, frozen=True, kw_only=True):
    """The subject and the identifiers named here are *not* the same customer."""

    identifiers: Identifiers = ()
    reason: Label | None = None


class RelationshipEnded(Touchpoint, frozen=True, kw_only=True):
    """The relationship ended: at the customer's request, by death, or by the company."""

    reason: Literal["request", "death", "company", "other"] = "request"


class DemographicsRecorded(Touchpoint, frozen=True, kw_only=True):
    """What is known of a person's circumstances, with its date; bands, never exact values."""

    age_band: Label | None = None
    income_band: Label | None = None
    home_ownership: Label | None = None
    marital_status: Label | None = None
    household_size: Label | None = None
    household_composition: Label | None = None
    children: Label | None = None


class PreferenceDeclared(Touchpoint, frozen=True, kw_only=True):
    """A customer said what they like; the last statement of a topic counts."""

    topic: Code
    value: Label
