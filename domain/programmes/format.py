"""The rule format: one version of one programme, as a manager writes it and the log keeps it.

Declarative and typed; there is no code in rules. Encoded, it is JSON (``encode_version``), whose
schema is generated into schemas/programme. Validity beyond the types is the business of
``checking``.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.errors import VinculoError
from domain.money import Amount, Currency
from domain.programmes.earn_rules import EarnRule, SharedCap
from domain.programmes.kinds import (
    DayCount,
    PointsAmount,
    PointsLimit,
    RuleCode,
    Written,
)
from domain.programmes.lifetimes import Expiry, NeverExpires
from domain.programmes.tier_rules import TierRules
from domain.touchpoints.base import Code, Instant, Label

Namespace = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)", description="A namespace.")
]
Namespaces = Annotated[tuple[Namespace, ...], Meta(max_length=100)]


class FormatError(VinculoError):
    """A text that is no version of a programme."""


class Enrolment(Written, frozen=True, kw_only=True):
    """How a customer gets an account.

    Args:
        how: at the first touchpoint that would earn points, or on request only.
        namespaces: whose personas may have an account; empty means all.
        never: whose personas never have one; a receipt waits for the link that claims it.

    """

    how: Literal["automatic", "on_request"] = "automatic"
    namespaces: Namespaces = ()
    never: Namespaces = ("receipt", "cookie", "device")


class PointValue(Written, frozen=True, kw_only=True):
    """What points are worth when they are spent.

    Args:
        currency: ISO 4217.
        minor_units_per_1000: of 1,000 points.

    """

    currency: Currency
    minor_units_per_1000: Amount


class Burn(Written, frozen=True, kw_only=True):
    """How points are spent.

    Args:
        minimum: the least points of a redemption.
        step: a redemption is a multiple of it.
        reservation_seconds: how long points stay reserved if nobody captures or releases them.
        values: what points are worth, at most once for each money currency.
        overdraft_tolerated: a redemption that already happened elsewhere is booked whatever the
            balance; an alarm is raised if it takes the balance further below zero than this.
        offline_points_per_day: what a till without a line may redeem for an account on a day,
            reserved beforehand; 0 for nothing.

    """

    minimum: PointsAmount = 1
    step: PointsAmount = 1
    reservation_seconds: Annotated[int, Meta(ge=1, le=31_622_400)] = 900
    values: Annotated[tuple[PointValue, ...], Meta(max_length=200)] = ()
    overdraft_tolerated: PointsLimit = 0
    offline_points_per_day: PointsLimit = 0


class Reissue(Written, frozen=True, kw_only=True, tag_field="kind", tag="reissue"):
    """Points that go back to an expired lot are given anew.

    Args:
        days: how many business days they live, the day of the reversal not counted.

    """

    days: Annotated[int, Meta(ge=1, le=36_600)]


class Forfeit(Written, frozen=True, kw_only=True, tag_field="kind", tag="forfeit"):
    """Points that go back to an expired lot are gone."""


class PointsCurrency(Written, frozen=True, kw_only=True):
    """One currency of points.

    Args:
        code: unique in the programme.
        kind: redeemable points are spent, qualifying ones only count towards tiers.
        name: as customers see it.
        pending_days: before points may be spent; 0 for at once.
        expiry: when points expire.
        claw_back: what may be taken when an earn is undone: pending points only, at most the
            balance, or all of it (the balance may become negative).
        late_activity: points whose expiry an activity learnt of later would have prevented are
            reinstated, or left expired.
        reversal: what becomes of points that go back to an expired lot.
        burn: how points are spent; absent for qualifying ones.

    """

    code: RuleCode
    kind: Literal["redeemable", "qualifying"] = "redeemable"
    name: Label | None = None
    pending_days: DayCount = 0
    expiry: Expiry = NeverExpires()
    claw_back: Literal["only_pending", "within_balance", "unlimited"] = "within_balance"
    late_activity: Literal["reinstate", "leave"] = "reinstate"
    reversal: Forfeit | Reissue = Forfeit()
    burn: Burn | None = None


class Transfers(Written, frozen=True, kw_only=True):
    """Giving points to another account of the programme. Off unless a version allows it.

    Args:
        minimum: the least points of a transfer.
        points_per_transfer: the most of one.
        points_per_year: the most that an account gives in a calendar year.

    """

    minimum: PointsAmount = 1
    points_per_transfer: PointsAmount | None = None
    points_per_year: PointsAmount | None = None


class Pooling(Written, frozen=True, kw_only=True):
    """Several accounts spend from one. Off unless a version allows it.

    Args:
        accounts_max: how many accounts may share.

    """

    accounts_max: Annotated[int, Meta(ge=2, le=100)]


class Reward(Written, frozen=True, kw_only=True):
    """One reward of the catalogue.

    Args:
        code: unique in the catalogue.
        currency: code of a redeemable currency of points.
        points: what it costs.
        name: as customers see it.
        stock: how many there are in all; absent means unlimited.
        valid_from: absent means since ever.
        valid_until: from this moment on it is gone; absent means never.

    """

    code: RuleCode
    currency: RuleCode
    points: PointsAmount
    name: Label | None = None
    stock: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None


class ProgrammeVersion(Written, frozen=True, kw_only=True):
    """All rules of a programme from a moment on, until a later version takes over.

    Args:
        programme: code of the programme.
        version: name of this version, unique in the programme.
        effective_from: touchpoints that happen from this moment on are judged by it.
        currencies: of points.
        authority: engine: our rules give points, and points stated by others are recorded, not
            booked. upstream: the other way round, our rules do not fire.
        name: as people read it.
        enrolment: how a customer gets an account.
        rules: earn rules; each is judged on its own, in this order.
        caps: what several rules give together at most.
        tiers: absent means none.
        transfers: absent means not allowed.
        pooling: absent means not allowed.
        claim_window_days: how far back a link claims the touchpoints of a persona without account.
        rewards: what points can be spent on.

    """

    programme: Code
    version: RuleCode
    effective_from: Instant
    currencies: Annotated[tuple[PointsCurrency, ...], Meta(min_length=1, max_length=20)]
    authority: Literal["engine", "upstream"] = "engine"
    name: Label | None = None
    enrolment: Enrolment = Enrolment()
    rules: Annotated[tuple[EarnRule, ...], Meta(max_length=500)] = ()
    caps: Annotated[tuple[SharedCap, ...], Meta(max_length=100)] = ()
    tiers: TierRules | None = None
    transfers: Transfers | None = None
    pooling: Pooling | None = None
    claim_window_days: DayCount = 30
    rewards: Annotated[tuple[Reward, ...], Meta(max_length=10_000)] = ()


_DECODER = msgspec.json.Decoder(ProgrammeVersion)
_ENCODER = msgspec.json.Encoder(order="deterministic")


def decode_version(text: bytes | str) -> ProgrammeVersion:
    """Return the version that a JSON text holds, its types checked; see ``checking`` for the rest.

    Raises:
        FormatError: if it is no JSON, or not what the schema asks for; the message says where.

    """
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = (
            f"programme version: expected JSON as schemas/programme says, found: {error}; "
            "mend the place that is named after '$'"
        )
        raise FormatError(message) from error


def encode_version(version: ProgrammeVersion) -> bytes:
    """Return the canonical JSON of a version: every field, in the order of the format."""
    return _ENCODER.encode(version)


def version_digest(version: ProgrammeVersion) -> str:
    """Return the SHA-256 (hexadecimal) of a version's canonical JSON: what an approval names."""
    return hashlib.sha256(encode_version(version)).hexdigest()


def may_enrol(version: ProgrammeVersion, namespace: str) -> bool:
    """Say whether a persona of this namespace may have an account."""
    enrolment = version.enrolment
    eligible = not enrolment.namespaces or namespace in enrolment.namespaces
    return eligible and namespace not in enrolment.never
