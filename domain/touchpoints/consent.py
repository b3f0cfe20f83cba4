"""Consent: what a customer permits, per purpose and channel (ruling 17)."""

from __future__ import annotations

from typing import Literal

from domain.touchpoints.base import Code, ContactChannel, Instant, Label, Touchpoint

LegalBasis = Literal[
    "consent", "contract", "legal_obligation", "vital_interest", "public_task",
    "legitimate_interest",
]  # fmt: skip


class _ConsentStatement(Touchpoint, frozen=True, kw_only=True):
    """A statement about one purpose, in one contact channel or in all of them."""

    purpose: Code
    contact_channel: ContactChannel = "any"
    notice_version: Code | None = None
    evidence: Code | None = None


class ConsentGiven(_ConsentStatement, frozen=True, kw_only=True):
    """The customer said yes."""

    legal_basis: LegalBasis = "consent"
    expires_at: Instant | None = None


class ConsentRefused(_ConsentStatement, frozen=True, kw_only=True):
    """The customer was asked and said no."""


class ConsentWithdrawn(_ConsentStatement, frozen=True, kw_only=True):
    """The customer took an earlier yes back."""


class ConsentExpired(_ConsentStatement, frozen=True, kw_only=True):
    """An earlier yes ran out."""


class ObjectionRaised(_ConsentStatement, frozen=True, kw_only=True):
    """The customer objects to this purpose, whatever the legal basis."""


class ExclusionListed(_ConsentStatement, frozen=True, kw_only=True):
    """The customer stands on an exclusion list (a Robinson list, say)."""

    list_name: Label
