"""Leaving: the signs that some customers give, and the few who say goodbye."""

from __future__ import annotations

from typing import Literal

from domain.touchpoints import CancelIntentDeclared, CompetitorOfferSeen, RelationshipEnded
from vinculo.simulator import loyalty
from vinculo.simulator.season import OFFICE_HOURS
from vinculo.simulator.sources import CURRENCY, Source
from vinculo.simulator.story import Story

_REASONS = ("prices", "service", "moving house", "bought elsewhere")
_COMPETITORS = ("Mercado Norte", "La Alacena", "Casa Verde")


def leave(story: Story) -> None:
    """Stop buying. Most go in silence."""
    story.gone = True
    if story.chance(0.22):
        story.at(story.on_later_day(4, OFFICE_HOURS), tell_of_competitor)
    if story.chance(0.25):
        story.at(story.on_later_day(14, OFFICE_HOURS), declare_intent)
    if story.chance(0.07):
        story.at(story.on_later_day(40, OFFICE_HOURS), end)


def tell_of_competitor(story: Story) -> None:
    """Tell an agent of somebody else's offer."""
    if story.ended:
        return
    random = story.random
    offer = CompetitorOfferSeen(
        competitor=random.choice(_COMPETITORS),
        currency=CURRENCY,
        amount=random.randrange(500, 9_000, 50),
        lives_days=random.choice((None, None, 30, 60)),
        channel="phone",
    )
    story.tell(Source.CRM, story.subject, offer)


def declare_intent(story: Story) -> None:
    """Say that one means to leave."""
    if not story.ended:
        intent = CancelIntentDeclared(reason=story.random.choice(_REASONS), channel="phone")
        story.tell(Source.HELPDESK, story.subject, intent)


def end(story: Story) -> None:
    """End the relationship; a points account is closed with it."""
    if story.ended or not story.gone:
        return
    reason: Literal["death", "request"] = "death" if story.chance(0.1) else "request"
    if story.has_card:
        loyalty.close_account(story)
    story.tell(Source.CRM, story.subject, RelationshipEnded(reason=reason))
    story.ended = True
    story.reachable = False
