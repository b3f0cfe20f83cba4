"""Permission: what people agree to, refuse and take back; and what they tell of themselves."""

from __future__ import annotations

from domain.instants import DAY, moment_of
from domain.touchpoints import (
    ConsentExpired,
    ConsentGiven,
    ConsentRefused,
    ConsentWithdrawn,
    DemographicsRecorded,
    ExclusionListed,
    ObjectionRaised,
    PreferenceDeclared,
)
from vinculo.simulator.assortment import CATEGORIES
from vinculo.simulator.season import WEB_HOURS
from vinculo.simulator.sources import ZONES, Source
from vinculo.simulator.story import Story

_NOTICE = "privacy-2"
_PURPOSE = "marketing"
_AGES = ((24, "18-24"), (34, "25-34"), (44, "35-44"), (54, "45-54"), (64, "55-64"), (999, "65+"))
"""The highest age of each band, and its name."""
_INCOMES = ("under 20K", "20-35K", "35-50K", "50-80K", "over 80K")
_HOMES = ("owner", "tenant")
_SIZES = ("1", "2", "3", "4", "5+")

_AGREEING, _ANSWERING = 0.66, 0.82  # shares of people, cumulative


def ask(story: Story) -> None:
    """Ask for consent to marketing: some agree, some refuse, some are never asked."""
    answer = story.random.random()
    if answer < _AGREEING:
        _agree(story)
    elif answer < _ANSWERING:
        refused = ConsentRefused(
            purpose=_PURPOSE, contact_channel="any", notice_version=_NOTICE, channel="web"
        )
        story.tell(Source.CONSENT, story.subject, refused)
    if story.chance(0.015):
        story.at(story.on_later_day(120, WEB_HOURS), _object)
    if story.chance(0.01):
        story.at(story.on_later_day(200, WEB_HOURS), _exclude)


def describe(story: Story) -> None:
    """Tell of oneself: preferences and circumstances, some months after registration or never."""
    if story.chance(0.35):
        story.at(story.on_later_day(60, WEB_HOURS), _state_preference)
    if story.chance(0.4):
        story.at(story.on_later_day(20, WEB_HOURS), _state_circumstances)


def withdraw(story: Story) -> None:
    """Take the consent to marketing back; nothing more is sent."""
    if not story.reachable:
        return
    story.reachable = False
    withdrawn = ConsentWithdrawn(
        purpose=_PURPOSE, contact_channel="email", notice_version=_NOTICE, channel="email"
    )
    story.tell(Source.CONSENT, story.subject, withdrawn)


def _agree(story: Story) -> None:
    limited = story.chance(0.12)
    expires_at = story.now + 365 * DAY
    given = ConsentGiven(
        purpose=_PURPOSE,
        contact_channel="any" if story.chance(0.5) else "email",
        notice_version=_NOTICE,
        evidence=f"form-{story.person.ordinal:07d}",
        expires_at=moment_of(expires_at).astimezone(ZONES[Source.CONSENT]) if limited else None,
        channel="web",
    )
    story.tell(Source.CONSENT, story.subject, given)
    story.reachable = True
    if limited:
        story.at(expires_at, _expire)


def _expire(story: Story) -> None:
    if story.reachable:
        story.reachable = False
        expired = ConsentExpired(purpose=_PURPOSE, contact_channel="any", notice_version=_NOTICE)
        story.tell(Source.CONSENT, story.subject, expired)


def _object(story: Story) -> None:
    objection = ObjectionRaised(purpose="profiling", contact_channel="any", channel="post")
    story.tell(Source.CONSENT, story.subject, objection)


def _exclude(story: Story) -> None:
    listed = ExclusionListed(purpose=_PURPOSE, contact_channel="phone", list_name="Robinson list")
    story.tell(Source.CONSENT, story.subject, listed)


def _state_preference(story: Story) -> None:
    if not story.ended:
        favourite = CATEGORIES[story.person.favourites[0]].name
        preference = PreferenceDeclared(topic="category", value=favourite, channel="web")
        story.tell(Source.WEBSHOP, story.subject, preference)


def _state_circumstances(story: Story) -> None:
    if story.ended:
        return
    choose = story.random.choice
    size = choose(_SIZES)
    circumstances = DemographicsRecorded(
        age_band=_age_band(story),
        income_band=choose(_INCOMES),
        home_ownership=choose(_HOMES),
        household_size=size,
        children=None if size == "1" else choose(("0", "1", "2", "3+")),
        channel="web",
    )
    story.tell(Source.CRM, story.subject, circumstances)


def _age_band(story: Story) -> str:
    age = story.person.age(moment_of(story.now).date())
    return next(band for highest, band in _AGES if age <= highest)
