"""The tenant's rules out of a TOML file: what folds may know besides the facts.

A file holds any of these tables, each as often as needed::

    [[zone]]
    effective_from = 2020-01-01T00:00:00Z   # absent: since ever
    zone = "Europe/Madrid"

    [[lifecycle]]
    version = "lifecycle-2"
    effective_from = 2025-01-01             # absent: since ever
    risk_tenths = 40

    [[programme]]
    code = "club"
    upstream_states_expiry = false

Whatever is changed here for the past is applied by ``vinculo rebuild``.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from domain.calendar import UTC_CALENDAR, Calendar, ZonePeriod
from domain.errors import VinculoError
from domain.instants import day_of, instant_of
from domain.lifecycle.rules import LifecycleRulebook, LifecycleRules
from domain.loyalty.programmes import Programme, ProgrammeRegister
from projections.customer.part import Context

_SINCE_EVER = -(2**62)
DEFAULT = Context(calendar=UTC_CALENDAR, lifecycle=LifecycleRulebook())
"""The rules of a tenant who has settled nothing."""


class _Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zone: str
    effective_from: int = _SINCE_EVER


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zone: tuple[_Zone, ...] = ()
    lifecycle: tuple[LifecycleRules, ...] = ()
    programme: tuple[Programme, ...] = ()


def read_rules(path: Path) -> Context:
    """Return the rules that a TOML file holds; what it leaves out has its default.

    Raises:
        VinculoError: the file cannot be read, or does not hold what is expected.

    """
    try:
        file = msgspec.convert(_with_numbers(tomllib.loads(path.read_text("utf-8"))), _File)
        return _context(file)
    except (
        OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError,
        ZoneInfoNotFoundError, VinculoError,
    ) as error:  # fmt: skip
        message = (
            f"rules: expected a TOML file of [[zone]], [[lifecycle]] and [[programme]] tables at "
            f"{path.name}, found: {error}"
        )
        raise VinculoError(message) from error


def _context(file: _File) -> Context:
    _refuse_same_start("zone", [one.effective_from for one in file.zone])
    _refuse_same_start("lifecycle", [one.effective_from for one in file.lifecycle])
    periods = tuple(ZonePeriod(one.effective_from, one.zone) for one in file.zone)
    versions = tuple(sorted(file.lifecycle, key=lambda rules: rules.effective_from))
    return Context(
        calendar=Calendar(periods) if periods else DEFAULT.calendar,
        lifecycle=LifecycleRulebook(versions) if versions else DEFAULT.lifecycle,
        loyalty=ProgrammeRegister(file.programme),
    )


def _refuse_same_start(table: str, starts: list[int]) -> None:
    if len(set(starts)) != len(starts):
        message = f"{len(starts)} [[{table}]] tables of which two begin at the same time"
        raise VinculoError(message)


def _with_numbers(plain: dict[str, Any]) -> dict[str, Any]:
    """Return the file with instants and days as the integers that rules are reckoned in."""
    return {
        table: [
            {name: _number(value) for name, value in one.items()} for one in ones
        ]
        if isinstance(ones, list) and all(isinstance(one, dict) for one in ones)
        else ones
        for table, ones in plain.items()
    }  # fmt: skip


def _number(value: Any) -> Any:  # noqa: ANN401 - a value of TOML
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise VinculoError(f"{value.isoformat()} without an offset; write for example {value}Z")
        return instant_of(value)
    return day_of(value) if isinstance(value, date) else value
