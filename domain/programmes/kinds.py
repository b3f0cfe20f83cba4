"""Checked field types that the rule format is made of, and the base of its structs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.money import QUANTITY_MAX

RATE_MAX = 1_000_000_000

RuleCode = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^[a-z0-9][a-z0-9_-]*$(?!\n)",
        description="A code of a-z, 0-9, - and _, unique among its kind.",
    ),
]
TypeCode = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=60,
        pattern=r"^[a-z][a-z_]*$(?!\n)",
        description="A touchpoint type without prefix and version, such as purchase_made.",
        examples=["purchase_made"],
    ),
]
Rate = Annotated[int, Meta(ge=1, le=RATE_MAX, description="A whole number, at least 1.")]
PointsLimit = Annotated[
    int, Meta(ge=0, le=QUANTITY_MAX, description="A number of points, 0 or more.")
]
PointsAmount = Annotated[
    int, Meta(ge=1, le=QUANTITY_MAX, description="A number of points, at least 1.")
]
Hundredths = Annotated[
    int, Meta(ge=0, le=100_000, description="A factor in hundredths: 150 is one and a half times.")
]
MonthCount = Annotated[int, Meta(ge=1, le=600, description="A number of calendar months.")]
DayCount = Annotated[int, Meta(ge=0, le=36_600, description="A number of business days.")]


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a programme manager writes; the base of all structs of the format.

    Defaults are written out when it is encoded, so that what was approved says all that it means
    even if a later release has other defaults.
    """
