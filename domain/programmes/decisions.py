"""What is decided of a programme's versions: drafted, approved, withdrawn."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from msgspec import Meta

from domain.decisions.base import Decision
from domain.programmes.format import ProgrammeVersion
from domain.programmes.kinds import RuleCode

Person = Annotated[str, Meta(min_length=1, max_length=200)]
Digest = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", description="A SHA-256, hexadecimal.")
]
Reason = Annotated[str, Meta(max_length=2_000)]


class ProgrammeDrafted(Decision, frozen=True, kw_only=True):
    """Somebody proposed a version, or another content for one that is not approved yet.

    Args:
        rules: the whole version.
        digest: SHA-256 of its canonical JSON.
        by: the person.
        at: when, microseconds since 1970.

    """

    topic: ClassVar[str] = "vinculo.programme_drafted.v1"

    rules: ProgrammeVersion
    digest: Digest
    by: Person
    at: int


class ProgrammeApproved(Decision, frozen=True, kw_only=True):
    """A second person approved a version: it is in force from its date on.

    Args:
        version: name of the version.
        digest: of the draft that was approved.
        by: the person; never the one who drafted it.
        at: when, microseconds since 1970.
        preview_digest: of the preview of its postings; there wherever it is effective in the past.

    """

    topic: ClassVar[str] = "vinculo.programme_approved.v1"

    version: RuleCode
    digest: Digest
    by: Person
    at: int
    preview_digest: Digest | None = None


class ProgrammeWithdrawn(Decision, frozen=True, kw_only=True):
    """A version that was never in force is given up.

    Args:
        version: name of the version.
        by: the person.
        at: when, microseconds since 1970.
        reason: in words.

    """

    topic: ClassVar[str] = "vinculo.programme_withdrawn.v1"

    version: RuleCode
    by: Person
    at: int
    reason: Reason = ""


ProgrammeDecision: TypeAlias = ProgrammeDrafted | ProgrammeApproved | ProgrammeWithdrawn
