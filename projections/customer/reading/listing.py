"""Lists of customers by the searched columns of their rows; they follow the horizon (R12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg

from domain.instants import moment_of
from domain.lifecycle.stages import Stage
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, Uuid, binary_cursor
from journal.queries import queries
from projections.customer.shown import moment_or_never, uuid_text
from projections.generations import Generation

_SQL = queries("projections.customer.reading", "reading.sql")


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which customers are wanted; None means all. Instants in microseconds since 1970.

    Args:
        stage: of the lifecycle.
        at_risk: whether a risk is seen.
        anonymous: whether nothing but receipts, cookies and devices is known.
        purchased_since: last purchase then or later.
        purchased_before: last purchase before.
        seen_since: last touchpoint then or later.
        seen_before: last touchpoint before.

    """

    stage: str | None = None
    at_risk: bool | None = None
    anonymous: bool | None = None
    purchased_since: int | None = None
    purchased_before: int | None = None
    seen_since: int | None = None
    seen_before: int | None = None


class BriefCustomer(msgspec.Struct, frozen=True, gc=False):
    """A customer as it stands in a list.

    Args:
        customer_id: by which the whole document is found.
        stage: of the lifecycle at the horizon; null for anonymous customers.
        since: when it came there.
        at_risk: whether a risk is seen.
        anonymous: whether nothing but receipts, cookies and devices is known.
        last_seen_at: the last touchpoint.
        last_purchase_at: the last purchase; null without one.

    """

    customer_id: str
    stage: Stage | None
    since: datetime | None
    at_risk: bool
    anonymous: bool
    last_seen_at: datetime | None
    last_purchase_at: datetime | None


def list_customers(
    connection: psycopg.Connection,
    live: Generation,
    filters: Filters,
    *,
    after: bytes | None,
    limit: int,
) -> list[BriefCustomer]:
    """Return customers in the order of their ids.

    Args:
        connection: to the views.
        live: the generation that is read.
        filters: which are wanted.
        after: the last customer_id seen, to read on behind it.
        limit: at most so many.

    """
    instants = ("purchased_since", "purchased_before", "seen_since", "seen_before")
    values: dict[str, Any] = msgspec.structs.asdict(filters)
    for name in instants:
        values[name] = None if values[name] is None else moment_of(values[name])
    values |= {
        "log_id": live.log_id, "generation": live.number, "limit": limit,
        "after": None if after is None else Uuid(after),
    }  # fmt: skip
    # Not prepared: the plan depends on which filters are set.
    rows = binary_cursor(connection).execute(_SQL["list"], values, prepare=False)
    return [_brief(*row) for row in rows]


def _brief(
    customer_id: bytes,
    stage: str | None,
    since: int | None,
    at_risk: bool,  # noqa: FBT001 - a column
    anonymous: bool,  # noqa: FBT001 - a column
    last_seen_at: int | None,
    last_purchase_at: int | None,
) -> BriefCustomer:
    return BriefCustomer(
        uuid_text(customer_id),
        None if stage is None else Stage(stage),
        _moment(since),
        at_risk,
        anonymous,
        _moment(last_seen_at),
        _moment(last_purchase_at),
    )


def _moment(timestamp: int | None) -> datetime | None:
    return moment_or_never(None if timestamp is None else timestamp + POSTGRES_EPOCH_MICROSECONDS)
