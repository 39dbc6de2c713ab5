# SPDX-License-Identifier: Apache-2.0
"""Domain control validation of the FQDNs of an order."""

from __future__ import annotations

from gateway.route import Route
from shared.contracts import dcv, preflight

VALIDATION = "Validation"
ONE = "/api/v1/orders/{order_id}/authorizations/{fqdn}"

ROUTES = (
    Route(
        method="GET", path="/api/v1/orders/{order_id}/authorizations", request=dcv.ListAuthorizations,
        tag=VALIDATION, summary="FQDNs of an order with their challenges",
    ),
    Route(
        method="GET", path="/api/v1/authorizations", request=dcv.ListAuthorizations, tag=VALIDATION,
        name="list_account_authorizations", summary="FQDNs of the account", fixed={"order_id": None},
    ),
    Route(
        method="GET", path="/api/v1/preflight", request=preflight.RunPreflight, tag=VALIDATION,
        summary="What a CA will see of names, before they are ordered",
    ),
    Route(
        method="GET", path=f"{ONE}/contacts", request=dcv.ListMailContacts, tag=VALIDATION,
        summary="Whom a validation mail may go to, as the DNS says now",
    ),
    Route(
        method="PUT", path=f"{ONE}/method", request=dcv.ChooseMethod, tag=VALIDATION,
        summary="Choose how an FQDN is proved",
    ),
    Route(
        method="POST", path=f"{ONE}/file", request=dcv.PlaceDCVFile, tag=VALIDATION, status=202,
        summary="Have the agent of a server place the file",
    ),
    Route(method="POST", path=f"{ONE}/check", request=dcv.CheckDCV, tag=VALIDATION, status=202, summary="Look now"),
    Route(
        method="POST", path=f"{ONE}/code", request=dcv.SubmitDCVCode, tag=VALIDATION,
        summary="Give the code from the mail",
    ),
    Route(
        method="GET", path="/api/v1/mail-confirmations/{token}", request=dcv.GetMailConfirmation, tag=VALIDATION,
        summary="What a mailed link is for, without using it",
    ),
    Route(
        method="POST", path="/api/v1/mail-confirmations/{token}", request=dcv.ConfirmDCVMail, tag=VALIDATION,
        summary="Use a mailed link",
    ),
)  # fmt: skip
