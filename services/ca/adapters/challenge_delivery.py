# SPDX-License-Identifier: Apache-2.0
"""Puts what another CA wants to see where it looks, and looks for it before that CA does.

Files are answered by the gateway: a name that leads elsewhere needs one line in its web server, which sends
`/.well-known/acme-challenge/` here (RFC 8555 §8.3 follows redirects). Records go into the zone by dynamic updates
(RFC 2136, signed by RFC 8945) where the operator named a server for them; otherwise people add what they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.tsig
import dns.update

from services.ca.ports import IssuerUnavailableError
from shared.contracts.ca import UpstreamChallenge
from shared.egress.guard import Egress, EgressError
from shared.egress.resolver import Resolver

TTL_S = 30
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class UpdateServer:
    """The primary server of the zones, and the TSIG key that may write `_acme-challenge` records there."""

    address: str
    port: int
    key_name: str
    key: bytes
    algorithm: str = "hmac-sha256"


class ChallengeDelivery:
    """See `ports.Delivery`."""

    def __init__(self, egress: Egress, resolver: Resolver, *, http_port: int = 80, update: UpdateServer | None = None):
        self._egress = egress
        self._resolver = resolver
        self._http_port = http_port
        self._update = update

    def deliver(self, challenge: UpstreamChallenge) -> None:
        """Adds the record to its zone; the file is there already."""
        if challenge.kind == "dns-01" and self._update is not None:
            self._write(self._update, challenge, present=True)

    def withdraw(self, challenge: UpstreamChallenge) -> None:
        """Takes the record out of its zone. The certificate is here: that a server is down now stops nothing."""
        if challenge.kind == "dns-01" and self._update is not None:
            try:
                self._write(self._update, challenge, present=False)
            except IssuerUnavailableError:
                return

    def unseen(self, challenge: UpstreamChallenge) -> str:
        """See `ports.Delivery`."""
        return self._record(challenge) if challenge.kind == "dns-01" else self._file(challenge)

    def _record(self, challenge: UpstreamChallenge) -> str:
        answer = self._resolver.ask(challenge.name, "TXT")
        if any(record.strip('"') == challenge.value for record in answer.records):
            return ""
        found = f"it holds {', '.join(answer.records)}" if answer.records else f"DNS says {answer.status}"
        return f"Add the record {challenge.name} TXT {challenge.value}; {found} by now."

    def _file(self, challenge: UpstreamChallenge) -> str:
        path = urlsplit(challenge.name).path
        url = challenge.name.replace(f"//{challenge.fqdn}/", f"//{challenge.fqdn}:{self._http_port}/", 1)
        wanted = (
            f"Have http://{challenge.fqdn}{path} answered by Certwright: send everything below "
            "/.well-known/acme-challenge/ there. An agent on the host of the site places the file by itself."
        )
        try:
            answer = self._egress.fetch(
                url, schemes=("http",), ports=(self._http_port,), timeout_s=TIMEOUT_S, max_bytes=1024
            )
        except EgressError as error:
            return f"{wanted} {error.detail}"
        # The CA follows redirects (RFC 8555 §8.3); where one leads to the same path, it is left to it to follow.
        if 300 <= answer.status < 400 and urlsplit(answer.location).path == path:
            return ""
        if answer.status == 200 and answer.body.strip() == challenge.value.encode():
            return ""
        return f"{wanted} It answers with status {answer.status} and something else by now."

    def _write(self, server: UpdateServer, challenge: UpstreamChallenge, *, present: bool) -> None:
        keyring = {dns.name.from_text(server.key_name): dns.tsig.Key(server.key_name, server.key, server.algorithm)}
        name = dns.name.from_text(challenge.name)
        try:
            update = dns.update.UpdateMessage(_zone(server, name), keyring=keyring)
            if present:
                update.add(name, TTL_S, "TXT", challenge.value)
            else:
                update.delete(name, "TXT", challenge.value)
            answer = dns.query.tcp(update, server.address, port=server.port, timeout=TIMEOUT_S)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise IssuerUnavailableError(
                f"The name server for updates does not take the record for {challenge.fqdn} ({type(error).__name__})."
            ) from error
        if answer.rcode() != dns.rcode.NOERROR:
            raise IssuerUnavailableError(
                f"The name server for updates refuses the record for {challenge.fqdn} "
                f"({dns.rcode.to_text(answer.rcode())}); may its key write _acme-challenge records there?"
            )


def _zone(server: UpdateServer, name: dns.name.Name) -> dns.name.Name:
    """The zone that holds a name: whose SOA that server gives. Raises IssuerUnavailableError."""
    while name != dns.name.root:
        question = dns.message.make_query(name, "SOA")
        answer = dns.query.tcp(question, server.address, port=server.port, timeout=TIMEOUT_S)
        for section in (answer.answer, answer.authority):
            for found in section:
                if found.rdtype == dns.rdatatype.SOA and name.is_subdomain(found.name):
                    return found.name
        name = name.parent()
    raise IssuerUnavailableError("The name server for updates holds no zone for the name.")
