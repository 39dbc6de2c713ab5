# SPDX-License-Identifier: Apache-2.0
"""Looks over the guarded way out: files by HTTP and HTTPS, records by DNS."""

from __future__ import annotations

import ssl
from typing import Any

from services.dcv.model import judging, tokens
from services.dcv.model.judging import FileAnswer, Outcome, Reason
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from shared.egress.guard import Egress, EgressError
from shared.egress.resolver import Resolver
from shared.pki.fqdn import FQDN

_REASONS = {
    "address_refused": Reason.ADDRESS_REFUSED,
    "dns_nxdomain": Reason.DNS_FAILED,
    "dns_nodata": Reason.DNS_FAILED,
    "dns_servfail": Reason.DNS_FAILED,
    "dns_timeout": Reason.DNS_FAILED,
    "dns_malformed": Reason.DNS_FAILED,
}


class WebAndDNSLookup:
    """See `ports.Lookup`."""

    def __init__(self, egress: Egress, resolver: Resolver, settings: DCVSettings) -> None:
        self._egress = egress
        self._resolver = resolver
        self._settings = settings
        # BR 3.2.2.4.18 asks for no valid certificate: it is what the customer comes to get.
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def look(self, target: Target) -> Outcome:
        """One look by the method of the target."""
        if target.method == "cname_csr_hash":
            return self._record(target)
        return self._file(target)

    def _file(self, target: Target) -> Outcome:
        settings = self._settings
        scheme = "https" if target.method == "https_csr_hash" else "http"
        port = settings.https_port if scheme == "https" else settings.http_port
        url = tokens.file_url(scheme, target.fqdn, port, target.md5)
        evidence: dict[str, Any] = {"url": url}
        try:
            answer = self._egress.fetch(
                url,
                schemes=(scheme,),
                ports=(port,),
                timeout_s=settings.fetch_timeout_s,
                max_bytes=judging.MAX_FILE_BYTES,
                tls=self._tls if scheme == "https" else None,
            )
        except EgressError as error:
            reason = _REASONS.get(error.reason, Reason.UNREACHABLE)
            return judging.refused(reason, {**evidence, **error.evidence, "error": error.detail})
        expected = tokens.file_content(target.sha256, settings.ca_name, target.unique_value)
        found = FileAnswer(status=answer.status, body=answer.body, location=answer.location, complete=answer.complete)
        return judging.judge_file(found, expected, {**evidence, "address": answer.address, "port": port})

    def _record(self, target: Target) -> Outcome:
        expected = tokens.cname_value(target.sha256, self._settings.ca_name, target.unique_value)
        asked: list[tuple[str, str, list[str]]] = []
        server = ""
        for name in FQDN.parse(target.fqdn).walk():
            answer = self._resolver.ask(tokens.cname_name(target.md5, name.text), "CNAME")
            asked.append((answer.question, answer.status, list(answer.records)))
            server = answer.server or server
            if expected.lower() in [record.lower() for record in answer.records] or answer.status == "timeout":
                break  # found; or silence, which the parents of the name would only repeat
        return judging.judge_cname(asked, expected, {"expected": expected, "resolver": server})
