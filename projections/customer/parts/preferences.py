"""Preferences: what a customer says they like, the last statement of each topic.

The 64 topics that were spoken of last are kept. A topic's last statement only gets later, so a
topic that falls out comes back only with a statement later than those that stayed: what is kept
does not depend on the order of the facts.
"""

from __future__ import annotations

from datetime import date

import msgspec

from domain.fact import Fact
from domain.instants import date_of
from domain.touchpoints.identity import PreferenceDeclared
from projections.customer.last import Mark, is_later, order_of
from projections.customer.part import Context, Part, Reading

TOPICS_MAX = 64


class Preference(Mark):
    """What was last said of a topic."""

    value: str


class PreferencesState(msgspec.Struct, array_like=True, gc=False):
    """State of this part: preferences by topic."""

    topics: dict[str, Preference] = msgspec.field(default_factory=dict)


class PreferenceShown(msgspec.Struct, frozen=True, gc=False):
    """What the customer last said of a topic, by which source, on which business day."""

    topic: str
    value: str
    source: str
    on: date


class Preferences(msgspec.Struct, frozen=True, gc=False):
    """What the customer likes: sorted by topic, at most the 64 topics spoken of last."""

    topics: tuple[PreferenceShown, ...]


def _declared(
    state: PreferencesState, fact: Fact, declared: PreferenceDeclared, _context: Context
) -> None:
    topics = state.topics
    if not is_later(fact, topics.get(declared.topic)):
        return
    topics[declared.topic] = Preference(
        fact.occurred_at, fact.source, fact.sequence, fact.entry_id, declared.value
    )
    if len(topics) > TOPICS_MAX:
        del topics[min(topics, key=lambda topic: order_of(topics[topic]))]


def _render(state: PreferencesState, reading: Reading) -> Preferences:
    return Preferences(
        topics=tuple(
            _show(topic, preference, reading) for topic, preference in sorted(state.topics.items())
        )
    )


def _show(topic: str, preference: Preference, reading: Reading) -> PreferenceShown:
    on = date_of(reading.context.calendar.day(preference.at))
    return PreferenceShown(topic, preference.value, preference.source, on)


PART = Part(
    name="preferences",
    version=1,
    kind="commutative",
    state=PreferencesState,
    handlers={PreferenceDeclared: _declared},
    render=_render,
)
