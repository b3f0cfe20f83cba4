"""Tiers of an account: judged where points that count have moved, and when a tier ends."""

from __future__ import annotations

from domain.ledger.decisions import TierChanged
from domain.ledger.desk import Desk
from domain.programmes.compiling import CompiledVersion
from domain.programmes.tier_rules import BalanceMeasure
from domain.programmes.tiers import Qualification, judge_tier


def judge_tier_of(desk: Desk, version: CompiledVersion, at: int, cause: bytes = b"") -> None:
    """Let the tier of an account begin, go on, or end, as of an instant.

    Args:
        desk: of the account.
        version: in force at the instant.
        at: microseconds since 1970; what is known of an earlier time counts from now on.
        cause: entry that makes it necessary, empty where time does.

    """
    account = desk.account
    rules = version.written.tiers
    if rules is None and not account.tier:
        return
    currency = rules.measure.currency if rules is not None else ""
    shown = Qualification(
        account.qualified.get(currency, {}),
        account.book(currency).available,
        version.calendar.day(account.opened_at),
    )
    at = max(at, account.tier_since)
    verdict = judge_tier(version, account.tier, account.tier_until, shown, at)
    for step in verdict.steps:
        desk.post(
            TierChanged(
                at=step.at, tier=step.tier, was=step.was, until=step.until, points=step.points,
                reason=step.reason, cause=cause if step.at == at else b"",
            )
        )  # fmt: skip


def measures_balance(version: CompiledVersion) -> bool:
    """Say whether tiers are earned by what is available, which time alone may change."""
    tiers = version.written.tiers
    return tiers is not None and isinstance(tiers.measure, BalanceMeasure)


def counts_for_tier(version: CompiledVersion, currency: str) -> bool:
    """Say whether points of a currency count towards the programme's tiers."""
    tiers = version.written.tiers
    return tiers is not None and tiers.measure.currency == currency
