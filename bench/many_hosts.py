# SPDX-License-Identifier: Apache-2.0
"""A private nginx that serves hundreds of addresses of 127.0.0.0/8, each with a certificate of its own."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certwright.servers.nginx import Nginx

_DAY = dt.timedelta(days=1)
_MAIN = """{user}pid {pid};
error_log {folder}/logs/error.log crit;
worker_processes 1;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/run/body;
    proxy_temp_path {folder}/run/proxy;
    fastcgi_temp_path {folder}/run/fastcgi;
    uwsgi_temp_path {folder}/run/uwsgi;
    scgi_temp_path {folder}/run/scgi;
    ssl_session_cache off;
    ssl_protocols {protocols};
    ssl_certificate_key {folder}/key.pem;
    include sites/*.conf;
}}
"""


@contextmanager
def serving(
    folder: Path, first: str, count: int, port: int, *, protocols: str = "TLSv1.2 TLSv1.3"
) -> Iterator[dict[str, bytes]]:
    """nginx on `count` addresses from `first` on; yields the DER of the leaf that each serves. Raises LookupError where
    nginx is not installed, RuntimeError where it does not start."""
    server = Nginx(folder)
    server.prepare()
    user = "user root;\n" if os.geteuid() == 0 else ""
    server.config.write_text(_MAIN.format(user=user, folder=folder, pid=server.pid_file, protocols=protocols))
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    issuer = _certificate("Bench CA", key, ca=True)
    start = int(ipaddress.ip_address(first))
    leaves: dict[str, bytes] = {}
    sites = []
    for number in range(start, start + count):
        address = str(ipaddress.ip_address(number))
        leaf = _certificate(f"host-{address.replace('.', '-')}.example.com", key)
        leaves[address] = leaf.public_bytes(Encoding.DER)
        path = folder / f"{address}.pem"
        path.write_bytes(leaf.public_bytes(Encoding.PEM) + issuer.public_bytes(Encoding.PEM))
        sites.append(f"server {{ listen {address}:{port} ssl backlog=4096; ssl_certificate {path}; }}\n")
    (folder / "sites" / "all.conf").write_text("".join(sites))
    server.start()
    try:
        yield leaves
    finally:
        server.stop()


def _certificate(name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool = False) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bench CA")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(key, hashes.SHA256())
