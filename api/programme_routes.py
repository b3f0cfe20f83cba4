"""The routes of programmes."""

from __future__ import annotations

from api import programmes
from api.endpoints import Content, Endpoint, json_reply
from api.keys import Scope
from domain.programmes.format import ProgrammeVersion
from domain.programmes.overview import ProgrammeOverview, VersionOverview

_JSON = "application/json"
_READERS: tuple[Scope, ...] = ("read", "publish_rules", "approve", "audit")
_VERSIONS = "/v1/programmes/{code}/versions"
_VERSION = f"{_VERSIONS}/{{version}}"
_PERSON = "The person is the holder of the key."


def programme_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of programmes."""
    return (*_reading(), *_deciding())


def _reading() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="GET",
            path="/v1/programmes",
            name="listProgrammes",
            family="programmes",
            summary="All programmes with their versions",
            scopes=_READERS,
            replies={200: json_reply("As told.", programmes.ProgrammeList)},
            handler=programmes.list_programmes,
        ),
        Endpoint(
            method="GET",
            path="/v1/programmes/{code}",
            name="readProgramme",
            family="programmes",
            summary="The versions of a programme, and which is in force",
            scopes=_READERS,
            replies={200: json_reply("As told.", ProgrammeOverview)},
            problems=(404,),
            handler=programmes.read_programme,
        ),
        Endpoint(
            method="GET",
            path=_VERSION,
            name="readProgrammeVersion",
            family="programmes",
            summary="The rules of a version, and what became of it",
            scopes=_READERS,
            replies={200: json_reply("As told.", programmes.VersionDocument)},
            problems=(404,),
            handler=programmes.read_programme_version,
        ),
    )


def _deciding() -> tuple[Endpoint, ...]:
    return (
        Endpoint(
            method="POST",
            path=_VERSIONS,
            name="draftProgrammeVersion",
            family="programmes",
            summary="Draft a version, or another content for a draft",
            description=f"{_PERSON} Rules that do not fit, or make no sense, are refused with all "
            "their faults. What is drafted is in force only once somebody else has approved it.",
            scopes=("publish_rules",),
            bodies=(Content(_JSON, ProgrammeVersion),),
            replies={
                200: json_reply("It was drafted before with this content.", VersionOverview),
                201: json_reply("It is drafted.", VersionOverview),
            },
            problems=(408, 409, 413, 422),
            handler=programmes.draft_version,
        ),
        Endpoint(
            method="POST",
            path=f"{_VERSION}/approval",
            name="approveProgrammeVersion",
            family="programmes",
            summary="Put a draft into force from its date on",
            description=f"{_PERSON} It is another one than who drafted the version (403, "
            "same_person), and names the digest of the draft that was read. A version that is "
            "effective in the past needs the digest of a recorded preview of its postings (409, "
            "no_preview).",
            scopes=("approve",),
            bodies=(Content(_JSON, programmes.Approval),),
            replies={200: json_reply("It is approved; it says by whom.", VersionOverview)},
            problems=(404, 408, 409, 413, 422),
            handler=programmes.approve_version,
        ),
        Endpoint(
            method="DELETE",
            path=_VERSION,
            name="withdrawProgrammeVersion",
            family="programmes",
            summary="Give up a version that was never in force",
            description=f"{_PERSON} It stays on record, and its name is not given again.",
            scopes=("publish_rules", "approve"),
            parameters=(programmes.REASON,),
            replies={200: json_reply("It is withdrawn.", VersionOverview)},
            problems=(404, 409),
            handler=programmes.withdraw_version,
        ),
    )
