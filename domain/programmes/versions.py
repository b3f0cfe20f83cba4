"""A programme and its versions: draft → approved by a second person → in force from its date.

What was approved never changes: another content is another version. Of two versions from the same
moment the one approved last is in force, so that a mistake is mended by another version from the
same moment; where that moment is past, its approval names the preview of its postings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec

from domain.decisions.base import Aggregate, Evolve, Recorded, projector, stream_id
from domain.errors import VinculoError
from domain.instants import instant_of, moment_of
from domain.programmes.checking import require_sound
from domain.programmes.decisions import (
    ProgrammeApproved,
    ProgrammeDecision,
    ProgrammeDrafted,
    ProgrammeWithdrawn,
)
from domain.programmes.format import ProgrammeVersion, version_digest

RefusalCode = Literal[
    "other_programme", "unknown_version", "already_approved", "withdrawn", "other_digest",
    "same_person", "no_preview", "in_force", "nobody", "damaged",
]  # fmt: skip


class ProgrammeRefusedError(VinculoError):
    """Something was asked of a programme that may not be decided.

    Args:
        code: a stable word for machines.
        message: expected, found, what to do.

    """

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a programme and what became of it.

    Args:
        rules: the version.
        digest: SHA-256 of its canonical JSON.
        drafted_by: who gave it this content.
        drafted_at: when, microseconds since 1970.
        status: draft, approved or withdrawn.
        approved_by: who approved it, empty if nobody did.
        approved_at: when, 0 if nobody did.
        approval: the how-manieth of the programme's approvals it is, 0 if none.
        preview_digest: of the preview that the approval rests on, if there is one.

    """

    rules: ProgrammeVersion
    digest: str
    drafted_by: str
    drafted_at: int
    status: Literal["draft", "approved", "withdrawn"] = "draft"
    approved_by: str = ""
    approved_at: int = 0
    approval: int = 0
    preview_digest: str | None = None


class Programme(Aggregate, frozen=True, kw_only=True):
    """A programme.

    Args:
        code: of the programme.
        records: its versions in the order in which they were drafted first.

    """

    id: UUID
    code: str
    records: tuple[VersionRecord, ...] = ()

    def record(self, version: str) -> VersionRecord | None:
        """Return a version by its name, None if there is none."""
        return next((one for one in self.records if one.rules.version == version), None)

    def approved(self) -> tuple[VersionRecord, ...]:
        """Return the approved versions in the order of their approvals."""
        approved = [one for one in self.records if one.status == "approved"]
        return tuple(sorted(approved, key=lambda one: one.approval))


def programme_id(code: str) -> UUID:
    """Return the stream of a programme."""
    return stream_id(f"programme:{code}")


def new_programme(code: str) -> Programme:
    """Return a programme before any decision."""
    return Programme(id=programme_id(code), code=code)


def draft(
    programme: Programme, rules: ProgrammeVersion, *, by: str, at: int
) -> tuple[ProgrammeDrafted, ...]:
    """Decide to propose a version; nothing to decide if its draft has this content already.

    Args:
        programme: as it stands.
        rules: the whole version.
        by: the person who proposes it.
        at: now, microseconds since 1970.

    Raises:
        ProgrammeRefusedError: if it is of another programme, or approved or withdrawn before.
        UnsoundRulesError: if it makes no sense; every fault is named.

    """
    if rules.programme != programme.code:
        message = (
            f"expected a version of programme {programme.code}, found one of {rules.programme}; "
            "mend 'programme'"
        )
        raise ProgrammeRefusedError("other_programme", message)
    _require_name(by)
    require_sound(rules)
    digest = version_digest(rules)
    known = programme.record(rules.version)
    if known is not None and known.status != "draft":
        raise _not_a_draft(known)
    if known is not None and known.digest == digest:
        return ()
    return (ProgrammeDrafted(rules=rules, digest=digest, by=by, at=at),)


def approve(
    programme: Programme,
    version: str,
    *,
    digest: str,
    by: str,
    at: int,
    preview_digest: str | None = None,
) -> tuple[ProgrammeApproved, ...]:
    """Decide that a draft is in force from its date on; nothing to decide if it was approved.

    Args:
        programme: as it stands.
        version: name of the version.
        digest: of the draft that the person has read.
        by: the person who approves it, another one than who drafted it.
        at: now, microseconds since 1970.
        preview_digest: of the preview of its postings, needed where it is effective in the past.

    Raises:
        ProgrammeRefusedError: if any of that is not so.

    """
    known = _known(programme, version)
    _require_name(by)
    if known.digest != digest:
        message = (
            f"version {version}: expected the digest of its present draft {known.digest}, found "
            f"{digest}; read the draft again and approve that"
        )
        raise ProgrammeRefusedError("other_digest", message)
    if known.status == "approved":
        return ()
    if known.status == "withdrawn":
        raise _not_a_draft(known)
    _require_second(known, by)
    _require_preview(known, at, preview_digest)
    return (
        ProgrammeApproved(
            version=version, digest=digest, by=by, at=at, preview_digest=preview_digest
        ),
    )


