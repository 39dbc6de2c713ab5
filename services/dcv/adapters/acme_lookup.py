# SPDX-License-Identifier: Apache-2.0
"""Looks for the answers of ACME clients: http-01 over the guarded way out, dns-01 by the same resolver."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from services.dcv.adapters.web import Web
from services.dcv.model import acme, judging
from services.dcv.model.judging import FileAnswer, Outcome, Reason
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from shared.egress.resolver import Resolver
from shared.pki.fqdn import FQDN

MAX_REDIRECTS = 5
FOLLOWED = frozenset({301, 302, 303, 307, 308})


class ACMELookup:
    """See `ports.Lookup`; for the methods `acme_http_01` and `acme_dns_01`."""

    def __init__(self, web: Web, resolver: Resolver, settings: DCVSettings) -> None:
        self._web = web
        self._resolver = resolver
        self._ports = (settings.http_port, settings.https_port)

    def look(self, target: Target) -> Outcome:
        """One look by the method of the target."""
        return self._record(target) if target.method == "acme_dns_01" else self._file(target)

    def _file(self, target: Target) -> Outcome:
        """RFC 8555 §8.3: port 80 first; redirects are followed, to the two ports of the web only (BR 3.2.2.4.19)."""
        url = acme.http_url(target.fqdn, self._ports[0], target.token)
        evidence: dict[str, Any] = {"url": url}
        for _ in range(MAX_REDIRECTS + 1):
            fetched = self._web.get(url, schemes=("http", "https"), ports=self._ports, evidence=evidence)
            if isinstance(fetched, Outcome):
                return fetched
            answer, evidence = fetched
            if answer.status not in FOLLOWED or not answer.location:
                found = FileAnswer(status=answer.status, body=answer.body, complete=answer.complete)
                return acme.judge_http(found, acme.key_authorization(target.token, target.thumbprint), evidence)
            url = urljoin(url, answer.location)
            evidence["redirects"] = [*evidence.get("redirects", []), url[:300]]
        return judging.refused(Reason.REDIRECTED, evidence)

    def _record(self, target: Target) -> Outcome:
        """RFC 8555 §8.4: a TXT record at the very name, aliases followed by the resolver."""
        answer = self._resolver.ask(acme.dns_name(FQDN.parse(target.fqdn).base.text), "TXT")
        expected = acme.dns_value(target.token, target.thumbprint)
        return acme.judge_dns(
            answer.question, answer.status, answer.records, expected, server=answer.server, dnssec=answer.dnssec
        )
