# SPDX-License-Identifier: Apache-2.0
"""The AsyncAPI 3.1 document: every event on the broker, so that integrations can bind a queue of their own."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import msgspec

from gateway.examples import example
from gateway.openapi import VERSION
from shared import contracts
from shared.eventsourcing.event import Event, event_types
from shared.messaging.cloudevents import CONTENT_TYPE, CloudEvent
from shared.messaging.topology import EVENTS_EXCHANGE

ABOUT = """Events are published to one durable topic exchange. Bind a queue of your own with the routing keys that you
want (`orders.CertIssued`, `orders.*`, `#`) and acknowledge what you have handled. Messages are CloudEvents 1.0 in
structured JSON; `id` never repeats for two events, and a message may come more than once: remember the ids.
`streamversion` counts without a gap per `subject`."""


def document() -> dict[str, Any]:
    """The whole document, the same for the same code."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"{contracts.__name__}.{module.name}")
    types = {
        name: kind for name, kind in sorted(event_types().items()) if kind.__module__.startswith(contracts.__name__)
    }
    _, schemas = msgspec.json.schema_components(list(types.values()), ref_template="#/components/schemas/{name}")
    names = _schema_names(list(types.values()))
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Certwright events",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "broker": {
                "host": "rabbitmq.example.com:5671",
                "protocol": "amqps",
                "protocolVersion": "0.9.1",
                "description": "The RabbitMQ of this installation. The embedded broker cannot be reached from outside.",
            }
        },
        "channels": {name: _channel(name) for name in types},
        "operations": {
            f"publish.{name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": _sentence(kind),
                "messages": [{"$ref": f"#/channels/{name}/messages/event"}],
            }
            for name, kind in types.items()
        },
        "components": {
            "messages": {name: _message(name, kind, names[name]) for name, kind in types.items()},
            "schemas": {"CloudEvent": _envelope(), **{name: _tidy(schema) for name, schema in sorted(schemas.items())}},
        },
    }


def _schema_names(types: list[type[Event]]) -> dict[str, str]:
    found, _ = msgspec.json.schema_components(types, ref_template="{name}")
    return {kind.TYPE: schema["$ref"] for kind, schema in zip(types, found, strict=True)}


def _channel(name: str) -> dict[str, Any]:
    return {
        "address": name,
        "messages": {"event": {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": EVENTS_EXCHANGE, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/",
                },
                "bindingVersion": "0.3.0",
            }
        },
    }  # fmt: skip


def _message(name: str, kind: type[Event], schema: str) -> dict[str, Any]:
    ce_type = f"certwright.{name}.v{kind.SCHEMA}"
    service = name.partition(".")[0]
    return {
        "name": ce_type,
        "title": kind.__name__,
        "summary": _sentence(kind),
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "properties": {"type": {"const": ce_type}, "data": {"$ref": f"#/components/schemas/{schema}"}},
                },
            ]
        },
        "examples": [{"payload": {
            "specversion": "1.0", "id": "d9b2d63d-a233-4123-847a-7090b4ca4e8c", "source": f"/certwright/{service}",
            "type": ce_type, "subject": "stream-0b6f2a54", "time": "2026-11-23T11:14:05.000000Z",
            "datacontenttype": "application/json", "data": example(kind), "streamversion": 1,
        }}],
    }  # fmt: skip


def _envelope() -> dict[str, Any]:
    _, parts = msgspec.json.schema_components([CloudEvent], ref_template="#/components/schemas/{name}")
    schema: dict[str, Any] = _tidy(parts["CloudEvent"])
    schema["properties"]["data"] = {"type": "object", "description": "The event itself."}
    schema["properties"]["specversion"] = {"const": "1.0"}
    return schema


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        key: inspect.cleandoc(value) if key == "description" else value
        for key, value in schema.items()
        if key != "title"
    }


def _sentence(kind: type[Event]) -> str:
    return inspect.cleandoc(kind.__doc__ or kind.__name__).replace("\n", " ")
