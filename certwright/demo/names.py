# SPDX-License-Identifier: Apache-2.0
"""A small authoritative DNS server for the demonstration: A and CNAME records in memory, UDP on 127.0.0.1."""

from __future__ import annotations

import socket
import threading
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL_S = 5
LARGEST_QUESTION = 4096


class NameServer:
    """Answers for the names that it was told; NXDOMAIN for all others. Use it as a context manager."""

    def __init__(self) -> None:
        self._records: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], str] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="names", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A datagram to itself wakes the reader; closing a socket that another thread reads does not.
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(timeout=5)
        self._socket.close()

    def add(self, name: str, kind: str, value: str) -> None:
        """Adds a record, or replaces the one of that name and kind (`A`, `CNAME`)."""
        self._records[(dns.name.from_text(name), dns.rdatatype.from_text(kind))] = value

    def _serve(self) -> None:
        while True:
            wire, sender = self._socket.recvfrom(LARGEST_QUESTION)
            if not wire:
                return
            try:
                question = dns.message.from_wire(wire)
                answer = self._answer(question)
            except dns.exception.DNSException:
                continue
            self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.AA
        asked = question.question[0]
        name = asked.name
        alias = self._records.get((name, dns.rdatatype.CNAME))
        if alias is not None:
            answer.answer.append(dns.rrset.from_text(name, TTL_S, dns.rdataclass.IN, dns.rdatatype.CNAME, alias))
        elif (value := self._records.get((name, asked.rdtype))) is not None:
            answer.answer.append(dns.rrset.from_text(name, TTL_S, dns.rdataclass.IN, asked.rdtype, value))
        elif not any(known == name or known.is_subdomain(name) for known, _ in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
