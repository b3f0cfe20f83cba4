"""An owned account as it is shown: rendered for an instant, its timers run up to it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain.ledger.account import Account, Book
from domain.ledger.desk import Desk
from domain.ledger.terms import NEVER
from domain.ledger.timers import run_timers
from domain.programmes.compiling import CompiledVersion
from domain.programmes.rulebook import ProgrammeRulebook
from domain.programmes.tiers import Qualification, judge_tier
from projections.customer.shown import moment, uuid_text


class ExpiryShown(msgspec.Struct, frozen=True, gc=False):
    """What expires next: so many points from that instant on."""

    at: datetime
    points: int


class ReservationShown(msgspec.Struct, frozen=True, gc=False):
    """Points set aside for a redemption; from ``until`` on they go back."""

    redemption_id: str
    points: int
    until: datetime


class BookShown(msgspec.Struct, frozen=True, gc=False):
    """The points of an account in one currency.

    Args:
        currency: its code.
        available: to be spent now; negative if points are owed.
        pending: earned, and not to be spent yet.
        reserved: set aside.
        next_expiry: of the available ones; null if none ever expire.
        reservations: the one that times out first comes first.

    """

    currency: str
    available: int
    pending: int
    reserved: int
    next_expiry: ExpiryShown | None
    reservations: tuple[ReservationShown, ...]


class TierShown(msgspec.Struct, frozen=True, gc=False):
    """The tier of an account.

    Args:
        code: empty for none.
        until: from then on it is judged anew; null if it has no end.
        points: that qualify now.
        next: the next higher tier; null if there is none.
        points_to_next: missing for it.

    """

    code: str
    until: datetime | None
    points: int
    next: str | None
    points_to_next: int


class OwnedAccount(msgspec.Struct, frozen=True, gc=False):
    """An account whose book is ours.

    Args:
        account_id: of the account.
        programme: its code.
        persona_id: whose it is; accounts never merge.
        status: open or closed.
        opened_at: since when.
        as_of: the instant for which this is rendered.
        tier: null where the programme has no tiers.
        books: one a currency.

    """

    account_id: str
    programme: str
    persona_id: str
    status: Literal["open", "closed"]
    opened_at: datetime
    as_of: datetime
    tier: TierShown | None
    books: tuple[BookShown, ...]


def show_account(account: Account, now: int, rulebook: ProgrammeRulebook) -> OwnedAccount:
    """Return how an account stands at an instant, whatever the timekeeper did.

    Args:
        account: fresh from its row; its timers are run here, in memory.
        now: microseconds since 1970.
        rulebook: tells tiers.

    """
    run_timers(Desk(account), now)
    return OwnedAccount(
        account_id=uuid_text(account.id),
        programme=account.programme,
        persona_id=uuid_text(account.persona),
        status="open" if account.is_open else "closed",
        opened_at=moment(account.opened_at),
        as_of=moment(now),
        tier=_tier(account, now, rulebook.in_force(account.programme, now)),
        books=tuple([_book(book) for book in account.books]),
    )


def _book(book: Book) -> BookShown:
    following = None
    if book.lots and book.lots[0].expires_at < NEVER:
        at = book.lots[0].expires_at
        points = sum(lot.remaining for lot in book.lots if lot.expires_at == at)
        following = ExpiryShown(moment(at), points)
    return BookShown(
        book.currency,
        book.available,
        book.pending,
        book.reserved,
        following,
        tuple(
            ReservationShown(
                uuid_text(one.redemption_id),
                sum(allocation.points for allocation in one.allocations),
                moment(one.until),
            )
            for one in book.reservations
        ),
    )


def _tier(account: Account, now: int, version: CompiledVersion | None) -> TierShown | None:
    if version is None or version.written.tiers is None or not account.is_open:
        return None
    currency = version.written.tiers.measure.currency
    qualification = Qualification(
        account.qualified.get(currency, {}),
        account.book(currency).available,
        version.calendar.day(account.opened_at),
    )
    at = max(now, account.tier_since)
    verdict = judge_tier(version, account.tier, account.tier_until, qualification, at)
    return TierShown(
        verdict.tier,
        None if verdict.until >= NEVER else moment(verdict.until),
        verdict.points,
        verdict.next_tier or None,
        verdict.missing,
    )
