"""Of which portfolio lots are, by what the ledger says of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.accounting.months import month_of
from domain.accounting.portfolios import Portfolio
from domain.calendar import Calendar
from domain.ledger.lots import Allocation, OpenLot
from domain.ledger.terms import LotTerms
from domain.programmes.format import ProgrammeVersion


class AccountContext(msgspec.Struct, frozen=True):
    """What must be known of an account, or of all accounts of a programme, to account for it.

    Args:
        programme: its code.
        calendar: of the tenant; tells days and months.
        qualifying: currencies that only count towards a tier; nobody owes them.

    """

    programme: str
    calendar: Calendar
    qualifying: frozenset[str] = frozenset()

    def of_lot(self, currency: str, lot: Allocation | OpenLot | LotTerms) -> Portfolio:
        """Return the portfolio of a lot's points."""
        return Portfolio(self.programme, currency, lot.issuer, lot.kind)

    def owed(self, currency: str) -> Portfolio:
        """Return the portfolio of what accounts are overdrawn by: the programme's own, earned."""
        return Portfolio(self.programme, currency, "", "earned")

    def month(self, instant: int) -> int:
        """Return the month (since 1970-01) in which an instant falls."""
        return month_of(self.calendar.day(instant))


def only_qualifying(versions: Iterable[ProgrammeVersion]) -> dict[str, frozenset[str]]:
    """Return the currencies of each programme that no approved version lets anybody redeem.

    Args:
        versions: every approved one, of any programmes.

    """
    kinds: dict[str, dict[str, bool]] = {}
    for version in versions:
        known = kinds.setdefault(version.programme, {})
        for currency in version.currencies:
            only = currency.kind == "qualifying"
            known[currency.code] = known.get(currency.code, True) and only
    return {
        programme: frozenset(code for code, only in known.items() if only)
        for programme, known in kinds.items()
    }
