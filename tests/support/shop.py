# SPDX-License-Identifier: Apache-2.0
"""A shop that gets the payment provider's notices: it keeps them, and answers as it is told."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shop:
    """`answers` are the statuses of the first requests, the last one repeats; `take` may handle each notice."""

    def __init__(self, answers=(204,), take=None):
        self.notices = []
        self._answers = list(answers)
        self._arrived = threading.Condition()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                names = {"notice_id": "webhook-id", "timestamp": "webhook-timestamp", "signature": "webhook-signature"}
                notice = {"body": body, **{key: self.headers[name] for key, name in names.items()}}
                if take is not None:
                    take(notice)
                with shop._arrived:
                    status = shop._answers[min(len(shop.notices), len(shop._answers) - 1)]
                    shop.notices.append(notice)
                    shop._arrived.notify_all()
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/notices"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count, within_s=30):
        """The notices, once there are `count`."""
        deadline = time.monotonic() + within_s
        with self._arrived:
            while len(self.notices) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.notices)} of {count} notices came"
                self._arrived.wait(left)
            return list(self.notices)
