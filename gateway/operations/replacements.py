# SPDX-License-Identifier: Apache-2.0
"""Mass replacements: what one would do, its start, its progress, and what may be done with it."""

from __future__ import annotations

from gateway.route import Route
from shared.contracts import orders

REPLACEMENTS = "Replacements"

ROUTES = (
    Route(
        method="POST", path="/api/v1/replacement-previews", request=orders.PreviewReplacement, tag=REPLACEMENTS,
        summary="What a mass replacement would do, without doing it",
    ),
    Route(
        method="POST", path="/api/v1/replacements", request=orders.StartReplacement, tag=REPLACEMENTS, status=202,
        summary="Replace every certificate that is hit", location="/api/v1/replacements/{replacement_id}",
    ),
    Route(
        method="GET", path="/api/v1/replacements", request=orders.ListReplacements, tag=REPLACEMENTS,
        summary="Mass replacements, newest first",
    ),
    Route(
        method="GET", path="/api/v1/replacements/{replacement_id}", request=orders.GetReplacement, tag=REPLACEMENTS,
        summary="How far a mass replacement is, and its two clocks",
    ),
    Route(
        method="GET", path="/api/v1/replacements/{replacement_id}/orders", request=orders.ListReplacementOrders,
        tag=REPLACEMENTS, summary="Its orders, and what those that are not done wait for",
    ),
    Route(
        method="POST", path="/api/v1/replacements/{replacement_id}/actions", request=orders.SteerReplacement,
        tag=REPLACEMENTS, summary="Pause, resume, cancel, retry what failed, or have the old ones revoked",
    ),
    Route(
        method="POST", path="/api/v1/operator/replacements", request=orders.StartReplacementForAll, tag=REPLACEMENTS,
        status=202, summary="Replace every certificate that is hit, whosever it is (operator)",
        location="/api/v1/replacements/{replacement_id}",
    ),
    Route(
        method="POST", path="/api/v1/operator/replacements/{replacement_id}/actions",
        request=orders.SteerReplacementForAll, tag=REPLACEMENTS,
        summary="The same actions on any mass replacement (operator)",
    ),
)  # fmt: skip
