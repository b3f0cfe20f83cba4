"""An account out of its stream, as the library's repository reads it: the specification.

The writer keeps an account's state in one row and changes it decision by decision; a property test
holds that row equal to what this function makes of the whole stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from domain.decisions.base import Recorded, StreamBrokenError, stream_id
from domain.ledger.account import Account
from domain.ledger.decisions import AccountDecision
from domain.ledger.evolving import evolve


def account_id(programme: str, persona: bytes) -> bytes:
    """Return the id of a persona's account in a programme, 16 bytes; the same in every run."""
    return stream_id(f"account:{programme}:{persona.hex()}").bytes


def project_account(
    account: Account | None, events: Iterable[Recorded[AccountDecision]]
) -> Account | None:
    """Return an account after decisions of its stream, None if there are none.

    Args:
        account: what stood before them; changed in place.
        events: that follow it.

    Raises:
        StreamBrokenError: if one does not continue the stream.
        UnbalancedLedgerError: if one contradicts the account.

    """
    for event in events:
        if account is None:
            account = Account(event.originator_id.bytes)
        expected = account.version + 1
        if event.originator_id.bytes != account.id or event.originator_version != expected:
            message = (
                f"account {UUID(bytes=account.id)}: expected version {expected}, found version "
                f"{event.originator_version} of {event.originator_id}; the log is damaged"
            )
            raise StreamBrokenError(message)
        evolve(account, event.decision)
    return account
