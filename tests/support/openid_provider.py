# SPDX-License-Identifier: Apache-2.0
"""A small OpenID Connect provider that signs with real keys and checks what a client must send.

It has no accounts: its page asks who one is. `claims`, `header`, `key` … make it lie, one thing at a time.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from joserfc import jwk, jwt
from joserfc.errors import SecurityWarning

from shared.egress.guard import EgressError, Response

CLIENT = "certwright test/1"
SECRET = "s3cret:+ä%"
KINDS = {
    "RS256": ("RSA", 2048),
    "PS256": ("RSA", 2048),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}


def new_key(alg="ES256", kid="k1"):
    """A key that signs by `alg`."""
    return jwk.generate_key(*KINDS[alg], parameters={"kid": kid})


class Provider:
    """`answer` is the whole of it; `served` puts it on a port. `redirect_uri` is the only one that is registered."""

    def __init__(self, issuer, redirect_uri, *, alg="ES256", now=time.time):
        self.issuer = issuer
        self.redirect_uri = redirect_uri
        self.alg = alg
        self.now = now
        self.key = new_key(alg)
        self.published = [self.key]
        self.codes = {}
        self.asked = []
        self.lies()

    def lies(self, *, claims=None, header=None, key=None, alg=None, token=None, discovery=None, status=None, iss=True):
        """What is wrong from now on; nothing without arguments. A claim of None is left out."""
        self.claims, self.header, self.lying_key, self.lying_alg = claims or {}, header or {}, key, alg
        self.whole_token, self.discovery, self.status, self.says_issuer = token, discovery or {}, status or {}, iss

    # --- what a browser and a client ask ---

    def answer(self, method, target, headers, body=b""):
        """(status, media type or Location, body)."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(urlsplit(self.issuer).path)
        self.asked.append(path)
        if path in self.status:
            return self.status[path], "text/plain", b"no"
        if path == "/.well-known/openid-configuration":
            return 200, "application/json", json.dumps(self._describes()).encode()
        if path == "/keys":
            keys = [one.as_dict(private=False) for one in self.published]
            return 200, "application/json", json.dumps({"keys": [{"kty": "future"}, *keys]}).encode()
        if path == "/authorize" and method == "GET":
            return self._authorize(dict(parse_qsl(parts.query, keep_blank_values=True)))
        if path == "/token" and method == "POST":
            return self._token(headers, dict(parse_qsl(body.decode())))
        return 404, "text/plain", b"nothing here"

    def _describes(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "authorization_response_iss_parameter_supported": True,
            **self.discovery,
        }

    def _authorize(self, query):
        if query.get("client_id") != CLIENT or query.get("redirect_uri") != self.redirect_uri:
            return 400, "text/plain", b"unknown client or redirect_uri"  # RFC 6749 4.1.2.1: no redirect then
        wanted = {"response_type": "code", "code_challenge_method": "S256", "scope": "openid"}
        if any(query.get(name) != value for name, value in wanted.items()) or not (
            query.get("state") and query.get("nonce") and len(query.get("code_challenge", "")) == 43
        ):
            return 302, self._back(query, error="invalid_request"), b""
        if "as" in query:
            return 302, self.back(query, query["as"]), b""
        links = [("Cancel", self._back(query, error="access_denied"))]
        links += [(f"Sign in as {who}", self.back(query, who)) for who in ("nora", "otto")]
        shown = "".join(f'<p><a href="{html.escape(url)}">{text}</a></p>' for text, url in links)
        page = f'<!doctype html><html lang="en"><title>Provider</title><main><h1>Provider</h1>{shown}</main></html>'
        return 200, "text/html; charset=utf-8", page.encode()

    def back(self, query, subject):
        """Where the browser goes when `subject` has signed in at the provider."""
        code = secrets.token_urlsafe(24)
        self.codes[code] = {**query, "sub": subject}
        return self._back(query, code=code)

    def visit(self, url, subject="nora"):
        """What the browser brings back after it went to `url`: the parameters of the redirect."""
        status, location, _ = self.answer("GET", f"{url}&{urlencode({'as': subject})}", {})
        assert status == 302, location
        return dict(parse_qsl(urlsplit(location).query))

    def _back(self, query, **more):
        said = {"iss": self.issuer} if self.says_issuer is True else {"iss": self.says_issuer or ""}
        given = {**more, "state": query.get("state", ""), **{name: value for name, value in said.items() if value}}
        return f"{self.redirect_uri}?{urlencode(given)}"

    def _token(self, headers, form):
        expected = base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode()
        if headers.get("Authorization") != f"Basic {expected}":
            return 401, "application/json", b'{"error":"invalid_client"}'
        grant = self.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        right = grant is not None and (
            form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == self.redirect_uri
            and 43 <= len(verifier) <= 128
            and grant["code_challenge"] == digest
        )
        if not right:
            return 400, "application/json", b'{"error":"invalid_grant"}'
        tokens = {"access_token": "unused", "token_type": "Bearer", "id_token": self._id_token(grant)}
        return 200, "application/json", json.dumps(tokens).encode()

    def _id_token(self, grant):
        if self.whole_token is not None:
            return self.whole_token
        now = int(self.now())
        claims = {
            "iss": self.issuer,
            "sub": grant["sub"],
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": grant["nonce"],
            "email": "nora@example.com",
            **self.claims,
        }
        key, alg = self.lying_key or self.key, self.lying_alg or self.alg
        header = {"alg": alg, "kid": key.kid, **self.header}
        kept = {name: value for name, value in header.items() if value is not None}
        said = {name: value for name, value in claims.items() if value is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # old names of algorithms are written on purpose
            return jwt.encode(kept, said, key, algorithms=[alg])


class Wire:
    """Stands for `Egress` in tests that need no socket: asks a `Provider` in this process."""

    def __init__(self, provider):
        self.provider = provider
        self.down = None

    def fetch(self, url, *, method="GET", headers=None, body=b"", **_):
        if self.down:
            raise EgressError(self.down, "The provider takes no connection.")
        status, media, content = self.provider.answer(method, url, headers or {}, body)
        return Response(url, "127.0.0.1", status, (("Content-Type", media),), content, complete=True)


@contextmanager
def served(redirect_uri):
    """The provider on a port of its own, for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, media, content = provider.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Location" if status == 302 else "Content-Type", media)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Nothing: tests look at `asked`."""

    Handler.do_GET = Handler.do_POST = Handler._serve
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}/realm", redirect_uri)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def settings_for(provider, name="Blumen ID"):
    """Environment of a product that uses this provider."""
    return {
        "CERTWRIGHT_ACCOUNTS_OIDC_ISSUER": provider.issuer,
        "CERTWRIGHT_ACCOUNTS_OIDC_CLIENT_ID": CLIENT,
        "CERTWRIGHT_ACCOUNTS_OIDC_CLIENT_SECRET": SECRET,
        "CERTWRIGHT_ACCOUNTS_OIDC_NAME": name,
        "CERTWRIGHT_EGRESS_ALLOW_NETWORKS": '["127.0.0.0/8"]',
    }
