"""All files of the folder ``schemas/``: what they must hold, whether they do, and writing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from domain.touchpoints import CATALOGUE
from vinculo.rules import DEFAULT
from vinculo.schemas.envelope import ENVELOPE_FILE, asyncapi, envelope_schema
from vinculo.schemas.programme import (
    PROGRAMME_FILE,
    PROGRAMME_SAMPLE_FILE,
    programme_sample,
    programme_schema,
)
from vinculo.schemas.releases import RELEASED_FILE, digest_of, keep_released, read_released
from vinculo.schemas.samples import sample_event
from vinculo.schemas.touchpoint import sentences, touchpoint_schema

FOLDER = Path(__file__).parents[2] / "schemas"
"""Of this repository."""


def generate(folder: Path = FOLDER) -> dict[str, bytes]:
    """Return every file by its path within the folder.

    Args:
        folder: whose released files are kept.

    Raises:
        ReleasedChangedError: a released schema would change.

    """
    released = read_released(folder)
    files = {
        f"touchpoints/{name}.json": _json(touchpoint_schema(name, kind))
        for name, kind in CATALOGUE.types.items()
    }
    files = {
        name: keep_released(folder, name, content, released) for name, content in files.items()
    }
    samples = {name: sample_event(name, kind) for name, kind in CATALOGUE.types.items()}
    files |= {f"samples/{name}.json": _json(sample) for name, sample in samples.items()}
    titles = {name: sentences(kind) for name, kind in CATALOGUE.types.items()}
    files[ENVELOPE_FILE] = _json(envelope_schema())
    files["asyncapi.json"] = _json(asyncapi(samples, titles))
    files[PROGRAMME_FILE] = _json(programme_schema())
    files[PROGRAMME_SAMPLE_FILE] = _json(programme_sample())
    files["openapi.json"] = _openapi()
    return files


def differences(folder: Path = FOLDER) -> list[str]:
    """Return the files that are missing, differ, or should not be there; sorted.

    Raises:
        ReleasedChangedError: a released schema would change.

    """
    expected = generate(folder)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")
    }
    found.pop(RELEASED_FILE, None)
    names = expected.keys() | found.keys()
    return sorted(name for name in names if expected.get(name) != found.get(name))


def write(folder: Path = FOLDER) -> list[str]:
    """Write what differs, remove what should not be there, and return the names.

    Raises:
        ReleasedChangedError: a released schema would change; nothing was written.

    """
    files = generate(folder)
    changed = differences(folder)
    for name in changed:
        path = folder / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[name])
        else:
            path.unlink()
    return changed


def release(folder: Path = FOLDER) -> list[str]:
    """Promise every touchpoint schema that is not released yet, and return their names."""
    released = read_released(folder)
    files = generate(folder)
    new = sorted(name for name in files if name.startswith("touchpoints/") and name not in released)
    released |= {name: digest_of(files[name]) for name in new}
    (folder / RELEASED_FILE).write_bytes(_json(dict(sorted(released.items()))))
    return new


def _openapi() -> bytes:
    # The HTTP framework is slow to import, and most who import this module want no OpenAPI.
    from api.application import endpoints_of  # noqa: PLC0415
    from api.openapi import export  # noqa: PLC0415
    from api.settings import ApiLimits  # noqa: PLC0415

    return export(endpoints_of(ApiLimits(), DEFAULT))


def _json(document: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
