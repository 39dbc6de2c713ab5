# SPDX-License-Identifier: Apache-2.0
"""Every event as one plain sentence for the audit log, and its data without what nobody reads there."""

from __future__ import annotations

from typing import Any

PEOPLE = ("user:", "token:")
MOST_TEXT = 500  # characters of one value; certificates and files are cut
MOST_SUMMARY = 300
MOST_NAMES = 3

# By event type; `{field}` is a field of the event, money is written with its currency, moments as dates.
SENTENCES: dict[str, str] = {
    "accounts.ACMEAccountChanged": "An ACME client's account was changed ({change}).",
    "accounts.ACMEAccountRegistered": "An ACME client was bound to the account.",
    "accounts.ACMECredentialCreated": "A credential for ACME clients was made: {name}",
    "accounts.ACMECredentialRevoked": "A credential for ACME clients was revoked.",
    "accounts.AccountOpened": "The account was opened with sign-up number {order_number}.",
    "accounts.AgreementAccepted": "The agreement {kind}, version {version}, was accepted.",
    "accounts.CredentialRevoked": "A {kind} was ended.",
    "accounts.OIDCIdentityLinked": "An identity at the sign-in provider was connected.",
    "accounts.OIDCIdentityRemoved": "An identity at the sign-in provider was disconnected.",
    "accounts.OperatorClaimed": "The installation got its operator.",
    "accounts.PasskeyAdded": "A passkey was added.",
    "accounts.PasskeyRemoved": "A passkey was removed.",
    "accounts.PasswordChanged": "A password was changed.",
    "accounts.SecondFactorChanged": "The second step of a user's sign-in is {factor} now.",
    "accounts.SignInSucceeded": "A user signed in; the second step was {factor}.",
    "accounts.TokenCreated": "An API token was made that may {permissions}.",
    "accounts.UserAdded": "A user was added who may {permissions}.",
    "accounts.UserChanged": "A user may {permissions} now.",
    "accounts.UserRemoved": "A user was removed.",
    "alerts.AlertAcknowledged": "Somebody looks after an alert.",
    "alerts.AlertMuted": "Whether mails about an alert are sent was changed; muted: {muted}.",
    "alerts.AlertRaised": "An alert ({severity}) was raised: a certificate ends on {not_after}.",
    "alerts.AlertResolved": "An alert was resolved.",
    "alerts.ChannelChanged": "A channel of alerts was changed.",
    "alerts.ChannelMade": "A channel of alerts was made ({kind}).",
    "alerts.ChannelRemoved": "A channel of alerts was removed.",
    "alerts.FeedLinkEnded": "A link to subscribe to alerts was ended.",
    "alerts.FeedLinkMade": "A link to subscribe to alerts was made.",
    "alerts.NotificationSent": "A notification was sent by {channel}.",
    "billing.ChargeCancelled": "Nothing is owed for the order any more.",
    "billing.ChargeOpened": "Order {number} owes {amount}.",
    "billing.ChargeRefused": "The order's payment cannot be taken: {reason}",
    "billing.DepositOpened": "A deposit account in {currency} was opened.",
    "billing.InvoiceIssued": "Invoice {number} over {total} was made for order {order_number}.",
    "billing.PaymentCaptured": "{amount} was paid by {source}.",
    "billing.PaymentDeclined": "A payment was declined: {reason}",
    "billing.PaymentIntentCreated": "The payment page was opened.",
    "billing.PaymentStarted": "Payment attempt number {attempt} was begun.",
    "billing.QuoteGiven": "A price of {total} was quoted for {product_name}, {names}.",
    "billing.RefundIssued": "{amount} was given back to {target}.",
    "billing.RefundStarted": "{amount} is to be given back to {target}.",
    "billing.SurplusReceived": "{amount} came in that nothing was owed for.",
    "billing.SurplusReturned": "{amount} that nothing was owed for went back.",
    "billing.TransactionPosted": "The ledger took down: {text}",
    "billing.VoucherEnded": "The voucher {code} was ended.",
    "billing.VoucherMade": "The voucher {code} was made.",
    "billing.VoucherReleased": "The voucher {code} may be used once more: its order was given up.",
    "billing.VoucherUsed": "The voucher {code} took {discount} off an order.",
    "ca.CAAChecked": "CAA records were looked up before signing; the answer is {outcome}. {reason}",
    "ca.CRLPublished": "Revocation list number {number} was signed.",
    "ca.CertificateRevoked": "The CA revoked the certificate with serial {serial} ({reason}).",
    "ca.CertificateSigned": "The CA signed the certificate with serial {serial}, valid until {not_after}.",
    "ca.ChallengesOpened": "The CA wants to see proofs before it signs.",
    "ca.IssuanceAccepted": "The CA is to sign a certificate for {names}.",
    "ca.IssuanceDelayed": "The CA lets a certificate wait. {reason}",
    "ca.IssuanceRefused": "The CA refused to sign: {reason}",
    "ca.IssuingAuthorityEnded": "The last certificate of {issuer} has ended; its key can be destroyed.",
    "ca.IssuingAuthorityInstalled": "{issuer} is the issuing CA of this installation, valid until {not_after}.",
    "ca.IssuingAuthorityRotated": "{issuer} signs from now on in the place of {previous}; put in place by {by}.",
    "ca.RenewalSuggested": "The CA suggests to replace the certificate with serial {serial} between {start} and {end}.",
    "ca.RootTakenOffline": "The root's key is offline: nothing here can sign with it.",
    "ca.UpstreamOrderIntended": "An order is to be opened at {issuer}.",
    "ca.UpstreamOrderOpened": "An order was opened at {issuer}: {url}",
    "dcv.AuthorizationExpired": "The proof of control over {fqdn} is too old to be used again.",
    "dcv.AuthorizationRequested": "Control over {fqdn} is to be proved.",
    "dcv.ChallengeMailSent": "A validation mail was sent to {address}.",
    "dcv.DCVFileRequested": "The validation file for {fqdn} is to be placed on a server.",
    "dcv.DCVPassed": "Control over {fqdn} was proved by {method}.",
    "dcv.ValidationEnded": "An order that needed this name has ended.",
    "dcv.MailContactLookedUp": "The DNS was asked whether {address} is a contact for a validation mail. {reason}",
    "dcv.MethodChosen": "The validation method {method} was chosen.",
    "dcv.PlacementFailed": "The validation file could not be placed: {reason}",
    "dcv.ValidationAttempted": "A proof by {method} was looked for. {reason}",
    "dcv.ValidationRequested": "A look at the proof was asked for.",
    "discovery.AgentScanRequested": "An agent was asked for a scan of {targets} {names}.",
    "discovery.CertChanged": "{address} serves another certificate than at the scan before.",
    "discovery.CertDiscovered": "A certificate with serial {serial}, valid until {not_after}, was seen first.",
    "discovery.CertsDiscovered": "Certificates seen first: {count}.",
    "discovery.CertGone": "{address} serves no certificate any more.",
    "discovery.CheckFinished": "A check of {fqdn} ended ({state}), grade {grade}.",
    "discovery.ScanFinished": "A scan ended ({state}): {found} found, {new} new, {changed} changed, {gone} gone.",
    "discovery.ScanStarted": "A scan of {targets} {names} was started.",
    "installer.AgentEnrolled": "An agent, version {version}, was enrolled on its host.",
    "installer.AgentJobClaimed": "An agent took a job.",
    "installer.AgentJobCreated": "An agent was given the job {kind} for {subject}.",
    "installer.AgentJobFailed": "An agent could not do a job: {reason}",
    "installer.AgentJobSucceeded": "An agent did a job.",
    "installer.AgentRegistered": "The agent {name} was registered.",
    "installer.AgentRemoved": "An agent was removed.",
    "installer.AgentRenamed": "An agent is called {name} now.",
    "installer.AgentScanFailed": "An agent did not take up a scan: {reason}",
    "installer.AgentStepReported": "An agent told a step of a job.",
    "installer.AgentVerified": "An agent's one-time code was confirmed.",
    "installer.CSRGenerated": "A key and its CSR were made on a server.",
    "installer.CSRGenerationFailed": "The CSR could not be made on a server: {reason}",
    "installer.CertificateSaveFailed": "The certificate could not be saved on a server: {reason}",
    "installer.CertificateSaved": "The certificate was saved on a server as {path}.",
    "installer.ACMEFileFailed": "The file that another CA looks for could not be placed for {fqdn}: {reason}",
    "installer.ACMEFilePlaced": "The file that another CA looks for was placed for {fqdn} as {written_path}.",
    "installer.DCVFileFailed": "The validation file for {fqdn} could not be placed: {reason}",
    "installer.DCVFilePlaced": "The validation file for {fqdn} was placed as {written_path}.",
    "installer.DeploymentFailed": "The certificate could not be installed on a site: {reason}",
    "installer.DeploymentSucceeded": "A site serves the certificate with serial {served_serial}.",
    "installer.ServerAdded": "An agent reaches the server {name} over SSH, as {user} on {address}.",
    "installer.ServerRemoved": "A server that an agent reached over SSH was removed.",
    "installer.ServerStateChanged": "A server that an agent reaches over SSH is {state} now. {detail}",
    "installer.ServerRenamed": "A server was named: {name}",
    "installer.SiteFindingsChanged": "What is amiss with the site {site_name} changed.",
    "installer.SitesReported": "The sites of a server changed.",
    "orders.ACMEOrderOpened": "An ACME client began to ask for a certificate for {names}.",
    "orders.AuthorizationRecorded": "The order has its proof of control over {fqdn}.",
    "orders.CSRRejected": "The CSR from a server could not be used: {reason}",
    "orders.CSRRequested": "A key ({key_algorithm}) and a CSR for {names} are to be made on a server.",
    "orders.CSRSubmitted": "CSR number {csr_version} of the order was accepted for {names}.",
    "orders.CertInstalled": "The certificate with serial {served_serial} was installed on a site.",
    "orders.CertIssued": "The certificate with serial {serial} for {names} was issued, valid until {not_after}.",
    "orders.CertRevoked": "The certificate with serial {serial} was revoked ({reason}).",
    "orders.CertificateSaveRequested": "The certificate of order {number} is to be saved on a server.",
    "orders.InstallationFailed": "The certificate could not be installed on a site: {reason}",
    "orders.InstallationNotBegun": "The certificate was not installed on a site: {reason}",
    "orders.InstallationQueued": "A site waits for the certificate until another one serves it.",
    "orders.InstallationWatched": "What is amiss with a site of the order changed.",
    "orders.InstallationRequested": "The certificate for {names} is to be installed on a site.",
    "orders.IssuanceDelayed": "The certificate takes longer. {reason}",
    "orders.IssuanceFailed": "No certificate was issued: {reason}",
    "orders.IssuanceRequested": "The CA was asked for a certificate for {names}.",
    "orders.MassReplacementCancelled": (
        "The mass replacement was given up; {withdrawn} orders keep their certificates."
    ),
    "orders.MassReplacementCompleted": (
        "The mass replacement is over: {seen} were seen on the wire, {unseen} issued only, {ended} ended meanwhile."
    ),
    "orders.MassReplacementPaused": "The mass replacement was paused.",
    "orders.MassReplacementResumed": "The mass replacement goes on.",
    "orders.MassReplacementStarted": (
        "A mass replacement of {orders} certificates on {sites} sites was started: {reason}"
    ),
    "orders.OrderCancelled": "The order was cancelled; {refund} is given back.",
    "orders.OrderExpired": "The order expired.",
    "orders.OrderPaid": "{amount} was paid by {source}.",
    "orders.OrderPlaced": "Order {number} was placed: {product_name} {names} for {amount}.",
    "orders.OrderRejected": "The order was rejected: {reason}",
    "orders.OrderRenewed": "Another order continues this one.",
    "orders.OrganizationValidated": "The organization of the order was validated.",
    "orders.PaymentRefused": "The payment of the order cannot be taken: {reason}",
    "orders.ReissueRequested": "A new certificate in the same term was asked for: {reason}",
    "orders.RenewalSuggested": (
        "The CA suggests to replace the certificate with serial {serial} between {start} and {end}."
    ),
    "orders.ReplacedRevocationRequested": (
        "The old certificates of a mass replacement are to be revoked as their replacements are seen ({reason})."
    ),
    "orders.ReplacementAsked": "A mass replacement hits the certificate with serial {serial}.",
    "orders.ReplacementBegun": "The replacement of the certificate was begun.",
    "orders.ReplacementWithdrawn": "The mass replacement was given up; the order keeps its certificate.",
    "orders.RevocationRequested": "The certificates of the order are to be revoked ({reason}).",
}
# Where one type of event tells of different things, by its `kind`.
SENTENCES_OF_KIND: dict[tuple[str, str], str] = {
    ("alerts.AlertRaised", "low_balance"): "An alert ({severity}) was raised: the deposit runs low.",
    ("alerts.AlertRaised", "proof_missing"): "An alert ({severity}) was raised: names are to be proved for a reissue.",
    (
        "alerts.AlertRaised",
        "installation_failing",
    ): "An alert ({severity}) was raised: a reissued certificate cannot be installed on a site.",
    ("alerts.AlertRaised", "site_drift"): "An alert ({severity}) was raised: something is amiss with a site.",
}
_MONEY = frozenset({"amount", "total", "refund", "tax", "discount"})
_MOMENTS = ("_at", "not_after", "not_before")


