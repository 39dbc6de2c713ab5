# SPDX-License-Identifier: Apache-2.0
"""Small jobs on files: the validation file below a web root, the certificate as a zip in the user's folder."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from certwright_agent import arguments as check
from certwright_agent.certificates import covers
from certwright_agent.errors import Refused
from certwright_agent.files import Roots, make_folder, write_atomic
from certwright_agent.webservers.site import Site, WebServer

_FOLDER = Path(".well-known") / "pki-validation"  # BR 3.2.2.4.18
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same certificate gives the same zip


def place_dcv_file(servers: Sequence[WebServer], arguments: Mapping[str, Any]) -> str:
    """Writes the validation file below the web root of the site that serves the FQDN; returns its path."""
    path = dcv_path(servers, arguments)
    content = check.dcv_content(arguments)
    make_folder(path.parent, 0o755)
    write_atomic(path, content.encode("ascii"), mode=0o644)
    return str(path)


def remove_dcv_file(servers: Sequence[WebServer], arguments: Mapping[str, Any]) -> str:
    """Takes the validation file away; the folders stay. Returns its path."""
    path = dcv_path(servers, arguments)
    path.unlink(missing_ok=True)
    return str(path)


def dcv_path(servers: Sequence[WebServer], arguments: Mapping[str, Any]) -> Path:
    """Where the file goes. No link below the web root may lead out of it. Raises Refused."""
    root = web_root(site_for(servers, check.fqdn(arguments.get("fqdn"))))
    path = root / _FOLDER / check.dcv_file(arguments)
    Roots([root]).confine(path)
    if path.is_symlink():
        raise Refused(f"{path} is a link")
    return path


def web_root(site: Site) -> Path:
    """The folder from which a site serves. Raises Refused when it is none of this host."""
    root = Path(site.document_root)
    if not root.is_absolute() or root == Path(root.anchor) or not root.is_dir():
        raise Refused(f"the web root {root} of {site.name} is not a folder of this host", "no_web_root")
    return root


def save_certificate(folder: Path, arguments: Mapping[str, Any]) -> str:
    """Saves certificate and chain, never a key, as `<folder>/<fqdn>/<fqdn>_<order>.zip`; returns the path."""
    name = check.fqdn(arguments.get("common_name"), "common_name").replace("*", "_wildcard")
    number = check.order_number(arguments)
    certificate = "".join(check.certificates(arguments, "certificate_pem", most=1))
    chain = "".join(check.certificates(arguments, "chain_pem"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in (("cert", certificate), ("chain", chain), ("fullchain", certificate + chain)):
            archive.writestr(zipfile.ZipInfo(f"{name}_{member}.pem", _EPOCH), content)
    target = folder / name / f"{name}_{number}.zip"
    make_folder(target.parent)
    if os.path.realpath(target.parent) != os.path.realpath(folder) + os.sep + name or target.is_symlink():
        raise Refused(f"{target} is, or lies behind, a link")
    write_atomic(target, buffer.getvalue(), mode=0o644)
    return str(target)


def site_for(servers: Sequence[WebServer], fqdn: str) -> Site:
    """The site whose name is the FQDN; else one with a fitting wildcard. One with a plain listener comes first."""
    refused: list[str] = []
    found: list[tuple[bool, bool, Site]] = []
    for server in servers:
        try:
            sites = server.sites()
        except Refused as problem:
            refused.append(str(problem))
            continue
        for site in sites:
            if site.document_root and covers(site.names, fqdn):
                encrypted = all(listener.tls for listener in site.listeners)
                found.append((fqdn not in site.names, encrypted, site))
    if not found:
        raise Refused(
            f"no site with a web root serves {fqdn} on this host" + "".join(f"; {text}" for text in refused),
            "no_web_root",
        )
    return min(found, key=lambda entry: entry[:2])[2]
