"""Whether one earn rule makes sense, by itself and in its version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from domain.programmes.checking_expiry import expiry_faults, too_short
from domain.programmes.conditions import (
    AmountAtLeast,
    BetweenDays,
    ByAgent,
    ByChannel,
    ByLocation,
    ByOffer,
    BySource,
    Condition,
    FieldAtLeast,
    FieldIs,
    FirstPurchase,
    ListCondition,
    OnWeekdays,
    TierAtLeast,
)
from domain.programmes.earn_rules import EarnRule, LineFilter, PerAmount, PerQuantity
from domain.programmes.faults import Fault, listed, money, repeated, unknown
from domain.programmes.format import PointsCurrency, ProgrammeVersion
from domain.programmes.measures import has_lines, passes_all
from domain.programmes.rule_types import NEVER_EARN, TYPES
from domain.touchpoints import CATALOGUE, PurchaseMade, Touchpoint

Kinds = Mapping[str, type[Touchpoint]]


def rule_faults(field: str, rule: EarnRule, version: ProgrammeVersion) -> Iterator[Fault]:
    """Yield the faults of a rule.

    Args:
        field: where the rule stands.
        rule: as written.
        version: that it belongs to.

    """
    kinds = {name: TYPES[name] for name in rule.touchpoints if name in TYPES}
    yield from _touchpoints(f"{field}.touchpoints", rule)
    yield from _lifetime(field, rule, {one.code: one for one in version.currencies})
    yield from _earning(f"{field}.earn", rule, kinds)
    yield from _lines(f"{field}.lines", rule.lines, kinds)
    levels = [level.code for level in version.tiers.levels] if version.tiers else []
    for tier in rule.tiers:
        yield from unknown(f"{field}.tiers", tier, levels, "a tier")
    yield from repeated(f"{field}.caps", (cap.period for cap in rule.caps), "period")
    for index, condition in enumerate(rule.when):
        yield from _condition(f"{field}.when[{index}]", condition, kinds, levels)


def _touchpoints(field: str, rule: EarnRule) -> Iterator[Fault]:
    yield from repeated(field, rule.touchpoints, "type")
    for name in rule.touchpoints:
        if name in NEVER_EARN:
            message = f"expected a type that may earn points, found {name}; it only changes or "
            yield Fault(field, message + "states what others earn: take it out")
        elif name not in TYPES:
            message = f"expected one of {len(TYPES)} types of touchpoints, found {name!r}; see "
            yield Fault(field, message + "schemas/touchpoints")


def _lifetime(
    field: str, rule: EarnRule, currencies: Mapping[str, PointsCurrency]
) -> Iterator[Fault]:
    yield from unknown(f"{field}.currency", rule.currency, currencies, "a currency")
    if rule.expiry is not None:
        yield from expiry_faults(f"{field}.expiry", rule.expiry)
    currency = currencies.get(rule.currency)
    own = rule.expiry is not None or rule.pending_days is not None
    if own and currency is not None:
        pending = currency.pending_days if rule.pending_days is None else rule.pending_days
        yield from too_short(f"{field}.expiry", rule.expiry or currency.expiry, pending)


def _earning(field: str, rule: EarnRule, kinds: Kinds) -> Iterator[Fault]:
    match rule.earn:
        case PerAmount() as earn:
            yield from _per_amount(field, earn, rule.lines, kinds)
        case PerQuantity(field=None):
            yield from _only_receipts(f"{field}.field", kinds, "name the field that is counted")
        case PerQuantity(field=str(name)):
            yield from _whole_number(f"{field}.field", name, kinds)
        case _:
            return


def _per_amount(field: str, earn: PerAmount, lines: LineFilter, kinds: Kinds) -> Iterator[Fault]:
    yield from _money(f"{field}.currency", earn.currency, kinds)
    if earn.shipping and earn.basis == "net_of_tax":
        message = "expected false with basis net_of_tax, for the tax of shipping is not stated, "
        yield Fault(f"{field}.shipping", message + "found true; choose basis paid or leave it out")
    if earn.shipping and not passes_all(lines):
        message = "expected false where only some lines count, found true; leave it out, or write "
        yield Fault(f"{field}.shipping", message + "a rule of its own for all lines")


def _money(field: str, currency: str, kinds: Kinds) -> Iterator[Fault]:
    yield from money(field, currency)
    for name, kind in kinds.items():
        if not has_lines(kind) and not {"amount", "currency"} <= set(kind.__struct_fields__):
            message = f"expected touchpoints that state an amount, found {name}; write a rule of "
            yield Fault(field, message + "another kind for it")


def _lines(field: str, lines: LineFilter, kinds: Kinds) -> Iterator[Fault]:
    if lines != LineFilter():
        yield from _only_receipts(field, kinds, "leave lines out, or write a rule of its own")
    yield from repeated(f"{field}.kinds", lines.kinds, "kind")
    pairs = (
        ("products_except", lines.products, lines.products_except),
        ("categories_except", lines.categories, lines.categories_except),
    )
    for name, counted, excepted in pairs:
        yield from _in_both(f"{field}.{name}", counted, excepted)


def _in_both(field: str, one: tuple[str, ...], other: tuple[str, ...]) -> Iterator[Fault]:
    both = sorted(set(one) & set(other))
    if both:
        message = f"expected values in one of the two lists, found {listed(both)} in both"
        yield Fault(field, f"{message}; take them out of one")


def _only_receipts(field: str, kinds: Kinds, advice: str) -> Iterator[Fault]:
    for name, kind in kinds.items():
        if not has_lines(kind):
            yield Fault(field, f"expected touchpoints with lines, found {name}; {advice}")


def _condition(
    field: str, condition: Condition, kinds: Kinds, levels: list[str]
) -> Iterator[Fault]:
    match condition:
        case OnWeekdays(days=days):
            yield from repeated(f"{field}.days", days, "day")
        case BetweenDays():
            yield from _between(field, condition)
        case ByChannel() | ByLocation() | ByAgent() | ByOffer() | BySource():
            yield from _listing(field, condition)
        case AmountAtLeast(currency=currency):
            yield from _money(f"{field}.currency", currency, kinds)
        case FieldIs(field=name, any_of=values):
            for value in values:
                yield from _value(field, name, value, kinds)
        case FieldAtLeast(field=name):
            yield from _whole_number(f"{field}.field", name, kinds)
        case TierAtLeast(tier=tier):
            yield from unknown(f"{field}.tier", tier, levels, "a tier")
        case FirstPurchase():
            yield from _first(field, kinds)


def _between(field: str, condition: BetweenDays) -> Iterator[Fault]:
    first, last = condition.first, condition.last
    if first is None and last is None:
        yield Fault(field, "expected a first or a last day, found neither; take it out")
    if first is not None and last is not None and last < first:
        message = f"expected a day not before {first}, found {last}; swap or mend them"
        yield Fault(f"{field}.last", message)


def _listing(field: str, condition: ListCondition) -> Iterator[Fault]:
    if not condition.any_of and not condition.none_of:
        yield Fault(field, "expected values in any_of or none_of, found neither; take it out")
    yield from _in_both(f"{field}.none_of", condition.any_of, condition.none_of)


def _first(field: str, kinds: Kinds) -> Iterator[Fault]:
    odd = [name for name, kind in kinds.items() if kind is not PurchaseMade]
    if odd:
        message = f"expected purchase_made only, found {listed(odd)}; write a rule of its own"
        yield Fault(field, message)


def _value(field: str, name: str, value: bool | int | str, kinds: Kinds) -> Iterator[Fault]:  # noqa: FBT001 - a value of JSON
    for kind_name, kind in kinds.items():
        stated = _open_field(kind, name)
        if stated is None:
            yield _no_field(f"{field}.field", name, kind_name)
        elif not _could_be(value, stated):
            message = f"expected values that {kind_name}.{name} may have, found {value!r}; see "
            yield Fault(f"{field}.any_of", message + "the touchpoint's schema")


def _whole_number(field: str, name: str, kinds: Kinds) -> Iterator[Fault]:
    for kind_name, kind in kinds.items():
        stated = _open_field(kind, name)
        if stated is None:
            yield _no_field(field, name, kind_name)
        elif not _is_whole_number(inspect.type_info(stated)):
            message = f"expected a field with a whole number, found {kind_name}.{name}; see the "
            yield Fault(field, message + "touchpoint's schema")


def _open_field(kind: type[Touchpoint], name: str) -> Any:  # noqa: ANN401 - an annotation
    """Return the annotation of a field that rules may read, or None."""
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return None if name in CATALOGUE.personal_fields[kind] else hints.get(name)


def _no_field(field: str, name: str, kind: str) -> Fault:
    message = (
        f"expected a field of {kind} that identifies no person, found {name!r}; see its schema"
    )
    return Fault(field, message)


def _could_be(value: bool | int | str, stated: Any) -> bool:  # noqa: ANN401, FBT001 - value of JSON
    try:
        read = msgspec.convert(value, stated)
    except msgspec.ValidationError:
        return False
    return type(read) is type(value) and bool(read == value)


def _is_whole_number(info: inspect.Type) -> bool:
    match info:
        case inspect.Metadata(type=inner):
            return _is_whole_number(inner)
        case inspect.UnionType(types=types):
            return any(map(_is_whole_number, types))
        case _:
            return isinstance(info, inspect.IntType)
