# SPDX-License-Identifier: Apache-2.0
"""Examples for the API document, built from the types: one plausible value per field name, the rest by type."""

from __future__ import annotations

from types import NoneType
from typing import Any, get_args, get_origin

import msgspec

_PEM = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n"
_CSR = "-----BEGIN CERTIFICATE REQUEST-----\nMIIB…\n-----END CERTIFICATE REQUEST-----\n"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_EARLY, _NOW, _LATER = "2026-11-23T09:00:00.000000Z", "2026-11-23T11:14:05.000000Z", "2027-06-11T11:14:05.000000Z"
_CONFIGURATION = "/etc/nginx/sites-enabled/example.conf"
_ORDER = "0b6f2a54-5d0e-4a3c-9b7e-6a4f1c2d3e4f"

# By `Type.field` or by field name.
VALUES: dict[str, Any] = {
    "account_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "accepted_agreements": ["eula", "subscriber"],
    "action": "domain_control_validation",
    "actor_kind": "person",
    "actor": "user:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "BlockedOn.actor": "customer",
    "address": "192.0.2.10",
    "MailConfirmation.address": "hostmaster@example.com",
    "MailContact.address": "security@example.com",
    "MailContact.method": "email_caa",
    "MailContact.at": "example.com",
    "MailContact.reason": "",
    "MailContact.advice": "",
    "MailContact.usable": True,
    "addresses": ["it@example.com"],
    "address1": "1 High Street",
    "after": 1041,
    "allowed_actions": ["domain_control_validation", "replace_csr", "request_invoice", "cancel"],
    "amount": 4900,
    "arguments": {"common_name": "www.example.com"},
    "blocked_on": None,
    "city": "Springfield",
    "checkout_url": "https://pay.example.com/c/9f86d081884c7d65",
    "cloudevent": {
        "specversion": "1.0", "id": "d9b2d63d-a233-4123-847a-7090b4ca4e8c", "source": "/certwright/orders",
        "type": "certwright.orders.OrderPlaced.v1", "subject": f"order-{_ORDER}", "time": _NOW,
        "datacontenttype": "application/json", "data": {"order_id": _ORDER, "number": 2000001},
    },
    "code": "482913",
    "EndVoucher.code": "SPRING-26",
    "MakeVoucher.code": "SPRING-26",
    "MakeVoucher.amount": None,
    "VoucherView.code": "SPRING-26",
    "VoucherView.amount": 0,
    "VoucherView.state": "active",
    "StartPayment.payer": None,
    "percent": 20,
    "InvoiceView.number": "2026-000001",
    "InvoiceFile.number": "2026-000001",
    "pdf_base64": "JVBERi0xLjQK",
    "InvoiceView.order_number": 2000001,
    "InvoiceView.paid_by": "card",
    "InvoiceView.note": "Cost centre 4711",
    "RequestInvoice.note": "Cost centre 4711",
    "vat_number": "DE123456789",
    "additional_emails": ["accounts@example.com"],
    "voucher": None,
    "discount": 0,
    "code_sha256": _HASH,
    "codes": ["7KQ2-M9TD", "X4PZ-8RWC"],
    "common_name": "www.example.com",
    "config_path": _CONFIGURATION,
    "country": "DE",
    "csr": _CSR,
    "csr_pem": _CSR,
    "currency": "USD",
    "data": {"order_id": _ORDER},
    "days_before": [30, 14, 7, 1],
    "dcv_method": "http_csr_hash",
    "der_base64": "MIIBOTCB",
    "document_root": "/var/www/example",
    "email": "ada@example.com",
    "email_addresses": ["admin@example.com", "hostmaster@example.com"],
    "file_name": "certwright-agent.zip",
    "fingerprint_sha256": _HASH,
    "first_name": "Ada",
    "form": "single",
    "fqdn": "www.example.com",
    "issuer": "CN=Certwright Issuing CA 1",
    "issuers_pem": [_PEM],
    "key_algorithm": "ec-p256",
    "kind": "certificate",
    "AgreementText.kind": "eula",
    "AgentJob.kind": "make_csr",
    "JobView.kind": "make_csr",
    "AlertView.kind": "expiry",
    "ShownFinding.kind": "replaced",
    "SiteFinding.kind": "replaced",
    "SiteFinding.by": "certbot",
    "ShownFinding.by": "certbot",
    "CurrentSession.kind": "session",
    "last_name": "Lovelace",
    "limit": 25,
    "login": "ada@example.com",
    "method": "http_csr_hash",
    "name": "Example GmbH",
    "AgentView.name": "web-1",
    "Introduction.name": "web-1",
    "RegisterAgent.name": "web-1",
    "RenameAgent.name": "web-1",
    "ServerView.name": "web-1",
    "SiteView.name": "www.example.com",
    "SiteReport.name": "www.example.com",
    "StepView.name": "reload",
    "TokenView.name": "deploy script",
    "CreateToken.name": "deploy script",
    "Product.name": "Single name DV",
    "Lag.name": "relay",
    "DNSChallenge.name": "_9f86d081884c7d65.www.example.com.",
    "names": ["www.example.com"],
    "new_password": "correct horse 7 Staple",
    "next_cursor": None,
    "not_after": _LATER,
    "not_before": _NOW,
    "number": 2000001,
    "CRLFile.number": 17,
    "order_number": "2000001",
    "SignUpDone.order_number": 1000001,
    "AccountView.order_number": 1000001,
    "current_password": "correct horse 6 Staple",
    "password": "correct horse 6 Staple",
    "parts": {"database": "ok", "broker": "ok", "relay": "ok"},
    "path": "/.well-known/pki-validation/9F86D081884C7D659A2FEAA0C55AD015.txt",
    "pem": _PEM,
    "chain_pem": _PEM,
    "root_pem": _PEM,
    "permissions": ["view", "create_order"],
    "port": 443,
    "postcode": "12345",
    "prefix": "cw_7KQ2",
    "price": 4900,
    "product": "single-dv",
    "ListProducts.code": "single-dv",
    "Product.code": "single-dv",
    "product_name": "Single name DV",
    "reason": "unspecified",
    "RejectOrder.reason": "The organization could not be found in any register.",
    "result": {"ok": True},
    "evidence": {"url": "http://www.example.com/.well-known/pki-validation/9F86…txt", "status": 200},
    "payload": {"kind": "validate"},
    "secret": "cw_7KQ2M9TDX4PZ8RWC",
    "TOTPEnrolment.secret": "JBSWY3DPEHPK3PXP",
    "session_token": "cws_7KQ2M9TDX4PZ8RWC",
    "serial": "4A1F7C0E9B2D",
    "served_serial": "4A1F7C0E9B2D",
    "expected_serial": "4A1F7C0E9B2D",
    "severity": "warning",
    "sha256": _HASH,
    "state": "open",
    "AgentView.state": "connected",
    "ServerView.state": "connected",
    "Introduction.state": "waiting",
    "Company.state": "Bavaria",
    "status": "processing",
    "StepView.status": "done",
    "ServerReport.state": "connected",
    "ref": "4f2a9c1be07d43e8a6515d0c9e7b3f21",
    "host_key": "SHA256:3h1zW7mGZQf0rYy8Jc2oVt5xKq9LbN4uEdSaPiTgRkU",
    "ServerReport.port": 22,
    "ServerReport.user": "auto",
    "ServerReport.address": "192.0.2.10",
    "ServerReport.name": "shop-db",
    "JobView.status": "claimed",
    "InstallationView.status": "installed",
    "InstallationView.canary": True,
    "InstallationView.approved_by": f"user:{_ORDER}",
    "RequestInstallation.site_ids": [_ORDER],
    "RequestInstallation.canary": _ORDER,
    "plan_sha256": _HASH,
    "InstallationPlanView.status": "told",
    "InstallationPlanView.reason": "",
    "InstallationPlanView.code": "",
    "InstallationPlanView.site": "www.example.com",
    "InstallationPlanView.test": "/usr/sbin/nginx -c /etc/nginx/nginx.conf -t",
    "InstallationPlanView.reload": "/usr/sbin/nginx -c /etc/nginx/nginx.conf -s reload",
    "PlannedBinding.name": "www.example.com",
    "PlannedFile.path": _CONFIGURATION,
    "PlannedFile.what": "configuration",
    "PlannedFile.mode": "0644",
    "PlannedFile.owner": "root:root",
    "PlannedFile.old_sha256": _HASH,
    "PlannedFile.new_sha256": _HASH[::-1],
    "PlannedFile.hidden": 0,
    "PlannedFile.encoding": "utf-8",
    "PlannedFile.diff": (
        f"--- a{_CONFIGURATION}\n+++ b{_CONFIGURATION}\n@@ -2,3 +2,3 @@\n     listen 443 ssl;\n"
        "-    ssl_certificate /etc/ssl/old.pem;\n"
        "+    ssl_certificate /opt/certwright-agent/state/live/www.example.com-1a2b3c4d/fullchain.pem;\n"
        "     ssl_certificate_key /opt/certwright-agent/state/live/www.example.com-1a2b3c4d/privkey.pem;\n"
    ),
    "ChargeView.status": "started",
    "AuthorizationView.status": "open",
    "telephone": "+49891234567",
    "term_years": 1,
    "years": 1,
    "title": "Ms",
    "to": ["ada@example.com"],
    "token": "cwa_7KQ2M9TDX4PZ8RWC",
    "total": 1,
    "QuoteView.total": 4900,
    "type": "orders.OrderPlaced",
    "DNSChallenge.type": "CNAME",
    "types": ["certwright.orders.CertIssued.v1"],
    "build": "debian",
    **{f"AgentBuild.{server}": "here_and_ssh" for server in ("nginx", "apache", "tomcat", "haproxy", "files")},
    "AgentBuild.iis": "none",
    "AgentBuild.file_name": "certwright-agent-9f86d081_0.4.0_all.deb",
    "AgentBuild.size": 168_400,
    "AgentBuild.sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "AgentBuild.unavailable": "",
    "uid": "9f86d081884c7d659a2feaa0c55ad015",
    "unit_price": 4900,
    "uri": "otpauth://totp/Certwright:ada?secret=JBSWY3DPEHPK3PXP",
    "url": "http://www.example.com/.well-known/pki-validation/9F86D081884C7D659A2FEAA0C55AD015.txt",
    "validation_level": "DV",
    "version": "1",
    "web_server": "nginx",
    "web_servers": ["nginx"],
    "renews": None,
    "renewed_by": None,
}  # fmt: skip
_EMPTY_WHEN_OPTIONAL = ("revoked", "resolved", "used_by", "renews", "renewable", "last_failure", "as_of", "cursor")


def example(kind: Any, owner: str = "", name: str = "") -> Any:
    """A plausible JSON value of this type."""
    for key in (f"{owner}.{name}", name):
        if key in VALUES and _fits(VALUES[key], kind):
            return VALUES[key]
    choices = get_args(kind)
    if NoneType in choices:
        if name.startswith(_EMPTY_WHEN_OPTIONAL):
            return None
        return example(next(choice for choice in choices if choice is not NoneType), owner, name)
    origin = get_origin(kind) or kind
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        return {one.name: example(one.type, origin.__name__, one.name) for one in _fields(kind)}
    if origin is list:
        return [] if choices and choices[0] is str else [example(choices[0], owner, "")]
    if origin is dict:
        return {}
    return _plain(kind, name)


def _fields(kind: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _plain(kind: Any, name: str) -> Any:
    if kind is str:
        if name.endswith("_id") or name == "id":
            return _ORDER
        if name in {"expires_at", "ends", "next_update"} or name.endswith(("ends_at", "valid_until")):
            return _LATER
        if name.endswith("_at") or name in {"at", "this_update", "valid_from"}:
            return _EARLY if name in {"created_at", "placed_at"} else _NOW
        return ""
    return {int: 1, float: 2.0, bool: False}.get(kind)


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
