"""Opening an account because somebody asked for it."""

from __future__ import annotations

from domain.errors import Refused
from domain.ledger.decisions import LedgerAccountOpened
from domain.ledger.desk import Desk


def open_account(desk: Desk, programme: str, persona: bytes, at: int, cause: bytes = b"") -> None:
    """Open an account that never was; one that was closed stays closed.

    Args:
        desk: the account, nothing decided so far.
        programme: its code.
        persona: whose it is to be, 16 bytes.
        at: from when on, microseconds since 1970.
        cause: entry of the fact that made it necessary, empty if it was asked for.

    Raises:
        Refused: ``programme_unknown``, ``account_exists`` or ``account_closed``.

    """
    account = desk.account
    if not programme:
        raise Refused("programme_unknown", "programme: expected a code, found none")
    if account.programme:
        state = "exists" if account.is_open else "closed"
        detail = "account: expected that there is none yet in this programme, found one"
        raise Refused(f"account_{state}", detail)
    desk.post(LedgerAccountOpened(at=at, programme=programme, persona=persona, cause=cause))
