"""The JSON Schema of a programme version: what managers write, and a sample that is judged by.

The sample is the worked example in vinculo/examples, with all that it leaves to defaults written
out.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from domain.programmes.format import ProgrammeVersion, decode_version, encode_version
from vinculo.schemas.touchpoint import Document, struct_schema

PROGRAMME_FILE = "programme/programme_version.json"
PROGRAMME_SAMPLE_FILE = "programme/programme_version.sample.json"
EXAMPLE = Path(__file__).parents[1] / "examples" / "programmes" / "club.json"


def programme_schema() -> Document:
    """Return the schema of one version of one programme."""
    return struct_schema("programme_version", ProgrammeVersion)


def programme_sample() -> Document:
    """Return the worked example as it is stored."""
    stored = encode_version(decode_version(EXAMPLE.read_bytes()))
    tree: Document = msgspec.json.decode(stored)
    return tree
