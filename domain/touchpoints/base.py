"""What every touchpoint shares, and the checked field types that touchpoints are made of.

Constructors of msgspec do not validate; values come from decoding, or from these checked types.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

TYPE_PREFIX = "vinculo"

Code = Annotated[
    str,
    Meta(min_length=1, max_length=100, description="A code or number of the publisher's own."),
]
Label = Annotated[
    str, Meta(min_length=1, max_length=200, description="A short text that names no person.")
]
PersonalText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2_000,
        description="Text that may identify a person: sealed under the subject's own key.",
        extra_json_schema={"x-personal": True},
        extra={"personal": True},
    ),
]
IdentifierText = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=200,
        description="An identifier as namespace:value. The value is personal and kept sealed.",
        examples=["crm:4711", "email:ana@example.test"],
        extra_json_schema={"x-personal": True},
    ),
]
Instant = Annotated[
    datetime, Meta(tz=True, description="A moment with its offset from UTC (RFC 3339).")
]
Days = Annotated[int, Meta(ge=0, le=36_600, description="A number of days.")]
Seconds = Annotated[int, Meta(ge=0, le=10**9, description="A duration in seconds.")]

Channel = Literal[
    "shop", "web", "app", "email", "sms", "push", "phone", "chat", "social", "post", "till",
    "partner", "other",
]  # fmt: skip
"""Where a touchpoint took place."""

ContactChannel = Literal["email", "sms", "push", "phone", "chat", "social", "post", "app", "any"]
"""By which a customer may be contacted; ``any`` speaks of all of them."""


class Touchpoint(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """What a source states of one moment between a company and a customer.

    Args:
        identifiers: further identifiers of the same customer; each one links its persona.
        channel: where it took place.
        location: code of the shop, site or region.
        agent: code of the employee or robot who took part.
        offer: the brand or line that it is about; absent means the whole company.

    """

    version: ClassVar[int] = 1

    identifiers: Annotated[tuple[IdentifierText, ...], Meta(max_length=20)] = ()
    channel: Channel | None = None
    location: Code | None = None
    agent: Code | None = None
    offer: Code | None = None


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Names another touchpoint, wherever it is and whether or not it has arrived yet.

    Args:
        source: the source that published it.
        id: its CloudEvents id.
        occurred_at: its time, which some sources' entry ids contain.

    """

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    occurred_at: Instant


def type_name(touchpoint: type[Touchpoint]) -> str:
    """Return the CloudEvents type of a touchpoint, such as ``vinculo.purchase_made.v1``."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "_", touchpoint.__name__).lower()
    return f"{TYPE_PREFIX}.{words}.v{touchpoint.version}"
