"""Coordinates: how far each answer has read, and how readers ask for at least so far (ruling 9).

``Vinculo-Position: facts=412998, decisions=10233`` is an RFC 9651 dictionary of integers.
"""

from __future__ import annotations

import re

import msgspec

from api.problems import Problem

POSITION = b"vinculo-position"
MIN_POSITION = b"vinculo-min-position"
_LENGTH_MAX = 200
# RFC 9651, sections 3.1.2, 3.2 and 3.3.1: key, integer of at most 15 digits, no parameters; a
# position is never negative.
_MEMBER = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)=([0-9]{1,15})[ \t]*\Z")


class Coordinate(msgspec.Struct, frozen=True, gc=False):
    """A pair of positions; None where nothing is said of a log."""

    facts: int | None = None
    decisions: int | None = None

    def reaches(self, wanted: Coordinate) -> bool:
        """Say whether this is at least as far as what is wanted, in either log."""
        return (self.facts or 0) >= (wanted.facts or 0) and (self.decisions or 0) >= (
            wanted.decisions or 0
        )

    def __str__(self) -> str:
        pairs = (("facts", self.facts), ("decisions", self.decisions))
        return ", ".join(f"{name}={position}" for name, position in pairs if position is not None)

    def header(self) -> tuple[bytes, bytes]:
        """Return the header that tells it."""
        return POSITION, str(self).encode()


def read_coordinate(text: bytes) -> Coordinate:
    """Return the coordinate that a header asks for; members of other names are ignored.

    Raises:
        Problem: ``bad_position``.

    """
    members = text.decode("latin-1").split(",")
    matches = [_MEMBER.match(member) for member in members]
    if len(text) > _LENGTH_MAX or None in matches:
        raise Problem(
            400,
            "bad_position",
            expected="Vinculo-Min-Position to read like 'facts=412998, decisions=10233'",
            found=f"{len(text)} characters of another form",
            do="send the Vinculo-Position of an earlier answer",
        )
    positions = {match[1]: int(match[2]) for match in matches if match is not None}
    return Coordinate(positions.get("facts"), positions.get("decisions"))
