"""Settling: what should have been earned against what is booked; the difference is posted."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec

from domain.earning.records import Awarded, AwardRecord
from domain.earning.tiers import counts_for_tier
from domain.fact import Fact
from domain.ledger.crediting import Accrual, accrue
from domain.ledger.desk import Desk
from domain.ledger.taking import ClawBack, claw_back
from domain.ledger.terms import Share
from domain.programmes.compiling import CompiledVersion
from domain.programmes.judging import judge
from domain.programmes.occasion import Occasion

ACCRUED: Final = b"accrued"
CLAWED_BACK: Final = b"clawed_back"
REINSTATED: Final = b"reinstated"


def posting_id(
    cause: bytes, touchpoint: bytes, account: bytes, currency: str, kind: bytes
) -> bytes:
    """Return the 16 bytes of ruling 24: the same posting has the same id whoever makes it."""
    bound = b"".join((cause, touchpoint, account, kind, b"\0", currency.encode()))
    return blake2b(bound, digest_size=16, person=b"vinculo.posting").digest()


class Case(msgspec.Struct, frozen=True):
    """One touchpoint, one account: all that settling it needs.

    Args:
        desk: of the account.
        version: whose rules judge it.
        record: of what was awarded so far.
        occasion: the touchpoint, whole.
        cause: the fact that makes postings necessary.

    """

    desk: Desk
    version: CompiledVersion
    record: AwardRecord
    occasion: Occasion
    cause: Fact


def settle(case: Case, left: Occasion | None, currency: str, shares: tuple[Share, ...]) -> bool:
    """Post the difference between what should have been earned and what is booked, if any."""
    awarded = case.record.awarded(currency)
    target, booked = sum(share.points for share in shares), awarded.booked
    if target == booked:
        return False
    if target < booked:
        _claw_back(case, awarded, shares, booked - target)
        return True
    fresh = _missing(case, left, awarded, shares) if booked else shares
    if fresh:
        _accrue(case, awarded, fresh)
    return bool(fresh)


def _missing(
    case: Case, left: Occasion | None, awarded: Awarded, shares: tuple[Share, ...]
) -> tuple[Share, ...]:
    """Return the shares that are still to be booked, within what caps leave by now."""
    rooms = _as_of_now(case, left, awarded, shares)
    missing = sum(share.points for share in shares) - awarded.booked
    fresh: list[Share] = []
    for share in shares:
        gap = min(share.points, rooms.get(share.rule, share.points))
        part = min(gap - awarded.by_rule.get(share.rule, 0), missing)
        if part > 0:
            fresh.append(msgspec.structs.replace(share, points=part))
            missing -= part
    return tuple(fresh)


def _as_of_now(
    case: Case, left: Occasion | None, awarded: Awarded, shares: tuple[Share, ...]
) -> dict[str, int]:
    """Return by rule what it would give under what its caps leave now, its own points left out."""
    if left is None or not any(share.caps for share in shares):
        return {}
    used = dict(case.desk.account.used)
    for share in shares:
        for key in share.caps:
            used[key] = used.get(key, 0) - awarded.by_rule.get(share.rule, 0)
    standing = msgspec.structs.replace(case.record.standing, used=used)
    now = {
        share.rule: share.points
        for award in judge(case.version, left, standing)
        if award.currency == awarded.currency
        for share in award.shares
    }
    return {share.rule: now.get(share.rule, 0) for share in shares}


def _accrue(case: Case, awarded: Awarded, shares: tuple[Share, ...]) -> None:
    account = case.desk.account
    first_lot = account.book(awarded.currency).next_lot
    record, occasion = case.record, case.occasion
    accrue(
        case.desk,
        Accrual(
            posting_id=posting_id(
                case.cause.entry_id, record.touchpoint, account.id, awarded.currency, ACCRUED
            ),
            touchpoint=record.touchpoint,
            cause=case.cause.entry_id,
            currency=awarded.currency,
            at=occasion.occurred_at,
            day=occasion.day,
            version=case.version.version,
            shares=shares,
            standing=record.standing,
            qualifying=counts_for_tier(case.version, awarded.currency),
        ),
    )
    awarded.lots = [*awarded.lots, *range(first_lot, first_lot + len(shares))]
    by_rule = dict(awarded.by_rule)
    for share in shares:
        by_rule[share.rule] = by_rule.get(share.rule, 0) + share.points
    awarded.by_rule = by_rule


def _claw_back(case: Case, awarded: Awarded, shares: tuple[Share, ...], due: int) -> None:
    account = case.desk.account
    record = case.record
    claw_back(
        case.desk,
        ClawBack(
            posting_id=posting_id(
                case.cause.entry_id, record.touchpoint, account.id, awarded.currency, CLAWED_BACK
            ),
            touchpoint=record.touchpoint,
            cause=case.cause.entry_id,
            currency=awarded.currency,
            at=case.cause.occurred_at,
            day=case.occasion.day,
            due=due,
            lots=frozenset(awarded.lots),
            policy=case.version.currencies[awarded.currency].claw_back,
            qualifying=counts_for_tier(case.version, awarded.currency),
        ),
    )
    awarded.by_rule = _taken_off(awarded.by_rule, shares, due)


def _taken_off(by_rule: dict[str, int], shares: tuple[Share, ...], due: int) -> dict[str, int]:
    """Return what is booked by rule after points were taken off those that have too many."""
    wanted = {share.rule: share.points for share in shares}
    left = dict(by_rule)
    for rule in by_rule:
        part = min(due, max(0, left[rule] - wanted.get(rule, 0)))
        left[rule] -= part
        due -= part
    return {rule: points for rule, points in left.items() if points}
