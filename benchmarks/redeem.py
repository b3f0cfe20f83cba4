"""Benchmark ``redeem``: concurrent clients at the ledger's writer, wide and on one account.

Every redemption is idempotent, is taken from lots, keeps double entry, and has its leaf; the
reference is an aggregate of the eventsourcing library, which does none of this. At the end accounts
are drained by more requests than they can pay, and the whole log is read again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from benchmarks.harness import (
    Goal,
    Measured,
    Number,
    arguments,
    interleaved,
    middle,
    percentile,
    quiet_collector,
    ratio,
    report,
    say,
)
from benchmarks.redeem_stock import StockLedger
from benchmarks.redeem_unlocked import Unlocked
from benchmarks.redeeming import Ledger, Redeemed, Round, clients
from benchmarks.servers import Place, settle, tenant
from journal.intake.writer import WriterLimits
from journal.ledger.verifying import Verified

SIZES = {
    "accounts": 10_000, "clients": 64, "redemptions": 20_000, "rounds": 5,
    "stock_redemptions": 1_000, "drained": 4_000,
}  # fmt: skip
CONTROLS = {
    "unlocked": "accounts are drained by reading, checking and inserting without a lock",
    "one-by-one": "a transaction for every redemption",
}
_PLENTY = 10**9


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    slow = chosen.control == "one-by-one"
    redemptions = chosen.redemptions // (10 if slow else 1)
    with tenant() as place:
        ledger = Ledger(place, WriterLimits(batch_events_max=1) if slow else None)
        stock = StockLedger(place)
        say(f"opening {chosen.accounts} accounts")
        wide, one = ledger.endow(chosen.accounts, _PLENTY), ledger.endow(1, _PLENTY)
        stock_wide, stock_one = stock.endow(chosen.accounts, _PLENTY), stock.endow(1, _PLENTY)
        settle(place)
        quiet_collector()
        heard: dict[str, list[Round]] = {"wide": [], "one": []}

        def measure(
            redeem: Redeemed, accounts: Sequence[bytes], count: int, name: str = ""
        ) -> Callable[[], float]:
            def rate() -> float:
                found = clients(redeem, accounts, chosen.clients, count)
                heard.get(name, []).append(found)
                return found.rate

            return rate

        rates = interleaved(
            chosen.rounds,
            {
                "wide": measure(ledger.redeem, wide, redemptions, "wide"),
                "one": measure(ledger.redeem, one, redemptions, "one"),
                "stock": measure(stock.redeem, stock_wide, chosen.stock_redemptions),
                "stock_one": measure(stock.redeem, stock_one, chosen.stock_redemptions // 10),
            },
        )
        batches = ledger.writer.orders / max(1, ledger.writer.batches)
        overdrafts, drained = _drain(chosen, place, ledger)
        ledger.close()
        stock.close()
        verified = ledger.checked()
        parts = {"rounds": rates, "orders_a_transaction": batches, **drained, **_told(verified)}
        return _measured(rates, heard, overdrafts, verified, parts)


def _drain(
    chosen: argparse.Namespace, place: Place, ledger: Ledger
) -> tuple[int, dict[str, Number]]:
    """Ask few accounts for twice what they have, and count what was overdrawn."""
    unlocked = Unlocked(place) if chosen.control == "unlocked" else None
    drained = ledger if unlocked is None else unlocked
    accounts = 4
    points = chosen.drained // 2 // accounts
    found = clients(drained.redeem, drained.endow(accounts, points), chosen.clients, chosen.drained)
    said: dict[str, Number] = {
        "drained_points": points * accounts, "drained_accepted": found.accepted,
        "drained_refused": found.refused,
    }  # fmt: skip
    say(f"drained: {said}")
    return drained.overdrafts(), said


def _measured(
    rates: dict[str, list[float]],
    heard: dict[str, list[Round]],
    overdrafts: int,
    verified: Verified,
    parts: dict[str, object],
) -> Measured:
    p99 = {name: _p99(rounds) for name, rounds in heard.items()}
    unbalanced = sum(abs(sum(books.values())) for books in verified.books.values())
    return Measured(
        value=middle(rates["wide"]),
        unit="redemptions/s",
        reference=middle(rates["stock"]),
        goals={
            "times_stock": Goal(ratio(rates["wide"], rates["stock"]), 8),
            "wide_a_second": Goal(middle(rates["wide"]), 5_000),
            "one_account_a_second": Goal(middle(rates["one"]), 5_000),
            "p99_ms_wide": Goal(p99["wide"], 50, at_most=True),
            "p99_ms_one_account": Goal(p99["one"], 50, at_most=True),
            "overdrafts": Goal(overdrafts, 0, at_most=True),
            "unbalanced_points": Goal(unbalanced, 0, at_most=True),
            "faults": Goal(len(verified.faults), 0, at_most=True),
        },
        parts=parts,
    )


def _p99(rounds: Sequence[Round]) -> float:
    """Return the 99th percentile of all rounds but the first, which warms up."""
    return percentile([each for one in rounds[1:] for each in one.milliseconds], 0.99)


def _told(verified: Verified) -> dict[str, object]:
    return {
        "decisions": verified.decisions,
        "accounts": verified.accounts,
        "redemptions": verified.redemptions,
    }


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("redeem", _chosen, run(_chosen))
