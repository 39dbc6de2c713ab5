# SPDX-License-Identifier: Apache-2.0
"""What is told about a request: one line with its trace, one observation without names."""

import json
import logging

import pytest
from prometheus_client import REGISTRY

from gateway.traffic import shown_path
from shared import log

ORDER = "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f"


def counted(route, method, status):
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("certwright_http_seconds_count", labels) or 0


def test_each_request_is_counted_by_operation_and_never_by_what_a_client_made_up(client, bearer):
    before = [counted("get_order", "GET", "200"), counted("none", "other", "404"), counted("none", "GET", "404")]
    client.get(f"/api/v1/orders/{ORDER}", headers=bearer)
    client.open("/no/such/path", method="MADE-UP")
    client.get("/no/such/path")
    after = [counted("get_order", "GET", "200"), counted("none", "other", "404"), counted("none", "GET", "404")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1]
    made_up = [
        sample for metric in REGISTRY.collect() for sample in metric.samples if "MADE-UP" in sample.labels.values()
    ]
    assert made_up == []


def test_the_access_log_has_the_trace_and_neither_query_nor_credential(client, rpc, caplog):
    caplog.set_level(logging.INFO, "certwright.access")
    rpc.person("canary-token")
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"Authorization": "Bearer canary-token", "traceparent": traceparent}
    client.get("/api/v1/orders?search=canary-search", headers=headers)
    record = next(record for record in caplog.records if record.name == "certwright.access")
    line = json.loads(log.JSONFormatter().format(record))
    assert line["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert line["message"].startswith("GET /api/v1/orders 200 ")
    assert line["message"].endswith(" list_orders user:canary-token")
    assert "canary-search" not in json.dumps(line)
    assert "Bearer" not in json.dumps(line)


def test_a_line_break_in_a_path_makes_no_second_line(client, caplog):
    caplog.set_level(logging.INFO, "certwright.access")
    client.get("/api/v1/orders/%0A%7B%22level%22:%22error%22%7D")
    record = next(record for record in caplog.records if record.name == "certwright.access")
    assert "\n" not in log.JSONFormatter().format(record)
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/validation/RHSYGOg80_t7eHvXjicqZEKPVsV3ACLTIvEOZFb8f-w", "/validation/[hidden]"),
        (
            "/api/v1/mail-confirmations/RHSYGOg80_t7eHvXjicqZEKPVsV3ACLTIvEOZFb8f-w/",
            "/api/v1/mail-confirmations/[hidden]/",
        ),
        ("/" + "x" * 300, "/[hidden]"),
        (f"/api/v1/orders/{ORDER}", f"/api/v1/orders/{ORDER}"),
        (f"/api/v1/certificates/{'ab' * 32}", f"/api/v1/certificates/{'ab' * 32}"),
        (f"/{'long-label-' * 5}.example.com/file", f"/{'long-label-' * 5}.example.com/file"),
    ],
)
def test_a_path_is_shown_without_the_token_in_it(path, shown):
    """Quality bar S9: the link of a validation mail is as good as its code."""
    assert shown_path(path) == shown
