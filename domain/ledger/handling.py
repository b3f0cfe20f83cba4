"""Handling a command: the one place where a command meets the account it is about."""

from __future__ import annotations

from typing import assert_never

from domain.ledger.commands import (
    AccountCommand,
    Adjust,
    Capture,
    CloseAccount,
    Redeem,
    Release,
    Reserve,
    Reverse,
    SetOpeningBalance,
)
from domain.ledger.crediting import adjust, set_opening_balance
from domain.ledger.desk import Desk
from domain.ledger.redeeming import (
    DEFAULT_TERMS,
    RedemptionTerms,
    capture,
    redeem,
    release,
    reserve,
    reverse,
)
from domain.ledger.taking import close


def handle(
    desk: Desk, command: AccountCommand, at: int, terms: RedemptionTerms = DEFAULT_TERMS
) -> None:
    """Decide what a command makes of an account; ``desk.decisions`` holds it afterwards.

    Args:
        desk: the account.
        command: what is asked.
        at: now, microseconds since 1970; an account never goes back in time.
        terms: what the programme says of redeeming.

    Raises:
        Refused: with a reason for whoever asks; the account is as it was.

    """
    match command:
        case Redeem():
            redeem(desk, command, at, terms)
        case Reserve():
            reserve(desk, command, at, terms)
        case Capture():
            capture(desk, command, at)
        case Release():
            release(desk, command, at)
        case Reverse():
            reverse(desk, command, at, terms)
        case Adjust():
            adjust(desk, command, at)
        case SetOpeningBalance():
            set_opening_balance(desk, command, at)
        case CloseAccount():
            close(desk, command, at)
        case _:
            assert_never(command)
