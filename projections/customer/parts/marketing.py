"""Marketing: what was sent to a customer, by channel, and what became of it.

Sends are also counted by business day, for the contact pressure of the last 30 days: the counts
of the 31 days that end with the newest send are kept, one byte a day (255 stands for 255 and
more). The newest day only grows, so a day within the last window was within every earlier one:
what is kept does not depend on the order of the facts. The 31st day lets a reading that is a day
behind the newest send (of a source ahead of the clock) be exact.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.fact import Fact
from domain.touchpoints.base import Touchpoint
from domain.touchpoints.marketing import (
    CampaignBounced,
    CampaignClicked,
    CampaignDelivered,
    CampaignOpened,
    CampaignResponded,
    CampaignSent,
    SpamReported,
    Unsubscribed,
)
from projections.customer import distinct
from projections.customer.last import Tally, counted
from projections.customer.part import Context, Part, Reading
from projections.customer.shown import moment

PRESSURE_DAYS = 30
DAYS_KEPT = PRESSURE_DAYS + 1
COUNT_OF_DAY_MAX = 255
CHANNEL_UNKNOWN = "unknown"


class Flow(msgspec.Struct, array_like=True, gc=False):
    """What happened in one channel; None for what never did."""

    sent: Tally | None = None
    delivered: Tally | None = None
    opened: Tally | None = None
    clicked: Tally | None = None
    responded: Tally | None = None
    bounced: Tally | None = None
    unsubscribed: Tally | None = None
    spam_reported: Tally | None = None


class DayCounts(msgspec.Struct, array_like=True, gc=False):
    """Counts of the last days.

    Args:
        newest: the newest day, in days since 1970-01-01.
        counts: of that day, the one before, and so on; the last one is not zero.

    """

    newest: int
    counts: bytearray


class MarketingState(msgspec.Struct, array_like=True, gc=False):
    """State of this part.

    Args:
        flows: by channel.
        sends: by business day, all channels.
        campaigns_sent: a sketch of the campaigns that were sent.
        campaigns_responded: a sketch of the campaigns that were responded to.

    """

    flows: dict[str, Flow] = msgspec.field(default_factory=dict)
    sends: DayCounts | None = None
    campaigns_sent: bytearray = msgspec.field(default_factory=bytearray)
    campaigns_responded: bytearray = msgspec.field(default_factory=bytearray)


class HappeningShown(msgspec.Struct, frozen=True, gc=False):
    """How often something happened, and when the last time."""

    count: int
    last_at: datetime | None


class FlowShown(msgspec.Struct, frozen=True, gc=False):
    """What was sent in one channel and what became of it.

    Args:
        channel: where; ``unknown`` if the touchpoint does not say.
        sent: messages sent.
        delivered: that reached the customer.
        opened: openings.
        clicked: clicks.
        responded: what the campaign asked for was done.
        bounced: that did not reach the customer.
        unsubscribed: the customer wants no more of this channel.
        spam_reported: the customer reported spam.

    """

    channel: str
    sent: HappeningShown
    delivered: HappeningShown
    opened: HappeningShown
    clicked: HappeningShown
    responded: HappeningShown
    bounced: HappeningShown
    unsubscribed: HappeningShown
    spam_reported: HappeningShown


class CampaignsShown(msgspec.Struct, frozen=True, gc=False):
    """How many different campaigns; counted below 64, from there on estimated."""

    sent: int
    sent_exact: bool
    responded: int
    responded_exact: bool


class ResponseRateShown(msgspec.Struct, frozen=True, gc=False):
    """Responses and sends over all channels: the rate is responded ÷ sent."""

    responded: int
    sent: int


class Marketing(msgspec.Struct, frozen=True, gc=False):
    """What was sent to the customer, and what became of it.

    Args:
        channels: sorted by name.
        campaigns: different ones.
        response_rate: as two integers.
        sends_last_30_days: on the 30 business days that end with the day of the reading.

    """

    channels: tuple[FlowShown, ...]
    campaigns: CampaignsShown
    response_rate: ResponseRateShown
    sends_last_30_days: int


def _sent(state: MarketingState, fact: Fact, sent: CampaignSent, context: Context) -> None:
    flow = _flow(state, sent)
    flow.sent = counted(flow.sent, fact)
    distinct.add(state.campaigns_sent, sent.campaign)
    _count_day(state, context.calendar.day(fact.occurred_at))


def _delivered(
    state: MarketingState, fact: Fact, delivered: CampaignDelivered, _context: Context
) -> None:
    flow = _flow(state, delivered)
    flow.delivered = counted(flow.delivered, fact)


def _opened(state: MarketingState, fact: Fact, opened: CampaignOpened, _context: Context) -> None:
    flow = _flow(state, opened)
    flow.opened = counted(flow.opened, fact)


def _clicked(
    state: MarketingState, fact: Fact, clicked: CampaignClicked, _context: Context
) -> None:
    flow = _flow(state, clicked)
    flow.clicked = counted(flow.clicked, fact)


def _responded(
    state: MarketingState, fact: Fact, responded: CampaignResponded, _context: Context
) -> None:
    flow = _flow(state, responded)
    flow.responded = counted(flow.responded, fact)
    distinct.add(state.campaigns_responded, responded.campaign)


def _bounced(
    state: MarketingState, fact: Fact, bounced: CampaignBounced, _context: Context
) -> None:
    flow = _flow(state, bounced)
    flow.bounced = counted(flow.bounced, fact)


def _unsubscribed(
    state: MarketingState, fact: Fact, unsubscribed: Unsubscribed, _context: Context
) -> None:
    flow = _flow(state, unsubscribed)
    flow.unsubscribed = counted(flow.unsubscribed, fact)


def _spam_reported(
    state: MarketingState, fact: Fact, reported: SpamReported, _context: Context
) -> None:
    flow = _flow(state, reported)
    flow.spam_reported = counted(flow.spam_reported, fact)


def _flow(state: MarketingState, touchpoint: Touchpoint) -> Flow:
    channel = touchpoint.channel or CHANNEL_UNKNOWN
    flow = state.flows.get(channel)
    if flow is None:
        flow = state.flows[channel] = Flow()
    return flow


def _count_day(state: MarketingState, day: int) -> None:
    days = state.sends
    if days is None:
        state.sends = DayCounts(day, bytearray(b"\x01"))
        return
    if day > days.newest:
        _move_on(days, day)
    behind = days.newest - day
    if behind >= DAYS_KEPT:
        return
    counts = days.counts
    if behind >= len(counts):
        counts.extend(bytes(behind + 1 - len(counts)))
    if counts[behind] < COUNT_OF_DAY_MAX:
        counts[behind] += 1


def _move_on(days: DayCounts, day: int) -> None:
    days.counts[:0] = bytes(min(DAYS_KEPT, day - days.newest))
    days.counts = days.counts[:DAYS_KEPT].rstrip(b"\x00")
    days.newest = day


def _render(state: MarketingState, reading: Reading) -> Marketing:
    flows = state.flows.values()
    return Marketing(
        channels=tuple([_show_flow(name, state.flows[name]) for name in sorted(state.flows)]),
        campaigns=CampaignsShown(
            sent=distinct.count(state.campaigns_sent),
            sent_exact=distinct.is_exact(state.campaigns_sent),
            responded=distinct.count(state.campaigns_responded),
            responded_exact=distinct.is_exact(state.campaigns_responded),
        ),
        response_rate=ResponseRateShown(
            responded=sum([flow.responded.count for flow in flows if flow.responded]),
            sent=sum([flow.sent.count for flow in flows if flow.sent]),
        ),
        sends_last_30_days=_pressure(state.sends, reading.today),
    )


def _pressure(days: DayCounts | None, today: int) -> int:
    if days is None:
        return 0
    first = days.newest - today
    return sum(days.counts[max(0, first) : max(0, first + PRESSURE_DAYS)])


_NEVER = HappeningShown(0, None)


def _show_flow(channel: str, flow: Flow) -> FlowShown:
    # Most happenings never happened, and a call for each of them would cost more than the rest.
    return FlowShown(
        channel=channel,
        sent=_NEVER if flow.sent is None else _show(flow.sent),
        delivered=_NEVER if flow.delivered is None else _show(flow.delivered),
        opened=_NEVER if flow.opened is None else _show(flow.opened),
        clicked=_NEVER if flow.clicked is None else _show(flow.clicked),
        responded=_NEVER if flow.responded is None else _show(flow.responded),
        bounced=_NEVER if flow.bounced is None else _show(flow.bounced),
        unsubscribed=_NEVER if flow.unsubscribed is None else _show(flow.unsubscribed),
        spam_reported=_NEVER if flow.spam_reported is None else _show(flow.spam_reported),
    )


def _show(tally: Tally) -> HappeningShown:
    return HappeningShown(tally.count, moment(tally.last))


PART = Part(
    name="marketing",
    version=1,
    kind="commutative",
    state=MarketingState,
    handlers={
        CampaignSent: _sent,
        CampaignDelivered: _delivered,
        CampaignOpened: _opened,
        CampaignClicked: _clicked,
        CampaignResponded: _responded,
        CampaignBounced: _bounced,
        Unsubscribed: _unsubscribed,
        SpamReported: _spam_reported,
    },
    render=_render,
)
