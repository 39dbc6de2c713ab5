# SPDX-License-Identifier: Apache-2.0
"""The agent's page as the shipped file serves it, and bytes sent to it as no browser would."""

import io
import json
import re
import socket
import subprocess
import sys
import zipfile

from services.installer.adapters.bundle import SourceBundle

UID = "0" * 32


class AgentPage:
    """A process of its own in `home`; `url` and `hint` are what it printed, `port` and `token` parts of the URL."""

    def __init__(self, home, gateway, **settings):
        self.home = home
        zipfile.ZipFile(io.BytesIO(SourceBundle().build(UID, gateway))).extractall(home)
        more = {"web_servers": [], "poll_seconds": 0.1, **settings}
        path = home / "agent.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(home / "certwright-agent.pyz"), "page"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        line = self.process.stdout.readline()
        self.hint = self.process.stdout.readline().strip()
        found = re.search(r"(http://127\.0\.0\.1:(\d+)/([A-Za-z0-9_-]{43})/)$", line.strip())
        assert found, line
        self.url, self.port, self.token = found[1], int(found[2]), found[3]

    def stop(self):
        """Ends it; returns what it said after those lines."""
        self.process.terminate()
        said = self.process.communicate(timeout=20)[0]
        assert self.process.returncode == 0, said
        return said

    def close(self):
        """Ends it, if a test has not."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    def raw(self, *lines, body=b""):
        """One request line and headers as they are; status, headers and body of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + body)
            answer = connection.makefile("rb").read()
        head, _, content = answer.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), content.decode()

    def get(self, path=None, host=None):
        path = f"/{self.token}/" if path is None else path
        return self.raw(f"GET {path} HTTP/1.0", f"Host: {host or f'127.0.0.1:{self.port}'}")

    def post(self, action, body="", **changed):
        """As the page's own form sends it, but for `changed` headers; None leaves one out."""
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Origin": f"http://127.0.0.1:{self.port}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return self.raw(f"POST /{self.token}/do/{action} HTTP/1.0", *lines, body=body.encode("latin-1"))
