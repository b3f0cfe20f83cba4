"""The systems of the simulated company, each with its own ids, names for people, and time zone."""

from __future__ import annotations

from enum import IntEnum
from zoneinfo import ZoneInfo

from domain.money import Currency
from vinculo.importers.profile import SourceProfile

BUSINESS_ZONE = "Europe/Madrid"
"""In which the simulated company reckons its days."""

CURRENCY: Currency = "EUR"
"""In which it buys and sells."""


class Source(IntEnum):
    """A system of the company; its value is its place in :data:`PROFILES`."""

    CRM = 0
    TILL = 1
    WEBSHOP = 2
    CAMPAIGNS = 3
    HELPDESK = 4
    LOYALTY = 5
    CONSENT = 6


def _profile(
    name: str, zone: str, namespaces: tuple[str, ...], *, money: bool, stable_time: bool = True
) -> SourceProfile:
    return SourceProfile(
        source=f"urn:vinculo:demo:{name}",
        topic=f"vinculo.demo.{name}",
        namespaces=namespaces,
        zone=zone,
        stable_time=stable_time,
        currencies=(CURRENCY,) if money else (),
    )


PROFILES: tuple[SourceProfile, ...] = (
    _profile("crm", "Europe/Madrid", ("crm", "card", "email", "receipt"), money=True),
    _profile("till", "Europe/Madrid", ("card", "receipt"), money=True),
    _profile("webshop", "UTC", ("email", "crm", "cookie"), money=True),
    _profile("campaigns", "America/New_York", ("email", "crm"), money=False),
    _profile("helpdesk", "Europe/Lisbon", ("crm", "email"), money=True, stable_time=False),
    _profile("loyalty", "Europe/Madrid", ("card",), money=False),
    _profile("consent", "UTC", ("crm", "email"), money=False, stable_time=False),
)
"""One per :class:`Source`, in its order."""

ZONES: tuple[ZoneInfo, ...] = tuple(ZoneInfo(profile.zone) for profile in PROFILES)
"""The zone of each source, in the same order."""
