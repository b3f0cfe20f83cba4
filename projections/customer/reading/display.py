"""The personal display: name, e-mail and the like, opened for whoever may read them.

The state of a customer only names the entries that state a profile, the latest first; what they
seal is opened here, with the corrections of those entries, in a few queries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import psycopg

from domain.correcting import Naming
from domain.fact import Fact, order_key
from domain.identifiers import Identifier
from domain.touchpoints import (
    CATALOGUE,
    CustomerRegistered,
    LeadCaptured,
    ProfileUpdated,
    Touchpoint,
    TouchpointVoided,
)
from journal.history import Histories
from journal.personal import personal_fields_of
from journal.sealing import TenantSecret
from journal.subject_keys import identifiers_of
from projections.customer.parts.identity import IdentityState
from projections.customer.shown import uuid_text

_PROFILES: tuple[type[Touchpoint], ...] = (CustomerRegistered, ProfileUpdated, LeadCaptured)
PROFILE_FIELDS: tuple[str, ...] = CATALOGUE.personal_fields[CustomerRegistered]


class ProfileField(msgspec.Struct, frozen=True):
    """A field as last stated: its value, and the entry that states it."""

    value: str
    entry_id: str


class IdentifierShown(msgspec.Struct, frozen=True):
    """An identifier of the customer, and the persona under it."""

    namespace: str
    value: str
    persona_id: str


class Personal(msgspec.Struct, frozen=True):
    """What identifies the customer.

    Args:
        profile: by field: name, email, phone, address, postcode, born_on.
        identifiers: of all personas, the one that names the customer first.

    """

    profile: dict[str, ProfileField]
    identifiers: tuple[IdentifierShown, ...]


class Display:
    """Open personal fields of one tenant's customers.

    Args:
        log_id: of the facts log.
        secret: the tenant's.
        histories: of the facts log.

    """

    def __init__(self, log_id: int, secret: TenantSecret, histories: Histories) -> None:
        self._log_id = log_id
        self._secret = secret
        self._histories = histories

    def read(
        self,
        connection: psycopg.Connection,
        identity: IdentityState,
        personas: Sequence[bytes],
        up_to: int,
    ) -> Personal:
        """Return what identifies a customer.

        Args:
            connection: in one snapshot.
            identity: the state of that part.
            personas: of the customer, the one that names it first; 16 bytes each.
            up_to: as known at this position.

        """
        if identity.profiles == len(identity.profile):
            entries = [one.entry_id for one in reversed(identity.profile)]
            naming = self._histories.naming(connection, entries, up_to) if entries else {}
        else:
            entries, naming = self._all_profiles(connection, personas, up_to)
        corrections = [one.fact.entry_id for named in naming.values() for one in named]
        sealed = personal_fields_of(connection, self._log_id, self._secret, entries + corrections)
        identifiers = identifiers_of(connection, self._log_id, self._secret, personas)
        return Personal(_profile(entries, sealed, naming), _shown(personas, identifiers))

    def _all_profiles(
        self, connection: psycopg.Connection, personas: Collection[bytes], up_to: int
    ) -> tuple[list[bytes], dict[bytes, list[Naming]]]:
        history = self._histories.of_personas(connection, personas, up_to)
        own = [fact for fact in history.facts if _is_profile(fact, personas)]
        own.sort(key=order_key, reverse=True)
        return [fact.entry_id for fact in own], history.naming


def _is_profile(fact: Fact, personas: Collection[bytes]) -> bool:
    return isinstance(fact.touchpoint, _PROFILES) and fact.persona.persona_id in personas


def _profile(
    entries: Sequence[bytes],
    sealed: Mapping[bytes, Mapping[str, Any]],
    naming: Mapping[bytes, Sequence[Naming]],
) -> dict[str, ProfileField]:
    """Return the last statement of each field; entries come the latest first."""
    profile: dict[str, ProfileField] = {}
    for entry_id in entries:
        stated = dict(sealed.get(entry_id, {}))
        for correction in _counting(entry_id, naming):
            stated.update(sealed.get(correction, {}))
        for name in PROFILE_FIELDS:
            if stated.get(name) is not None:
                profile.setdefault(name, ProfileField(stated[name], uuid_text(entry_id)))
    return {name: profile[name] for name in PROFILE_FIELDS if name in profile}


def _counting(entry_id: bytes, naming: Mapping[bytes, Sequence[Naming]]) -> list[bytes]:
    """Return the corrections of an entry that were not voided, in the order of ruling 5."""
    facts = sorted((one.fact for one in naming.get(entry_id, ())), key=order_key)
    return [fact.entry_id for fact in facts if not _is_voided(naming.get(fact.entry_id, ()))]


def _is_voided(namings: Sequence[Naming]) -> bool:
    return any(isinstance(one.fact.touchpoint, TouchpointVoided) for one in namings)


def _shown(
    personas: Sequence[bytes], identifiers: Mapping[bytes, Identifier]
) -> tuple[IdentifierShown, ...]:
    return tuple(
        IdentifierShown(found.namespace, found.value, uuid_text(persona_id))
        for persona_id in personas
        if (found := identifiers.get(persona_id)) is not None
    )
