"""Marketing: what was sent to a customer and what became of it."""

from __future__ import annotations

from typing import Literal

from domain.touchpoints.base import Code, Label, Touchpoint


class CampaignSent(Touchpoint, frozen=True, kw_only=True):
    """A campaign's message was sent to a customer."""

    campaign: Code
    message: Code | None = None
    purpose: Label | None = None


class CampaignDelivered(Touchpoint, frozen=True, kw_only=True):
    """The message reached the customer's mailbox or device."""

    campaign: Code
    message: Code | None = None


class CampaignOpened(Touchpoint, frozen=True, kw_only=True):
    """The customer opened the message."""

    campaign: Code
    message: Code | None = None


class CampaignClicked(Touchpoint, frozen=True, kw_only=True):
    """The customer followed a link of the message."""

    campaign: Code
    message: Code | None = None
    link: Code | None = None


class CampaignResponded(Touchpoint, frozen=True, kw_only=True):
    """The customer did what the campaign asked for: redeemed a coupon, ordered, signed up."""

    campaign: Code
    message: Code | None = None
    coupon: Code | None = None


class CampaignBounced(Touchpoint, frozen=True, kw_only=True):
    """The message did not reach the customer."""

    campaign: Code
    message: Code | None = None
    kind: Literal["hard", "soft"] = "hard"


class Unsubscribed(Touchpoint, frozen=True, kw_only=True):
    """The customer no longer wants messages of this channel."""

    campaign: Code | None = None


class SpamReported(Touchpoint, frozen=True, kw_only=True):
    """The customer reported a message as spam."""

    campaign: Code | None = None
