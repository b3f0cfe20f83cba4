"""The points ledger: the first look. Whole histories are in ``test_ledger_any_history.py``."""

from __future__ import annotations

import pytest

from domain.errors import Refused
from domain.ledger.account import Account, check_lots
from domain.ledger.commands import Capture, Redeem, Reserve, Reverse
from domain.ledger.crediting import Accrual, accrue
from domain.ledger.decisions import Balance, LedgerAccountOpened
from domain.ledger.desk import Desk
from domain.ledger.handling import handle
from domain.ledger.terms import NEVER, LotTerms, Share

_ID = b"r" * 16


def _desk(*lots: tuple[int, int, int]) -> Desk:
    """Return an account that earned lots of (points, active_from, expires_at) at 0."""
    desk = Desk(Account(b"a" * 16))
    desk.post(LedgerAccountOpened(at=0, programme="club", persona=b"p" * 16))
    for points, active_from, expires_at in lots:
        shares = (Share("base", points, LotTerms(active_from, expires_at)),)
        accrue(
            desk,
            Accrual(
                posting_id=b"x" * 16, touchpoint=b"t" * 16, cause=b"t" * 16, currency="points",
                at=0, day=0, version="v1", shares=shares,
            ),
        )  # fmt: skip
    return desk


def test_the_earliest_expiry_is_burnt_first() -> None:
    desk = _desk((100, 0, NEVER), (50, 0, 1_000))
    handle(desk, Redeem(redemption_id=_ID, currency="points", points=60), 10)
    [lot] = desk.account.book("points").lots
    assert (1, 90) == (lot.number, lot.remaining)
    check_lots(desk.account.book("points"))


def test_an_expired_lot_is_never_redeemed_whatever_the_timekeeper_did() -> None:
    desk = _desk((100, 0, 1_000))
    with pytest.raises(Refused, match="insufficient_points"):
        handle(desk, Redeem(redemption_id=_ID, currency="points", points=1), 1_000)
    assert Balance(100) == desk.account.book("points").balance(), "a refusal changes nothing"
    handle(desk, Redeem(redemption_id=_ID, currency="points", points=1), 999)


def test_what_is_reserved_is_captured_in_part_and_the_rest_goes_back() -> None:
    desk = _desk((100, 0, NEVER))
    handle(desk, Reserve(redemption_id=_ID, currency="points", points=80, until=50), 10)
    handle(desk, Capture(redemption_id=_ID, points=30), 20)
    assert Balance(70) == desk.account.book("points").balance()
    handle(desk, Reverse(redemption_id=_ID), 30)
    assert Balance(100) == desk.account.book("points").balance()
    check_lots(desk.account.book("points"))
