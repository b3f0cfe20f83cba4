"""What a publisher is told of a field that does not fit: where, expected, found, what to do.

The decoder's own words name the path and what it wanted; what to do about it stands here. Values
are never repeated: they may be personal (ruling 31).
"""

from __future__ import annotations

import re

import msgspec

_AT = re.compile(r" - at `(?:key in )?(?P<path>\$[^`]*)`\Z")
_GOT = re.compile(r"Expected (?P<expected>.+), got `(?P<found>[^`]+)`\Z", re.DOTALL)
_BOUND = re.compile(r"Expected (?P<expected>.+)\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`\Z")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`\Z", re.DOTALL)
_CHOICE = re.compile(r"Invalid (?:enum )?value", re.DOTALL)
_NAME_LENGTH_MAX = 60

_DO = {
    "int": "a whole number without quotes, money in minor units",
    "float": "a number without quotes",
    "bool": "true or false, without quotes",
    "str": "a text in quotes",
    "datetime": "a time with its offset, such as 2024-03-01T10:00:00Z",
    "date": "a day such as 2024-03-01",
    "object": "a JSON object in braces",
    "array": "a JSON array in brackets",
    "uuid": "a UUID",
}
_KIND = re.compile(r"`(?P<kind>[a-z]+)")


def explained(error: msgspec.ValidationError) -> str:
    """Return one sentence: the path of the field, what was expected, what was found, what to do."""
    text = str(error)
    at = _AT.search(text)
    path = "" if at is None else at["path"].removeprefix("$").removeprefix(".")
    said = _say(text if at is None else text[: at.start()])
    return f"{path}: {said}" if path else said


def _say(text: str) -> str:
    if missing := _MISSING.match(text):
        return f"expected the field `{missing['name']}`, found none; add it"
    if unknown := _UNKNOWN.match(text):
        name = unknown["name"][:_NAME_LENGTH_MAX]
        return (
            f"expected fields of the schema only, found `{name}`; correct its spelling or leave "
            "it out"
        )
    if _CHOICE.match(text):
        return "expected one of the values in the schema, found another; see schemas/ for them"
    if text.startswith("Invalid RFC3339 encoded datetime"):
        return f"expected a time as RFC 3339 has it, found another text; send {_DO['datetime']}"
    if got := _GOT.match(text):
        expected, found = _plain(got["expected"]), _plain(got["found"])
        return f"expected {expected}, found {found}; send {_advice(got['expected'])}"
    if bound := _BOUND.match(text):
        expected = _plain(bound["expected"])
        return f"expected {expected}, found another value; send {_advice(bound['expected'])}"
    return "expected what the schema asks for, found something else; see schemas/"


def _plain(words: str) -> str:
    return words.replace("`", "").replace(" | ", " or ")


def _advice(expected: str) -> str:
    """Return what to send instead, by the first type that is named."""
    kind = _KIND.search(expected)
    advice = _DO.get(kind["kind"]) if kind else None
    return "what the schema asks for, see schemas/" if advice is None else advice
