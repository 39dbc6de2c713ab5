# SPDX-License-Identifier: Apache-2.0
"""A CA in a folder whose OCSP answers and CRLs OpenSSL makes, and a web server on loopback that hands them out."""

from __future__ import annotations

import contextlib
import datetime as dt
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.unit.checker.conftest import certificate, lists_at, responder_at

_CONFIG = """
[ca]
default_ca = here
[here]
database = {0}/index.txt
crlnumber = {0}/crlnumber
certificate = {0}/ca.pem
private_key = {0}/ca.key
default_md = sha256
"""


class OpenSSLCA:
    """`url` is where its answers lie. Certificates name `/ocsp` and `/ca.crl` there."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.root, self.key = certificate((), ca=True, subject="OpenSSL Test CA", now=self.now)
        self.save("ca", self.root, self.key)
        (folder / "index.txt").touch()
        (folder / "crlnumber").write_text("01\n")
        (folder / "ca.cnf").write_text(_CONFIG.format(folder))

    def save(self, name, one, key):
        """Writes `name`.pem and `name`.key."""
        (self.folder / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))
        packed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / f"{name}.key").write_bytes(packed)

    def issue(self, name, *, state="V", names=("www.shop.example.org",), extensions=None, **options):
        """A leaf with its files. `state` in the CA's book: V valid, R revoked, empty for not in it."""
        if extensions is None:
            extensions = [responder_at(f"{self.url}/ocsp"), lists_at(f"{self.url}/ca.crl")]
        leaf, key = certificate(
            names, issuer=self.root, signer=self.key, subject=name, now=self.now, extensions=extensions, **options
        )
        self.save(name, leaf, key)
        if state:
            self._book(leaf, state)
        return leaf

    def _book(self, leaf, state):
        revoked = f"{self.now - dt.timedelta(hours=1):%y%m%d%H%M%SZ},keyCompromise" if state == "R" else ""
        serial = f"{leaf.serial_number:X}"
        serial = serial.zfill(len(serial) + len(serial) % 2)
        line = f"{state}\t{leaf.not_valid_after_utc:%y%m%d%H%M%SZ}\t{revoked}\t{serial}\tunknown\t/CN={serial}\n"
        with (self.folder / "index.txt").open("a") as book:
            book.write(line)

    def answer(self, question, signer="ca", *options):
        """The OCSP answer to a question, DER, that holds for a day."""
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "answer.der").unlink()
        (self.folder / "question.der").write_bytes(question)
        self._run(
            *("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key"),
            *("-reqin", "question.der", "-respout", "answer.der", "-ndays", "1", *options),
        )
        return (self.folder / "answer.der").read_bytes()

    def revocation_list(self):
        """The CRL, DER, that holds for a day."""
        self._run("ca", "-gencrl", "-config", "ca.cnf", "-crldays", "1", "-out", "list.pem")
        return x509.load_pem_x509_crl((self.folder / "list.pem").read_bytes()).public_bytes(Encoding.DER)

    def _run(self, *argv):
        done = subprocess.run(["openssl", *argv], cwd=self.folder, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


class Answers:
    """A web server: `routes` maps a path to a function of the request's body that gives the answer's."""

    def __init__(self):
        self.routes = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                route = outer.routes.get(self.path)
                found = route(body) if route else b""
                self.send_response(200 if route else 404)
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def do_POST(self):
                self.do_GET()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
