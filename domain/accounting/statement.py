"""A customer's statement of an account: where it stood, what happened, where it stands.

A statement is by value date, as a bank's is: a posting made later for an earlier day stands on that
day (ruling 13), so two statements of one period differ if one knows more; each says up to which
version of the account it knows. The balances that the ledger wrote down are checked on the way.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.errors import VinculoError
from domain.instants import date_of


class StatementError(VinculoError):
    """Postings that do not make one account, or a period that ends before it begins."""


class Posting(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one decision did to a balance, as the ledger recorded it.

    Args:
        version: of the decision in the account's stream.
        day: the value date, days since 1970-01-01 in the business zone.
        code: of its text, such as ``points_accrued``; words in the customer's language are the
            reader's business.
        before: points before it.
        after: points after it.
        reference: what it is about, such as a receipt; "" for nothing.

    """

    version: int
    day: int
    code: str
    before: int
    after: int
    reference: str = ""

    @property
    def points(self) -> int:
        """What it added to the balance."""
        return self.after - self.before


class StatementLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One line of a statement.

    Args:
        day: the value date.
        code: of its text.
        points: gained or lost.
        balance: after it, in the order of the statement.
        reference: what it is about.

    """

    day: int
    code: str
    points: int
    balance: int
    reference: str


class Statement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A statement of one balance of an account.

    Args:
        account: whose it is, as the reader names it.
        currency: of the points.
        first: the first day of the period.
        last: its last day, inclusive.
        opening: points at the beginning of the first day.
        lines: by value date, then in the order of the ledger.
        closing: points at the end of the last day.
        version: of the account, up to which is known.

    """

    account: str
    currency: str
    first: int
    last: int
    opening: int
    lines: tuple[StatementLine, ...]
    closing: int
    version: int


def statement(
    postings: Iterable[Posting], *, account: str, currency: str, first: int, last: int
) -> Statement:
    """Return the statement of a period.

    Args:
        postings: all of this balance from the account's first on, in any order.
        account: whose it is, as the reader names it.
        currency: of the points.
        first: the first day, days since 1970-01-01.
        last: the last day, inclusive.

    Raises:
        StatementError: if the period ends before it begins, or the recorded balances do not follow
            from one another.

    """
    if last < first:
        message = (
            f"{account}: expected a period of at least a day, found {date_of(first)} to "
            f"{date_of(last)}; swap them"
        )
        raise StatementError(message)
    recorded = sorted(postings, key=lambda posting: posting.version)
    _check_chain(account, recorded)
    opening = sum(posting.points for posting in recorded if posting.day < first)
    within = sorted(
        (posting for posting in recorded if first <= posting.day <= last),
        key=lambda posting: (posting.day, posting.version),
    )
    lines = _lines(opening, within)
    return Statement(
        account=account,
        currency=currency,
        first=first,
        last=last,
        opening=opening,
        lines=lines,
        closing=lines[-1].balance if lines else opening,
        version=recorded[-1].version if recorded else 0,
    )


def _lines(balance: int, postings: Iterable[Posting]) -> tuple[StatementLine, ...]:
    lines = []
    for posting in postings:
        balance += posting.points
        lines.append(
            StatementLine(posting.day, posting.code, posting.points, balance, posting.reference)
        )
    return tuple(lines)


def _check_chain(account: str, recorded: Iterable[Posting]) -> None:
    """Check that each posting begins where the one before it ended."""
    balance = version = 0
    for posting in recorded:
        if posting.before != balance or posting.version <= version:
            message = (
                f"{account}: expected {balance} points before a version after {version}, found "
                f"{posting.before} before version {posting.version}; postings are missing or twice"
            )
            raise StatementError(message)
        balance, version = posting.after, posting.version
