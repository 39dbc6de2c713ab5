# SPDX-License-Identifier: Apache-2.0
"""The peer of whole orders: Debian's Pebble, always valid and without sleeps, driven by a lean ACME client.

The client does what RFC 8555 asks for one order and nothing more: one keep-alive connection, the nonce of the last
answer, an account key on P-256.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from certwright.servers.process import find_program, free_port, stop

START_TIMEOUT_S = 20


@contextmanager
def pebble(folder: Path) -> Iterator[tuple[int, int]]:
    """A Pebble of its own; yields its port and process id. Raises LookupError when it is not installed."""
    program = find_program("pebble")
    if program is None:
        raise LookupError("Pebble is not installed: run tests/setup-servers --bench")
    folder.mkdir(parents=True, exist_ok=True)
    _certificate(folder)
    port = free_port()
    settings = {
        "pebble": {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{free_port()}",
            "certificate": str(folder / "cert.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": free_port(),
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
    }
    (folder / "pebble.json").write_text(json.dumps(settings))
    environment = {
        **os.environ,
        "PEBBLE_VA_NOSLEEP": "1",
        "PEBBLE_VA_ALWAYS_VALID": "1",
        "PEBBLE_WFE_NONCEREJECT": "0",
        "PEBBLE_AUTHZREUSE": "0",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(program), "-config", str(folder / "pebble.json")], env=environment, stdout=log, stderr=log
        )
    try:
        _wait(port, process, folder / "log")
        yield port, process.pid
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


class LeanClient:
    """One account on one connection."""

    def __init__(self, port: int) -> None:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=10)
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        self._jwk = {"crv": "P-256", "kty": "EC", "x": _b64(numbers.x.to_bytes(32)), "y": _b64(numbers.y.to_bytes(32))}
        self._kid = ""
        self._nonce = ""
        self._directory = self._get("/dir")
        self._request("HEAD", self._directory["newNonce"])
        _, headers = self._post(self._directory["newAccount"], {"termsOfServiceAgreed": True})
        self._kid = headers["Location"]

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
            raise RuntimeError(f"Pebble's order is {done['status']}")
        chain, _ = self._post(done["certificate"], None)
        return bytes(chain)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

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
        path = re.sub(r"^https://[^/]+", "", url)
        self._connection.request(method, path, body, {"Content-Type": "application/jose+json"} if body else {})
        answer = self._connection.getresponse()
        content = answer.read()
        self._nonce = answer.headers.get("Replay-Nonce", self._nonce)
        if answer.status >= 400:
            raise RuntimeError(f"Pebble answered {answer.status}: {content[:300]!r}")
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


def _certificate(folder: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            LeanClient(port).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"Pebble did not start: {log.read_text()[-1000:]}")


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