def summary_of(type_: str, data: dict[str, Any]) -> str:
    """The sentence for an event; its type when there is none for it."""
    sentence = SENTENCES_OF_KIND.get((type_, str(data.get("kind", "")))) or SENTENCES.get(type_)
    if sentence is None:
        return type_
    currency = str(data.get("currency", ""))
    said = sentence.format_map(_Words({name: _word(name, value, currency) for name, value in data.items()}))
    said = " ".join(said.split())
    return said if len(said) <= MOST_SUMMARY else f"{said[: MOST_SUMMARY - 1]}…"


def by_person(actor: str) -> bool:
    """Whether a person did it, or a program with a person's token: no agent and none of our services."""
    return actor.startswith(PEOPLE)


def shortened(value: Any) -> Any:
    """The data of an event with long texts cut: an audit log is read, and the whole stands in the feed."""
    if isinstance(value, dict):
        return {name: shortened(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shortened(part) for part in value]
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"{value[:MOST_TEXT]}…"
    return value


class _Words(dict[str, str]):
    """Fields that an older event does not have are left out of its sentence."""

    def __missing__(self, name: str) -> str:
        return ""


def _word(name: str, value: Any, currency: str) -> str:
    if name in _MONEY and isinstance(value, int):
        sign, units = ("-" if value < 0 else ""), abs(value)
        return f"{currency} {sign}{units // 100}.{units % 100:02d}".strip()
    if isinstance(value, list):
        words = [str(one).replace("_", " ") if name == "permissions" else str(one) for one in value[:MOST_NAMES]]
        more = f" and {len(value) - MOST_NAMES} more" if len(value) > MOST_NAMES else ""
        return f"{', '.join(words)}{more}" or ("do nothing" if name == "permissions" else "")
    if isinstance(value, str) and name.endswith(_MOMENTS):
        return value[:10]
    if name in {"factor", "kind"}:
        return str(value).replace("_", " ")
    return "" if value is None else str(value)
