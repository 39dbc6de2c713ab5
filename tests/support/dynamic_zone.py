# SPDX-License-Identifier: Apache-2.0
"""A real name server (BIND) with one zone that takes dynamic updates by a TSIG key."""

import base64
import secrets
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query

from certwright.servers.process import find_program, free_port, stop

START_TIMEOUT_S = 20


@dataclass(frozen=True)
class DynamicZone:
    """Where it listens, and the key that may write `_acme-challenge` records."""

    port: int
    key_name: str
    key: bytes

    @property
    def nameserver(self):
        return f"127.0.0.1:{self.port}"


@contextmanager
def dynamic_zone(folder, origin):
    """Every name of `origin` is 127.0.0.1."""
    folder.mkdir(parents=True)
    key, port = secrets.token_bytes(32), free_port()
    (folder / "zone").write_text(
        f"$ORIGIN {origin}.\n$TTL 1\n@ SOA ns.{origin}. admin.{origin}. 1 3600 600 86400 1\n@ NS ns\n"
        "ns A 127.0.0.1\n@ A 127.0.0.1\n* A 127.0.0.1\n"
    )
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; pid-file none; session-keyfile none; recursion no; notify no;'
        f" listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no; }};\n"
        f'controls {{ }};\nkey "writer" {{ algorithm hmac-sha256; secret "{base64.b64encode(key).decode()}"; }};\n'
        f'zone "{origin}" {{ type primary; file "zone";'
        f" update-policy {{ grant writer name _acme-challenge.www.{origin} TXT;"
        f" grant writer name _acme-challenge.{origin} TXT; }}; }};\n"
    )
    # A copy, since AppArmor keeps the installed program out of the folders of tests.
    shutil.copy(find_program("named"), folder / "named")
    with (folder / "log").open("wb") as log:
        argv = [folder / "named", "-g", "-n", "1", "-c", folder / "named.conf"]
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        _wait(origin, port, process, folder / "log")
        yield DynamicZone(port, "writer", key)
    finally:
        stop(process)


def _wait(origin, port, process, log):
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            dns.query.udp(dns.message.make_query(origin, "SOA"), "127.0.0.1", port=port, timeout=0.5)
        except (OSError, dns.exception.DNSException):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"BIND did not start: {log.read_text()[-1000:]}")
