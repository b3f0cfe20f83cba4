"""The catalogue: every touchpoint there is, its decoder, its personal fields, its upcaster."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

import msgspec

from domain.errors import Refused, VinculoError
from domain.explaining import explained
from domain.touchpoints import (
    commercial,
    consent,
    correction,
    financial,
    identity,
    interaction,
    loyalty,
    marketing,
    quality,
)
from domain.touchpoints.base import Touchpoint, type_name
from domain.touchpoints.checking import Check, checks_of

AnyTouchpoint = (
    identity.CustomerRegistered
    | identity.ProfileUpdated
    | identity.LeadCaptured
    | identity.LeadQualified
    | identity.LeadDisqualified
    | identity.IdentifierLinked
    | identity.IdentifierUnlinked
    | identity.RelationshipEnded
    | identity.DemographicsRecorded
    | identity.PreferenceDeclared
    | commercial.PurchaseMade
    | commercial.PurchaseReturned
    | commercial.CancelIntentDeclared
    | commercial.CompetitorOfferSeen
    | financial.CostToServeRecorded
    | quality.IncidentOpened
    | quality.IncidentResponded
    | quality.IncidentPending
    | quality.IncidentResolved
    | quality.IncidentReopened
    | quality.IncidentClosed
    | quality.SurveyAnswered
    | marketing.CampaignSent
    | marketing.CampaignDelivered
    | marketing.CampaignOpened
    | marketing.CampaignClicked
    | marketing.CampaignResponded
    | marketing.CampaignBounced
    | marketing.Unsubscribed
    | marketing.SpamReported
    | interaction.InteractionRecorded
    | consent.ConsentGiven
    | consent.ConsentRefused
    | consent.ConsentWithdrawn
    | consent.ConsentExpired
    | consent.ObjectionRaised
    | consent.ExclusionListed
    | loyalty.AccountOpened
    | loyalty.AccountClosed
    | loyalty.PointsEarned
    | loyalty.PointsRedeemed
    | loyalty.PointsExpired
    | loyalty.PointsAdjusted
    | correction.TouchpointCorrected
    | correction.TouchpointVoided
)
"""Written out, for exhaustive matching; a test compares it with the subclasses."""

Upcaster = Callable[[Any], Touchpoint]
Decode = Callable[[bytes | msgspec.Raw], Touchpoint]


class Catalogue:
    """The touchpoints that this product understands.

    Args:
        known: every touchpoint type, all versions.
        upcasters: for an old version, the pure function that turns it into the next one; applied
            on read, again and again until there is none.

    """

    def __init__(
        self,
        known: tuple[type[Touchpoint], ...],
        upcasters: Mapping[type[Touchpoint], Upcaster] | None = None,
    ) -> None:
        self.types: dict[str, type[Touchpoint]] = {type_name(one): one for one in known}
        self.names: dict[type[Touchpoint], str] = {one: name for name, one in self.types.items()}
        self.personal_fields: dict[type[Touchpoint], tuple[str, ...]] = {
            one: personal_fields(one) for one in known
        }
        self.upcasters = dict(upcasters or {})
        self._readers: dict[str, tuple[Decode, tuple[Check, ...]]] = {
            name: (msgspec.json.Decoder(one).decode, checks_of(one))
            for name, one in self.types.items()
        }

    def decode(self, name: str, data: bytes | msgspec.Raw) -> Touchpoint:
        """Return the touchpoint that ``data`` (JSON) states, strictly checked.

        Raises:
            Refused: ``unknown_type`` or ``bad_data``; unknown fields are refused by name.

        """
        reader = self._readers.get(name)
        if reader is None:
            message = f"expected one of {len(self.types)} known types, found {name[:100]!r}; "
            raise Refused("unknown_type", message + "see schemas/ for those that exist")
        decode, checks = reader
        try:
            touchpoint = decode(data)
        except msgspec.ValidationError as error:
            raise Refused("bad_data", f"{name}: {explained(error)}") from error
        except msgspec.DecodeError as error:
            raise Refused("bad_json", f"{name}: data is not JSON: {error}") from error
        for check in checks:
            check(touchpoint)
        return touchpoint

    def upcast(self, touchpoint: Touchpoint) -> Touchpoint:
        """Return a touchpoint in the newest version of its type."""
        while (upcaster := self.upcasters.get(type(touchpoint))) is not None:
            touchpoint = upcaster(touchpoint)
        return touchpoint


def personal_fields(touchpoint: type[Touchpoint]) -> tuple[str, ...]:
    """Return the names of the fields that identify a person, in the order of the struct."""
    hints = get_type_hints(touchpoint, include_extras=True)
    return tuple(
        field.name
        for field in msgspec.structs.fields(touchpoint)
        if _is_personal(hints[field.name])
    )


def _is_personal(hint: object) -> bool:
    marks = getattr(hint, "__metadata__", ())
    if any(isinstance(mark, msgspec.Meta) and (mark.extra or {}).get("personal") for mark in marks):
        return True
    return any(_is_personal(inner) for inner in get_args(hint))


def every_touchpoint() -> tuple[type[Touchpoint], ...]:
    """Return the members of :data:`AnyTouchpoint`.

    Raises:
        VinculoError: if the union and the modules of this package do not name the same types.

    """
    listed = get_args(AnyTouchpoint)
    modules: tuple[types.ModuleType, ...] = (
        identity, commercial, financial, quality, marketing, interaction, consent, loyalty,
        correction,
    )  # fmt: skip
    defined = {member for module in modules for member in _concrete(module)}
    if set(listed) != defined:
        odd = sorted(one.__name__ for one in set(listed) ^ defined)
        message = f"expected every touchpoint in AnyTouchpoint, found {odd} in only one of the two"
        raise VinculoError(message)
    return listed


def _concrete(module: types.ModuleType) -> list[type[Touchpoint]]:
    return [
        member
        for name, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Touchpoint)
        and member.__module__ == module.__name__
        and not name.startswith("_")
    ]


CATALOGUE = Catalogue(every_touchpoint())
