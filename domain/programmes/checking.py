"""Whether a version makes sense: everything that its types cannot say, all faults at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from domain.instants import OCCURRED_MIN, STATED_MAX, instant_of
from domain.programmes.checking_expiry import expiry_faults, too_short
from domain.programmes.checking_rules import rule_faults
from domain.programmes.earn_rules import EarnRule, SharedCap
from domain.programmes.faults import Fault, UnsoundRulesError, listed, money, repeated, unknown
from domain.programmes.format import Burn, PointsCurrency, ProgrammeVersion, Reward, Transfers
from domain.programmes.tier_rules import (
    HoldsToNextPeriodEnd,
    PeriodMeasure,
    RollingMonths,
    TierRules,
)


def faults_of(version: ProgrammeVersion) -> tuple[Fault, ...]:
    """Return every fault of a version; none if it is sound."""
    return tuple(_faults(version))


def require_sound(version: ProgrammeVersion) -> None:
    """Let a sound version pass.

    Raises:
        UnsoundRulesError: naming every fault.

    """
    faults = faults_of(version)
    if faults:
        raise UnsoundRulesError(f"programme {version.programme}, {version.version}", faults)


def _faults(version: ProgrammeVersion) -> Iterator[Fault]:
    if not OCCURRED_MIN <= instant_of(version.effective_from) < STATED_MAX:
        message = f"expected a moment from 1900 to 2999, found {version.effective_from}; mend it"
        yield Fault("effective_from", message)
    yield from _enrolment(version)
    yield from _currencies(version)
    yield from _rules(version)
    yield from _caps(version)
    if version.tiers is not None:
        yield from _tiers(version, version.tiers)
    if version.transfers is not None:
        yield from _transfers(version.transfers)
    yield from _rewards(version)


def _enrolment(version: ProgrammeVersion) -> Iterator[Fault]:
    both = sorted(set(version.enrolment.namespaces) & set(version.enrolment.never))
    if both:
        message = f"expected namespaces in one of the two lists, found {listed(both)} in both"
        yield Fault("enrolment.never", f"{message}; take them out of one")


def _currencies(version: ProgrammeVersion) -> Iterator[Fault]:
    yield from repeated("currencies", (one.code for one in version.currencies), "code")
    for index, currency in enumerate(version.currencies):
        field = f"currencies[{index}]"
        yield from expiry_faults(f"{field}.expiry", currency.expiry)
        yield from too_short(f"{field}.expiry", currency.expiry, currency.pending_days)
        yield from _burnt(field, currency)
        if currency.burn is not None:
            yield from _burn(f"{field}.burn", currency.burn)


def _burnt(field: str, currency: PointsCurrency) -> Iterator[Fault]:
    if currency.kind == "redeemable" and currency.burn is None:
        message = "expected how redeemable points are spent, found nothing; write burn: {}"
        yield Fault(f"{field}.burn", f"{message}, or make the currency qualifying")
    if currency.kind == "qualifying" and currency.burn is not None:
        message = "expected nothing, for qualifying points are not spent, found rules; leave it out"
        yield Fault(f"{field}.burn", message)


def _burn(field: str, burn: Burn) -> Iterator[Fault]:
    if burn.minimum % burn.step:
        message = f"expected a multiple of step {burn.step}, found {burn.minimum}; round it"
        yield Fault(f"{field}.minimum", message)
    yield from repeated(f"{field}.values", (one.currency for one in burn.values), "currency")
    for index, value in enumerate(burn.values):
        yield from money(f"{field}.values[{index}].currency", value.currency)


def _rules(version: ProgrammeVersion) -> Iterator[Fault]:
    codes = [rule.code for rule in version.rules] + [cap.code for cap in version.caps]
    yield from repeated("rules", codes, "code among rules and shared caps")
    for index, rule in enumerate(version.rules):
        yield from rule_faults(f"rules[{index}]", rule, version)
    yield from _groups(version.rules)


def _groups(rules: tuple[EarnRule, ...]) -> Iterator[Fault]:
    for group in dict.fromkeys(rule.group for rule in rules if rule.group is not None):
        members = [rule for rule in rules if rule.group == group]
        if len({rule.currency for rule in members}) > 1:
            message = "expected rules that give the same points, found several currencies"
            yield Fault(f"group {group}", f"{message}; make a group for each")
        yield from repeated(f"group {group}", (rule.priority for rule in members), "priority")


def _caps(version: ProgrammeVersion) -> Iterator[Fault]:
    by_code = {rule.code: rule for rule in version.rules}
    for index, cap in enumerate(version.caps):
        field = f"caps[{index}].rules"
        for code in cap.rules:
            yield from unknown(field, code, by_code, "a rule")
        yield from repeated(field, cap.rules, "rule")
        yield from _one_currency(field, cap, by_code)


def _one_currency(field: str, cap: SharedCap, rules: dict[str, EarnRule]) -> Iterator[Fault]:
    found = sorted({rules[code].currency for code in cap.rules if code in rules})
    if len(found) > 1:
        message = f"expected rules of one currency of points, found {listed(found)}"
        yield Fault(field, f"{message}; write a cap for each")


def _tiers(version: ProgrammeVersion, tiers: TierRules) -> Iterator[Fault]:
    known = [currency.code for currency in version.currencies]
    yield from unknown("tiers.measure.currency", tiers.measure.currency, known, "a currency")
    yield from repeated("tiers.levels", (level.code for level in tiers.levels), "code")
    for index, (lower, higher) in enumerate(pairwise(tiers.levels), 1):
        if higher.threshold <= lower.threshold:
            message = f"expected more than {lower.threshold} of {lower.code}, found "
            message += f"{higher.threshold}; write levels from the lowest to the highest"
            yield Fault(f"tiers.levels[{index}].threshold", message)
    if isinstance(tiers.validity, HoldsToNextPeriodEnd) and not _has_periods(tiers):
        message = "expected months, for a balance and rolling months have no period that ends"
        yield Fault("tiers.validity", f"{message}, found end_of_next_period; write kind: months")


def _has_periods(tiers: TierRules) -> bool:
    measure = tiers.measure
    return isinstance(measure, PeriodMeasure) and not isinstance(measure.period, RollingMonths)


def _transfers(transfers: Transfers) -> Iterator[Fault]:
    limits = {
        "points_per_transfer": transfers.points_per_transfer,
        "points_per_year": transfers.points_per_year,
    }
    for name, limit in limits.items():
        if limit is not None and limit < transfers.minimum:
            message = f"expected at least the minimum {transfers.minimum}, found {limit}; raise it"
            yield Fault(f"transfers.{name}", message)


def _rewards(version: ProgrammeVersion) -> Iterator[Fault]:
    yield from repeated("rewards", (reward.code for reward in version.rewards), "code")
    spent = [one.code for one in version.currencies if one.kind == "redeemable"]
    for index, reward in enumerate(version.rewards):
        field = f"rewards[{index}]"
        yield from unknown(f"{field}.currency", reward.currency, spent, "a redeemable currency")
        yield from _validity(f"{field}.valid_until", reward)


def _validity(field: str, reward: Reward) -> Iterator[Fault]:
    begins, ends = reward.valid_from, reward.valid_until
    if begins is not None and ends is not None and ends <= begins:
        message = f"expected a moment after valid_from {begins}, found {ends}; swap or mend them"
        yield Fault(field, message)
