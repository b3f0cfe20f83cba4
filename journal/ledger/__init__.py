"""Owned accounts in PostgreSQL: the writer that is asked, and what stands where.

The decisions log is the truth. Beside it, one row an account holds what its stream makes of it, and
one row a request holds the answer that was given; both are written in the transaction that appends
the decisions, under the lock of the account's row.
"""

from __future__ import annotations

from journal.ledger.carrying import offline_order
from journal.ledger.orders import (
    Answer,
    InsufficientPointsError,
    OpenAccount,
    Order,
    ReserveOffline,
    TransferPoints,
    open_order,
    request_id_of,
)
from journal.ledger.spending import HeardSpending, RulebookSpending, RulesHeard, SpendingRules
from journal.ledger.writer import LedgerWriter

__all__ = [
    "Answer",
    "HeardSpending",
    "InsufficientPointsError",
    "LedgerWriter",
    "OpenAccount",
    "Order",
    "ReserveOffline",
    "RulebookSpending",
    "RulesHeard",
    "SpendingRules",
    "TransferPoints",
    "offline_order",
    "open_order",
    "request_id_of",
]
