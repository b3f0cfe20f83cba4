"""What people are shown of a programme: its versions without their rules, and which is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain.instants import instant_of, moment_of
from domain.programmes.versions import Programme, VersionRecord


class VersionOverview(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a programme, without its rules.

    Args:
        version: its name.
        name: as people read it.
        status: draft, approved or withdrawn.
        in_force: whether it judges what happens now.
        effective_from: touchpoints from this moment on are judged by it once it is approved.
        digest: SHA-256 of its content; an approval names it.
        drafted_by: the person who gave it this content.
        drafted_at: when.
        approved_by: the person who approved it.
        approved_at: when.
        preview_digest: of the preview that the approval rests on.

    """

    version: str
    name: str | None
    status: Literal["draft", "approved", "withdrawn"]
    in_force: bool
    effective_from: datetime
    digest: str
    drafted_by: str
    drafted_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    preview_digest: str | None


class ProgrammeOverview(msgspec.Struct, frozen=True, kw_only=True):
    """A programme, without rules.

    Args:
        programme: its code.
        in_force: name of the version that judges what happens now.
        versions: in the order in which they were drafted first.

    """

    programme: str
    in_force: str | None
    versions: tuple[VersionOverview, ...]


def version_in_force(programme: Programme, at: int) -> VersionRecord | None:
    """Return the version that judges what happens at an instant, None if there is none.

    Args:
        programme: as it stands.
        at: microseconds since 1970.

    """
    begun = [one for one in programme.approved() if instant_of(one.rules.effective_from) <= at]
    return max(
        begun,
        key=lambda one: (instant_of(one.rules.effective_from), one.approval),
        default=None,
    )


def programme_overview(programme: Programme, at: int) -> ProgrammeOverview:
    """Return a programme as it stands at an instant, microseconds since 1970."""
    current = version_in_force(programme, at)
    return ProgrammeOverview(
        programme=programme.code,
        in_force=None if current is None else current.rules.version,
        versions=tuple(version_overview(one, in_force=one is current) for one in programme.records),
    )


def version_overview(record: VersionRecord, *, in_force: bool) -> VersionOverview:
    """Return a version without its rules."""
    approved = record.approval > 0
    return VersionOverview(
        version=record.rules.version,
        name=record.rules.name,
        status=record.status,
        in_force=in_force,
        effective_from=record.rules.effective_from,
        digest=record.digest,
        drafted_by=record.drafted_by,
        drafted_at=moment_of(record.drafted_at),
        approved_by=record.approved_by if approved else None,
        approved_at=moment_of(record.approved_at) if approved else None,
        preview_digest=record.preview_digest,
    )
