"""Mapping: a message becomes a statement, checked in all that one message can be checked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_type_hints

import msgspec

from domain.cloudevent import CloudEvent, read_binary, read_structured, sequence_of
from domain.errors import Refused
from domain.explaining import explained
from domain.fact import Body
from domain.identifiers import Identifier, Persona, is_blocked, parse_identifier
from domain.instants import DAY, OCCURRED_MAX, OCCURRED_MIN, instant_of, moment_of
from domain.touchpoints import (
    Catalogue,
    Reference,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)
from domain.touchpoints.checking import check_fields
from journal.entry_ids import entry_id_of
from journal.intake.message import Message
from journal.intake.subjects import Subject, Subjects
from journal.personas import PersonaNames
from journal.rows import field
from journal.sources import Source, SourceRegister

AHEAD_OF_CLOCK_MAX = DAY
_NOBODY: dict[bytes, Identifier] = {}


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """What is known beforehand of every message of one source, type and topic.

    Args:
        source: who publishes them.
        type: their CloudEvents type.
        type_bytes: the same, encoded.
        columns: source and type as two fields of a row.
        plain: nothing of them has to be parted, unless further identifiers are stated.

    """

    source: Source
    type: str
    type_bytes: bytes
    columns: bytes
    plain: bool


class Statement(msgspec.Struct, gc=False):
    """A touchpoint that was read and checked, and is not yet recorded.

    Args:
        accepted: its source and type.
        subject: whose it is.
        entry_id: 16 bytes.
        occurred_at: microseconds since 1970.
        body: what will be stored in the clear.
        personal: fields to seal, by name.
        refers_to: entry id of the touchpoint that a correction names.
        further: every other persona that is named (16 bytes), and by which identifier.

    """

    accepted: Accepted
    subject: Subject
    entry_id: bytes
    occurred_at: int
    body: Body[Touchpoint]
    personal: dict[str, Any] | None
    refers_to: bytes | None
    further: dict[bytes, Identifier]


class Mapping:
    """Read messages of one tenant.

    Args:
        catalogue: the touchpoints that are understood.
        sources: who may publish what.
        personas: names personas under the tenant's secret.

    """

    def __init__(
        self, catalogue: Catalogue, sources: SourceRegister, personas: PersonaNames
    ) -> None:
        self._catalogue = catalogue
        self._sources = sources
        self._personas = personas
        self._subjects = Subjects(personas)
        self._accepted: dict[tuple[str, str, str], Accepted] = {}

    def read(self, message: Message, now: int) -> Statement:
        """Return the statement that a message makes.

        Args:
            message: as it came.
            now: the clock, microseconds since 1970.

        Raises:
            Refused: with a reason that the publisher can act on.

        """
        attributes = message.attributes
        if attributes is None:
            event = read_structured(message.payload)
        else:
            event = read_binary(attributes, message.payload)
        accepted = self._accepted.get((event.source, event.type, message.topic))
        if accepted is None:
            accepted = self._accept(event, message.topic)
        touchpoint = self._catalogue.decode(event.type, event.data)
        source = accepted.source
        occurred_at = instant_of(event.time)
        latest = OCCURRED_MAX if source.simulated_time else now + AHEAD_OF_CLOCK_MAX
        if not OCCURRED_MIN <= occurred_at <= latest:
            raise _refuse_time("time", event.time, now)
        subject = self._subjects.subject(event.subject, source.namespaces, source.name)
        entry_id = entry_id_of(source.name, event.id, occurred_at, stable_time=source.stable_time)
        zone = event.time.tzinfo
        body = Body(
            event.id,
            subject.identifier.namespace,
            touchpoint,
            0 if zone is UTC else _offset_minutes(event.time),
            -1 if event.sequence is None else sequence_of(event),
            traceparent=event.traceparent,
        )
        if accepted.plain and not touchpoint.identifiers:
            return Statement(accepted, subject, entry_id, occurred_at, body, None, None, _NOBODY)
        if type(touchpoint) is TouchpointCorrected and touchpoint.occurred_at is not None:
            right = instant_of(touchpoint.occurred_at)
            if not OCCURRED_MIN <= right <= latest:
                raise _refuse_time("occurred_at", touchpoint.occurred_at, now)
        return self._parted(accepted, subject, entry_id, occurred_at, body)

    def _accept(self, event: CloudEvent, topic: str) -> Accepted:
        """Remember what is known of a source's touchpoints of a type, if both are registered."""
        source = self._sources.accept(event.source, event.type, topic)
        kind = self._catalogue.types.get(event.type)
        type_bytes = event.type.encode()
        columns = field(source.name.encode()) + field(type_bytes)
        plain = (
            kind is not None
            and not self._catalogue.personal_fields[kind]
            and kind not in {TouchpointCorrected, TouchpointVoided}
        )
        accepted = Accepted(source, event.type, type_bytes, columns, plain)
        if kind is not None:
            self._accepted[event.source, event.type, topic] = accepted
        return accepted

    def _parted(
        self,
        accepted: Accepted,
        subject: Subject,
        entry_id: bytes,
        occurred_at: int,
        body: Body[Touchpoint],
    ) -> Statement:
        """Return a statement of which something is personal, or that names others."""
        touchpoint = body.data
        further: dict[bytes, Identifier] = {}
        refers_to, corrected = self._correction(accepted.source, touchpoint, subject, further)
        linked, blocked = self._linked(touchpoint, subject, further)
        plain, personal = self._part(touchpoint)
        parted = Body(
            body.id, body.namespace, plain, body.offset_minutes, body.sequence,
            linked, blocked, corrected, body.traceparent,
        )  # fmt: skip
        return Statement(
            accepted, subject, entry_id, occurred_at, parted, personal, refers_to, further
        )

    def _linked(
        self, touchpoint: Touchpoint, subject: Subject, further: dict[bytes, Identifier]
    ) -> tuple[tuple[Persona, ...], tuple[str, ...]]:
        if not touchpoint.identifiers:
            return (), ()
        linked: list[Persona] = []
        blocked: list[str] = []
        for text in touchpoint.identifiers:
            identifier = parse_identifier(text)
            if is_blocked(identifier):
                blocked.append(identifier.namespace)
                continue
            other = self._personas.name(identifier)
            if other.persona_id != subject.persona_id and other not in linked:
                linked.append(other)
                further[other.persona_id] = identifier
        return tuple(linked), tuple(blocked)

    def _correction(
        self,
        source: Source,
        touchpoint: Touchpoint,
        subject: Subject,
        further: dict[bytes, Identifier],
    ) -> tuple[bytes | None, Persona | None]:
        if not isinstance(touchpoint, (TouchpointCorrected, TouchpointVoided)):
            return None, None
        reference = touchpoint.reference
        if reference.source != source.name:
            detail = f"a source corrects only its own: expected reference.source {source.name!r}"
            raise Refused("not_your_own", detail)
        corrected: Persona | None = None
        if isinstance(touchpoint, TouchpointCorrected):
            check_corrected_fields(self._catalogue, touchpoint)
            corrected = self._corrected_subject(source, touchpoint, subject, further)
        return self._entry_id(reference), corrected

    def _corrected_subject(
        self,
        source: Source,
        touchpoint: TouchpointCorrected,
        stated: Subject,
        further: dict[bytes, Identifier],
    ) -> Persona | None:
        if touchpoint.subject is None:
            return None
        right = self._subjects.subject(touchpoint.subject, source.namespaces, source.name)
        if right.persona_id != stated.persona_id:
            further[right.persona_id] = right.identifier
        return right.persona

    def _entry_id(self, reference: Reference) -> bytes:
        source = self._sources.by_name[reference.source]
        return entry_id_of(
            reference.source,
            reference.id,
            instant_of(reference.occurred_at),
            stable_time=source.stable_time,
        )

    def _part(self, touchpoint: Touchpoint) -> tuple[Touchpoint, dict[str, Any] | None]:
        """Part what may stand in the clear from what identifies a person."""
        personal: dict[str, Any] | None = {
            name: value
            for name in self._catalogue.personal_fields[type(touchpoint)]
            if (value := getattr(touchpoint, name)) is not None
        }
        changes: dict[str, Any] = dict.fromkeys(personal) if personal else {}
        personal = personal or None
        if touchpoint.identifiers:
            changes["identifiers"] = ()
        if isinstance(touchpoint, TouchpointCorrected):
            personal = self._part_correction(touchpoint, changes)
        if not changes:
            return touchpoint, personal
        return msgspec.structs.replace(touchpoint, **changes), personal

    def _part_correction(
        self, touchpoint: TouchpointCorrected, changes: dict[str, Any]
    ) -> dict[str, Any] | None:
        corrected_type = self._catalogue.types[touchpoint.corrected_type]
        names = self._catalogue.personal_fields[corrected_type]
        hidden = {name: value for name, value in touchpoint.fields.items() if name in names}
        changes["fields"] = {
            name: value for name, value in touchpoint.fields.items() if name not in names
        }
        changes["subject"] = None
        return hidden or None


