# SPDX-License-Identifier: Apache-2.0
"""DNS look-ups through a recursive resolver, each answer with what is needed as evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rcode
import dns.rdatatype
import dns.resolver

_SERVER = re.compile(
    r"\[(?P<six>[^\]]+)\](?::(?P<port6>\d+))?|(?P<four>[^:]+)(?::(?P<port4>\d+))?|(?P<bare>[0-9a-fA-F:]+)"
)
SECURE, INSECURE, BOGUS, INDETERMINATE = "secure", "insecure", "bogus", "indeterminate"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status`: ok, nxdomain, nodata, servfail, timeout, malformed. `records` are in presentation form.

    `server` is who answered; `authenticated` whether it says that it validated the answer by DNSSEC. `dnssec` is the
    standing of the answer in the words of RFC 4035 §4.3: `secure`, `insecure` (the zone is not signed), `bogus` (it is
    signed wrongly), `indeterminate` (nobody validated). `alias` is the name that a CNAME led to, `detail` what the
    resolver says of a failure (RFC 8914).
    """

    question: str
    status: str
    records: tuple[str, ...] = ()
    server: str = ""
    authenticated: bool = False
    dnssec: str = INDETERMINATE
    alias: str = ""
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether nothing is known: neither records nor that there are none."""
        return self.status not in {"ok", "nodata", "nxdomain"}

    def evidence(self) -> dict[str, Any]:
        """What was asked, of whom, and what came back, for the record; what is empty is left out."""
        said: dict[str, Any] = {"question": self.question, "status": self.status, "records": list(self.records)}
        extras = {"server": self.server, "dnssec": self.dnssec, "alias": self.alias, "detail": self.detail}
        return said | {key: value for key, value in extras.items() if value}


class Resolver(Protocol):
    """Asks one question. Never raises for what the network or a zone does: that is in the status."""

    def ask(self, name: str, kind: str) -> Answer:
        """The records of type `kind` (`A`, `AAAA`, `CNAME`, `TXT`, `CAA`) at `name` itself.

        For address types and CAA aliases are followed; for CNAME they are not.
        """
        ...


class DNSResolver:
    """Asks the configured recursive resolvers, or those of the host, one after the other. Nothing is cached here.

    `validating` says that they validate DNSSEC and that the way to them is safe, so that their AD bit is believed
    (RFC 4035 §4.9.3). Without it an answer is `indeterminate`, but a failure that goes away when the check is switched
    off (CD) is `bogus` either way.
    """

    def __init__(self, nameservers: Sequence[str] = (), *, timeout_s: float = 5.0, validating: bool = False) -> None:
        # DO asks for validation, 1232 octets avoid fragments (DNS flag day 2020); larger answers come by TCP.
        self._resolver = _resolver(nameservers, timeout_s, dns.flags.RD | dns.flags.AD)
        self._unchecked = _resolver(nameservers, timeout_s, dns.flags.RD | dns.flags.CD)
        self._validating = validating
        self._servers = ", ".join(_shown(each) for each in self._resolver.nameservers)

    def ask(self, name: str, kind: str) -> Answer:
        """See `Resolver.ask`."""
        question = f"{name.removesuffix('.')}. {kind}"
        try:
            absolute = dns.name.from_text(name.removesuffix(".") + ".")
            found = self._resolver.resolve(absolute, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            return self._no_such_name(question, error)
        except dns.resolver.LifetimeTimeout:
            return Answer(question, "timeout", server=self._servers)
        except dns.resolver.NoNameservers as error:
            standing = BOGUS if _servfail(error) and self._answers_unchecked(absolute, kind) else INDETERMINATE
            return Answer(question, "servfail", server=_tried(error), dnssec=standing, detail=_said(error))
        except dns.exception.DNSException:
            return Answer(question, "malformed", server=self._servers)
        server = _with_port(str(found.nameserver), found.port or 53) if found.nameserver else ""
        authenticated = bool(found.response.flags & dns.flags.AD)
        alias = "" if found.canonical_name == absolute else found.canonical_name.to_text()
        standing = self._standing(authenticated)
        if found.rrset is None:
            return Answer(question, "nodata", server=server, authenticated=authenticated, dnssec=standing, alias=alias)
        records = tuple(sorted(record.to_text() for record in found.rrset))
        return Answer(question, "ok", records, server, authenticated, standing, alias)

    def _no_such_name(self, question: str, error: dns.resolver.NXDOMAIN) -> Answer:
        responses: dict[dns.name.Name, dns.message.QueryMessage] = error.kwargs.get("responses", {})
        authenticated = any(response.flags & dns.flags.AD for response in responses.values())
        return Answer(
            question,
            "nxdomain",
            server=self._servers,
            authenticated=authenticated,
            dnssec=self._standing(authenticated),
        )

    def _standing(self, authenticated: bool) -> str:
        if not self._validating:
            return INDETERMINATE
        return SECURE if authenticated else INSECURE

    def _answers_unchecked(self, name: dns.name.Name, kind: str) -> bool:
        """Whether there is an answer when nobody looks at signatures: then the signatures were what was wrong."""
        try:
            self._unchecked.resolve(name, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return True
        except dns.exception.DNSException:
            return False
        return True


def addresses(resolver: Resolver, name: str) -> tuple[list[str], list[Answer]]:
    """All IPv4 and IPv6 addresses of `name`, and the answers that they came from."""
    answers = [resolver.ask(name, "A"), resolver.ask(name, "AAAA")]
    return [record for answer in answers for record in answer.records], answers


def worst_standing(answers: Sequence[Answer]) -> str:
    """The standing of several answers together: as weak as the weakest. Nothing asked is `indeterminate`."""
    standings = {answer.dnssec for answer in answers}
    return next((each for each in (BOGUS, INDETERMINATE, INSECURE, SECURE) if each in standings), INDETERMINATE)


def check_nameserver(text: str) -> str:
    """`text` when it is `address`, `address:port` or `[address]:port`. Raises ValueError."""
    _server(text)
    return text


def _resolver(nameservers: Sequence[str], timeout_s: float, flags: int) -> dns.resolver.Resolver:
    if nameservers:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [_server(text) for text in nameservers]
    else:
        try:
            resolver = dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration:  # then every question ends as servfail
            resolver = dns.resolver.Resolver(configure=False)
    resolver.lifetime = timeout_s
    resolver.timeout = min(timeout_s, 2.0)
    resolver.retry_servfail = False
    resolver.use_edns(0, dns.flags.DO, 1232)
    resolver.set_flags(flags)
    return resolver


def _server(text: str) -> dns.nameserver.Nameserver:
    match = _SERVER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a nameserver: {text!r}")
    address = match["six"] or match["four"] or match["bare"]
    return dns.nameserver.Do53Nameserver(address, int(match["port6"] or match["port4"] or 53))


def _errors(error: dns.resolver.NoNameservers) -> Sequence[Any]:
    tried: Sequence[Any] = error.kwargs.get("errors", ())
    return tried


def _tried(error: dns.resolver.NoNameservers) -> str:
    return ", ".join(sorted({_shown(entry[0]) for entry in _errors(error)}))


def _shown(server: str | dns.nameserver.Nameserver) -> str:
    """A nameserver as settings name it."""
    if isinstance(server, dns.nameserver.Do53Nameserver):
        return _with_port(server.address, server.port)
    return str(server)


def _with_port(address: str, port: int) -> str:
    if port == 53:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _responses(error: dns.resolver.NoNameservers) -> list[dns.message.Message]:
    return [entry[4] for entry in _errors(error) if entry[4] is not None]


def _servfail(error: dns.resolver.NoNameservers) -> bool:
    return any(response.rcode() == dns.rcode.SERVFAIL for response in _responses(error))


def _said(error: dns.resolver.NoNameservers) -> str:
    said = [each.to_text() for response in _responses(error) for each in response.extended_errors()]
    return "; ".join(dict.fromkeys(said))[:300]
