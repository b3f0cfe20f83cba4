"""States as they are stored: an account without its redemptions, a redemption, an answer."""

from __future__ import annotations

import msgspec

from domain.ledger.account import (
    Account,
    Redemption,
    UnbalancedLedgerError,
    check_book,
    check_lots,
)
from journal.ledger.orders import Answer

encode = msgspec.msgpack.Encoder().encode
_decode_account = msgspec.msgpack.Decoder(Account).decode
decode_redemption = msgspec.msgpack.Decoder(Redemption).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


def encode_account(account: Account) -> bytes:
    """Return an account as its row holds it; its redemptions, which have rows, are let go.

    Raises:
        UnbalancedLedgerError: if it contradicts itself; nothing is stored of it.

    """
    account.redemptions = {}
    for book in account.books:
        check_book(book)
        check_lots(book)
    return encode(account)


def decode_account(account_id: bytes, version: int, state: bytes) -> Account:
    """Return an account out of its row, without redemptions.

    Raises:
        UnbalancedLedgerError: if the row contradicts itself.

    """
    try:
        account = _decode_account(state)
    except msgspec.MsgspecError as error:
        raise _damaged(account_id, f"a state that cannot be read: {error}") from error
    if account.id != account_id or account.version != version:
        found = f"that of {account.id.hex()} at version {account.version}"
        raise _damaged(account_id, f"version {version} beside a state, {found}")
    for book in account.books:
        check_book(book)
    return account


def _damaged(account_id: bytes, found: str) -> UnbalancedLedgerError:
    return UnbalancedLedgerError(
        f"account {account_id.hex()}: expected a row that agrees with itself, found {found}; stop, "
        "and run 'vinculo verify --ledger'"
    )
