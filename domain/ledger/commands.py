"""What may be asked of an owned account: one struct a command, as the writer takes them.

Ids are 16 bytes, points integers, instants microseconds since 1970. None of them says when it was
asked: that is the writer's to say.
"""

from __future__ import annotations

import msgspec

from domain.ledger.terms import LotKind


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all commands share.

    Args:
        by: the name of who asks (ruling 32).

    """

    by: str = ""


class Redemption(Command, frozen=True, kw_only=True, gc=False):
    """What all commands about one redemption share.

    Args:
        redemption_id: of the redemption.

    """

    redemption_id: bytes


class Reserve(Redemption, frozen=True, kw_only=True, tag="reserve", gc=False):
    """Set points aside.

    Args:
        currency: of the points.
        points: how many.
        until: from this instant on they go back; None for the programme's own time.
        reward: code in the catalogue, empty for none.
        reference: of who asks, such as a ticket number.

    """

    currency: str
    points: int
    until: int | None = None
    reward: str = ""
    reference: str = ""


class Capture(Redemption, frozen=True, kw_only=True, tag="capture", gc=False):
    """Redeem what was reserved.

    Args:
        points: how many; None for all that is left.
        final: whether the rest goes back at once.

    """

    points: int | None = None
    final: bool = True


class Release(Redemption, frozen=True, kw_only=True, tag="release", gc=False):
    """Let what was reserved go back."""


class Redeem(Redemption, frozen=True, kw_only=True, tag="redeem", gc=False):
    """Redeem at once.

    Args:
        currency: of the points.
        points: how many.
        reward: code in the catalogue, empty for none.
        reference: of who asks, such as a ticket number.
        elsewhere: it has already happened: book it, even beyond the balance.

    """

    currency: str
    points: int
    reward: str = ""
    reference: str = ""
    elsewhere: bool = False


class Reverse(Redemption, frozen=True, kw_only=True, tag="reverse", gc=False):
    """Undo a redemption.

    Args:
        points: how many; None for all that is left of it.

    """

    points: int | None = None


class Adjust(Command, frozen=True, kw_only=True, tag="adjust", gc=False):
    """Give or take points by a person's decision, under four eyes.

    Args:
        adjustment_id: of the request.
        currency: of the points.
        points: to give, negative to take.
        reason: why.
        approved_by: another person than ``by``.
        expires_at: of the lot that is given, None for the programme's own.
        kind: of the lot that is given.
        overdraw: whether more may be taken than there is.
        cause: entry or correction that made it necessary, empty for none.

    """

    adjustment_id: bytes
    currency: str
    points: int
    reason: str
    approved_by: str = ""
    expires_at: int | None = None
    kind: LotKind = "promotional"
    overdraw: bool = False
    cause: bytes = b""


class OpeningLot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A lot brought over from another system.

    Args:
        points: at least 1.
        earned_at: there.
        active_from: there, None for at once.
        expires_at: there, None for never.
        kind: of the lot.
        issuer: legal entity.

    """

    points: int
    earned_at: int
    active_from: int | None = None
    expires_at: int | None = None
    kind: LotKind = "earned"
    issuer: str = ""


class SetOpeningBalance(Command, frozen=True, kw_only=True, tag="opening", gc=False):
    """Enter what another system held, lot by lot, before anything else is booked.

    Args:
        currency: of the points.
        lots: what it held.
        reference: of the statement they are taken from.

    """

    currency: str
    lots: tuple[OpeningLot, ...]
    reference: str


class CloseAccount(Command, frozen=True, kw_only=True, tag="close", gc=False):
    """Close an account; what is left in it expires.

    Args:
        reason: why.

    """

    reason: str


AccountCommand = (
    Reserve | Capture | Release | Redeem | Reverse | Adjust | SetOpeningBalance | CloseAccount
)
"""Every command about one account."""