def withdraw(
    programme: Programme, version: str, *, by: str, at: int, reason: str = ""
) -> tuple[ProgrammeWithdrawn, ...]:
    """Decide to give up a version; nothing to decide if it was given up before.

    Args:
        programme: as it stands.
        version: name of the version.
        by: the person.
        at: now, microseconds since 1970.
        reason: in words.

    Raises:
        ProgrammeRefusedError: if there is no such version, or it is or was in force.

    """
    known = _known(programme, version)
    _require_name(by)
    if known.status == "withdrawn":
        return ()
    effective = instant_of(known.rules.effective_from)
    if known.status == "approved" and effective <= at:
        message = (
            f"version {version}: expected one that is not in force yet, found one in force since "
            f"{moment_of(effective).isoformat()}; publish another version instead"
        )
        raise ProgrammeRefusedError("in_force", message)
    return (ProgrammeWithdrawn(version=version, by=by, at=at, reason=reason),)


def evolve(programme: Programme, decision: ProgrammeDecision) -> Programme:
    """Return the programme after a decision.

    Raises:
        ProgrammeRefusedError: if the log holds what could not have been decided.

    """
    match decision:
        case ProgrammeDrafted():
            return _drafted(programme, decision)
        case ProgrammeApproved():
            return _approved(programme, decision)
        case ProgrammeWithdrawn():
            known = _known(programme, decision.version)
            return _with(programme, msgspec.structs.replace(known, status="withdrawn"))


def _drafted(programme: Programme, decision: ProgrammeDrafted) -> Programme:
    known = programme.record(decision.rules.version)
    if known is not None and known.status != "draft":
        raise _not_a_draft(known)
    record = VersionRecord(
        rules=decision.rules,
        digest=decision.digest,
        drafted_by=decision.by,
        drafted_at=decision.at,
    )
    if programme.code != decision.rules.programme:
        message = (
            f"programme {programme.code}: expected its own versions, found one of "
            f"{decision.rules.programme}; the decisions log is damaged"
        )
        raise ProgrammeRefusedError("damaged", message)
    return _with(programme, record)


def _approved(programme: Programme, decision: ProgrammeApproved) -> Programme:
    known = _known(programme, decision.version)
    _require_second(known, decision.by)
    _require_preview(known, decision.at, decision.preview_digest)
    if (known.status, known.digest) != ("draft", decision.digest):
        message = (
            f"version {decision.version}: expected an approval of draft {known.digest}, found one "
            f"of {decision.digest} and a version that is {known.status}; the log is damaged"
        )
        raise ProgrammeRefusedError("damaged", message)
    record = msgspec.structs.replace(
        known,
        status="approved",
        approved_by=decision.by,
        approved_at=decision.at,
        approval=1 + max(one.approval for one in programme.records),
        preview_digest=decision.preview_digest,
    )
    return _with(programme, record)


def _with(programme: Programme, record: VersionRecord) -> Programme:
    """Return a programme with a record in its place, or behind the others if it is new."""
    version = record.rules.version
    kept = tuple(record if one.rules.version == version else one for one in programme.records)
    if programme.record(version) is None:
        kept = (*kept, record)
    return msgspec.structs.replace(programme, records=kept)


def _known(programme: Programme, version: str) -> VersionRecord:
    known = programme.record(version)
    if known is None:
        names = ", ".join(one.rules.version for one in programme.records) or "none"
        message = (
            f"programme {programme.code}: expected one of its versions ({names}), found "
            f"{version!r}; draft it first"
        )
        raise ProgrammeRefusedError("unknown_version", message)
    return known


def _not_a_draft(known: VersionRecord) -> ProgrammeRefusedError:
    message = (
        f"version {known.rules.version}: expected a draft, found a version that is {known.status}; "
        "give another content another name"
    )
    code: RefusalCode = "already_approved" if known.status == "approved" else "withdrawn"
    return ProgrammeRefusedError(code, message)


def _require_second(known: VersionRecord, by: str) -> None:
    if _same_person(known.drafted_by, by):
        message = (
            f"version {known.rules.version}: expected the approval of a second person, found "
            f"{by!r}, who drafted it; somebody else must approve"
        )
        raise ProgrammeRefusedError("same_person", message)


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _require_preview(known: VersionRecord, at: int, preview_digest: str | None) -> None:
    effective = instant_of(known.rules.effective_from)
    if effective <= at and not preview_digest:
        message = (
            f"version {known.rules.version}: expected the digest of a preview of its postings, for "
            f"it is effective in the past ({moment_of(effective).isoformat()}), found none; run "
            "the preview, read it, and name its digest"
        )
        raise ProgrammeRefusedError("no_preview", message)


def _require_name(by: str) -> None:
    if not by.strip():
        message = f"expected the name of a person, found {by!r}; say who decides"
        raise ProgrammeRefusedError("nobody", message)


_follow: Evolve[Programme, ProgrammeDecision] = evolve
_project = projector(lambda: new_programme(""), _follow)


def project_programme(
    programme: Programme | None, events: Iterable[Recorded[ProgrammeDecision]]
) -> Programme | None:
    """Return a programme after decisions of its stream, as the library's repository reads it.

    Args:
        programme: what stood before them; None from the beginning.
        events: that follow it.

    Raises:
        StreamBrokenError: if one does not continue the stream.
        ProgrammeRefusedError: if one could not have been decided.

    """
    followed = list(events)
    if programme is None and followed:
        first = followed[0].decision
        code = first.rules.programme if isinstance(first, ProgrammeDrafted) else ""
        programme = new_programme(code)
    return _project(programme, followed)
