# SPDX-License-Identifier: Apache-2.0
"""Looks over the guarded way out: files by HTTP and HTTPS, records by DNS."""

from __future__ import annotations

from typing import Any

from services.dcv.adapters.acme_lookup import ACMELookup
from services.dcv.adapters.contacts import ContactRecords
from services.dcv.adapters.web import Web
from services.dcv.model import judging, persist, tokens
from services.dcv.model.acme import texts_of
from services.dcv.model.contacts import CONTACT_METHODS
from services.dcv.model.judging import AskedCNAME, FileAnswer, Outcome
from services.dcv.model.persist import AskedTXT
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from shared.contracts.dcv import ACME_METHODS
from shared.egress.guard import Egress
from shared.egress.resolver import Resolver
from shared.pki.fqdn import FQDN


class WebAndDNSLookup:
    """See `ports.Lookup`: from one perspective."""

    def __init__(self, egress: Egress, resolver: Resolver, settings: DCVSettings) -> None:
        self._web = Web(egress, settings)
        self._resolver = resolver
        self._settings = settings
        self._acme = ACMELookup(self._web, resolver, settings)

    def look(self, target: Target) -> Outcome:
        """One look by the method of the target."""
        if target.method in ACME_METHODS:
            return self._acme.look(target)
        if target.method == "cname_csr_hash":
            return self._record(target)
        if target.method == "txt_csr_hash":
            return self._text(target)
        if target.method == "dns_persist":
            return self._persist(target)
        if target.method in CONTACT_METHODS:
            return ContactRecords(self._resolver).look(target)
        return self._file(target)

    def _file(self, target: Target) -> Outcome:
        settings = self._settings
        scheme = "https" if target.method == "https_csr_hash" else "http"
        port = settings.https_port if scheme == "https" else settings.http_port
        url = tokens.file_url(scheme, target.fqdn, port, target.md5)
        evidence: dict[str, Any] = {"url": url}
        fetched = self._web.get(url, schemes=(scheme,), ports=(port,), evidence=evidence | {"port": port})
        if isinstance(fetched, Outcome):
            return fetched
        answer = fetched.response
        expected = tokens.file_content(target.sha256, settings.ca_name, target.unique_value)
        found = FileAnswer(status=answer.status, body=answer.body, location=answer.location, complete=answer.complete)
        return judging.judge_file(found, expected, fetched.evidence)

    def _record(self, target: Target) -> Outcome:
        expected = tokens.cname_value(target.sha256, self._settings.ca_name, target.unique_value)
        asked: list[AskedCNAME] = []
        server = ""
        for name in FQDN.parse(target.fqdn).walk():
            answer = self._resolver.ask(tokens.cname_name(target.md5, name.text), "CNAME")
            asked.append(AskedCNAME(answer.question, answer.status, list(answer.records), answer.dnssec))
            server = answer.server or server
            if expected.lower() in [record.lower() for record in answer.records] or answer.status == "timeout":
                break  # found; or silence, which the parents of the name would only repeat
        return judging.judge_cname(asked, expected, {"expected": expected, "resolver": server})

    def _text(self, target: Target) -> Outcome:
        expected = tokens.txt_value(target.sha256, self._settings.ca_name, target.unique_value)
        asked: list[AskedCNAME] = []
        server = ""
        for name in FQDN.parse(target.fqdn).walk():
            answer = self._resolver.ask(tokens.cname_name(target.md5, name.text), "TXT")
            texts = texts_of(answer.records)
            asked.append(AskedCNAME(answer.question, answer.status, texts, answer.dnssec))
            server = answer.server or server
            if expected in texts or answer.status == "timeout":
                break
        return judging.judge_txt(asked, expected, {"expected": expected, "resolver": server})

    def _persist(self, target: Target) -> Outcome:
        """At the name and above; the names asked are never those that an alias leads to (BR 3.2.2.4.22)."""
        ca_name = self._settings.ca_name
        account = persist.account_uri(ca_name, target.account_id)
        asked: list[AskedTXT] = []
        server = ""
        for name in FQDN.parse(target.fqdn).walk():
            answer = self._resolver.ask(persist.record_name(name.text), "TXT")
            asked.append(AskedTXT(name.text, answer.question, answer.status, texts_of(answer.records), answer.dnssec))
            server = answer.server or server
            if answer.status == "timeout":
                break
        evidence = {"expected": f"{ca_name}; {persist.ACCOUNT}={account}", "resolver": server}
        return persist.judge(asked, target.fqdn, ca_name=ca_name, account=account, at=target.at, evidence=evidence)
