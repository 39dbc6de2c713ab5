# SPDX-License-Identifier: Apache-2.0
"""What others say of a certificate: the CA's OCSP responder, its CRL, and the DNS.

All goes through the guarded way out: the certificate, which anybody can write, names whom to ask.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs7

from shared.checker import caa, crl, ocsp_answer
from shared.checker.caa import CAA
from shared.checker.leaf_facts import alternative_names
from shared.checker.revocation import Revocation, issuer_urls, not_checked, responders
from shared.checker.signatures import is_issued
from shared.checker.trust import is_for
from shared.egress.addresses import AddressPolicy, Network
from shared.egress.guard import WEB_PORTS, Egress, EgressError
from shared.egress.resolver import Answer, DNSResolver, Resolver
from shared.egress.settings import EgressSettings

NO_ISSUER = "the issuer's certificate is not at hand"
_ISSUER_BYTES = 64 * 1024
_MOST_URLS = 2  # of each kind: certificates name one


@dataclass(frozen=True)
class Said:
    """What others said. Each part says why where there is no answer. `issuer` is the issuer's certificate, where it was
    not at hand and the CA gave it."""

    ocsp: Revocation
    crl: Revocation
    caa: CAA
    issuer: x509.Certificate | None = None


def nobody(reason: str) -> Said:
    """Nobody was asked, for that reason."""
    return Said(not_checked(reason), not_checked(reason), CAA(reason=reason))


class Others:
    """Asks. Each question is bounded in time and bytes; no fault of an answer is an exception. Thread-safe.

    `ports` are those that a certificate may name; None allows any.
    """

    def __init__(
        self,
        egress: Egress,
        resolver: Resolver,
        *,
        ports: Collection[int] | None = WEB_PORTS,
        ocsp_s: float = 8.0,
        crl_s: float = 20.0,
        caa_s: float = 12.0,
        issuer_s: float = 5.0,
    ) -> None:
        self._egress = egress
        self._resolver = resolver
        self._ports = ports
        self._ocsp_s = ocsp_s
        self._crl_s = crl_s
        self._caa_s = caa_s
        self._issuer_s = issuer_s

    def ask(self, leaf: x509.Certificate, issuer: x509.Certificate | None, host: str, at: datetime) -> Said:
        """What they say of `leaf` as of `at`; `host` is the FQDN or address that was asked for. A missing `issuer` is
        fetched first, as browsers do."""
        issuer = issuer or self._issuer(leaf)
        return Said(self._ocsp(leaf, issuer, at), self._crl(leaf, issuer, at), self._caa(leaf, host), issuer)

    def _issuer(self, leaf: x509.Certificate) -> x509.Certificate | None:
        """RFC 5280 §4.2.2.1: one certificate in DER, or several in PKCS #7. What did not sign the leaf is none."""
        for url in issuer_urls(leaf)[:_MOST_URLS]:
            try:
                packed = self._fetch(url, b"", self._issuer_s, _ISSUER_BYTES)
            except EgressError:
                continue
            for one in _certificates(packed):
                if one.subject == leaf.issuer and is_issued(leaf, one):
                    return one
        return None

    def _ocsp(self, leaf: x509.Certificate, issuer: x509.Certificate | None, at: datetime) -> Revocation:
        urls = responders(leaf)
        if not urls:
            return not_checked("the certificate names no OCSP responder, and needs none")
        if issuer is None:
            return not_checked(NO_ISSUER)
        try:
            request = ocsp_answer.question(leaf, issuer)
        except ValueError:
            return not_checked("the certificate cannot be named in a question")

        def read(answer: bytes) -> Revocation:
            return ocsp_answer.read_answer(answer, leaf, issuer, at)

        return self._first(urls, read, self._ocsp_s, ocsp_answer.MAX_BYTES, body=request)

    def _crl(self, leaf: x509.Certificate, issuer: x509.Certificate | None, at: datetime) -> Revocation:
        urls = crl.crl_urls(leaf)
        if not urls:
            return not_checked("the certificate names no CRL of its issuer by HTTP")
        if issuer is None:
            return not_checked(NO_ISSUER)
        return self._first(urls, lambda list_: crl.read_crl(list_, leaf, issuer, at), self._crl_s, crl.MAX_BYTES)

    def _first(
        self,
        urls: Sequence[str],
        read: Callable[[bytes], Revocation],
        timeout_s: float,
        max_bytes: int,
        *,
        body: bytes = b"",
    ) -> Revocation:
        """The first answer that counts, else the first reason why none does."""
        reasons: list[Revocation] = []
        ends = time.monotonic() + timeout_s
        for url in urls[:_MOST_URLS]:
            left = ends - time.monotonic()
            if left <= 0:
                break
            try:
                found = read(self._fetch(url, body, left, max_bytes))
            except EgressError as error:
                found = not_checked(error.detail.rstrip(".")[:200])
            if found.checked:
                return found
            reasons.append(found)
        return reasons[0]

    def _fetch(self, url: str, body: bytes, timeout_s: float, max_bytes: int) -> bytes:
        headers = {"Content-Type": "application/ocsp-request"} if body else {}
        answer = self._egress.fetch(
            url,
            method="POST" if body else "GET",
            headers=headers,
            body=body,
            ports=self._ports,
            timeout_s=timeout_s,
            max_bytes=max_bytes,
        )
        host = url.split("/")[2] if url.count("/") > 1 else url
        if answer.status != 200:
            raise EgressError("protocol", f"{host} answers with status {answer.status}")
        if not answer.complete:
            raise EgressError("protocol", f"{host} sends more than {max_bytes} bytes")
        return answer.body

    def _caa(self, leaf: x509.Certificate, host: str) -> CAA:
        try:
            ip_address(host.strip("[]"))
        except ValueError:
            pass
        else:
            return CAA(host, reason="addresses have no CAA records")
        names = alternative_names(leaf)
        # RFC 8659 §3: a certificate for *.example.com was issued by what stands at example.com.
        wild = host not in names and next((one for one in names if one.startswith("*.") and is_for(host, [one])), "")
        return caa.look_up(_Hasty(self._resolver, self._caa_s), wild or host)


def _certificates(packed: bytes) -> list[x509.Certificate]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # certificates in the wild break rules that are not the question here
        for load in (_one, pkcs7.load_der_pkcs7_certificates, x509.load_pem_x509_certificates):
            try:
                return load(packed)
            except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
                continue
    return []


def _one(packed: bytes) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(packed)]


class _Hasty:
    """A resolver that asks no more once its time is over."""

    def __init__(self, resolver: Resolver, seconds: float) -> None:
        self._resolver = resolver
        self._ends = time.monotonic() + seconds

    def ask(self, name: str, kind: str) -> Answer:
        """See `Resolver.ask`."""
        if time.monotonic() >= self._ends:
            return Answer(f"{name}. {kind}", "timeout")
        return self._resolver.ask(name, kind)


def open_others(settings: EgressSettings, *, anywhere: bool = False) -> Others:
    """By the operator's settings; `anywhere` is for who runs a command and may dial what the machine may."""
    resolver = DNSResolver(settings.nameservers, timeout_s=settings.dns_timeout_s)
    everything: list[Network] = [IPv4Network("0.0.0.0/0"), IPv6Network("::/0")]
    networks = everything if anywhere else settings.allow_networks
    return Others(Egress(resolver, AddressPolicy(networks)), resolver, ports=None if anywhere else WEB_PORTS)
