"""Broken messages of every kind, each made from a good one that arrives before it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

import msgspec

from domain.touchpoints import CATALOGUE, CostToServeRecorded, TouchpointCorrected
from vinculo.simulator.delivery import seal
from vinculo.simulator.message import Defect, Outcome, SimulatedMessage
from vinculo.simulator.sources import CURRENCY, Source
from vinculo.simulator.story import Told, refer_to

DEFECTS: tuple[Defect, ...] = get_args(Defect)
BLOCKED_SUBJECT = "crm:-1"

REFUSALS: dict[Defect, str | None] = {
    "bad_json": "bad_json",
    "unknown_type": "unknown_type",
    "unknown_field": "bad_data",
    "bad_currency": "bad_data",
    "missing_attribute": "bad_envelope",
    "naive_time": "bad_envelope",
    "blocked_subject": None,
    "foreign_correction": None,
    "conflicting_content": None,
}
"""The code with which the domain refuses each; None where only intake can tell."""


def break_message(
    told: Told, victim: SimulatedMessage, defect: Defect, event_id: str
) -> SimulatedMessage:
    """Return a broken message that arrives with a good one, just behind it.

    Args:
        told: what the good message states.
        victim: the good message.
        defect: in which way the new one is broken.
        event_id: of the new one, unless it is to conflict with the good one.

    """
    message = seal(_restate(told, defect, event_id), victim.key, victim.arrives_at)
    outcome: Outcome = "rejected"
    return msgspec.structs.replace(
        message,
        payload=_damage(message.payload, defect),
        delivery="broken",
        outcome=outcome,
        defect=defect,
        refusal=REFUSALS[defect],
    )


def _restate(told: Told, defect: Defect, event_id: str) -> Told:
    match defect:
        case "conflicting_content":
            elsewhere = msgspec.structs.replace(told.touchpoint, location="elsewhere")
            return msgspec.structs.replace(told, touchpoint=elsewhere)
        case "blocked_subject":
            cost = CostToServeRecorded(currency=CURRENCY, amount=100)
            return Told(Source.CRM, event_id, BLOCKED_SUBJECT, told.at, cost)
        case "bad_currency":
            cost = CostToServeRecorded(currency=CURRENCY, amount=100)
            return msgspec.structs.replace(told, id=event_id, touchpoint=cost)
        case "foreign_correction":
            return _correction_by_another(told, event_id)
        case _:
            return msgspec.structs.replace(told, id=event_id)


def _correction_by_another(told: Told, event_id: str) -> Told:
    correction = TouchpointCorrected(
        reference=refer_to(told),
        corrected_type=CATALOGUE.names[type(told.touchpoint)],
        fields={"location": "elsewhere"},
        reason="not ours",
    )
    meddler = Source.HELPDESK if told.source is Source.CRM else Source.CRM
    return Told(meddler, event_id, told.subject, told.at, correction)


def _damage(payload: bytes, defect: Defect) -> bytes:
    if defect == "bad_json":
        return payload[: len(payload) * 2 // 3]
    event: dict[str, Any] = msgspec.json.decode(payload)
    match defect:
        case "unknown_type":
            event["type"] = "vinculo.parcel_weighed.v1"
        case "unknown_field":
            event["data"]["colour"] = "blue"
        case "bad_currency":
            event["data"]["currency"] = "EURO"
        case "missing_attribute":
            del event["subject"]
        case "naive_time":
            event["time"] = datetime.fromisoformat(event["time"]).replace(tzinfo=None).isoformat()
        case _:
            return payload
    return msgspec.json.encode(event)
