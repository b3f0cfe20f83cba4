"""How far earning has come: the stream that puts the interleaving of its postings on record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

import msgspec

from domain.decisions.base import Aggregate, Decision, Recorded, projector, stream_id
from domain.errors import VinculoError

EARNING_ID = stream_id("earning")


class EarningWentBackError(VinculoError):
    """Facts were judged twice, or time went back: a defect of ours or a damaged log."""


class FactsJudged(Decision, frozen=True, kw_only=True):
    """Facts up to a position were judged; what they earned stands right before this (ruling 25).

    Args:
        to: position in the facts log.
        rules: position in the decisions log up to which programmes were heard; what was approved
            behind it judged nothing yet.

    """

    topic: ClassVar[str] = "vinculo.facts_judged.v1"

    to: int
    rules: int = 0


class TimersRun(Decision, frozen=True, kw_only=True):
    """Some accounts' timers were run up to an instant; what they brought stands right before this.

    Args:
        to: microseconds since 1970, a time that has advanced so far.
        done: whether every account was seen; if not, the sweep goes on.
        rules: position in the decisions log up to which programmes were heard.
        accounts: if it goes on, those that were seen, so that a replay finds what was asked of the
            others meanwhile in its place.

    """

    topic: ClassVar[str] = "vinculo.timers_run.v1"

    to: int
    done: bool = True
    rules: int = 0
    accounts: tuple[bytes, ...] = ()


EarningDecision = FactsJudged | TimersRun


class Earner(Aggregate, frozen=True, kw_only=True):
    """How far earning has come.

    Args:
        judged: position of the last fact that was judged.
        swept: instant up to which every account's timers were run.

    """

    id: UUID = EARNING_ID
    judged: int = 0
    swept: int = 0


def evolve(earner: Earner, decision: EarningDecision) -> Earner:
    """Return how far earning has come after a decision.

    Raises:
        EarningWentBackError: if it does not go on from where it was.

    """
    if isinstance(decision, FactsJudged):
        if decision.to <= earner.judged:
            message = (
                f"earning: expected facts behind position {earner.judged} to be judged, found "
                f"{decision.to}; the decisions log is damaged"
            )
            raise EarningWentBackError(message)
        return msgspec.structs.replace(earner, judged=decision.to)
    if decision.to < earner.swept:
        message = f"earning: expected timers from {earner.swept} on, found {decision.to}"
        raise EarningWentBackError(message)
    return msgspec.structs.replace(earner, swept=decision.to) if decision.done else earner


_project = projector(Earner, evolve)


def project_earner(
    earner: Earner | None, events: Iterable[Recorded[EarningDecision]]
) -> Earner | None:
    """Return how far earning has come, for the library's repository."""
    return _project(earner, events)
