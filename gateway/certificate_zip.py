# SPDX-License-Identifier: Apache-2.0
"""A certificate as a zip for people who install it by hand: leaf, chain, both in one, root, and what to do with them.

There is no key in it, since there is none here: it was made on the customer's server and stayed there.
"""

from __future__ import annotations

import io
import zipfile

from shared.contracts import orders
from shared.pki.certificate import CertificateUnreadableError, issued_by, parse_certificate, parse_chain

MEDIA = "application/zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same certificate gives the same zip
README = """Certificate for {common_name}
Order {number}, serial number {serial}

{name}_cert.pem       the certificate
{name}_chain.pem      the CA certificates between it and the root
{name}_fullchain.pem  both in one file
{root}
Your private key is not in here: it was made with the certificate request (CSR) and never left the place where that
was made.

nginx                      ssl_certificate      {name}_fullchain.pem
                           ssl_certificate_key  your key
Apache 2.4.8 and later     SSLCertificateFile     {name}_fullchain.pem
                           SSLCertificateKeyFile  your key

Then test the configuration (nginx -t, apachectl configtest) and reload the server. Clients bring roots along: a server
never needs to send one.
"""
ROOT = "{name}_root.pem       the root certificate, for clients that do not know it yet\n"


def stem_of(common_name: str) -> str:
    """The common name as a part of file names: `*.example.com` → `_wildcard.example.com`."""
    return common_name.replace("*", "_wildcard")


def pack(file: orders.CertificateFile, root_pem: str) -> bytes:
    """The zip. `root_pem` is put in when it signed the top of the chain: other issuers have other roots."""
    name = stem_of(file.common_name)
    leaf, chain = _text(file.pem), _text(file.chain_pem)
    members = {"cert": leaf, "chain": chain, "fullchain": leaf + chain}
    if _signed(root_pem, file):
        members["root"] = _text(root_pem)
    root = ROOT.format(name=name) if "root" in members else ""
    readme = README.format(common_name=file.common_name, number=file.number, serial=file.serial, name=name, root=root)
    files = {f"{name}_{member}.pem": text for member, text in members.items()} | {"README.txt": readme}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            member = zipfile.ZipInfo(path, _EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _text(pem: str) -> str:
    return f"{pem.strip()}\n" if pem.strip() else ""


def _signed(root_pem: str, file: orders.CertificateFile) -> bool:
    try:
        top = (parse_certificate(file.pem), *parse_chain(file.chain_pem))[-1]
        return issued_by(top, parse_certificate(root_pem))
    except CertificateUnreadableError:
        return False
