"""JSON Schemas (draft 2020-12) of touchpoint types and other structs, out of their docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

import msgspec

from domain.touchpoints import Touchpoint
from domain.touchpoints.base import IdentifierText

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Document = dict[str, Any]

_ARGUMENT = re.compile(r"^    (\w+): (.*)$")
_RULING = re.compile(r"\s*\(rulings? \d+\)")
_IDENTIFIER_DESCRIPTION = get_args(IdentifierText)[1].description


def touchpoint_schema(name: str, touchpoint: type[Touchpoint]) -> Document:
    """Return the schema of what stands in ``data`` of an event.

    Args:
        name: CloudEvents type, such as ``vinculo.purchase_made.v1``.
        touchpoint: its struct.

    """
    schema = struct_schema(name, touchpoint)
    _mark_identifiers(schema)
    return schema


def struct_schema(name: str, struct: type[msgspec.Struct]) -> Document:
    """Return the schema of a struct and all within it, described by their docstrings.

    Args:
        name: what its ``$id`` ends with.
        struct: of our own.

    """
    (own,), components = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    structs = {one.__name__: one for one in _structs_of(struct)}
    for component, document in components.items():
        _describe(document, structs[component])
    head = components.pop(own["$ref"].rsplit("/", 1)[1])
    schema = {"$schema": DIALECT, "$id": f"urn:vinculo:schema:{name}", **head}
    return {**schema, "$defs": components} if components else schema


def _structs_of(kind: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Return a struct and every struct within it."""
    found = [kind]
    for one in found:
        for field in msgspec.structs.fields(one):
            found += [inner for inner in _classes_in(field.type) if inner not in found]
    return found


def _classes_in(hint: Any) -> list[type[msgspec.Struct]]:  # noqa: ANN401 - an annotation
    if inspect.isclass(hint) and issubclass(hint, msgspec.Struct):
        return [hint]
    inner = getattr(hint, "__args__", ())
    return [found for one in inner for found in _classes_in(one)]


def _describe(document: Document, struct: type[msgspec.Struct]) -> None:
    """Put the docstring's sentences where readers of a schema look for them."""
    document["description"] = sentences(struct)
    for name, text in fields_described(struct).items():
        if name in document["properties"]:
            stated = document["properties"][name]
            # Beside a reference nothing may stand in some tools; there the target speaks.
            if "$ref" not in stated:
                document["properties"][name] = {"description": text, **_without(stated)}


def _without(stated: Document) -> Document:
    return {key: value for key, value in stated.items() if key != "description"}


def sentences(struct: type) -> str:
    """Return what a docstring says before its arguments, in one line."""
    return _plain(inspect.cleandoc(struct.__doc__ or "").split("\nArgs:")[0])


def fields_described(struct: type) -> dict[str, str]:
    """Return what the docstrings of a struct and its bases say of fields, as sentences."""
    described: dict[str, str] = {}
    for one in reversed(struct.__mro__):
        if isinstance(one.__dict__.get("__doc__"), str):
            described |= _arguments(one.__doc__ or "")
    return {name: _as_sentence(text) for name, text in described.items()}


def _arguments(docstring: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(docstring).partition("\nArgs:")[2].splitlines():
        if match := _ARGUMENT.match(line):
            name, found[match[1]] = match[1], match[2]
        elif line.startswith("        ") and name:
            found[name] += " " + line.strip()
        elif line.strip():
            break
    return found


def _as_sentence(text: str) -> str:
    plain = _plain(text)
    return plain[:1].upper() + plain[1:].rstrip(".") + "."


def _plain(text: str) -> str:
    """Return one line without marks that say nothing to publishers."""
    return " ".join(_RULING.sub("", text).replace("``", "").split())


def _mark_identifiers(node: Any) -> None:  # noqa: ANN401 - any part of a document
    """Mark identifiers as personal: their values are sealed like personal fields."""
    if isinstance(node, dict):
        if node.get("description") == _IDENTIFIER_DESCRIPTION:
            node["x-personal"] = True
        for inner in node.values():
            _mark_identifiers(inner)
    elif isinstance(node, list):
        for inner in node:
            _mark_identifiers(inner)
