"""Orders: what a caller asks of an account under a key of his own, and the answer to it.

An answer is given once. Whoever asks again under the same key hears it again, word for word;
whoever asks something else under that key is refused. A refusal decides nothing, so nothing is
recorded of it: asked again under the same key, it is decided anew.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b

import msgspec

from domain.errors import Refused, VinculoError
from domain.ledger.commands import AccountCommand, Command, Redeem, Reserve
from domain.ledger.decisions import Balance
from domain.ledger.projecting import account_id as id_of_account
from domain.ledger.terms import NEVER
from journal.entry_ids import mark_uuid8

_ID_BYTES = 16
_encode = msgspec.msgpack.Encoder().encode


class InsufficientPointsError(Refused):
    """More points were asked for than there are.

    Args:
        detail: as of any refusal.
        available: how many there are; negative if points are owed.

    """

    def __init__(self, detail: str, available: int) -> None:
        super().__init__("insufficient_points", detail)
        self.available = available


class OrderError(VinculoError):
    """An order that contradicts itself: a defect of the caller's program."""


class OpenAccount(Command, frozen=True, kw_only=True, tag="open", gc=False):
    """Open the account of a persona in a programme.

    Args:
        programme: its code.
        persona: whose it is to be, 16 bytes.
        cause: entry of the fact that made it necessary, empty if it was asked for.

    """

    programme: str
    persona: bytes
    cause: bytes = b""


class TransferPoints(Command, frozen=True, kw_only=True, tag="transfer", gc=False):
    """Let points go to another account of the programme; whether it allows that is asked before.

    Args:
        to_account: its id, 16 bytes.
        currency: of the points.
        points: how many.

    """

    to_account: bytes
    currency: str
    points: int


class ReserveOffline(Command, frozen=True, kw_only=True, tag="offline", gc=False):
    """Set aside what a till may redeem on a day without asking: as much of it as there is.

    Args:
        currency: of the points.
        day: business day, days since 1970-01-01; at its end what is left goes back.
        till: its name.

    """

    currency: str
    day: int
    till: str


Asked = AccountCommand | TransferPoints | OpenAccount | ReserveOffline
"""Everything that may be asked."""


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is asked of one account, or of two.

    Args:
        request_id: 16 bytes, see :func:`request_id_of`. A redemption's id is that of the order that
            reserves or redeems.
        account_id: 16 bytes; where points are transferred, the account that gives them.
        command: what is asked.

    Raises:
        OrderError: if these do not go together.

    """

    request_id: bytes
    account_id: bytes
    command: Asked

    def __post_init__(self) -> None:
        """Check that the ids are ids, and the right ones."""
        command = self.command
        if len(self.request_id) != _ID_BYTES or len(self.account_id) != _ID_BYTES:
            message = (
                f"order: expected ids of {_ID_BYTES} bytes, found a request_id of "
                f"{len(self.request_id)} and an account_id of {len(self.account_id)}"
            )
            raise OrderError(message)
        if isinstance(command, Reserve | Redeem) and command.redemption_id != self.request_id:
            message = (
                f"order: expected the redemption to bear the request's id {self.request_id.hex()}, "
                f"found {command.redemption_id.hex()}"
            )
            raise OrderError(message)
        if isinstance(command, OpenAccount):
            expected = id_of_account(command.programme, command.persona)
            if self.account_id != expected or len(command.persona) != _ID_BYTES:
                message = (
                    f"order: expected to open account {expected.hex()} of a persona of {_ID_BYTES} "
                    f"bytes, found {self.account_id.hex()}; use open_order"
                )
                raise OrderError(message)

    @property
    def accounts(self) -> tuple[bytes, ...]:
        """Return the ids of every account that it touches."""
        if isinstance(self.command, TransferPoints):
            return self.account_id, self.command.to_account
        return (self.account_id,)

    @property
    def kind(self) -> str:
        """Return the word for what is asked, such as ``redeem``."""
        return kind_of(type(self.command))


class Answer(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What came of an order, committed.

    Args:
        request_id: of the order.
        account_id: of the order.
        kind: what was asked, such as ``redeem``.
        at: when it was decided, microseconds since 1970.
        version: of the account, afterwards.
        currency: of the points, empty where none were moved.
        points: that were reserved, captured, released, redeemed, reversed or transferred; given
            (above 0) or taken (below 0) by an adjustment.
        balance: of the account's book of that currency, afterwards.
        until: of a reservation: from this instant on the points go back.
        uncovered: points that no lot covered: raise an alarm if there are any.
        forfeited: points that expired on their way back.
        returned: points that a final capture let go back.
        position: of its last decision in the decisions log.
        repeated: whether it had been given before.

    """

    request_id: bytes
    account_id: bytes
    kind: str
    at: int
    version: int
    currency: str = ""
    points: int = 0
    balance: Balance = Balance()
    until: int = NEVER
    uncovered: int = 0
    forfeited: int = 0
    returned: int = 0
    position: int = 0
    repeated: bool = False


def request_id_of(holder: str, key: str) -> bytes:
    """Return the id of a request, 16 bytes: the same holder and key always give the same.

    Args:
        holder: the name of who asks (ruling 32); two holders never share a key.
        key: his own, such as an Idempotency-Key.

    """
    name = holder.encode()
    content = len(name).to_bytes(4) + name + key.encode()
    return mark_uuid8(blake2b(content, digest_size=_ID_BYTES, person=b"vinculo.request").digest())


def offline_id_of(account_id: bytes, currency: str, day: int, till: str) -> bytes:
    """Return the id of an off-line allowance: the same till and day always give the same.

    Args:
        account_id: of the account.
        currency: of the points.
        day: business day, days since 1970-01-01.
        till: its name.

    """
    return request_id_of("off-line allowance", f"{account_id.hex()} {day} {currency} {till}")


def open_order(request_id: bytes, programme: str, persona: bytes, by: str = "") -> Order:
    """Return the order to open the account of a persona in a programme."""
    return Order(
        request_id=request_id,
        account_id=id_of_account(programme, persona),
        command=OpenAccount(programme=programme, persona=persona, by=by),
    )


def content_digest(order: Order) -> bytes:
    """Return 16 bytes over what is asked of whom.

    Arguments that have their default are left out, so a command may gain arguments and old requests
    are still known again.
    """
    command = order.command
    said: list[object] = [kind_of(type(command)), order.account_id]
    for name, default in _defaults(type(command)):
        value = getattr(command, name)
        if value != default:
            said += (name, value)
    return blake2b(_encode(said), digest_size=_ID_BYTES, person=b"vinculo.asked").digest()


@cache
def kind_of(command: type[Command]) -> str:
    """Return the word for a kind of command."""
    return str(command.__struct_config__.tag)


@cache
def _defaults(command: type[Command]) -> tuple[tuple[str, object], ...]:
    return tuple((one.name, one.default) for one in msgspec.structs.fields(command))
