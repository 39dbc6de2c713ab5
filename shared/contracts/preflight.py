# SPDX-License-Identifier: Apache-2.0
"""What a CA will see of names, asked before an order costs anything."""

from __future__ import annotations

from shared.contracts.base import Permission, Request, View, query
from shared.contracts.dcv import SERVICE


class DNSAnswer(View):
    """One question and what came back. `status`: ok, nodata, nxdomain, servfail, timeout, malformed. `dnssec`: secure,
    insecure, bogus, indeterminate. `alias` is where a CNAME led to, `detail` what the resolver says of a failure.
    """

    question: str
    status: str
    records: list[str] = []
    server: str = ""
    dnssec: str = ""
    alias: str = ""
    detail: str = ""


class PortSeen(View):
    """Whether a web server takes connections there; `address` is the one that was dialled."""

    port: int
    reachable: bool
    address: str = ""
    reason: str = ""
    detail: str = ""


class CAASeen(View):
    """Whether the CA of this installation may issue by the CAA records (RFC 8659); `allowed` is null where that is not
    known. `record` stands at the name `at`; `cure` is the record that would help; `iodef` whom the owner wants told.
    """

    allowed: bool | None
    code: str
    reason: str
    at: str = ""
    record: str = ""
    cure: str = ""
    iodef: list[str] = []


class PerspectiveSeen(View):
    """What one perspective sees of a name. `region` is the internet registry's; the answers are in the order asked."""

    name: str
    region: str
    primary: bool
    addresses: list[str]
    alias: str
    dnssec: str
    refused: str = ""
    caa: CAASeen | None = None
    ports: list[PortSeen] = []
    answers: list[DNSAnswer] = []


class PreflightFinding(View):
    """`severity`: error (the order would not come through), warning, info, good. `text` and `cure` are for people; the
    values in them are in `facts`.
    """

    severity: str
    code: str
    text: str
    cure: str = ""
    facts: dict[str, str] = {}


class HeldProof(View):
    """A proof of the account that an order could use again."""

    method: str
    proved_at: str
    expires_at: str


class NamePreflight(View):
    """One name. `verdict`: ready, warning, blocked."""

    fqdn: str
    verdict: str
    findings: list[PreflightFinding]
    perspectives: list[PerspectiveSeen] = []
    caa: CAASeen | None = None
    proof: HeldProof | None = None


class PreflightView(View):
    """All names; `verdict` is that of the worst. `profile` is `private` or `public` (CERTWRIGHT_EGRESS_CORROBORATION).
    What perspectives in one network see is advice, not what a public CA's own perspectives will see.
    """

    method: str
    profile: str
    rules_version: str
    checked_at: str
    verdict: str
    names: list[NamePreflight]


@query(SERVICE, Permission.CREATE_ORDER)
class RunPreflight(Request[PreflightView]):
    """What a CA will see of up to ten names now, and what would keep a certificate from being issued.

    `method` is how they are to be proved; without it both web ports are tried. Errors: invalid.
    """

    names: list[str]
    method: str = ""
