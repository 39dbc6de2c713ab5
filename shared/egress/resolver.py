# SPDX-License-Identifier: Apache-2.0
"""DNS look-ups through a recursive resolver, each answer with what is needed as evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import dns.exception
import dns.flags
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

_SERVER = re.compile(
    r"\[(?P<six>[^\]]+)\](?::(?P<port6>\d+))?|(?P<four>[^:]+)(?::(?P<port4>\d+))?|(?P<bare>[0-9a-fA-F:]+)"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status`: ok, nxdomain, nodata, servfail, timeout, malformed. `records` are in presentation form.

    `server` is who answered; `authenticated` whether it says that it validated the answer by DNSSEC.
    """

    question: str
    status: str
    records: tuple[str, ...] = ()
    server: str = ""
    authenticated: bool = False


class Resolver(Protocol):
    """Asks one question. Never raises for what the network or a zone does: that is in the status."""

    def ask(self, name: str, kind: str) -> Answer:
        """The records of type `kind` (`A`, `AAAA`, `CNAME`, `TXT`, `CAA`) at `name` itself.

        For address types aliases are followed; for CNAME they are not.
        """
        ...


class DNSResolver:
    """Asks the configured recursive resolvers, or those of the host, one after the other. Nothing is cached here."""

    def __init__(self, nameservers: Sequence[str] = (), *, timeout_s: float = 5.0) -> None:
        if nameservers:
            self._resolver = dns.resolver.Resolver(configure=False)
            self._resolver.nameservers = [_server(text) for text in nameservers]
        else:
            try:
                self._resolver = dns.resolver.Resolver()
            except dns.resolver.NoResolverConfiguration:  # then every question ends as servfail
                self._resolver = dns.resolver.Resolver(configure=False)
        self._resolver.lifetime = timeout_s
        self._resolver.timeout = min(timeout_s, 2.0)
        self._resolver.retry_servfail = False
        # DO asks for validation, 1232 octets avoid fragments (DNS flag day 2020); larger answers come by TCP.
        self._resolver.use_edns(0, dns.flags.DO, 1232)
        self._resolver.set_flags(dns.flags.RD | dns.flags.AD)

    def ask(self, name: str, kind: str) -> Answer:
        """See `Resolver.ask`."""
        question = f"{name.removesuffix('.')}. {kind}"
        try:
            absolute = dns.name.from_text(name.removesuffix(".") + ".")
            found = self._resolver.resolve(absolute, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return Answer(question, "nxdomain")
        except dns.resolver.LifetimeTimeout:
            return Answer(question, "timeout")
        except dns.resolver.NoNameservers as error:
            return Answer(question, "servfail", server=_servers(error))
        except dns.exception.DNSException:
            return Answer(question, "malformed")
        server = f"{found.nameserver}" if found.nameserver else ""
        authenticated = bool(found.response.flags & dns.flags.AD)
        if found.rrset is None:
            return Answer(question, "nodata", server=server, authenticated=authenticated)
        records = tuple(sorted(record.to_text() for record in found.rrset))
        return Answer(question, "ok", records, server, authenticated)


def addresses(resolver: Resolver, name: str) -> tuple[list[str], list[Answer]]:
    """All IPv4 and IPv6 addresses of `name`, and the answers that they came from."""
    answers = [resolver.ask(name, "A"), resolver.ask(name, "AAAA")]
    return [record for answer in answers for record in answer.records], answers


def _server(text: str) -> dns.nameserver.Nameserver:
    match = _SERVER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a nameserver: {text!r}")
    address = match["six"] or match["four"] or match["bare"]
    return dns.nameserver.Do53Nameserver(address, int(match["port6"] or match["port4"] or 53))


def _servers(error: dns.resolver.NoNameservers) -> str:
    tried = error.kwargs.get("errors", ())
    return ", ".join(sorted({str(entry[0]) for entry in tried}))
