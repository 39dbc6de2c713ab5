# SPDX-License-Identifier: Apache-2.0
"""Debian's Pebble, started privately: an ACME CA that is as difficult as it may be."""

import json
import os
import ssl
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certwright.servers.process import find_program, free_port, stop

START_TIMEOUT_S = 20
EAB = ("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W")


@dataclass(frozen=True)
class Pebble:
    """Where it is, and the root of its HTTPS. It looks for files at `http_port` of the name."""

    port: int
    http_port: int
    pid: int
    trust: Path

    def orders(self):
        """How many orders it has ever taken, by its own log."""
        return self.trust.with_name("log").read_text().count("Added order ")

    def certificates(self):
        """How many certificates it has ever signed for orders, by its own log."""
        return self.trust.with_name("log").read_text().count("Issued certificate serial ")

    @property
    def directory(self):
        return f"https://localhost:{self.port}/dir"


@contextmanager
def pebble(
    folder,
    *,
    nameserver="",
    nonce_reject=5,
    sleep=True,
    authz_reuse=50,
    eab=False,
    days=180,
    always_valid=False,
    http_port=None,
):
    """Its defaults are Pebble's own: 5 % of the good nonces refused, half of the authorizations used again, up to 15
    seconds before it looks. `nameserver` is whom it asks; `days` how long its certificates last;
    `always_valid`: it looks at nothing.
    """
    program = find_program("pebble")
    if program is None:
        raise LookupError("Pebble is not installed: run tests/setup-servers --tests")
    folder.mkdir(parents=True, exist_ok=True)
    _certificate(folder)
    port, http_port = free_port(), http_port or free_port()
    settings = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{free_port()}",
        "certificate": str(folder / "cert.pem"),
        "privateKey": str(folder / "key.pem"),
        "httpPort": http_port,
        "tlsPort": free_port(),
        "ocspResponderURL": "",
        "certificateValidityPeriod": days * 86_400,
        "externalAccountBindingRequired": eab,
        "externalAccountMACKeys": dict([EAB]),
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    environment = os.environ | {"PEBBLE_WFE_NONCEREJECT": str(nonce_reject), "PEBBLE_AUTHZREUSE": str(authz_reuse)}
    environment |= {"PEBBLE_VA_NOSLEEP": "0" if sleep else "1", "PEBBLE_VA_ALWAYS_VALID": "1" if always_valid else "0"}
    argv = [str(program), "-config", str(folder / "pebble.json")]
    argv += ["-dnsserver", nameserver] if nameserver else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
    try:
        made = Pebble(port, http_port, process.pid, folder / "cert.pem")
        _wait(made, process, folder / "log")
        yield made
    finally:
        stop(process)


def _certificate(folder):
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def _wait(made, process, log):
    trust = ssl.create_default_context(cafile=str(made.trust))
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(made.directory, timeout=5, context=trust).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"Pebble did not start: {log.read_text()[-1000:]}")
