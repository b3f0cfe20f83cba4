"""Programmes over HTTP: listed, read, drafted, approved by a second person, withdrawn.

The person who decides is the holder of the key. Nothing that was decided before is decided again,
so whoever got no answer sends the same once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from api.answers import Answer, json_answer
from api.calls import Call
from api.customer_answers import read_json
from api.parameters import Parameter, short_text
from api.problems import not_found, problem_answer
from domain.programmes.checking import require_sound
from domain.programmes.decisions import Digest
from domain.programmes.faults import Fault, UnsoundRulesError
from domain.programmes.format import ProgrammeVersion
from domain.programmes.misfits import MisfitError, read_version
from domain.programmes.overview import (
    ProgrammeOverview,
    VersionOverview,
    programme_overview,
    version_in_force,
    version_overview,
)
from domain.programmes.versions import Programme, ProgrammeRefusedError, RefusalCode
from journal.decisions import ConflictError
from journal.programmes import Decided, KnownProgrammes

_CREATED, _UNPROCESSABLE, _CONFLICT = 201, 422, 409
_FAULTS_MAX = 500
_STATUS: dict[RefusalCode, int] = {
    "other_programme": _UNPROCESSABLE,
    "nobody": _UNPROCESSABLE,
    "unknown_version": 404,
    "same_person": 403,
    "already_approved": _CONFLICT,
    "withdrawn": _CONFLICT,
    "other_digest": _CONFLICT,
    "no_preview": _CONFLICT,
    "in_force": _CONFLICT,
}
"""By refusal; a damaged log is no fault of whoever asks."""

REASON = Parameter(
    name="reason",
    meaning="Why, in words that name no person.",
    schema={"type": "string", "minLength": 1, "maxLength": 200},
    read=short_text,
)


class ProgrammeList(msgspec.Struct, frozen=True):
    """All programmes, sorted by their codes, without rules."""

    programmes: tuple[ProgrammeOverview, ...]


class VersionDocument(msgspec.Struct, frozen=True):
    """A version with its rules.

    Args:
        overview: what became of it.
        rules: as they were drafted, with all defaults written out.

    """

    overview: VersionOverview
    rules: ProgrammeVersion


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a second person approves.

    Args:
        digest: of the draft that was read, as its overview tells it.
        preview_digest: of the preview of its postings that was read; needed where the version is
            effective in the past.

    """

    digest: Digest
    preview_digest: Digest | None = None


async def list_programmes(call: Call) -> Answer:
    """Tell all programmes."""
    known, now = await _known(call), call.services.clock()
    return json_answer(
        ProgrammeList(tuple(programme_overview(one, now) for one in known.programmes()))
    )


async def read_programme(call: Call) -> Answer:
    """Tell one programme."""
    return json_answer(programme_overview(await _programme(call), call.services.clock()))


async def read_programme_version(call: Call) -> Answer:
    """Tell one version with its rules."""
    programme = await _programme(call)
    record = programme.record(call.scope["path_params"]["version"])
    if record is None:
        raise not_found("the name of a version", "see /v1/programmes/{code}")
    in_force = version_in_force(programme, call.services.clock()) is record
    return json_answer(VersionDocument(version_overview(record, in_force=in_force), record.rules))


async def draft_version(call: Call) -> Answer:
    """Draft a version, or another content for one that is a draft."""
    body = await call.body(call.services.settings.limits.body_bytes_max)
    code, person = _code(call), call.holder_name

    def draft() -> Decided:
        rules = read_version(body)
        if rules.programme != code:
            message = (
                f"expected a version of programme {code}, as the path says, found one of "
                f"{rules.programme}; mend 'programme' or the path"
            )
            raise ProgrammeRefusedError("other_programme", message)
        require_sound(rules)
        return call.services.office.draft(rules, by=person)

    return await _answered(call, draft, _CREATED)


async def approve_version(call: Call) -> Answer:
    """Approve a draft; never for the person who drafted it."""
    body = await call.body(call.services.settings.limits.event_bytes_max)
    approval = read_json(body, Approval)
    code, version, person = _code(call), call.scope["path_params"]["version"], call.holder_name

    def approve() -> Decided:
        return call.services.office.approve(
            code,
            version,
            digest=approval.digest,
            by=person,
            preview_digest=approval.preview_digest,
        )

    return await _answered(call, approve)


async def withdraw_version(call: Call) -> Answer:
    """Give up a version that was never in force."""
    reason = call.parameters().get("reason", "")
    code, version, person = _code(call), call.scope["path_params"]["version"], call.holder_name

    def withdraw() -> Decided:
        return call.services.office.withdraw(code, version, by=person, reason=reason)

    return await _answered(call, withdraw)


async def _answered(call: Call, command: Callable[[], Decided], status: int = 200) -> Answer:
    """Run a command in a thread and tell the version as it stands then, or why not."""
    try:
        decided = await asyncio.to_thread(command)
    except MisfitError as error:
        return _faulty("misfit_rules", "JSON as the schema ProgrammeVersion says", error.faults)
    except UnsoundRulesError as error:
        return _faulty("unsound_rules", "rules that make sense", error.faults)
    except ProgrammeRefusedError as refusal:
        if refusal.code not in _STATUS:
            raise
        return problem_answer(_STATUS[refusal.code], refusal.code, str(refusal))
    except ConflictError:
        detail = "expected to decide, found others deciding all the time; send the same again"
        return problem_answer(_CONFLICT, "busy", detail)
    in_force = (await _in_force(call, decided)) == decided.record.rules.version
    document = version_overview(decided.record, in_force=in_force)
    return json_answer(document, status=status if decided.position else 200)


def _faulty(code: str, expected: str, faults: tuple[Fault, ...]) -> Answer:
    told = faults[:_FAULTS_MAX]
    first = "" if len(told) == len(faults) else f" (the first {len(told)} are told)"
    detail = f"expected {expected}, found {len(faults)} faults{first}; mend what 'faults' names"
    return problem_answer(_UNPROCESSABLE, code, detail, faults=told)


async def _in_force(call: Call, decided: Decided) -> str | None:
    programme = (await _known(call)).programme(decided.record.rules.programme)
    current = version_in_force(programme, call.services.clock()) if programme else None
    return None if current is None else current.rules.version


async def _known(call: Call) -> KnownProgrammes:
    return await call.services.desk.run(call.services.programmes)


async def _programme(call: Call) -> Programme:
    programme = (await _known(call)).programme(_code(call))
    if programme is None:
        raise not_found("the code of a programme", "see /v1/programmes")
    return programme


def _code(call: Call) -> str:
    code: str = call.scope["path_params"]["code"]
    return code
