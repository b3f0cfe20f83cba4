"""Releases: which schemas are promised to publishers, by the SHA-256 of their files.

A released file stays as it is. Where only its words would change (descriptions, titles, examples),
the file is kept and the words in the code go ahead; where its meaning would change, generation
refuses: raise the version of the touchpoint and keep the old one in the catalogue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import VinculoError

RELEASED_FILE = "released.json"
_WORDS = frozenset({"title", "description", "examples", "$comment", "deprecated"})


class ReleasedChangedError(VinculoError):
    """A released schema is not what was released, or would get another meaning."""


def read_released(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each released file by its path within the folder."""
    path = folder / RELEASED_FILE
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def keep_released(folder: Path, name: str, generated: bytes, released: Mapping[str, str]) -> bytes:
    """Return what a file must hold: the generated content, or the released one if it is released.

    Args:
        folder: of the schemas.
        name: of the file in it.
        generated: from the types of today.
        released: as read.

    Raises:
        ReleasedChangedError: the released file is missing or changed, or would have to change.

    """
    if name not in released or digest_of(generated) == released[name]:
        return generated
    path = folder / name
    kept = path.read_bytes() if path.exists() else b""
    if digest_of(kept) != released[name]:
        message = (
            f"{name}: expected the released file (SHA-256 {released[name][:12]}…), found "
            f"{'another' if kept else 'none'}; restore it from version control"
        )
        raise ReleasedChangedError(message)
    if meaning(msgspec.json.decode(kept)) != meaning(msgspec.json.decode(generated)):
        message = (
            f"{name}: expected the meaning that was released, found another in the types; raise "
            "the touchpoint's version and keep the old struct with an upcaster"
        )
        raise ReleasedChangedError(message)
    return kept


def meaning(node: Any, *, of_names: bool = False) -> Any:  # noqa: ANN401 - any part of a document
    """Return a schema without its words: what two schemas must share to accept the same data.

    Args:
        node: a schema, or a part of one.
        of_names: whether the keys of this node are names of fields, not keywords.

    """
    if isinstance(node, dict):
        return {
            key: meaning(value, of_names=not of_names and key in {"properties", "$defs"})
            for key, value in node.items()
            if of_names or key not in _WORDS
        }
    return [meaning(one) for one in node] if isinstance(node, list) else node
