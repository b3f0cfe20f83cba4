"""Service: incidents and their lifecycle, conversations and their cost, and surveys."""

from __future__ import annotations

from typing import Literal

from domain.instants import HOUR
from domain.touchpoints import (
    CostToServeRecorded,
    IncidentClosed,
    IncidentOpened,
    IncidentPending,
    IncidentReopened,
    IncidentResolved,
    IncidentResponded,
    InteractionRecorded,
    SurveyAnswered,
)
from vinculo.simulator import loyalty
from vinculo.simulator.season import OFFICE_HOURS
from vinculo.simulator.sources import CURRENCY, Source
from vinculo.simulator.story import Story

_CATEGORIES = ("delivery", "defect", "invoice", "loyalty card", "staff", "website")
_TOPICS = ("order", "product", "complaint", "opening hours", "loyalty card")
_AGENTS = ("agent-01", "agent-02", "agent-03", "agent-04", "robot-1")
_CENTS_PER_MINUTE = 45
_INCIDENT_COST = {1: 300, 2: 900, 3: 2_500, 4: 7_000}
_GRAVE = 3
_MEAN_DAYS_BETWEEN_CALLS = 210
_MEAN_DAYS_BETWEEN_INCIDENTS = 420


def begin(story: Story) -> None:
    """Put the first call and the first incident on the agenda."""
    _plan_call(story)
    _plan_incident(story)


def maybe_ask(story: Story, survey: Literal["nps", "csat", "ces"], answering: float) -> None:
    """Ask for an opinion; a share of those asked answers within days."""
    if story.chance(answering):
        story.at(story.after_hours(40), _answer, survey, None)


def talk(story: Story, direction: Literal["inbound", "outbound"], topic: str) -> None:
    """Record a conversation and what it cost."""
    random = story.random
    agent = random.choice(_AGENTS)
    seconds = 20 + int(random.expovariate(1 / 240))
    source = Source.HELPDESK if direction == "inbound" else Source.CRM
    conversation = InteractionRecorded(
        direction=direction,
        initiative="reactive" if direction == "inbound" else "proactive",
        counterpart="bot" if agent.startswith("robot") else "human",
        topic=topic,
        duration_seconds=seconds,
        outcome=random.choice(("answered", "answered", "called back", "passed on")),
        summary=f"{story.person.name} about: {topic}" if story.chance(0.3) else None,
        channel=random.choice(("phone", "phone", "chat", "email")),
        agent=agent,
    )
    story.tell(source, story.subject, conversation)
    _cost(story, 1 + seconds * _CENTS_PER_MINUTE // 60, "conversation")


def _plan_call(story: Story) -> None:
    story.at(story.on_later_day(_MEAN_DAYS_BETWEEN_CALLS, OFFICE_HOURS), _call)


def _plan_incident(story: Story) -> None:
    story.at(story.on_later_day(_MEAN_DAYS_BETWEEN_INCIDENTS, OFFICE_HOURS), _open)


def _call(story: Story) -> None:
    if not story.ended:
        talk(story, "inbound", story.random.choice(_TOPICS))
        _plan_call(story)


def _open(story: Story) -> None:
    if story.ended or story.gone:
        return
    random = story.random
    severity = random.choices((1, 2, 3, 4), cum_weights=(48, 80, 94, 100))[0]
    number = story.number("incident")
    incident = f"INC-{story.person.ordinal:07d}-{number:02d}"
    opened = IncidentOpened(
        incident=incident,
        severity=severity,
        category=random.choice(_CATEGORIES),
        description=f"{story.person.name} reports a problem" if story.chance(0.5) else None,
        channel="phone",
    )
    talk(story, "inbound", "complaint")
    story.tell(Source.HELPDESK, story.subject, opened)
    story.sums["incidents_open"] += 1
    story.at(story.after_hours(9 / severity), _respond, incident, severity)
    _plan_incident(story)


def _respond(story: Story, incident: str, severity: int) -> None:
    story.tell(Source.HELPDESK, story.subject, IncidentResponded(incident=incident))
    if story.chance(0.04):
        return  # forgotten: it stays open
    if story.chance(0.3):
        story.at(story.after_hours(6), _wait_for_customer, incident)
    story.at(story.after_hours(50 / severity) + 7 * HOUR, _resolve, incident, severity)


def _wait_for_customer(story: Story, incident: str) -> None:
    story.tell(Source.HELPDESK, story.subject, IncidentPending(incident=incident))


def _resolve(story: Story, incident: str, severity: int) -> None:
    story.tell(Source.HELPDESK, story.subject, IncidentResolved(incident=incident))
    story.sums["incidents_open"] -= 1
    _cost(story, _INCIDENT_COST[severity], "incident")
    if story.chance(0.1):
        story.at(story.after_hours(30), _reopen, incident, severity)
        return
    if severity >= _GRAVE and story.has_card and story.chance(0.5):
        loyalty.grant(story, 500, 180, "goodwill")
    story.at(story.after_hours(48), _close, incident)


def _reopen(story: Story, incident: str, severity: int) -> None:
    story.tell(Source.HELPDESK, story.subject, IncidentReopened(incident=incident))
    story.sums["incidents_open"] += 1
    story.at(story.after_hours(40 / severity), _resolve, incident, severity)


def _close(story: Story, incident: str) -> None:
    story.tell(Source.HELPDESK, story.subject, IncidentClosed(incident=incident))
    if story.chance(0.35):
        survey = "csat" if story.chance(0.7) else "ces"
        story.at(story.after_hours(24), _answer, survey, incident)


def _answer(story: Story, survey: Literal["nps", "csat", "ces"], about: str | None) -> None:
    if story.ended:
        return
    mood = story.random.betavariate(3.2, 1.4)
    lowest, highest = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}[survey]
    score = lowest + round(mood * (highest - lowest))
    answer = SurveyAnswered(
        survey=survey,
        score=score,
        about=about,
        comment="Muito obrigada, todo perfecto" if story.chance(0.1) else None,
        channel="email",
    )
    story.tell(Source.HELPDESK, story.subject, answer)
    story.scores[survey] += score


def _cost(story: Story, amount: int, kind: str) -> None:
    cost = CostToServeRecorded(currency=CURRENCY, amount=amount, kind=kind)
    story.tell(Source.HELPDESK, story.subject, cost)
    story.sums["cost_to_serve"] += amount
