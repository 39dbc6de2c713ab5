# SPDX-License-Identifier: Apache-2.0
"""An ACME client that repeats what got no answer, as RFC 8555 lets it: with a new nonce, until somebody is there."""

from __future__ import annotations

import time
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.acme.jwk import decode, encode, thumbprint
from tests.support.acme_signer import Signer

STEP_S = 0.2
PASSING = frozenset({500, 502, 503, 504})


class PatientACME:
    """One account of our ACME server, bound by a credential as the API gives it. `patience` is for a whole order."""

    def __init__(self, directory: str, key: dict[str, Any], *, patience: float) -> None:
        self._signer = Signer()
        self._patience = patience
        self._deadline = time.monotonic() + patience
        self._kid = ""
        self.thumbprint = thumbprint(self._signer.jwk)
        self._urls = self._until_answered(lambda: requests.get(directory, timeout=60)).json()
        url = self._urls["newAccount"]
        binding = self._signer.binding(url, key["credential"]["credential_id"], decode(key["hmac_key"]))
        made = self.post(url, {"termsOfServiceAgreed": True, "externalAccountBinding": binding})
        self._kid = made.headers["Location"]

    def certificate(self, name: str, tokens: set[str]) -> str:
        """The chain for a name, in PEM. `tokens` is told of each token whose file has to be served."""
        self._deadline = time.monotonic() + self._patience
        csr = _request_for(name)
        opened = self.post(self._urls["newOrder"], {"identifiers": [{"type": "dns", "value": name}]})
        order, url = opened.json(), opened.headers["Location"]
        for authorization in order["authorizations"]:
            self._prove(authorization, tokens)
        while order["status"] in {"pending", "ready"}:
            # A client whose finalize got no answer asks for the order first; what is there is not asked for again.
            order = self.post(order["finalize"], {"csr": csr}).json()
        while order["status"] == "processing":
            self._pause(f"the order {order}")
            order = self.post(url).json()
        assert order["status"] == "valid", order
        return self.post(order["certificate"]).text

    def _prove(self, authorization: str, tokens: set[str]) -> None:
        found = self.post(authorization).json()
        if found["status"] == "valid":
            return
        challenge = next(one for one in found["challenges"] if one["type"] == "http-01")
        tokens.add(challenge["token"])
        self.post(challenge["url"], {})
        while (found := self.post(authorization).json())["status"] == "pending":
            self._pause(f"the authorization {found}")
        assert found["status"] == "valid", found

    def post(self, url: str, payload: Any = None) -> requests.Response:
        """A signed request, repeated until it has an answer that is one; a refusal fails the test."""

        def once() -> requests.Response:
            nonce = requests.head(self._urls["newNonce"], timeout=60).headers["Replay-Nonce"]
            body = self._signer.sign(url, payload, nonce, self._kid or None)
            return requests.post(url, data=body, headers={"Content-Type": "application/jose+json"}, timeout=60)

        return self._until_answered(once)

    def _until_answered(self, ask: Any) -> requests.Response:
        while True:
            said: object
            try:
                answer: requests.Response = ask()
            except (requests.RequestException, KeyError) as error:
                said = error
            else:
                said = answer.text
                if answer.ok:
                    return answer
                assert answer.status_code in PASSING or "badNonce" in answer.text, said
            self._pause(said)

    def _pause(self, waits_for: object) -> None:
        assert time.monotonic() < self._deadline, f"waited {self._patience} s: {waits_for}"
        time.sleep(STEP_S)


def _request_for(name: str) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    csr = builder.add_extension(names, critical=False).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return encode(csr.public_bytes(serialization.Encoding.DER))
