"""Portfolios of points: what finance keeps apart (DOMAIN, section 5).

IFRS 15.4 lets contracts with similar characteristics be accounted for together, as a *portfolio*.
Here it is programme, currency of points, legal entity that owes them (the lot's issuer, ruling 28)
and kind of lot. *Legal entity* and *issuer* are one thing; ``""`` is the programme's own.
"""

from __future__ import annotations

import msgspec

from domain.ledger.terms import LotKind


class Portfolio(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """What finance keeps apart.

    Args:
        programme: its code.
        currency: of points, such as ``points``; not of money.
        issuer: the legal entity that owes the points; "" is the programme's own.
        kind: of lot: earned with a sale; promotional, given without one at our own cost; paid for.

    """

    programme: str
    currency: str
    issuer: str
    kind: LotKind

    def __str__(self) -> str:
        return f"{self.programme}/{self.currency}/{self.issuer or '-'}/{self.kind}"
