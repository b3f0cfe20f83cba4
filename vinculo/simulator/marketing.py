"""Marketing: who is sent what, and how far they go along with it."""

from __future__ import annotations

from domain.touchpoints import (
    CampaignBounced,
    CampaignClicked,
    CampaignDelivered,
    CampaignOpened,
    CampaignResponded,
    CampaignSent,
    SpamReported,
    Unsubscribed,
)
from vinculo.simulator import permission
from vinculo.simulator.sources import Source
from vinculo.simulator.story import Story
from vinculo.simulator.world import Campaign

_SEND_SECOND = 10 * 3_600
_SEND_SPREAD_SECONDS = 5_400
_OPENING, _OPENING_GONE = 0.34, 0.12
_CLICKING = 0.26
_RESPONDING = 0.30
_HARD_BOUNCE, _SOFT_BOUNCE = 0.006, 0.02
_SPAM, _UNSUBSCRIBING = 0.002, 0.011


def begin(story: Story) -> None:
    """Put every campaign from tomorrow on that may reach this person on the agenda."""
    today, random = story.today, story.random
    for campaign in story.world.campaigns:
        if campaign.day > today and random.random() < campaign.audience:
            second = _SEND_SECOND + int(random.random() * _SEND_SPREAD_SECONDS)
            story.at(story.world.instant(campaign.day, second), _send, campaign)


def _send(story: Story, campaign: Campaign) -> None:
    if not story.reachable:
        return
    by_push = campaign.channel == "push" and story.registered
    subject = story.person.crm if by_push else story.person.email
    message = f"{campaign.code}-{story.person.ordinal:07d}"
    sent = CampaignSent(
        campaign=campaign.code,
        message=message,
        purpose=campaign.purpose,
        channel="push" if by_push else "email",
    )
    story.tell(Source.CAMPAIGNS, subject, sent)
    story.at(story.after_hours(0.02), _arrive, campaign, subject, message)


def _arrive(story: Story, campaign: Campaign, subject: str, message: str) -> None:
    luck = story.random.random()
    if luck < _SOFT_BOUNCE:
        hard = luck < _HARD_BOUNCE
        bounced = CampaignBounced(
            campaign=campaign.code, message=message, kind="hard" if hard else "soft"
        )
        story.tell(Source.CAMPAIGNS, subject, bounced)
        story.reachable = story.reachable and not hard
        return
    delivered = CampaignDelivered(campaign=campaign.code, message=message)
    story.tell(Source.CAMPAIGNS, subject, delivered)
    if story.chance(_OPENING_GONE if story.gone else _OPENING):
        story.at(story.after_hours(9), _open, campaign, subject, message)


def _open(story: Story, campaign: Campaign, subject: str, message: str) -> None:
    opened = CampaignOpened(campaign=campaign.code, message=message)
    story.tell(Source.CAMPAIGNS, subject, opened)
    reaction = story.random.random()
    if reaction < _SPAM:
        story.at(story.after_hours(0.1), _report_spam, campaign, subject)
    elif reaction < _SPAM + _UNSUBSCRIBING:
        story.at(story.after_hours(0.1), _unsubscribe, campaign, subject)
    elif reaction < _SPAM + _UNSUBSCRIBING + _CLICKING:
        story.at(story.after_hours(0.05), _click, campaign, subject, message)


def _click(story: Story, campaign: Campaign, subject: str, message: str) -> None:
    link = f"L{story.random.randint(1, 6)}"
    clicked = CampaignClicked(campaign=campaign.code, message=message, link=link)
    story.tell(Source.CAMPAIGNS, subject, clicked)
    if story.registered and not story.gone and story.chance(_RESPONDING):
        story.at(story.after_hours(30), _respond, campaign, subject, message)


def _respond(story: Story, campaign: Campaign, subject: str, message: str) -> None:
    coupon = f"{campaign.code}-COUPON" if story.chance(0.5) else None
    responded = CampaignResponded(campaign=campaign.code, message=message, coupon=coupon)
    story.tell(Source.CAMPAIGNS, subject, responded)


def _report_spam(story: Story, campaign: Campaign, subject: str) -> None:
    story.tell(Source.CAMPAIGNS, subject, SpamReported(campaign=campaign.code, channel="email"))
    permission.withdraw(story)


def _unsubscribe(story: Story, campaign: Campaign, subject: str) -> None:
    story.tell(Source.CAMPAIGNS, subject, Unsubscribed(campaign=campaign.code, channel="email"))
    permission.withdraw(story)
