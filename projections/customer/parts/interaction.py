"""Interaction: conversations between a company and a customer, counted, and the last one."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.fact import Fact
from domain.touchpoints.interaction import InteractionRecorded
from projections.customer.last import Mark, is_later
from projections.customer.part import Context, Part, Reading
from projections.customer.shown import moment

CHANNEL_UNKNOWN = "unknown"


class Directions(msgspec.Struct, array_like=True, gc=False):
    """How many conversations of a channel came in, and how many went out."""

    inbound: int = 0
    outbound: int = 0


class Conversation(Mark):
    """The last conversation, as far as it is not personal."""

    inbound: bool
    channel: str | None
    agent: str | None
    topic: str | None


class InteractionState(msgspec.Struct, array_like=True, gc=False):
    """State of this part.

    Args:
        channels: by name.
        human: conversations with an employee.
        bot: conversations with a robot.
        seconds: the durations that were stated, together.
        last: by ruling 5.

    """

    channels: dict[str, Directions] = msgspec.field(default_factory=dict)
    human: int = 0
    bot: int = 0
    seconds: int = 0
    last: Conversation | None = None


class ChannelShown(msgspec.Struct, frozen=True, gc=False):
    """Conversations in one channel; ``unknown`` where the touchpoint does not say."""

    channel: str
    inbound: int
    outbound: int


class ConversationShown(msgspec.Struct, frozen=True, gc=False):
    """The last conversation: when, where, with whom, who began, what about."""

    at: datetime
    direction: str
    channel: str | None
    agent: str | None
    topic: str | None


class Interaction(msgspec.Struct, frozen=True, gc=False):
    """Conversations with the customer.

    Args:
        channels: sorted by name.
        human: conversations with an employee.
        bot: conversations with a robot.
        duration_seconds: the durations that were stated, together.
        last_conversation: null if there was none.

    """

    channels: tuple[ChannelShown, ...]
    human: int
    bot: int
    duration_seconds: int
    last_conversation: ConversationShown | None


def _recorded(
    state: InteractionState, fact: Fact, conversation: InteractionRecorded, _context: Context
) -> None:
    inbound = conversation.direction == "inbound"
    directions = _directions(state, conversation.channel or CHANNEL_UNKNOWN)
    if inbound:
        directions.inbound += 1
    else:
        directions.outbound += 1
    if conversation.counterpart == "bot":
        state.bot += 1
    else:
        state.human += 1
    if conversation.duration_seconds is not None:
        state.seconds += conversation.duration_seconds
    if is_later(fact, state.last):
        state.last = _conversation(fact, conversation, inbound=inbound)


def _directions(state: InteractionState, channel: str) -> Directions:
    directions = state.channels.get(channel)
    if directions is None:
        directions = state.channels[channel] = Directions()
    return directions


def _conversation(fact: Fact, stated: InteractionRecorded, *, inbound: bool) -> Conversation:
    return Conversation(
        fact.occurred_at,
        fact.source,
        fact.sequence,
        fact.entry_id,
        inbound,
        stated.channel,
        stated.agent,
        stated.topic,
    )


def _render(state: InteractionState, _reading: Reading) -> Interaction:
    return Interaction(
        channels=tuple(
            ChannelShown(name, one.inbound, one.outbound)
            for name, one in sorted(state.channels.items())
        ),
        human=state.human,
        bot=state.bot,
        duration_seconds=state.seconds,
        last_conversation=_show(state.last),
    )


def _show(last: Conversation | None) -> ConversationShown | None:
    if last is None:
        return None
    return ConversationShown(
        at=moment(last.at),
        direction="inbound" if last.inbound else "outbound",
        channel=last.channel,
        agent=last.agent,
        topic=last.topic,
    )


PART = Part(
    name="interaction",
    version=1,
    kind="commutative",
    state=InteractionState,
    handlers={InteractionRecorded: _recorded},
    render=_render,
)
