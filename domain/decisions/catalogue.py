"""The catalogue of decisions: every type with its topic, and how old versions are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from domain.accounting.books import MonthClosed
from domain.accounting.estimates import EstimateDecision
from domain.decisions.base import Decision
from domain.decisions.clock import TimeAdvanced
from domain.earning.decisions import EarningDecision
from domain.errors import VinculoError
from domain.ledger.adjusting import AdjustmentRequested
from domain.ledger.decisions import AccountDecision
from domain.programmes.decisions import ProgrammeDecision

AnyDecision = (
    TimeAdvanced
    | ProgrammeDecision
    | AccountDecision
    | AdjustmentRequested
    | EarningDecision
    | EstimateDecision
    | MonthClosed
)
"""A union of every decision in its newest version, written out for exhaustive matching."""

Upcaster = Callable[[Any], Decision]
"""A pure function from an old version of a decision to the next one."""


class DecisionCatalogue:
    """The decisions that this product understands.

    Args:
        known: every decision type, all versions.
        upcasters: for each old version the function that turns it into the next one; applied on
            read, again and again until there is none. What is stored is never rewritten.

    Raises:
        VinculoError: if two types share a topic.

    """

    def __init__(
        self,
        known: Iterable[type[Decision]],
        upcasters: Mapping[type[Decision], Upcaster] | None = None,
    ) -> None:
        kinds = tuple(known)
        self.types: dict[str, type[Decision]] = {kind.topic: kind for kind in kinds}
        self.upcasters = dict(upcasters or {})
        if len(self.types) != len(kinds):
            message = (
                f"expected a topic of its own for each of {len(kinds)} decisions, found "
                f"{len(self.types)} topics; a new version is a new topic"
            )
            raise VinculoError(message)

    def upcast(self, decision: Decision) -> Decision:
        """Return a decision in the newest version of its type."""
        while (upcaster := self.upcasters.get(type(decision))) is not None:
            decision = upcaster(decision)
        return decision


def every_decision() -> tuple[type[Decision], ...]:
    """Return the members of :data:`AnyDecision`."""
    return get_args(AnyDecision) or (AnyDecision,)


DECISIONS = DecisionCatalogue(every_decision())
