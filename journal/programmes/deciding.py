"""Drafting, approving and withdrawing versions of programmes, under four eyes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol, cast

import msgspec
from eventsourcing.application import AggregateNotFoundError

from domain.decisions import Recorded
from domain.instants import instant_of, moment_of
from domain.programmes.decisions import ProgrammeApproved, ProgrammeDecision
from domain.programmes.format import ProgrammeVersion
from domain.programmes.versions import (
    Programme,
    ProgrammeRefusedError,
    VersionRecord,
    approve,
    draft,
    new_programme,
    programme_id,
    project_programme,
    withdraw,
)
from journal.decisions.application import Decisions
from journal.intake.pipeline import clock


class Previews(Protocol):
    """What is known of previews; the what-if provides it. May read the database and block."""

    @property
    def advice(self) -> str:
        """What a person without a preview is to do about it, for the end of a sentence."""

    def recorded(self, rules: ProgrammeVersion) -> Collection[str]:
        """Return the digests (SHA-256, hexadecimal) of the previews recorded of this content.

        A preview is the list of all postings that the version would bring where it is effective in
        the past; its digest is what a second person approves.
        """


class _NoPreviews:
    """Previews of a release that cannot make any."""

    @property
    def advice(self) -> str:
        """What to do instead."""
        return (
            "this release cannot preview postings yet: draft the version with an effective_from "
            "that is to come"
        )

    def recorded(self, rules: ProgrammeVersion) -> Collection[str]:  # noqa: ARG002 - the protocol's
        """Return nothing."""
        return ()


NO_PREVIEWS: Previews = _NoPreviews()
"""Nothing effective in the past can be approved."""


class Decided(msgspec.Struct, frozen=True):
    """What became of a command.

    Args:
        record: the version as it stands now.
        position: of the decision; None if there was nothing to decide.

    """

    record: VersionRecord
    position: int | None


class ProgrammeOffice:
    """Decides about the programmes of one tenant; threads may share it.

    Every command loads the programme, decides, and appends under the version it has seen; if
    somebody was faster it decides anew upon what they decided.

    Args:
        decisions: of the tenant.
        now: the clock, microseconds since 1970.
        previews: tells recorded previews.

    """

    def __init__(
        self,
        decisions: Decisions,
        *,
        now: Callable[[], int] = clock,
        previews: Previews = NO_PREVIEWS,
    ) -> None:
        self._decisions = decisions
        self._now = now
        self._previews = previews

    def programme(self, code: str) -> Programme:
        """Return a programme as it stands; one without versions if nothing was decided of it."""
        try:
            return self._decisions.repository.get(
                programme_id(code), projector_func=project_programme
            )
        except AggregateNotFoundError:
            return new_programme(code)

    def draft(self, rules: ProgrammeVersion, *, by: str) -> Decided:
        """Propose a version, or another content for one that is a draft.

        Args:
            rules: the whole version.
            by: the person who proposes it.

        Raises:
            UnsoundRulesError: it makes no sense; every fault is named.
            ProgrammeRefusedError: what is approved or withdrawn cannot be drafted again.
            ConflictError: if others were faster ten times.
            PersistenceError: of the library (``journal.decisions.UNREACHABLE``), if the database
                is away.

        """
        return self._decide(
            rules.programme,
            rules.version,
            lambda programme: draft(programme, rules, by=by, at=self._now()),
        )

    def approve(
        self, code: str, version: str, *, digest: str, by: str, preview_digest: str | None = None
    ) -> Decided:
        """Put a draft into force from its date on.

        Args:
            code: of the programme.
            version: its name.
            digest: of the draft that the person has read.
            by: the person, another one than who drafted it.
            preview_digest: of the recorded preview that the person has read, needed where the
                version is effective in the past.

        Raises:
            ProgrammeRefusedError: if any of that is not so.
            ConflictError: as :meth:`draft`.
            PersistenceError: as :meth:`draft`.

        """

        def decide(programme: Programme) -> tuple[ProgrammeApproved, ...]:
            now = self._now()
            try:
                decided = approve(
                    programme, version, digest=digest, by=by, at=now, preview_digest=preview_digest
                )
            except ProgrammeRefusedError as refusal:
                if refusal.code == "no_preview":
                    raise self._no_preview(programme, version, "none") from refusal
                raise
            if decided and preview_digest is not None:
                self._require_recorded(programme, version, preview_digest)
            return decided

        return self._decide(code, version, decide)

    def withdraw(self, code: str, version: str, *, by: str, reason: str = "") -> Decided:
        """Give up a version that was never in force.

        Args:
            code: of the programme.
            version: its name.
            by: the person.
            reason: in words.

        Raises:
            ProgrammeRefusedError: there is no such version, or it is or was in force.
            ConflictError: as :meth:`draft`.
            PersistenceError: as :meth:`draft`.

        """
        return self._decide(
            code,
            version,
            lambda programme: withdraw(programme, version, by=by, at=self._now(), reason=reason),
        )

    def _decide(
        self,
        code: str,
        version: str,
        decide: Callable[[Programme], tuple[ProgrammeDecision, ...]],
    ) -> Decided:
        seen = new_programme(code)

        def load() -> Programme:
            nonlocal seen
            seen = self.programme(code)
            return seen

        recordings = self._decisions.decide(load, decide)
        events = [
            cast("Recorded[ProgrammeDecision]", recording.domain_event) for recording in recordings
        ]
        after = project_programme(seen, events)
        record = None if after is None else after.record(version)
        assert record is not None, "what was decided of is there"  # noqa: S101 - for the type checker
        return Decided(record, recordings[-1].notification.id if recordings else None)

    def _require_recorded(self, programme: Programme, version: str, preview_digest: str) -> None:
        known = programme.record(version)
        assert known is not None, "it was approved"  # noqa: S101 - for the type checker
        if preview_digest not in self._previews.recorded(known.rules):
            raise self._no_preview(programme, version, f"no such one of digest {preview_digest}")

    def _no_preview(self, programme: Programme, version: str, found: str) -> ProgrammeRefusedError:
        known = programme.record(version)
        assert known is not None, "it was found before"  # noqa: S101 - for the type checker
        effective = moment_of(instant_of(known.rules.effective_from))
        message = (
            f"version {version}: expected the digest of a recorded preview of its postings, for it "
            f"is effective in the past ({effective.isoformat()}), found {found}; "
            f"{self._previews.advice}"
        )
        return ProgrammeRefusedError("no_preview", message)
