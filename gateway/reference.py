# SPDX-License-Identifier: Apache-2.0
"""The reference page at /docs as plain data for its template, read from the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Field(NamedTuple):
    """A parameter or a field of a body."""

    name: str
    where: str
    kind: str
    required: bool
    text: str


class Shown(NamedTuple):
    """One operation."""

    anchor: str
    method: str
    path: str
    summary: str
    text: str
    permission: str
    fields: list[Field]
    request_example: str
    status: str
    media: str
    reply_kind: str
    reply_example: str
    refusals: list[str]


class Section(NamedTuple):
    """The operations of one tag."""

    name: str
    text: str
    operations: list[Shown]


class Reference(NamedTuple):
    """The page."""

    title: str
    version: str
    about: list[str]
    sections: list[Section]


def of(document: dict[str, Any]) -> Reference:
    """The page for a document."""
    by_tag: dict[str, list[Shown]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_shown(document, path, method, operation))
    about = [
        part.replace("\n", " ").replace("**", "").replace("`", "")
        for part in document["info"]["description"].split("\n\n")
    ]
    sections = [Section(tag["name"], tag["description"], by_tag[tag["name"]]) for tag in document["tags"]]
    return Reference(document["info"]["title"], document["info"]["version"], about, sections)


def _shown(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Shown:
    fields = [
        Field(one["name"], one["in"], _kind(one["schema"]), one["required"], one.get("description", ""))
        for one in operation.get("parameters", [])
    ]
    request_example = ""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        schema = _resolved(document, body["schema"])
        required = schema.get("required", [])
        fields += [
            Field(name, "body", _kind(part), name in required, "")
            for name, part in schema.get("properties", {}).items()
        ]
        request_example = _json(body.get("example"))
    status, answer = next(iter(operation["responses"].items()))
    contents: dict[str, Any] = answer.get("content") or {"": {}}
    media, content = next(iter(contents.items()))
    return Shown(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=operation["description"],
        permission=operation["x-permission"],
        fields=fields,
        request_example=request_example,
        status=status,
        media=media,
        reply_kind=_kind(content.get("schema", {})),
        reply_example=_json(content.get("example")) if "example" in content else "",
        refusals=[code for code in operation["responses"] if int(code) >= 400],
    )


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any")


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
