# SPDX-License-Identifier: Apache-2.0
"""A name server on loopback whose answers a test chooses, wrong ones too. UDP and TCP."""

from collections import Counter

from dnslib import CAA, CNAME, MX, QTYPE, RCODE, RR, TXT, A
from dnslib.dns import AAAA, DNSError
from dnslib.server import DNSServer

from certwright.servers.process import free_port

MAKERS = {
    "CAA": lambda fields: CAA(*fields),
    "A": A,
    "AAAA": AAAA,
    "CNAME": CNAME,
    "TXT": TXT,
    "MX": lambda label: MX(label, 0 if label == "." else 10),
}


class ProgrammableDNS:
    """`answers[name, type]` is a list of values, a word (`servfail`, `refused`, `silence`, `truncated`), or a
    function that
    gives one of these each time it is asked. What is not there does not exist."""

    def __init__(self):
        self.answers = {}
        self.asked = Counter()
        self._servers = []
        self.port = 0

    def __enter__(self):
        self.port = free_port()
        for tcp in (False, True):
            server = DNSServer(self, address="127.0.0.1", port=self.port, tcp=tcp, logger=Quiet())
            server.start_thread()
            self._servers.append(server)
        return self

    def __exit__(self, *_):
        for server in self._servers:
            server.stop()
            server.server.server_close()
            server.thread.join(timeout=5)

    @property
    def nameserver(self):
        return f"127.0.0.1:{self.port}"

    def set(self, name, kind, value):
        self.answers[name.rstrip(".").lower(), kind] = value

    def resolve(self, request, handler):
        """Called by the server for each question."""
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        self.asked[name, kind] += 1
        reply = request.reply()
        found = self._find(name, kind)
        if found == "silence":
            raise SilenceError
        if found in ("servfail", "refused"):
            reply.header.rcode = getattr(RCODE, found.upper())
        elif found == "truncated" and handler.protocol == "udp":
            reply.header.tc = 1
        elif found is None:
            known = any(key[0] == name for key in self.answers)
            reply.header.rcode = RCODE.NOERROR if known else RCODE.NXDOMAIN
        else:
            values = ["192.0.2.1"] if found == "truncated" else found
            for value in values:
                reply.add_answer(RR(request.q.qname, request.q.qtype, ttl=0, rdata=MAKERS[kind](value)))
        return reply

    def _find(self, name, kind):
        found = self.answers.get((name, kind))
        return found() if callable(found) else found


class SilenceError(DNSError):
    """No answer at all."""


class Quiet:
    """A logger of dnslib that writes nothing."""

    def __getattr__(self, _name):
        return lambda *_: None
