"""Mapping: a message becomes a statement, checked in all that one message can be checked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_type_hints

import msgspec

from domain.cloudevent import CloudEvent, read_binary, read_structured, sequence_of
from domain.errors import Refused
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
from journal.personas import PersonaNames
from journal.sources import Source, SourceRegister

AHEAD_OF_CLOCK_MAX = DAY
_SUBJECTS_MAX = 500_000


class Statement(msgspec.Struct, gc=False):
    """A touchpoint that was read and checked, and is not yet recorded.

    Args:
        source: who states it.
        type: its CloudEvents type.
        persona: the subject's.
        entry_id: 16 bytes.
        occurred_at: microseconds since 1970.
        body: what will be stored in the clear.
        personal: fields to seal, by name.
        refers_to: entry id of the touchpoint that a correction names.
        identifier: by which the subject is named.
        further: every other persona that is named, and by which identifier.

    """

    source: str
    type: str
    persona: Persona
    entry_id: bytes
    occurred_at: int
    body: Body[Touchpoint]
    personal: dict[str, Any] | None
    refers_to: bytes | None
    identifier: Identifier
    further: dict[Persona, Identifier]


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
        self._subjects: dict[str, tuple[Identifier, Persona]] = {}
        # Types of which nothing has to be parted: all but those with personal fields and
        # corrections, unless further identifiers are stated.
        self._plain_types = frozenset(
            kind for kind, names in catalogue.personal_fields.items() if not names
        ) - {TouchpointCorrected, TouchpointVoided}

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
        source = self._sources.accept(event.source, event.type, message.topic)
        touchpoint = self._catalogue.decode(event.type, event.data)
        occurred_at = instant_of(event.time)
        latest = OCCURRED_MAX if source.simulated_time else now + AHEAD_OF_CLOCK_MAX
        if not OCCURRED_MIN <= occurred_at <= latest:
            raise _refuse_time("time", event.time, now)
        if isinstance(touchpoint, TouchpointCorrected) and touchpoint.occurred_at is not None:
            right = instant_of(touchpoint.occurred_at)
            if not OCCURRED_MIN <= right <= latest:
                raise _refuse_time("occurred_at", touchpoint.occurred_at, now)
        return self._state(event, source, touchpoint, occurred_at)

    def _state(
        self, event: CloudEvent, source: Source, touchpoint: Touchpoint, occurred_at: int
    ) -> Statement:
        subject, persona = self._subject(event.subject, source)
        further: dict[Persona, Identifier] = {}
        refers_to, corrected = None, None
        linked: tuple[Persona, ...] = ()
        blocked: tuple[str, ...] = ()
        plain, personal = touchpoint, None
        if touchpoint.identifiers or type(touchpoint) not in self._plain_types:
            refers_to, corrected = self._correction(source, touchpoint, persona, further)
            linked, blocked = self._linked(touchpoint, persona, further)
            plain, personal = self._part(touchpoint)
        offset = event.time.utcoffset()
        body = Body(
            id=event.id,
            namespace=subject.namespace,
            data=plain,
            offset_minutes=int(offset.total_seconds()) // 60 if offset else 0,
            sequence=-1 if event.sequence is None else sequence_of(event),
            linked=linked,
            blocked=blocked,
            subject=corrected,
            traceparent=event.traceparent,
        )
        entry_id = entry_id_of(event.source, event.id, occurred_at, stable_time=source.stable_time)
        return Statement(
            event.source, event.type, persona, entry_id, occurred_at, body, personal, refers_to,
            subject, further,
        )  # fmt: skip

    def _subject(self, text: str, source: Source) -> tuple[Identifier, Persona]:
        known = self._subjects.get(text)
        if known is None:
            known = self._meet(text)
        namespace = known[0].namespace
        if source.namespaces and namespace not in source.namespaces:
            detail = (
                f"source {source.name} may speak of subjects {list(source.namespaces)}, "
                f"found namespace {namespace!r}"
            )
            raise Refused("namespace_not_allowed", detail)
        return known

    def _meet(self, text: str) -> tuple[Identifier, Persona]:
        """Name a subject that is not remembered here."""
        subject = parse_identifier(text)
        if is_blocked(subject):
            detail = (
                f"subject: expected somebody, found a value of {subject.namespace!r} that names "
                "nobody; a sale without a known customer has the subject 'receipt:<ticket>'"
            )
            raise Refused("blocked_subject", detail)
        if len(self._subjects) >= _SUBJECTS_MAX:
            self._subjects.clear()
        known = self._subjects[text] = subject, self._personas.name(subject)
        return known

    def _linked(
        self, touchpoint: Touchpoint, persona: Persona, further: dict[Persona, Identifier]
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
            if other != persona and other not in linked:
                linked.append(other)
                further[other] = identifier
        return tuple(linked), tuple(blocked)

    def _correction(
        self,
        source: Source,
        touchpoint: Touchpoint,
        persona: Persona,
        further: dict[Persona, Identifier],
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
            corrected = self._corrected_subject(source, touchpoint, persona, further)
        return self._entry_id(reference), corrected

    def _corrected_subject(
        self,
        source: Source,
        touchpoint: TouchpointCorrected,
        stated: Persona,
        further: dict[Persona, Identifier],
    ) -> Persona | None:
        if touchpoint.subject is None:
            return None
        identifier, persona = self._subject(touchpoint.subject, source)
        if persona != stated:
            further[persona] = identifier
        return persona

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
        changes: dict[str, Any] = {}
        personal: dict[str, Any] | None = None
        names = self._catalogue.personal_fields[type(touchpoint)]
        if names:
            stated = {
                name: value for name in names if (value := getattr(touchpoint, name)) is not None
            }
            if stated:
                personal = stated
                changes.update(dict.fromkeys(stated))
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
            raise Refused("bad_data", f"fields.{name}: {error}") from error
    check_fields(corrected, checked)
