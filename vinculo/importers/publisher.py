"""Turns touchpoints made of rows into messages, and lists those that no intake would take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from domain.cloudevent import read_structured
from domain.errors import Refused
from domain.identifiers import parse_identifier
from domain.touchpoints import CATALOGUE, Touchpoint
from vinculo.importers.message import Envelope, Message, bucket_key, structured
from vinculo.importers.profile import SourceProfile
from vinculo.importers.report import ImportReport, LeftOut
from vinculo.importers.table import Row

_SEQUENCE_DIGITS_MAX = 18


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """A touchpoint with what surrounds it, and the rows it was made of."""

    id: str
    subject: str
    time: datetime
    touchpoint: Touchpoint
    rows: tuple[int, ...]
    sequence: int | None = None


class Publisher:
    """Publishes for one source, out of one file.

    Args:
        profile: the source.
        path: the file whose rows are published.
        report: counts what is published and what is left out.

    """

    def __init__(self, profile: SourceProfile, path: Path, report: ImportReport) -> None:
        self._profile = profile
        self._path = path
        self.report = report

    def publish(self, stated: Stated) -> Iterator[Message]:
        """Yield the message, or nothing if the touchpoint breaks a limit of its type."""
        envelope = Envelope(
            source=self._profile.source, id=stated.id, subject=stated.subject, time=stated.time,
            sequence=stated.sequence,
        )  # fmt: skip
        payload = structured(envelope, stated.touchpoint)
        try:
            _check(payload)
        except Refused as refused:
            self.leave_out(stated.rows, refused.code, f"{stated.id}: {refused.detail}")
            return
        self.report.rows_used[self._path.name] += len(stated.rows)
        self.report.messages[CATALOGUE.names[type(stated.touchpoint)]] += 1
        yield Message(
            source=self._profile.source, topic=self._profile.topic,
            key=bucket_key(stated.subject), payload=payload,
        )  # fmt: skip

    def leave_out(self, rows: Sequence[int], reason: str, detail: str) -> None:
        """List rows of which no touchpoint is made."""
        self.report.leave_out(
            LeftOut(
                file=self._path.name, row=rows[0], rows=len(rows), reason=reason,
                detail=detail[:300],
            )
        )  # fmt: skip


def row_numbers(rows: Sequence[Row]) -> tuple[int, ...]:
    """Return the lines in which rows stand."""
    return tuple(row.line for row in rows)


def sequence_in(number: str) -> int | None:
    """Return a business number's digits as a sequence: such numbers are given out in order."""
    digits = number.lstrip("C")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= _SEQUENCE_DIGITS_MAX
    return int(digits) if plain else None


def _check(payload: bytes) -> None:
    event = read_structured(payload)
    parse_identifier(event.subject)
    CATALOGUE.decode(event.type, event.data)
