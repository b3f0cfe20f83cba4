"""Activity: what a touchpoint does to the expiry of points that live on with it (ruling 27)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from domain.fact import Fact
from domain.ledger.desk import Desk
from domain.ledger.extending import Activity, extend
from domain.ledger.lots import Allocation
from domain.programmes.compiling import CompiledVersion
from domain.programmes.expiring import extended_expiry, is_activity
from domain.programmes.format import PointsCurrency
from domain.programmes.lifetimes import ExpiresWithoutActivity
from domain.programmes.rule_types import rule_name

Lost = Callable[[bytes, str, int], tuple[Allocation, ...]]
"""Returns what an account has let expire by date after an instant and not reinstated since.

Asked with the account's id, the currency and the instant.
"""


def extend_by(
    desk: Desk,
    version: CompiledVersion,
    fact: Fact,
    day: int,
    earned: Collection[str],
    lost: Lost,
    posting_id: Callable[[str], bytes],
) -> None:
    """Let points live on that an activity prolongs.

    Args:
        desk: of the account.
        version: in force when it happened.
        fact: the touchpoint.
        day: its business day.
        earned: currencies in which it earned points.
        lost: tells what has expired meanwhile.
        posting_id: returns the id of ruling 24 for what is reinstated in a currency.

    """
    account = desk.account
    for currency in _prolonged(version, fact, earned):
        expires_at = extended_expiry(currency, day, version.calendar)
        book = account.book(currency.code)
        if expires_at is None or book.next_lot == 1:
            continue
        gone: tuple[Allocation, ...] = ()
        late = fact.occurred_at < account.through and book.expired
        if late and currency.late_activity == "reinstate":
            gone = lost(account.id, currency.code, fact.occurred_at)
        extend(
            desk,
            Activity(
                posting_id=posting_id(currency.code), cause=fact.entry_id, currency=currency.code,
                at=fact.occurred_at, expires_at=expires_at, lost=gone,
            ),
        )  # fmt: skip


def activities(version: CompiledVersion) -> frozenset[str]:
    """Return the types of touchpoints that are an activity whether or not they earn points."""
    return frozenset(
        kind
        for currency in version.currencies.values()
        if isinstance(currency.expiry, ExpiresWithoutActivity)
        for kind in currency.expiry.touchpoints
    )


def reinstates(version: CompiledVersion) -> bool:
    """Say whether activities that are learnt of late may bring back what has expired."""
    return any(
        isinstance(currency.expiry, ExpiresWithoutActivity)
        and currency.late_activity == "reinstate"
        for currency in version.currencies.values()
    )


def _prolonged(
    version: CompiledVersion, fact: Fact, earned: Collection[str]
) -> Iterator[PointsCurrency]:
    kind = rule_name(type(fact.touchpoint))
    for currency in version.currencies.values():
        if is_activity(currency, kind, earned=currency.code in earned):
            yield currency
