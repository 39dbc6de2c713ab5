# SPDX-License-Identifier: Apache-2.0
"""The peer of whole orders: Debian's Pebble, always valid and without sleeps, driven by a lean ACME client.

The client does what RFC 8555 asks for one order and nothing more: one keep-alive connection, the nonce of the last
answer, an account key on P-256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from tests.support.pebble import pebble as private_pebble


@contextmanager
def pebble(folder: Path, *, dns_port: int | None = None, http_port: int | None = None) -> Iterator[tuple[int, int]]:
    """A Pebble without its faults; yields its port and process id. Raises LookupError when it is not installed.

    With a name server it looks for the answers of clients on `http_port`; without one, every challenge is valid.
    """
    nameserver = f"127.0.0.1:{dns_port}" if dns_port else ""
    quiet = {"nonce_reject": 0, "sleep": False, "authz_reuse": 0, "always_valid": not dns_port}
    with private_pebble(folder, nameserver=nameserver, http_port=http_port, **quiet) as made:
        yield made.port, made.pid


class LeanClient:
    """One account on one connection. With `binding` (key id and HMAC key) over plain HTTP, below /acme/directory."""

    def __init__(self, port: int, *, binding: tuple[str, bytes] | None = None) -> None:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        self._connection: http.client.HTTPConnection
        if binding is None:
            self._connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=10)
        else:
            self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self._jwk = {"crv": "P-256", "kty": "EC", "x": _b64(numbers.x.to_bytes(32)), "y": _b64(numbers.y.to_bytes(32))}
        self._kid = ""
        self._nonce = ""
        self._directory = self._get("/dir" if binding is None else "/acme/directory")
        self._request("HEAD", self._directory["newNonce"])
        wanted: dict[str, Any] = {"termsOfServiceAgreed": True}
        if binding is not None:
            wanted["externalAccountBinding"] = self._bound(*binding)
        _, headers = self._post(self._directory["newAccount"], wanted)
        self._kid = headers["Location"]

    @property
    def thumbprint(self) -> str:
        """Of the account key (RFC 7638): the second half of every key authorization."""
        return _b64(hashlib.sha256(json.dumps(self._jwk, separators=(",", ":"), sort_keys=True).encode()).digest())

    def order(self, csr_der: bytes, name: str) -> bytes:
        """One certificate for one name; the chain in PEM."""
        placed, headers = self._post(self._directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]})
        order_url = headers["Location"]
        for url in placed["authorizations"]:
            found, _ = self._post(url, None)
            challenge = next(each for each in found["challenges"] if each["type"] == "http-01")
            self._post(challenge["url"], {})
            while found["status"] == "pending":
                found, _ = self._post(url, None)
        done, _ = self._post(placed["finalize"], {"csr": _b64(csr_der)})
        while done["status"] == "processing":
            done, _ = self._post(order_url, None)
        if done["status"] != "valid":
            raise RuntimeError(f"the order is {done['status']}")
        chain, _ = self._post(done["certificate"], None)
        return bytes(chain)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def _bound(self, key_id: str, key: bytes) -> dict[str, str]:
        head = _b64(json.dumps({"alg": "HS256", "kid": key_id, "url": self._directory["newAccount"]}).encode())
        body = _b64(json.dumps(self._jwk).encode())
        mac = hmac.digest(key, f"{head}.{body}".encode(), hashlib.sha256)
        return {"protected": head, "payload": body, "signature": _b64(mac)}

    def _get(self, path: str) -> Any:
        return json.loads(self._request("GET", path)[0])

    def _post(self, url: str, payload: dict[str, Any] | None) -> tuple[Any, http.client.HTTPMessage]:
        protected: dict[str, Any] = {"alg": "ES256", "nonce": self._nonce, "url": url}
        protected |= {"kid": self._kid} if self._kid else {"jwk": self._jwk}
        head = _b64(json.dumps(protected).encode())
        body = _b64(json.dumps(payload).encode()) if payload is not None else ""
        r, s = decode_dss_signature(self._key.sign(f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256())))
        signed = {"protected": head, "payload": body, "signature": _b64(r.to_bytes(32) + s.to_bytes(32))}
        answer, headers = self._request("POST", url, json.dumps(signed))
        plain = "json" not in (headers["Content-Type"] or "")
        return answer if plain else json.loads(answer), headers

    def _request(self, method: str, url: str, body: str = "") -> tuple[bytes, http.client.HTTPMessage]:
        path = re.sub(r"^https?://[^/]+", "", url)
        self._connection.request(method, path, body, {"Content-Type": "application/jose+json"} if body else {})
        answer = self._connection.getresponse()
        content = answer.read()
        self._nonce = answer.headers.get("Replay-Nonce", self._nonce)
        if answer.status >= 400:
            raise RuntimeError(f"the server answered {answer.status}: {content[:300]!r}")
        return content, answer.headers


def request_for(name: str) -> tuple[bytes, str]:
    """A key on P-256 and its CSR for `name`, as DER and as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return csr.public_bytes(serialization.Encoding.DER), csr.public_bytes(serialization.Encoding.PEM).decode()


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