def _offset_minutes(time: datetime) -> int:
    """Return the stated offset from UTC, in whole minutes."""
    offset = time.utcoffset()
    return int(offset.total_seconds()) // 60 if offset else 0


def _refuse_time(name: str, time: datetime, now: int) -> Refused:
    if not OCCURRED_MIN <= instant_of(time) <= OCCURRED_MAX:
        detail = f"{name}: expected a moment from 1900 to 2199, found {time}"
        return Refused("time_out_of_range", detail)
    clock = moment_of(now).isoformat(timespec="seconds")
    detail = f"{name}: expected at most a day ahead of our clock ({clock}), found {time}"
    return Refused("time_ahead", detail)


def check_corrected_fields(catalogue: Catalogue, correction: TouchpointCorrected) -> None:
    """Check that the new values of a correction fit the type that it corrects.

    Raises:
        Refused: ``bad_data`` or ``unknown_type``, naming the field.

    """
    corrected = catalogue.types.get(correction.corrected_type)
    if corrected is None or corrected in {TouchpointCorrected, TouchpointVoided}:
        detail = f"corrected_type: expected a touchpoint, found {correction.corrected_type!r}"
        raise Refused("unknown_type", detail)
    hints = get_type_hints(corrected, include_extras=True)
    checked: dict[str, Any] = {}
    known = {field.name: field for field in msgspec.structs.fields(corrected)}
    for name, value in correction.fields.items():
        field = known.get(name)
        if field is None or name == "identifiers":
            detail = f"fields: {correction.corrected_type} has no field {name[:60]!r} to correct"
            raise Refused("bad_data", detail)
        if value is None and not field.required:
            continue
        try:
            checked[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise Refused("bad_data", f"fields.{name}: {explained(error)}") from error
    check_fields(corrected, checked)
