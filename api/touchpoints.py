"""Touchpoints over HTTP: CloudEvents in, one by one or many, and what became of each.

The answer comes when the events are committed. What was stored once is not stored twice, so a
sender that got no answer sends the same again.
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import unquote

import msgspec
import structlog

from api.answers import NO_STORE, Answer, Headers, json_answer
from api.calls import Call, too_large
from api.coordinates import Coordinate
from api.parameters import Parameter, instant, short_text
from api.problems import Problem, bad_parameter, problem_answer
from api.settings import ApiLimits
from domain.cloudevent import BATCH_TYPE, STRUCTURED_TYPE, read_batch
from domain.errors import Refused
from journal.entry_ids import entry_id_of
from journal.intake.inquiries import EventStanding, standing_of
from journal.intake.message import Message, Outcome, OutcomeKind
from projections.customer.reading.finding import live_view
from projections.customer.shown import moment, uuid_text

LINES_TYPES = ("application/x-ndjson", "application/jsonl")
_JSON_TYPE = "application/json"
_PREFIX = b"ce-"
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_OPENINGS, _CLOSINGS = b"[{", b"]}"
_CREATED, _MULTI_STATUS, _UNPROCESSABLE = 201, 207, 422
_NO_TIME = 0
_UNKNOWN = (
    "expected a stored event, found none under this id: it was never received, was rejected, or "
    "its subject is suppressed; rejected messages are sealed and not found by the event's id: ask "
    "GET /v1/intake/rejected with this source, or by the receipt that was answered"
)
_log = structlog.get_logger(__name__)


class ItemAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event.

    Args:
        index: of the event in the request, from 0 on.
        status: stored; duplicate (it was stored before, with the same content); rejected (it is
            kept with the reason, see receipt); suppressed (its subject is blocked or erased).
        source: who sent it, ``unknown`` where that could not be read.
        entry_id: of the stored fact.
        position: of the stored fact in the facts log.
        code: of a rejection, for machines.
        detail: of a rejection: expected, found, what to do.
        receipt: of a rejection: by which it is listed, read and sent again.

    """

    index: int
    status: OutcomeKind
    source: str
    entry_id: str | None = None
    position: int | None = None
    code: str | None = None
    detail: str | None = None
    receipt: str | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """What became of many events: counts, and one result for each, in their order."""

    stored: int
    duplicate: int
    rejected: int
    suppressed: int
    results: tuple[ItemAnswer, ...]


class EventStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an event that was sent before.

    Args:
        status: stored, or unknown: never received, rejected, or suppressed, for these leave
            nothing under an event's id.
        detail: of an unknown one: what to ask instead.
        entry_id: that the event has, or would have.
        type: of the touchpoint.
        position: in the facts log.
        recorded_at: when it was stored.
        visible: whether the customer view has read it.
        corrected: whether a correction of it counts.
        voided: whether it counts for nothing.
        named_by: entry ids of all corrections and voids of it.

    """

    status: Literal["stored", "unknown"]
    entry_id: str
    detail: str | None = None
    type: str | None = None
    position: int | None = None
    recorded_at: str | None = None
    visible: bool | None = None
    corrected: bool | None = None
    voided: bool | None = None
    named_by: tuple[str, ...] = ()


STATUS_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="source",
        meaning="The event's source.",
        schema={"type": "string", "maxLength": 200},
        read=short_text,
    ),
    Parameter(
        name="id",
        meaning="The event's id.",
        schema={"type": "string", "maxLength": 200},
        read=short_text,
    ),
    Parameter(
        name="time",
        meaning="The event's time; needed only where the source is registered as stable_time.",
        schema={"type": "string", "format": "date-time"},
        read=instant,
    ),
)


async def send_touchpoints(call: Call) -> Answer:
    """Take one event or many in."""
    messages, many = await read_messages(call)
    outcomes = await call.services.take_in(messages)
    rejected = sum(outcome.kind == "rejected" for outcome in outcomes)
    if rejected:
        _log.info("touchpoints.rejected", holder=call.holder_name, events=rejected)
    return many_answered(outcomes) if many else one_answered(outcomes[0])


async def tell_status(call: Call) -> Answer:
    """Tell what became of an event that was sent before."""
    services = call.services
    asked = call.parameters()
    for name in ("source", "id"):
        if name not in asked:
            raise bad_parameter(name, "given", "it absent")
    source = services.settings.sources.by_name.get(asked["source"])
    if source is None:
        raise bad_parameter("source", "a registered source", "another one")
    time = asked.get("time")
    entry_id = entry_id_of(
        source.name, asked["id"], time or _NO_TIME, stable_time=source.stable_time
    )
    without_time = entry_id_of(source.name, asked["id"], _NO_TIME, stable_time=False)
    if time is None and source.stable_time and entry_id != without_time:
        raise bad_parameter("time", "given for a source of stable_time", "it absent")
    facts = services.logs.facts
    standing = await services.desk.run(standing_of, facts, entry_id)
    if standing is None:
        unknown = EventStatus(status="unknown", entry_id=uuid_text(entry_id), detail=_UNKNOWN)
        return json_answer(unknown)
    live = await services.desk.run(live_view, facts)
    return json_answer(_stored(entry_id, standing, live.facts))


async def read_messages(call: Call, mends: bytes | None = None) -> tuple[list[Message], bool]:
    """Return the events of a request, still unread, and whether it may bring many.

    Args:
        call: of which the body is read.
        mends: the receipt of the rejected message that they replace.

    Raises:
        Problem: 400, 413 or 415; then nothing was received.

    """
    limits = call.services.settings.limits
    body = await call.body(limits.body_bytes_max)
    media_type = (
        (call.header(b"content-type") or b"").partition(b";")[0].strip().lower().decode("latin-1")
    )
    attributes = binary_attributes(call, media_type)
    if attributes is not None or media_type == STRUCTURED_TYPE:
        events, many = [body], False
    elif media_type == BATCH_TYPE:
        events, many = _events_of_array(body), True
    elif media_type in LINES_TYPES:
        events, many = [line for line in body.split(b"\n") if line.strip()], True
    else:
        raise _unsupported()
    _check_limits(events, limits)
    return [Message(event, attributes, mends=mends) for event in events], many


def binary_attributes(call: Call, media_type: str) -> dict[str, str] | None:
    """Return the attributes of an event in binary mode, None in any other mode.

    Values are percent-encoded (CloudEvents HTTP protocol binding, section 3.1.3.2).
    """
    attributes = {
        name[len(_PREFIX) :].decode("latin-1"): unquote(value.decode("latin-1"))
        for name, value in call.scope["headers"]
        if name.startswith(_PREFIX)
    }
    if "specversion" not in attributes:
        return None
    if media_type != _JSON_TYPE:
        raise _unsupported()
    return {**attributes, "datacontenttype": media_type}


def one_answered(outcome: Outcome) -> Answer:
    """Return the answer about a single event: 201 stored, 200 known or suppressed, 422 rejected."""
    if outcome.kind == "rejected":
        receipt = uuid_text(outcome.receipt_id or bytes(16))
        return problem_answer(_UNPROCESSABLE, outcome.code, outcome.detail, receipt=receipt)
    status = _CREATED if outcome.kind == "stored" else 200
    return json_answer(_item(0, outcome), _headers((outcome,)), status)


def many_answered(outcomes: list[Outcome]) -> Answer:
    """Return the answer about many events: 200, or 207 if any of them was rejected."""
    kinds = [outcome.kind for outcome in outcomes]
    document = BatchAnswer(
        stored=kinds.count("stored"),
        duplicate=kinds.count("duplicate"),
        rejected=kinds.count("rejected"),
        suppressed=kinds.count("suppressed"),
        results=tuple(_item(index, outcome) for index, outcome in enumerate(outcomes)),
    )
    return json_answer(document, _headers(outcomes), _MULTI_STATUS if document.rejected else 200)


def depth_of(event: bytes) -> int:
    """Return how deep the brackets of a JSON text are nested."""
    depth = deepest = 0
    for byte in _STRINGS.sub(b"", event):
        if byte in _OPENINGS:
            depth += 1
            deepest = max(deepest, depth)
        elif byte in _CLOSINGS:
            depth -= 1
    return deepest


def _events_of_array(body: bytes) -> list[bytes]:
    try:
        return [bytes(event) for event in read_batch(body)]
    except Refused as refusal:
        raise Problem(
            400, "bad_batch", expected="a JSON array of events", found="something else",
            do=f"send one array: {refusal.detail}",
        ) from refusal  # fmt: skip
    except RecursionError:
        raise _too_deep(0) from None


def _check_limits(events: list[bytes], limits: ApiLimits) -> None:
    if len(events) > limits.events_max:
        raise Problem(
            413, "too_many", expected=f"at most {limits.events_max} events",
            found=f"{len(events)}", do="send them in several requests",
        )  # fmt: skip
    for index, event in enumerate(events):
        if len(event) > limits.event_bytes_max:
            what = f"event {index}"
            raise too_large(what, limits.event_bytes_max, f"{len(event)} bytes")
        # Few brackets cannot be nested deep; only events of many are looked at closely.
        openings = event.count(b"{") + event.count(b"[")
        if openings > limits.depth_max and depth_of(event) > limits.depth_max:
            raise _too_deep(limits.depth_max, index)


def _too_deep(depth_max: int, index: int | None = None) -> Problem:
    where = "a request" if index is None else f"event {index}"
    return Problem(
        400, "too_deep", expected=f"{where} nested at most {depth_max or 'a few'} levels deep",
        found="more", do="flatten it",
    )  # fmt: skip


def _unsupported() -> Problem:
    return Problem(
        415,
        "unsupported_media_type",
        expected=f"one event as {STRUCTURED_TYPE}, or {_JSON_TYPE} with ce- headers; many as "
        f"{BATCH_TYPE} or {LINES_TYPES[0]}",
        found="another Content-Type, or no ce-specversion",
        do="set the Content-Type of the mode that you send",
    )


def _item(index: int, outcome: Outcome) -> ItemAnswer:
    return ItemAnswer(
        index=index,
        status=outcome.kind,
        source=outcome.source,
        entry_id=None if outcome.entry_id is None else uuid_text(outcome.entry_id),
        position=outcome.position or None,
        code=outcome.code or None,
        detail=outcome.detail or None,
        receipt=None if outcome.receipt_id is None else uuid_text(outcome.receipt_id),
    )


def _headers(outcomes: tuple[Outcome, ...] | list[Outcome]) -> Headers:
    """Return the coordinate at which all that was stored is visible."""
    last = max((outcome.position for outcome in outcomes), default=0)
    return (*NO_STORE, Coordinate(last).header()) if last else NO_STORE


def _stored(entry_id: bytes, standing: EventStanding, read_to: int) -> EventStatus:
    return EventStatus(
        status="stored",
        entry_id=uuid_text(entry_id),
        type=standing.type,
        position=standing.position,
        recorded_at=moment(standing.recorded_at).isoformat(),
        visible=standing.position <= read_to,
        corrected=standing.corrected,
        voided=standing.voided,
        named_by=tuple(uuid_text(one) for one in standing.named_by),
    )
