"""Faults of a version, and the error that carries all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from domain.errors import VinculoError
from domain.money import CURRENCIES

_SHOWN_MAX = 10


class Fault(msgspec.Struct, frozen=True):
    """Something in a version that makes no sense.

    Args:
        field: where, such as ``rules[2].when[0].days``.
        message: expected, found, what to do.

    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class UnsoundRulesError(VinculoError):
    """A version that makes no sense; its types are right.

    Args:
        name: of programme and version.
        faults: all of them.

    """

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(
            f"{name}: expected sound rules, found {len(faults)} faults: "
            + "; ".join(map(str, faults))
        )
        self.faults = faults


def listed(values: Iterable[str]) -> str:
    """Return some values for a message, the first ones if there are many."""
    found = list(values)
    more = f" and {len(found) - _SHOWN_MAX} more" if len(found) > _SHOWN_MAX else ""
    return ", ".join(found[:_SHOWN_MAX]) + more if found else "none"


def repeated(field: str, values: Iterable[object], what: str) -> Iterator[Fault]:
    """Yield a fault if a value stands there more than once."""
    twice = [str(value) for value, count in Counter(values).items() if count > 1]
    if twice:
        message = f"expected each {what} once, found {listed(twice)} more than once; keep one"
        yield Fault(field, message)


def unknown(field: str, value: str, known: Iterable[str], what: str) -> Iterator[Fault]:
    """Yield a fault if a value is none of those that are known."""
    names = list(known)
    if value not in names:
        message = f"expected {what} of this version ({listed(names)}), found {value!r}; add it"
        yield Fault(field, f"{message} or name another")


def money(field: str, currency: str) -> Iterator[Fault]:
    """Yield a fault if a code is none of ISO 4217."""
    if currency not in CURRENCIES:
        message = f"expected an ISO 4217 code, found {currency!r}; write for example 'EUR'"
        yield Fault(field, message)
