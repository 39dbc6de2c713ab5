# SPDX-License-Identifier: Apache-2.0
"""Domain control validation: the right of an account over an FQDN, earned by a challenge, with an expiry."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import Page, Permission, Request, View, command, query
from shared.eventsourcing.event import Event, event

SERVICE = "dcv"

MAIL_METHODS = ("email", "email_caa", "email_txt")  # to a constructed address, to a contact in CAA, in TXT
METHODS = ("http_csr_hash", "https_csr_hash", "cname_csr_hash", "txt_csr_hash", "dns_persist", *MAIL_METHODS)
ACME_METHODS = ("acme_http_01", "acme_dns_01")  # chosen by ACME clients, never by people


class FileChallenge(View):
    """The file to place: `url` is where it is looked for, `path` the path below the web root."""

    url: str
    path: str
    content: str


class DNSChallenge(View):
    """The record to add; both names end with a dot."""

    name: str
    type: str
    value: str


class MethodOption(View):
    """A method that may be chosen for this FQDN, or why not. `ends` is the date on which the rules forbid it.

    `code` of the reason is `forbidden` or `one_host`; `source` is the paragraph of the rules that says so.
    """

    method: str
    allowed: bool
    reason: str = ""
    code: str = ""
    source: str = ""
    ends: str | None = None


class AttemptView(View):
    """One look-up and what came of it. `reason` is from a closed list; `advice` says what to do."""

    at: str
    method: str
    passed: bool
    reason: str = ""
    advice: str = ""
    evidence: dict[str, Any] = {}


class AuthorizationView(View):
    """One FQDN of one order. `status`: open, validating, valid, expired.

    `persist` may stand for as long as you like and proves the name anew each time, for this account. A file that agents
    could not place is asked of them again at `next_placement_at`.
    """

    authorization_id: str
    order_id: str
    fqdn: str
    status: str
    method: str
    csr_version: int
    file: FileChallenge | None = None
    cname: DNSChallenge | None = None
    txt: DNSChallenge | None = None
    persist: DNSChallenge | None = None
    email_addresses: list[str] = []
    email: str = ""
    email_sent_at: str | None = None
    options: list[MethodOption] = []
    expires_at: str | None = None
    reused: bool = False
    next_check_at: str | None = None
    next_placement_at: str | None = None
    attempts: list[AttemptView] = []


class MailContact(View):
    """An address that a validation mail may go to. `method` is the one to choose with it; `at` the name whose record
    holds it, empty for a constructed one. One that is not `usable` says why: `reason` is from a closed list.
    """

    address: str
    method: str
    at: str = ""
    usable: bool = True
    reason: str = ""
    advice: str = ""


class MailContactsView(View):
    """The addresses for one FQDN as the DNS names them now; `records` are those that would make a contact of yours."""

    fqdn: str
    contacts: list[MailContact]
    records: list[DNSChallenge]
    rules_version: str
    checked_at: str


class MailConfirmation(View):
    """What the page behind a mailed link shows before the button is pressed."""

    fqdn: str
    address: str
    state: str  # open, confirmed, expired, unknown


@query(SERVICE, Permission.VIEW)
class ListAuthorizations(Request[Page[AuthorizationView]]):
    """The FQDNs of one order with their challenges ready to copy, or all of the account without `order_id`."""

    order_id: str | None = None
    limit: int = 100
    cursor: str | None = None


@query(SERVICE, Permission.VIEW)
class ListMailContacts(Request[MailContactsView]):
    """Whom a validation mail for an FQDN may go to: asked of the DNS now, from every perspective. Nothing is recorded.
    Errors: not_found.
    """

    order_id: str
    fqdn: str


@command(SERVICE, Permission.CREATE_ORDER)
class ChooseMethod(Request[AuthorizationView]):
    """Chooses how an FQDN is proved; `email` one of the offered addresses. Choosing email sends the mail; with a
    contact in the DNS (`email_caa`, `email_txt`) once the record has been looked up.
    """

    order_id: str
    fqdn: str
    method: str
    email: str = ""


@command(SERVICE, Permission.CREATE_ORDER)
class PlaceDCVFile(Request[AuthorizationView]):
    """Has the agent of a server place the file; the check follows by itself."""

    order_id: str
    fqdn: str
    server_id: str


@command(SERVICE, Permission.CREATE_ORDER)
class CheckDCV(Request[AuthorizationView]):
    """Looks now. The answer comes as an event; the reply shows the authorization as validating."""

    order_id: str
    fqdn: str


@command(SERVICE, Permission.CREATE_ORDER)
class SubmitDCVCode(Request[AuthorizationView]):
    """The code from the mail. Errors: invalid (wrong, used, expired; 5 tries)."""

    order_id: str
    fqdn: str
    code: str


@query(SERVICE, Permission.PUBLIC)
class GetMailConfirmation(Request[MailConfirmation]):
    """Looks at a mailed link without using it: mail scanners follow links."""

    token: str


@command(SERVICE, Permission.PUBLIC)
class ConfirmDCVMail(Request[MailConfirmation]):
    """Uses a mailed link."""

    token: str


class ACMEAuthorizationView(View):
    """One name of an ACME order. `status`: open, validating, valid, failed (it was looked for in vain), ended.

    `method` is the challenge that the client chose; `reason` and `advice` are those of the newest look.
    """

    fqdn: str
    csr_version: int
    token: str
    status: str
    method: str = ""
    reason: str = ""
    advice: str = ""
    validated_at: str | None = None


@query(SERVICE, Permission.ACME)
class GetACMEAuthorization(Request[ACMEAuthorizationView]):
    """What an ACME client is to prove of a name. Errors: not_found, also while the order is only just opened."""

    order_id: str
    fqdn: str
    csr_version: int


@command(SERVICE, Permission.ACME)
class AnswerACMEChallenge(Request[ACMEAuthorizationView]):
    """The client has put the answer in its place: look. `method`: one of `ACME_METHODS`. Errors: not_found, invalid."""

    order_id: str
    fqdn: str
    csr_version: int
    method: str


@command(SERVICE, Permission.ACME)
class EndACMEAuthorization(Request[ACMEAuthorizationView]):
    """The client gives up what it began to prove (RFC 8555 §7.5.2). Errors: not_found, action_not_allowed (proved)."""

    order_id: str
    fqdn: str
    csr_version: int


@event("dcv.AuthorizationRequested")
class AuthorizationRequested(Event):
    """An order needs this FQDN for this CSR; or, with a `token`, for the CSR that an ACME client will send.

    `thumbprint` is that of the client's key: with the token it makes the key authorization (RFC 8555 §8.1).
    """

    authorization_id: str
    account_id: str
    fqdn: str
    order_id: str
    csr_version: int
    method: str
    md5: str
    sha256: str
    unique_value: str
    token: str = ""
    thumbprint: str = ""


@event("dcv.MethodChosen")
class MethodChosen(Event):
    """`method` is empty when the choice was taken back."""

    authorization_id: str
    order_id: str
    method: str


@event("dcv.MailContactLookedUp")
class MailContactLookedUp(Event):
    """Whether a record in the DNS names the address that a mail is to go to: what was asked, of whom, and what came
    back. When `found`, the mail goes out.
    """

    authorization_id: str
    order_id: str
    csr_version: int
    method: str
    address: str
    found: bool
    reason: str
    advice: str
    evidence: dict[str, Any]


@event("dcv.ChallengeMailSent")
class ChallengeMailSent(Event):
    """A mail with link and code went out, to a constructed address (BR 3.2.2.4.4) or a contact in the DNS."""

    authorization_id: str
    order_id: str
    address: str
    expires_at: str


@event("dcv.DCVFileRequested")
class DCVFileRequested(Event):
    """An agent is to place the file below the web root of the site that serves `fqdn`.

    Without a `server_id` the service asks by itself: each host of the account that serves the name, for a while.
    """

    authorization_id: str
    account_id: str
    order_id: str
    placement_id: str
    server_id: str
    fqdn: str
    path: str
    content: str


@event("dcv.ValidationRequested")
class ValidationRequested(Event):
    """Somebody asked for a look."""

    authorization_id: str
    order_id: str
    csr_version: int
    attempt: int


@event("dcv.ValidationAttempted")
class ValidationAttempted(Event):
    """What was asked, of whom, and what came back."""

    authorization_id: str
    order_id: str
    csr_version: int
    attempt: int
    method: str
    passed: bool
    reason: str
    advice: str
    evidence: dict[str, Any]


@event("dcv.DCVPassed")
class DCVPassed(Event):
    """The FQDN is proved for this order and CSR. `reused`: the proof of `proved_at` still held and was used again."""

    authorization_id: str
    account_id: str
    order_id: str
    csr_version: int
    fqdn: str
    method: str
    rules_version: str
    expires_at: str
    reused: bool
    proved_at: str = ""


@event("dcv.PlacementFailed")
class PlacementFailed(Event):
    """The agent could not place the file."""

    authorization_id: str
    order_id: str
    placement_id: str
    reason: str


@event("dcv.ValidationEnded")
class ValidationEnded(Event):
    """An order has ended before its certificate: it needs the name no more."""

    authorization_id: str
    order_id: str


@event("dcv.AuthorizationExpired")
class AuthorizationExpired(Event):
    """The proof is too old to be used again."""

    authorization_id: str
    account_id: str
    fqdn: str
