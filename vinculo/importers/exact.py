"""Decimal numbers in text made whole numbers, exactly: no float is ever involved."""

from __future__ import annotations

import re
from decimal import Decimal

from domain.errors import VinculoError

_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?\Z")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?[eE][+-]?[0-9]{1,2}\Z")


class NotANumberError(VinculoError, ValueError):
    """A text that should hold a decimal number holds something else."""


class Exact:
    """A decimal number: ``units`` / 10 ** ``places``, both integers.

    Args:
        units: the number without its decimal point.
        places: how many decimals it has, never negative.

    """

    __slots__ = ("places", "units")

    def __init__(self, units: int, places: int) -> None:
        self.units = units
        self.places = places

    def __add__(self, other: Exact) -> Exact:
        places = max(self.places, other.places)
        left = self.units * 10 ** (places - self.places)
        return Exact(left + other.units * 10 ** (places - other.places), places)

    def __mul__(self, other: Exact) -> Exact:
        return Exact(self.units * other.units, self.places + other.places)

    def scaled(self, places: int) -> int:
        """Return the number times 10 ** ``places``, rounded half away from zero."""
        surplus = self.places - places
        factor: int = 10 ** abs(surplus)
        if surplus <= 0:
            return self.units * factor
        quotient, remainder = divmod(abs(self.units), factor)
        rounded = quotient + (2 * remainder >= factor)
        return -rounded if self.units < 0 else rounded


def read_exact(text: str) -> Exact:
    """Return the number that a text states, such as ``2.55`` or ``4.440892e-16``.

    Raises:
        NotANumberError: the text is no decimal number of at most 60 digits.

    """
    if _PLAIN.match(text):
        whole, _, part = text.partition(".")
        return Exact(int(whole + part), len(part))
    if _SCIENTIFIC.match(text):
        return _from_decimal(Decimal(text))
    raise NotANumberError(
        f"expected a decimal number of at most 60 digits, such as 2.55, found {text[:40]!r}"
    )


def read_whole(text: str) -> int:
    """Return the integer that a text states.

    Raises:
        NotANumberError: the text is no integer.

    """
    number = read_exact(text)
    if number.places:
        raise NotANumberError(f"expected an integer such as 6, found {text[:40]!r}")
    return number.units


def _from_decimal(number: Decimal) -> Exact:
    sign, digits, exponent = number.as_tuple()
    places = -int(exponent)
    units = int("".join(map(str, digits))) * 10 ** max(0, -places)
    return Exact(-units if sign else units, max(0, places))
