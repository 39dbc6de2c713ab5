# SPDX-License-Identifier: Apache-2.0
"""A gateway for the agent's own tests: speaks the agent API from memory, as friend or as foe."""

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class AgentGateway:
    """Hands out `jobs`; keeps what came: `requests` as (method, path, token, body), `outcomes` by job."""

    def __init__(self):
        self.jobs = []
        self.requests = []
        self.outcomes = {}
        self.verified = set()
        self.raw = None  # (status, bytes): said instead of anything else
        self.retry_after = None
        self.url = ""

    def answer(self, method, path, token, body):
        self.requests.append((method, path, token, body))
        if self.raw is not None:
            return self.raw
        path = path.removeprefix("/api/agent/v1")
        if path == "/introduce":
            state = "verified" if body["code_sha256"] in self.verified else "waiting"
            return 200, {"state": state, "agent_id": "a", "name": "web"}
        if path == "/finish":
            return 200, {"state": "verified", "agent_id": "a", "name": "web", "token": "T" * 40, "address": "192.0.2.1"}
        if token != "T" * 40:
            return 401, {"detail": "who are you"}
        if path == "/jobs/claim":
            jobs, self.jobs = self.jobs[:1], self.jobs[1:]
            return 200, {"jobs": jobs, "poll_after": 0.1}
        if path.endswith("/finish"):
            self.outcomes[path.split("/")[2]] = body
        return 204, None


@contextmanager
def running(certificate=None):
    """On a loopback port; with `certificate` (PEM files of chain and key) over TLS."""
    gateway = AgentGateway()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self):
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
            status, answer = gateway.answer(self.command, self.path, token, body)
            content = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            if gateway.retry_after is not None:
                self.send_header("Retry-After", gateway.retry_after)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    for method in ("POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler._handle)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    host = "localhost" if certificate else "127.0.0.1"
    gateway.url = f"{scheme}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
