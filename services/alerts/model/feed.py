# SPDX-License-Identifier: Apache-2.0
"""An event as the outside sees it: CloudEvents 1.0 in JSON format."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.eventsourcing.envelope import Envelope


def publisher_of(envelope: Envelope[Any]) -> str:
    """The service whose event it is."""
    return envelope.type.partition(".")[0]


def account_of(envelope: Envelope[Any]) -> str | None:
    """The account that an event says it belongs to; None when it does not say."""
    said: str | None = getattr(envelope.data, "account_id", None)
    return said or envelope.metadata.account_id


def cloudevent(envelope: Envelope[Any], account_id: str | None) -> dict[str, Any]:
    """The CloudEvent. Extension attributes are lower case without underscores, as the standard demands."""
    metadata = envelope.metadata
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": envelope.event_id,
        "source": f"/certwright/{publisher_of(envelope)}",
        "type": f"certwright.{envelope.type}.v{envelope.schema_version}",
        "subject": envelope.stream,
        "time": envelope.occurred_at,
        "datacontenttype": "application/json",
        "streamversion": envelope.version,
        "actor": metadata.actor,
        "data": msgspec.to_builtins(envelope.data),
    }
    optional = {
        "accountid": account_id,
        "correlationid": metadata.correlation_id,
        "causationid": metadata.causation_id,
    }
    event.update({name: value for name, value in optional.items() if value is not None})
    return event
