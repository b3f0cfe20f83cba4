"""What is remembered of every touchpoint that was judged for an account: its record of award."""

from __future__ import annotations

import msgspec

from domain.ledger.terms import Standing


class Awarded(msgspec.Struct, array_like=True, gc=False):
    """What a touchpoint has brought an account in one currency.

    Args:
        currency: of the points.
        by_rule: points booked by rule, what was taken back taken off, forgiven points included.
        lots: numbers of the lots it made.

    """

    currency: str
    by_rule: dict[str, int] = {}
    lots: list[int] = []

    @property
    def booked(self) -> int:
        """Return the points that count as given."""
        return sum(self.by_rule.values())


class AwardRecord(msgspec.Struct, array_like=True, gc=False):
    """A touchpoint as it was judged for an account.

    Args:
        touchpoint: its entry.
        account: the account's id.
        programme: its code.
        version: name of the version whose rules judged it.
        standing: what the rules were told; they are told the same when it is judged again.
        currencies: what it brought.

    """

    touchpoint: bytes
    account: bytes
    programme: str
    version: str
    standing: Standing
    currencies: list[Awarded] = []

    def awarded(self, currency: str) -> Awarded:
        """Return what it brought in a currency; begun if it brought nothing so far."""
        for one in self.currencies:
            if one.currency == currency:
                return one
        begun = Awarded(currency)
        self.currencies.append(begun)
        return begun
