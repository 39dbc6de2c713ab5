# SPDX-License-Identifier: Apache-2.0
"""The inventory, the alerts, the feed of events, and the files of the built-in CA."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway.exchange import Exchange, Raw
from gateway.route import Route
from shared.contracts import alerts, ca, discovery
from shared.errors import Code, ServiceError

CERTIFICATES = "Certificates"
EVENTS = "Events"
CA = "CA"
OCSP_MEDIA = "application/ocsp-response"  # RFC 6960 Appendix A.1
CRL_MEDIA = "application/pkix-crl"  # RFC 2585 §4
DER_MEDIA = "application/pkix-cert"
PEM_MEDIA = "application/x-pem-file"
CHALLENGE_PATIENCE_S, CHALLENGE_TRY_S, CHALLENGE_STEP_S = 20.0, 3.0, 0.1


def _crl(_exchange: Exchange, reply: Any) -> Raw:
    return Raw(base64.b64decode(reply.der_base64), CRL_MEDIA)


def _ocsp_body(body: bytes, _environ: Mapping[str, Any]) -> dict[str, Any]:
    return {"ocsp_request": base64.b64encode(body).decode("ascii")}


def _ocsp(exchange: Exchange, reply: Any) -> Raw:
    if reply.max_age:  # RFC 5019 §6.2, for caches between relying parties and here
        exchange.headers.append(("Cache-Control", f"max-age={reply.max_age}, public, no-transform, must-revalidate"))
    return Raw(base64.b64decode(reply.der_base64), OCSP_MEDIA)


def _patient(exchange: Exchange, asked: ca.GetChallengeAnswer) -> Any:
    """Waits for a CA's room that is just being started again: another CA looks once, and an error ends its order."""
    deadline = time.monotonic() + CHALLENGE_PATIENCE_S
    while True:
        try:
            return exchange.rpc.send(asked, exchange.context, timeout=CHALLENGE_TRY_S)
        except ServiceError as error:
            if error.code not in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED} or time.monotonic() > deadline:
                raise
        time.sleep(CHALLENGE_STEP_S)  # green in a running gateway


def _challenge(_exchange: Exchange, reply: Any) -> Raw:
    return Raw(reply.content.encode("ascii"), "application/octet-stream")


def _root(chain: ca.CAChain) -> list[str]:
    return [chain.root_pem]


def _issuing(chain: ca.CAChain) -> list[str]:
    return chain.issuers_pem[:1]


def _chain(chain: ca.CAChain) -> list[str]:
    return [*chain.issuers_pem, chain.root_pem]


def _pem(parts: Callable[[ca.CAChain], list[str]]) -> Callable[[Exchange, Any], Raw]:
    return lambda _exchange, reply: Raw("".join(f"{pem.strip()}\n" for pem in parts(reply)).encode(), PEM_MEDIA)


def _der(parts: Callable[[ca.CAChain], list[str]]) -> Callable[[Exchange, Any], Raw]:
    return lambda _exchange, reply: Raw(ssl.PEM_cert_to_DER_cert(parts(reply)[0].strip()), DER_MEDIA)


