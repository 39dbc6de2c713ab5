# SPDX-License-Identifier: Apache-2.0
"""A network of its own (a namespace with nothing but 127.0.0.0/8) in which one nginx serves thousands of addresses.

Half of the hosts speak TLS 1.2 and 1.3 with ECDSA keys, a quarter TLS 1.3 alone, an eighth TLS 1.2 alone, and an eighth
has RSA keys; every host has a certificate of its own. Addresses beyond them refuse, those of `SILENT` say nothing.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import ipaddress
import json
import os
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certwright.servers.nginx import Nginx
from certwright.servers.process import find_program

LIVE_FROM = "127.50.0.0"
LIVE = 3072
PORT = 443
DEAD_FROM = "127.60.0.0"  # nobody listens
SILENT_FROM = "127.70.0.0"  # what comes here is dropped
SERVER_CORE, CLIENT_CORE = 0, -1  # of those that this process may use
_DAY = dt.timedelta(days=1)
_UP, _SET_FLAGS = 1, 0x8914  # IFF_UP and SIOCSIFFLAGS of netdevice(7)
_MAIN = """{user}pid {pid};
error_log {folder}/logs/error.log crit;
worker_processes 1;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/run/body;
    proxy_temp_path {folder}/run/proxy;
    fastcgi_temp_path {folder}/run/fastcgi;
    uwsgi_temp_path {folder}/run/uwsgi;
    scgi_temp_path {folder}/run/scgi;
    ssl_session_cache off;
    include sites/*.conf;
}}
"""


def lines_inside(module: str) -> Iterator[dict[str, Any]]:
    """The figures that `python -m module --inside` prints in a namespace of its own, in which who is not root becomes
    root. Raises RuntimeError when it fails."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    command = [*alone, "--", sys.executable, "-m", module, "--inside"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is not None:
            yield from map(json.loads, process.stdout)
    if process.returncode:
        raise RuntimeError(f"it ended with {process.returncode}")


def set_up() -> None:
    """Makes the namespace that this process runs in usable. Raises LookupError, OSError or CalledProcessError."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))
    nft = find_program("nft")
    if nft is None:
        raise LookupError("nft is not installed: run tests/setup-servers --bench")
    silence = f"ip daddr {SILENT_FROM}/16 tcp dport {PORT} drop"
    rules = f"table inet bench {{\nchain input {{\ntype filter hook input priority 0;\n{silence}\n}}\n}}\n"
    subprocess.run([str(nft), "-f", "-"], input=rules.encode(), check=True)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def cores() -> tuple[int, int]:
    """The core of the servers and that of whoever is measured; the same where there is one only."""
    able = sorted(os.sched_getaffinity(0))
    return able[SERVER_CORE], able[CLIENT_CORE]


def addresses(first: str, count: int) -> list[str]:
    """So many addresses from `first` on."""
    start = int(ipaddress.IPv4Address(first))
    return [str(ipaddress.IPv4Address(start + at)) for at in range(count)]


@contextmanager
def serving(folder: Path, count: int = LIVE) -> Iterator[dict[str, bytes]]:
    """nginx on the first `count` live addresses, on the servers' core; yields the DER of each one's leaf."""
    server = Nginx(folder)
    server.prepare()
    user = "user root;\n" if os.geteuid() == 0 else ""
    server.config.write_text(_MAIN.format(user=user, folder=folder, pid=server.pid_file))
    issuer_key, rsa_key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    issuer = _certificate("Bench CA", issuer_key, issuer_key)
    leaves: dict[str, bytes] = {}
    sites = []
    for at, address in enumerate(addresses(LIVE_FROM, count)):
        key = rsa_key if at % 8 == 7 else ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(f"host-{address.replace('.', '-')}.example.com", key, issuer_key)
        leaves[address] = leaf.public_bytes(Encoding.DER)
        path = folder / f"{address}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + leaf.public_bytes(Encoding.PEM)
            + issuer.public_bytes(Encoding.PEM)
        )
        protocols = "TLSv1.3" if at % 4 == 1 else "TLSv1.2" if at % 8 == 3 else "TLSv1.2 TLSv1.3"
        sites.append(
            f"server {{ listen {address}:{PORT} ssl backlog=4096; ssl_protocols {protocols};"
            f" ssl_certificate {path}; ssl_certificate_key {path}; }}\n"
        )
    (folder / "sites" / "all.conf").write_text("".join(sites))
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores()[0]})
    try:
        server.start()
    finally:
        os.sched_setaffinity(0, mine)
    try:
        yield leaves
    finally:
        server.stop()


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    is_ca = key is issuer_key
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bench CA")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
