"""Demographics: what is known of a person's circumstances, each field with source and date.

Per field the last statement counts, by ruling 5. Fields that one touchpoint states together are
kept together, under one order key.
"""

from __future__ import annotations

from datetime import date

import msgspec

from domain.fact import Fact
from domain.instants import date_of
from domain.touchpoints.identity import DemographicsRecorded
from projections.customer.last import Statement, current, restate
from projections.customer.part import Context, Part, Reading

FIELDS = (
    "age_band",
    "income_band",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_composition",
    "children",
)


class DemographicsState(msgspec.Struct, array_like=True, gc=False):
    """State of this part: statements whose values are :data:`FIELDS`, sorted by order key."""

    statements: list[Statement] = msgspec.field(default_factory=list)


class ProvenValue(msgspec.Struct, frozen=True, gc=False):
    """A value, the source that stated it, and the business day on which."""

    value: str
    source: str
    on: date


class Demographics(msgspec.Struct, frozen=True, gc=False):
    """What is known of a person's circumstances; null where nothing is."""

    age_band: ProvenValue | None = None
    income_band: ProvenValue | None = None
    home_ownership: ProvenValue | None = None
    marital_status: ProvenValue | None = None
    household_size: ProvenValue | None = None
    household_composition: ProvenValue | None = None
    children: ProvenValue | None = None


def _recorded(
    state: DemographicsState, fact: Fact, stated: DemographicsRecorded, _context: Context
) -> None:
    values = (
        stated.age_band,
        stated.income_band,
        stated.home_ownership,
        stated.marital_status,
        stated.household_size,
        stated.household_composition,
        stated.children,
    )
    restate(state.statements, fact, values)


def _render(state: DemographicsState, reading: Reading) -> Demographics:
    return Demographics(*(_show(state, place, reading) for place in range(len(FIELDS))))


def _show(state: DemographicsState, place: int, reading: Reading) -> ProvenValue | None:
    found = current(state.statements, place)
    if found is None:
        return None
    value, statement = found
    return ProvenValue(value, statement.source, date_of(reading.context.calendar.day(statement.at)))


PART = Part(
    name="demographics",
    version=1,
    kind="commutative",
    state=DemographicsState,
    handlers={DemographicsRecorded: _recorded},
    render=_render,
)
