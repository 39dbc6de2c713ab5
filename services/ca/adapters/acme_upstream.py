# SPDX-License-Identifier: Apache-2.0
"""Another CA over ACME (RFC 8555), as an issuer of ours: one small step at a time, each to be recorded by the caller.

What makes two certificates of one intention impossible: the order is recorded before its challenges, it is finalized
with the one CSR of the issuance, and a finalized order gives the same certificate however often it is fetched. An order
whose URL was lost in a crash is looked for in the account's list, and taken up again; where the CA keeps no list, it
was never finalized, so that no certificate came of it.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import requests
from acme import challenges, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from services.ca.adapters.acme_account import Connection, Enrolment, connect, thumbprint
from services.ca.adapters.acme_renewal import ReplacingOrder, certificate_id, read_renewal_info
from services.ca.adapters.acme_wire import RateLimitedError, guarded, retry_after, said
from services.ca.adapters.returned import read_returned
from services.ca.ports import (
    ChallengesMade,
    Delivery,
    IssuerRefusedError,
    IssuerUnavailableError,
    OrderIntended,
    OrderOpened,
    Progress,
    RenewalInfo,
    Step,
    Wait,
)
from shared.contracts.ca import IssuanceAccepted, UpstreamChallenge

RECONNECT_AFTER_S = 3600  # the directory may have changed
MOST_LISTED = 50  # pages of the account's orders that are looked through for one that was lost


class ACMEUpstream:
    """See `ports.Upstream`. `prefer` is http-01 or dns-01; wildcard names go by dns-01 whatever is preferred. The CA
    is asked again after `poll_s`, what is not seen yet is looked for again after `unseen_wait_s`.
    `linted`: what it sends is given to a linter.
    """

    def __init__(
        self,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        enrolment: Enrolment,
        delivery: Delivery,
        *,
        prefer: str = "http-01",
        poll_s: float = 1.0,
        unseen_wait_s: float = 15.0,
        linted: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._key = key
        self._enrolment = enrolment
        self._delivery = delivery
        self._prefer = prefer
        self._poll_s = poll_s
        self._unseen_wait_s = unseen_wait_s
        self._linted = linted
        self._monotonic = monotonic
        self._connection: tuple[Connection, float] | None = None
        self._thumbprint = thumbprint(key)

    @property
    def name(self) -> str:
        """What the operator calls this CA."""
        return self._name

    def advance(self, accepted: IssuanceAccepted, progress: Progress) -> Step:
        """See `ports.Issuer`. A CA that is down or wants less haste is a wait with its reason, not an error."""
        try:
            return guarded(self._name, lambda: self._advance(accepted, progress))
        except RateLimitedError as error:
            return Wait(error.seconds, f"{self._name} wants fewer requests: {error}")
        except IssuerUnavailableError as error:
            self._connection = None
            return Wait(self._unseen_wait_s, str(error))

    def revoke(self, certificate_pem: str, reason: int) -> None:
        """See `ports.Issuer`. What was revoked already is well (RFC 8555 §7.6)."""
        certificate = x509.load_pem_x509_certificate(certificate_pem.encode())

        def tell() -> None:
            connection = self._connected()
            try:
                connection.post(
                    connection.directory["revokeCert"], messages.Revocation(certificate=certificate, reason=reason)
                )
            except messages.Error as error:
                if error.code != "alreadyRevoked":
                    raise

        try:
            guarded(self._name, tell)
        except RateLimitedError as error:
            raise IssuerUnavailableError(f"{self._name} wants fewer requests: {error}") from error

    def renewal_info(self, certificate_pem: str) -> RenewalInfo | None:
        """See `ports.Upstream`."""
        named = certificate_id(certificate_pem)

        def ask() -> RenewalInfo | None:
            answer = self._connected().renewal_info(named) if named else None
            return None if answer is None else read_renewal_info(answer)

        try:
            return guarded(self._name, ask)
        except (RateLimitedError, IssuerRefusedError) as error:
            raise IssuerUnavailableError(f"{self._name} says nothing of a renewal: {error}") from error

    def _advance(self, accepted: IssuanceAccepted, progress: Progress) -> Step:
        if accepted.issuer != self._name:
            raise IssuerRefusedError(f"This CA is {self._name}, not {accepted.issuer}.")
        if not progress.intended:
            return OrderIntended()
        connection = self._connected()
        if not progress.order_url:
            lost = "" if progress.fresh else self._lost(connection, accepted, progress)
            return OrderOpened(lost or self._open(connection, accepted, progress.predecessor_pem))
        answer = connection.post(progress.order_url)
        order = answer.json()
        status = order["status"]
        if status == "pending":
            return self._prove(connection, order, progress)
        if status == "ready":
            # Read with all checks by shared/pki when it was accepted; only sent on here.
            csr = x509.load_pem_x509_csr(accepted.csr_pem.encode())  # noqa: TID251
            answer = connection.post(order["finalize"], messages.CertificateRequest(csr=csr))
            order, status = answer.json(), answer.json()["status"]
        if status == "processing":
            return Wait(retry_after(answer, self._poll_s))
        if status == "valid":
            chain = connection.post(order["certificate"]).text
            signed = read_returned(self._name, chain, accepted, linted=self._linted)
            for each in progress.challenges:
                self._delivery.withdraw(each)
            return signed
        raise IssuerRefusedError(f"{self._name} will not issue: {self._why(connection, order)}")

    def _open(self, connection: Connection, accepted: IssuanceAccepted, predecessor_pem: str = "") -> str:
        names = [messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=name) for name in accepted.names]
        address = connection.directory["newOrder"]
        replaced = certificate_id(predecessor_pem) if predecessor_pem else ""
        if replaced and connection.offers_renewal_info:
            try:
                wanted = ReplacingOrder(identifiers=names, replaces=replaced)
                return str(connection.post(address, wanted).headers["Location"])
            except errors.ConflictError:
                pass  # RFC 9773 §5: another order has replaced it (409), which does not keep us from ordering
            except messages.Error as error:
                if error.code != "malformed":  # it knows no such certificate of ours
                    raise
        return str(connection.post(address, messages.NewOrder(identifiers=names)).headers["Location"])

    def _lost(self, connection: Connection, accepted: IssuanceAccepted, progress: Progress) -> str:
        """An unfinished order for the very names that no issuance of ours knows. Empty when there is none."""
        wanted = sorted(accepted.names)
        for url in _listed(connection):
            if progress.taken(url):
                continue
            order = connection.post(url).json()
            names = sorted(str(each["value"]) for each in order.get("identifiers", ()))
            if order.get("status") in {"pending", "ready"} and names == wanted:
                return url
        return ""

    def _prove(self, connection: Connection, order: dict[str, Any], progress: Progress) -> Step:
        pending = [
            found for url in order["authorizations"] if (found := connection.post(url).json())["status"] == "pending"
        ]
        if not progress.challenges:
            made = tuple(self._challenge(each) for each in pending)
            return ChallengesMade(made) if made else Wait(self._poll_s)
        unseen = []
        by_url = {each.url: each for each in progress.challenges}
        for authorization in pending:
            offered = next((each for each in authorization["challenges"] if each["url"] in by_url), None)
            if offered is None:
                raise IssuerRefusedError(f"{self._name} took its challenge back; send another request (CSR).")
            if offered["status"] != "pending":
                continue  # it looks by now
            challenge = by_url[offered["url"]]
            self._delivery.deliver(challenge)
            missing = self._delivery.unseen(challenge)
            if missing:
                unseen.append(missing)
                continue
            self._tell(connection, challenge)
        return Wait(self._unseen_wait_s, " ".join(unseen)) if unseen else Wait(self._poll_s)

    def _tell(self, connection: Connection, challenge: UpstreamChallenge) -> None:
        """Has the CA look. Between our question and this it may have looked already, when we had told it before: then
        it calls this malformed, and the next look at the order shows the outcome.
        """
        try:
            connection.post(challenge.url, _ANSWERS[challenge.kind])
        except messages.Error as error:
            if error.code != "malformed":
                raise

    def _challenge(self, authorization: dict[str, Any]) -> UpstreamChallenge:
        fqdn = str(authorization["identifier"]["value"])
        kind = "dns-01" if authorization.get("wildcard") else self._prefer
        offered = next((each for each in authorization["challenges"] if each["type"] == kind), None)
        if offered is None:
            raise IssuerRefusedError(f"{self._name} offers no {kind} for {fqdn}; set another challenge.")
        token = str(offered["token"])
        authorized = f"{token}.{self._thumbprint}"
        if kind == "dns-01":
            return UpstreamChallenge(
                fqdn=fqdn, kind=kind, token=token, name=f"_acme-challenge.{fqdn}", value=txt_value(authorized),
                url=offered["url"],
            )  # fmt: skip
        return UpstreamChallenge(
            fqdn=fqdn, kind=kind, token=token, name=f"http://{fqdn}/.well-known/acme-challenge/{token}",
            value=authorized, url=offered["url"],
        )  # fmt: skip

    def _why(self, connection: Connection, order: dict[str, Any]) -> str:
        """What the CA said of the order, or of the names that failed."""
        found = [messages.Error.from_json(order["error"])] if order.get("error") else []
        for url in order.get("authorizations", ()):
            authorization = connection.post(url).json()
            found += [
                messages.Error.from_json(each["error"]) for each in authorization["challenges"] if each.get("error")
            ]
        return "; ".join(dict.fromkeys(said(each) for each in found)) or f"its order is {order.get('status')}."

    def _connected(self) -> Connection:
        if self._connection is None or self._monotonic() > self._connection[1]:
            self._connection = (connect(self._key, self._enrolment), self._monotonic() + RECONNECT_AFTER_S)
        return self._connection[0]


_ANSWERS = {
    "http-01": challenges.HTTP01Response(key_authorization=""),
    "dns-01": challenges.DNS01Response(key_authorization=""),
}


def txt_value(key_authorization: str) -> str:
    """The content of the TXT record for dns-01 (RFC 8555 §8.4)."""
    return urlsafe_b64encode(sha256(key_authorization.encode()).digest()).decode().rstrip("=")


def _listed(connection: Connection) -> Iterator[str]:
    """The URLs of the account's orders, page by page (RFC 8555 §7.1.2.1)."""
    url = connection.orders_url
    for _ in range(MOST_LISTED):
        if not url:
            return
        answer = connection.post(url)
        yield from map(str, answer.json().get("orders") or ())
        url = _next(answer)


def _next(answer: requests.Response) -> str:
    return str(answer.links.get("next", {}).get("url", ""))
