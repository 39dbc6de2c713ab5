# SPDX-License-Identifier: Apache-2.0
"""Facts about one order for tests: real keys and CSRs, certificates as a CA would sign them, events in between."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from services.orders.model.issuing import issuance_id_of
from shared.clock import to_text
from shared.contracts import billing, ca, dcv, orders
from shared.pki.certificate import parse_certificate
from shared.pki.csr import parse_csr

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACCOUNT = "account-1"
ORDER = "order-1"


@functools.cache
def key(number=1):
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def csr_pem(names=("www.example.com",), number=1, common_name=None):
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or names[0])])
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    return builder.sign(key(number), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def csr(names=("www.example.com",), number=1):
    return parse_csr(csr_pem(tuple(names), number))


@functools.cache
def _issuer_key():
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def certificate_pem(names, number, serial, not_before, not_after):
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(issuer)
        .public_key(key(number).public_key())
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(_issuer_key(), hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


def signed(
    csr_version=1,
    *,
    order_id=ORDER,
    names=("www.example.com",),
    number=None,
    serial=None,
    now=NOW,
    days=199,
    not_before=None,
    said_serial=None,
):
    """What the CA says of one issuance; `number` is the key (the CSR version's by default)."""
    serial = serial or 0x0ABC00 + csr_version
    start = not_before or now - timedelta(hours=1)
    end = start + timedelta(days=days)
    pem = certificate_pem(tuple(names), number or csr_version, serial, start, end)
    return ca.CertificateSigned(
        issuance_id=issuance_id_of(order_id, csr_version),
        order_id=order_id,
        account_id=ACCOUNT,
        csr_version=csr_version,
        serial=said_serial or f"{serial:X}",
        fingerprint_sha256=parse_certificate(pem).sha256,
        not_before=to_text(start),
        not_after=to_text(end),
        issuer="CN=Test CA",
        certificate_pem=pem,
        chain_pem="",
    )


def organization(**changes):
    fields = {"name": "Example Ltd", "country": "DE", "locality": "Bonn", "registration_number": "HRB 1"}
    return orders.Organization(**{**fields, **changes})


def placed(**changes):
    fields = {
        "order_id": ORDER,
        "number": 2000001,
        "account_id": ACCOUNT,
        "kind": "certificate",
        "product": "dv-single",
        "product_name": "DV Single",
        "amount": 4595,
        "currency": "USD",
        "quote_id": "quote-1",
        "validation_level": "DV",
        "common_name": "www.example.com",
        "names": ["www.example.com"],
        "term_years": 1,
        "dcv_method": "http_csr_hash",
    }
    return orders.OrderPlaced(**{**fields, **changes})


def placed_top_up():
    return orders.OrderPlaced(
        order_id=ORDER,
        number=2000001,
        account_id=ACCOUNT,
        kind="topup",
        product="topup",
        product_name="Topup Funds",
        amount=50000,
        currency="USD",
    )


def captured(amount=4595, order_id=ORDER, source="card", currency="USD"):
    return billing.PaymentCaptured(
        order_id=order_id, account_id=ACCOUNT, purpose="order", amount=amount, currency=currency, source=source
    )


def paid(amount=4595):
    return orders.OrderPaid(order_id=ORDER, amount=amount, currency="USD", source="card")


def submitted(version=1, names=("www.example.com",), **changes):
    found = csr(names, version)
    fields = {
        "order_id": ORDER,
        "account_id": ACCOUNT,
        "csr_version": version,
        "csr_pem": found.pem,
        "spki_sha256": found.key.spki_sha256,
        "md5": found.md5,
        "sha256": found.sha256,
        "unique_value": "unique",
        "names": list(names),
        "dcv_method": "http_csr_hash",
    }
    return orders.CSRSubmitted(**{**fields, **changes})


def csr_requested(request_id="request-1", server_id="server-1"):
    return orders.CSRRequested(
        order_id=ORDER,
        account_id=ACCOUNT,
        request_id=request_id,
        server_id=server_id,
        common_name="www.example.com",
        names=["www.example.com"],
        key_algorithm="ec-p256",
    )


def passed(fqdn="www.example.com", version=1, *, order_id=ORDER, days=199, now=NOW):
    return dcv.DCVPassed(
        authorization_id=f"authorization-{fqdn}",
        account_id=ACCOUNT,
        order_id=order_id,
        csr_version=version,
        fqdn=fqdn,
        method="http_csr_hash",
        rules_version="BR",
        expires_at=to_text(now + timedelta(days=days)),
        reused=False,
    )


def authorized(fqdn="www.example.com", version=1, days=199):
    event = passed(fqdn, version, days=days)
    return orders.AuthorizationRecorded(
        order_id=ORDER,
        csr_version=version,
        fqdn=fqdn,
        authorization_id=event.authorization_id,
        method=event.method,
        rules_version=event.rules_version,
        expires_at=event.expires_at,
    )


def issuance_requested(version=1, names=("www.example.com",)):
    return orders.IssuanceRequested(
        order_id=ORDER,
        account_id=ACCOUNT,
        issuance_id=issuance_id_of(ORDER, version),
        csr_version=version,
        csr_pem=csr(names, version).pem,
        common_name=names[0],
        names=list(names),
        validation_level="DV",
    )


def issued(version=1, **changes):
    event = signed(version, **changes)
    return orders.CertIssued(
        order_id=ORDER,
        account_id=ACCOUNT,
        issuance_id=event.issuance_id,
        csr_version=version,
        serial=event.serial,
        fingerprint_sha256=event.fingerprint_sha256,
        spki_sha256=csr(number=version).key.spki_sha256,
        names=["www.example.com"],
        not_before=event.not_before,
        not_after=event.not_after,
        issuer=event.issuer,
        certificate_pem=event.certificate_pem,
        chain_pem="",
    )


def installation(installation_id="installation-1", version=1, site_id="site-1"):
    return orders.InstallationRequested(
        order_id=ORDER,
        account_id=ACCOUNT,
        installation_id=installation_id,
        server_id="server-1",
        site_id=site_id,
        csr_version=version,
        serial=signed(version).serial,
        names=["www.example.com"],
        spki_sha256="",
        certificate_pem="",
        chain_pem="",
    )


def installed(installation_id="installation-1", version=1):
    return orders.CertInstalled(
        order_id=ORDER,
        installation_id=installation_id,
        server_id="server-1",
        site_id="site-1",
        served_serial=signed(version).serial,
        csr_version=version,
    )


PAID = [placed(), paid()]
PROCESSING = [*PAID, submitted()]
ISSUING = [*PROCESSING, authorized(), issuance_requested()]
ISSUED = [*ISSUING, issued()]
INSTALLED = [*ISSUED, installation(), installed()]
BY_STATUS = {
    "awaiting_payment": [placed()],
    "waiting_for_csr": PAID,
    "processing": PROCESSING,
    "issued": ISSUED,
    "installed": INSTALLED,
    "paid": [placed_top_up(), paid(50000)],
    "expired": [*ISSUED, orders.OrderExpired(order_id=ORDER)],
    "cancelled": [placed(), orders.OrderCancelled(order_id=ORDER, account_id=ACCOUNT, refund=0, currency="USD")],
    "revoked": [
        *ISSUED,
        orders.CertRevoked(order_id=ORDER, serial=signed().serial, reason="unspecified", revoked_at=to_text(NOW)),
    ],
    "rejected": [
        placed(),
        orders.OrderRejected(order_id=ORDER, account_id=ACCOUNT, reason="No.", refund=0, currency="USD"),
    ],
}
