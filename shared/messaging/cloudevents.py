# SPDX-License-Identifier: Apache-2.0
"""Events on the broker: CloudEvents 1.0, structured JSON, with our envelope in extension attributes.

`id` is the event id, `source` is `/certwright/<service>`, `subject` the stream, `type` is
`certwright.<service>.<Event>.v<schema>`. Extension names are lower case without underscores, as the standard demands.
"""

from __future__ import annotations

import re

import msgspec

from shared.contracts.operations import LogEntry
from shared.eventsourcing.envelope import Cursor, Envelope, Metadata
from shared.eventsourcing.event import Event, decode

CONTENT_TYPE = "application/cloudevents+json"
_TYPE = re.compile(r"certwright\.(?P<name>[a-z]+\.[A-Za-z0-9]+)\.v(?P<schema>[0-9]+)")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outer form. `data` stays the JSON text that was stored."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str = "application/json"
    data: msgspec.Raw
    streamversion: int
    position: str = "0-0"
    recordedat: str = ""
    hash: str = ""
    actor: str = "public"
    accountid: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    commandid: str | None = None
    traceid: str | None = None


class UnreadableEventError(ValueError):
    """The bytes are no event that this code can read. `event_id` is empty unless they at least say that."""

    def __init__(self, reason: str, event_id: str = "") -> None:
        super().__init__(reason)
        self.event_id = event_id


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(CloudEvent)


def entry_to_bytes(entry: LogEntry, *, service: str) -> bytes:
    """The message body for an entry of the log, in the schema in which it was stored."""
    metadata = entry.metadata
    return _encoder.encode(
        CloudEvent(
            specversion="1.0",
            id=entry.event_id,
            source=f"/certwright/{service}",
            type=f"certwright.{entry.type}.v{entry.schema_version}",
            subject=entry.stream,
            time=entry.occurred_at,
            data=msgspec.Raw(_encoder.encode(entry.data)),
            streamversion=entry.version,
            position=entry.cursor,
            recordedat=entry.recorded_at,
            hash=entry.hash,
            actor=metadata.get("actor", "public"),
            accountid=metadata.get("account_id"),
            correlationid=metadata.get("correlation_id"),
            causationid=metadata.get("causation_id"),
            commandid=metadata.get("command_id"),
            traceid=metadata.get("trace_id"),
        )
    )


def from_bytes(body: bytes | str) -> Envelope[Event]:
    """Reads what `entry_to_bytes` wrote, lifting older schemas. Raises UnreadableEventError."""
    try:
        outer = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableEventError(str(error)) from error
    match = _TYPE.fullmatch(outer.type)
    if match is None:
        raise UnreadableEventError(f"{outer.type!r} is no type of ours", outer.id)
    try:
        fact = decode(match["name"], int(match["schema"]), bytes(outer.data))
        cursor = Cursor.parse(outer.position)
    except (msgspec.MsgspecError, LookupError, ValueError) as error:
        raise UnreadableEventError(f"{outer.type}: {type(error).__name__}: {error}", outer.id) from error
    return Envelope(
        event_id=outer.id,
        stream=outer.subject,
        version=outer.streamversion,
        type=match["name"],
        schema_version=fact.SCHEMA,
        occurred_at=outer.time,
        recorded_at=outer.recordedat,
        data=fact,
        metadata=Metadata(
            actor=outer.actor,
            account_id=outer.accountid,
            correlation_id=outer.correlationid,
            causation_id=outer.causationid,
            command_id=outer.commandid,
            trace_id=outer.traceid,
        ),
        hash=outer.hash,
        cursor=cursor,
    )
