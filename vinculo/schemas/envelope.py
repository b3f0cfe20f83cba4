"""The CloudEvents envelope as JSON Schema, and AsyncAPI 3.0: what travels on a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.cloudevent import STRUCTURED_TYPE, CloudEvent
from vinculo import __version__
from vinculo.schemas.touchpoint import DIALECT, Document, fields_described

ENVELOPE_FILE = "cloudevent.json"
_FORMAT = "application/schema+json;version=draft-2020-12"


def envelope_schema() -> Document:
    """Return the schema of an event in structured mode; unknown extensions are allowed."""
    components: dict[str, Document]
    _, components = msgspec.json.schema_components([CloudEvent], ref_template="#/$defs/{name}")
    schema = components["CloudEvent"]
    for name, text in fields_described(CloudEvent).items():
        schema["properties"][name] = {**schema["properties"][name], "description": text}
    schema["properties"]["subject"]["x-personal"] = True
    schema["description"] = (
        "A CloudEvents 1.0 event in structured mode. In binary mode of Kafka the attributes are "
        "headers with the prefix ce_, and the value is data."
    )
    return {"$schema": DIALECT, "$id": "urn:vinculo:schema:cloudevent", **schema}


def asyncapi(samples: Mapping[str, Document], titles: Mapping[str, str]) -> Document:
    """Return the AsyncAPI document.

    Args:
        samples: by CloudEvents type, a whole event.
        titles: by CloudEvents type, a sentence.

    """
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vínculo: touchpoints",
            "version": __version__,
            "description": (
                "What sources publish. Each source has topics of its own; CloudEvents 1.0 in "
                "structured or binary mode. The Kafka key is any stable value without personal "
                "data. Partitioner: murmur2 (librdkafka: partitioner=murmur2_random)."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": STRUCTURED_TYPE,
        "channels": {"touchpoints": _channel(samples)},
        "operations": {
            "takeInTouchpoints": {
                "action": "receive",
                "channel": {"$ref": "#/channels/touchpoints"},
                "summary": "Every message becomes a fact, once, or is kept with the reason.",
            }
        },
        "components": {
            "messages": {
                name: _message(name, sample, titles[name]) for name, sample in samples.items()
            }
        },
    }


def _channel(samples: Mapping[str, Document]) -> Document:
    return {
        "address": "{topic}",
        "description": "A topic that is registered for one source.",
        "parameters": {"topic": {"description": "As registered in the file VINCULO_SOURCES."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in samples},
    }


def _message(name: str, sample: Document, title: str) -> dict[str, Any]:
    of_this_type = {
        "properties": {"type": {"const": name}, "data": {"$ref": f"touchpoints/{name}.json"}}
    }
    return {
        "name": name,
        "title": title,
        "contentType": STRUCTURED_TYPE,
        "payload": {
            "schemaFormat": _FORMAT,
            "schema": {"allOf": [{"$ref": ENVELOPE_FILE}, of_this_type]},
        },
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string",
                    "description": "Any stable value without personal data; nothing depends on it.",
                },
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"payload": sample}],
    }
