# SPDX-License-Identifier: Apache-2.0
"""What the gateway does for another CA's challenges, without a gateway: the file of a token, by plain HTTP."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def answering(port, content_of):
    """`content_of(token)` gives the text of a file, or None. `port` of 127.0.0.1 answers; 0 takes a free one, which is
    `server_port` of what this gives."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = content_of(self.path.removeprefix("/.well-known/acme-challenge/"))
            self.send_response(200 if content else 404)
            self.end_headers()
            self.wfile.write((content or "").encode())

        def log_message(self, *_):
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