ROUTES = (
    Route(
        method="GET", path="/api/v1/certificates", request=discovery.ListInventory, tag=CERTIFICATES,
        summary="Every certificate known to the account, by expiry",
    ),
    Route(
        method="GET", path="/api/v1/certificates/expiring", request=discovery.CountExpiring, tag=CERTIFICATES,
        summary="How many certificates end within 30 to 180 days",
    ),
    Route(
        method="GET", path="/api/v1/certificates/words", request=discovery.GetInventoryWords, tag=CERTIFICATES,
        summary="Brands, validation levels and keys that the list can be narrowed to",
    ),
    Route(
        method="POST", path="/api/v1/certificates", request=discovery.UploadCertificates, tag=CERTIFICATES,
        summary="Upload certificates that nobody sees served: PEM, or base64 of DER or PKCS#7; no keys",
    ),
    Route(
        method="DELETE", path="/api/v1/certificates/{fingerprint_sha256}/upload", request=discovery.RemoveUpload,
        tag=CERTIFICATES, status=204, summary="Take an upload back; what others tell of stays",
    ),
    Route(
        method="POST", path="/api/v1/bookmarks", request=discovery.BookmarkCertificates,
        tag=CERTIFICATES, summary="Take certificates over to the sites pane, with a flag",
    ),
    Route(
        method="DELETE", path="/api/v1/bookmarks/{fingerprint_sha256}", request=discovery.RemoveBookmark,
        tag=CERTIFICATES, status=204, summary="Take the flag away; what only scans know leaves the inventory",
    ),
    Route(
        method="PUT", path="/api/v1/certificates/{fingerprint_sha256}/description",
        request=discovery.DescribeCertificate, tag=CERTIFICATES, summary="Who looks after it, and tags",
    ),
    Route(
        method="GET", path="/api/v1/certificates/{fingerprint_sha256}", request=discovery.GetInventoryCertificate,
        tag=CERTIFICATES, summary="One certificate",
    ),
    Route(
        method="GET", path="/api/v1/alerts", request=alerts.ListAlerts, tag=CERTIFICATES,
        summary="Alerts, newest first",
    ),
    Route(
        method="POST", path="/api/v1/alerts/{alert_id}/acknowledge", request=alerts.AcknowledgeAlert,
        tag=CERTIFICATES, summary="Say that somebody looks after it",
    ),
    Route(
        method="PUT", path="/api/v1/alerts/{alert_id}/mute", request=alerts.MuteAlert, tag=CERTIFICATES,
        summary="Send no more mails about it, or send them again",
    ),
    Route(
        method="GET", path="/api/v1/alert-settings", request=alerts.GetAlertSettings, tag=CERTIFICATES,
        summary="When alerts are raised and who gets them",
    ),
    Route(
        method="PUT", path="/api/v1/alert-settings", request=alerts.SetAlertSettings, tag=CERTIFICATES,
        summary="Change the rule of alerts",
    ),
    Route(
        method="GET", path="/api/v1/events", request=alerts.ReadFeed, tag=EVENTS,
        summary="Events of the account after a position",
    ),
    Route(
        method="GET", path="/api/v1/events/stream", request=alerts.ReadFeed, tag=EVENTS, name="stream_events",
        summary="The same as server-sent events; Last-Event-ID goes on where a connection broke",
        media="text/event-stream", stream=True, fixed={"limit": 100},
    ),
    Route(
        method="GET", path="/api/v1/audit", request=alerts.ListAudit, tag=EVENTS,
        summary="Who did what, newest first",
    ),
    Route(
        method="GET", path="/api/v1/rules", request=ca.GetRules, tag=CA,
        summary="How long certificates and proofs may last, now and later",
    ),
    Route(
        method="GET", path="/api/v1/ca", request=ca.GetChain, tag=CA, summary="Root and issuing certificates",
    ),
    Route(
        method="GET", path="/pki/root.pem", request=ca.GetChain, tag=CA, name="ca_root_pem",
        summary="The root certificate, PEM", answer=_pem(_root), media=PEM_MEDIA,
    ),
    Route(
        method="GET", path="/pki/chain.pem", request=ca.GetChain, tag=CA, name="ca_chain_pem",
        summary="Issuing certificates and the root, PEM", answer=_pem(_chain), media=PEM_MEDIA,
    ),
    Route(
        method="GET", path="/pki/root.cer", request=ca.GetChain, tag=CA, name="ca_root_der",
        summary="The root certificate, DER", answer=_der(_root), media=DER_MEDIA,
    ),
    Route(
        method="GET", path="/pki/issuing.cer", request=ca.GetChain, tag=CA, name="ca_issuing_der",
        summary="The first issuing certificate, DER", answer=_der(_issuing), media=DER_MEDIA, fixed={"issuer": "1"},
    ),
    Route(
        method="GET", path="/pki/issuing.crl", request=ca.GetCRL, tag=CA, answer=_crl, media=CRL_MEDIA,
        summary="The newest revocation list of the first issuing CA, DER", fixed={"issuer": "1"},
    ),
    Route(
        method="GET", path="/pki/{issuer}/issuing.cer", request=ca.GetChain, tag=CA, name="ca_issuing_der_by_number",
        summary="The certificate of an issuing CA, which are counted from 1, DER", answer=_der(_issuing),
        media=DER_MEDIA,
    ),
    Route(
        method="GET", path="/pki/{issuer}/issuing.crl", request=ca.GetCRL, tag=CA, name="get_crl_by_number",
        summary="The newest revocation list of an issuing CA, DER", answer=_crl, media=CRL_MEDIA,
    ),
    Route(
        method="GET", path="/pki/root.crl", request=ca.GetRootCRL, tag=CA, answer=_crl, media=CRL_MEDIA,
        summary="The revocation list of the root, DER",
    ),
    Route(
        method="GET", path="/.well-known/acme-challenge/{token}", request=ca.GetChallengeAnswer, tag=CA,
        summary="What another CA looks for before it signs (RFC 8555 §8.3)", call=_patient, answer=_challenge,
        media="application/octet-stream",
    ),
    Route(
        method="POST", path="/pki/ocsp", request=ca.AnswerOCSP, tag=CA, summary="OCSP by POST (RFC 6960)",
        form=_ocsp_body, sends="application/ocsp-request", answer=_ocsp, media=OCSP_MEDIA,
    ),
    Route(
        method="GET", path="/pki/ocsp/{ocsp_request}", request=ca.AnswerOCSP, tag=CA, name="answer_ocsp_by_get",
        summary="OCSP by GET, the request in base64 (RFC 6960 A.1)", answer=_ocsp, media=OCSP_MEDIA,
    ),
)  # fmt: skip
