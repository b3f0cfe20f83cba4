"""The limit of lines in one purchase, held without changing any total."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from domain.touchpoints import Line
from domain.touchpoints.commercial import LINES_MAX


def within_limit(lines: Sequence[Line], lines_max: int = LINES_MAX) -> tuple[Line, ...]:
    """Return lines as they are, or, beyond the limit, one line for each product.

    Summing keeps the purchase one purchase; cutting it in two would count it twice. If there are
    more products than the limit allows, the touchpoint's own type refuses the result.
    """
    if len(lines) <= lines_max:
        return tuple(lines)
    by_product: dict[tuple[str, str | None], Line] = {}
    for line in lines:
        key = line.product, line.category
        before = by_product.get(key)
        by_product[key] = line if before is None else _sum(before, line)
    return tuple(by_product.values())


def _sum(left: Line, right: Line) -> Line:
    return msgspec.structs.replace(
        left,
        quantity=left.quantity + right.quantity,
        amount=left.amount + right.amount,
        discount=left.discount + right.discount,
        tax=left.tax + right.tax,
    )
