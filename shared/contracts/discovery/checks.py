# SPDX-License-Identifier: Apache-2.0
"""The SSL checker: one endpoint, looked at closely and judged."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import Page, Permission, Request, View, command, query
from shared.contracts.discovery.inventory import SERVICE

DEPTHS = ("basic", "advanced")
CHECK_STATES = ("waiting", "running", "finished", "failed")


class CheckedCertificate(View):
    """What a certificate that the endpoint sent says. `key` such as `rsa 2048`, `signature_hash` such as `sha256`;
    `level` (DV, OV, IV, EV) and `organization` are empty where it does not say."""

    subject: str
    common_name: str
    names: list[str]
    organization: str
    serial: str
    fingerprint_sha256: str
    not_before: str
    not_after: str
    key: str
    signature_hash: str
    issuer: str
    issuer_name: str
    brand: str
    level: str
    self_signed: bool
    pem: str


class CheckView(View):
    """One check. `state`: waiting, running, finished, failed (`reason` and `detail` say why). `certificates` is the
    chain as it was sent, the endpoint's own first; `survey` what was observed, `verdict` what is to be thought of it:
    grade, the rule that set it, findings. They are empty or None until it has finished, and in lists. `steps` of
    `steps_total` parts of the survey are done (0 of 0 while unknown)."""

    check_id: str
    fqdn: str
    port: int
    starttls: str
    depth: str
    state: str
    reason: str
    detail: str
    grade: str
    address: str
    created_at: str
    ended_at: str | None
    steps: int = 0
    steps_total: int = 0
    certificates: list[CheckedCertificate] = []
    verdict: dict[str, Any] | None = None
    survey: dict[str, Any] | None = None


class CheckChange(View):
    """One thing that differs between two checks. `subject` is grade, certificate, protocol, suite, feature or
    hole; `name` which one; the values are plain words, empty for what one of them has not."""

    subject: str
    name: str
    before: str
    after: str


class CheckComparison(View):
    """Two checks of the same endpoint, the older one first. What only one of them looked at is not compared."""

    before: CheckView
    after: CheckView
    changes: list[CheckChange]


@command(SERVICE, Permission.VIEW)
class RunCheck(Request[CheckView]):
    """Checks an endpoint. `fqdn` is a name or an IP address; private addresses only where the operator allows them.
    `starttls`: empty, smtp, imap, pop3, ftp, ldap, postgresql or mysql. `depth`: basic or advanced.

    Errors: invalid, rate_limited when too many checks of the account run.
    """

    fqdn: str
    port: int = 443
    starttls: str = ""
    depth: str = "basic"


@query(SERVICE, Permission.VIEW)
class GetCheck(Request[CheckView]):
    """One check."""

    check_id: str


@query(SERVICE, Permission.VIEW)
class ListChecks(Request[Page[CheckView]]):
    """Checks, newest first; of one endpoint only with `fqdn`, or `fqdn` and `port`."""

    fqdn: str | None = None
    port: int | None = None
    limit: int = 50
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class CompareChecks(Request[CheckComparison]):
    """What changed between two checks of an endpoint, whichever is named first. Errors: not_found, invalid."""

    check_id: str
    other_check_id: str
