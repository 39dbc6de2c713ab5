# SPDX-License-Identifier: Apache-2.0
"""Web server configurations as people have them, one text file each below tests/corpus: made into files and started.

A file says in its first lines what it is about: `crlf` for its line ends, `refused: NAMES` for the sites that nothing
can be installed on. `=== PATH` begins a file, `-> LINK TARGET` makes a link.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certwright.servers.process import free_port
from tests.support.apache import Apache
from tests.support.nginx import Nginx

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
NAMES = {
    "www": ["www.example.test", "example.test"],
    "shop": ["shop.example.test", "six.example.test", "*.shop.example.test"],
    "blog": ["blog.example.test"],
    "wild": ["*.example.test"],
    "fallback": ["fallback.example.test"],
}
_NGINX_HEAD = """{user}pid {folder}/run/server.pid;
error_log {folder}/logs/error.log notice;
worker_processes 1;
events {{ worker_connections 64; }}"""
_NGINX_HTTP = "access_log off; server_names_hash_bucket_size 128;" + "".join(
    f" {name}_temp_path {{folder}}/run/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


@dataclass
class Case:
    """One file of the corpus."""

    kind: str
    name: str
    about: str
    crlf: bool = False
    refused: frozenset[str] = frozenset()
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


def cases(kind: str) -> list[Case]:
    """All of a kind, in order."""
    return [_read(path) for path in sorted((CORPUS / kind).glob("*.txt"))]


def _read(path: Path) -> Case:
    head, *files = re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)
    case = Case(path.parent.name, path.stem, "")
    for line in head.splitlines():
        if line == "crlf":
            case.crlf = True
        elif line.startswith("refused: "):
            case.refused = frozenset(line.split()[1:])
        else:
            case.about += line
    for each in files:
        name, _, text = each.partition("\n")
        kept = [line for line in text.splitlines() if not line.startswith("-> ")]
        case.links |= dict(line.split()[1:] for line in text.splitlines() if line.startswith("-> "))
        case.files[name] = "\n".join(kept) + "\n"
    return case


def made(case: Case, folder: Path, ca) -> Nginx | Apache:
    """The case's files with free ports and fresh keys; the server that reads them, not started."""
    server = {"nginx": Nginx, "apache": Apache}[case.kind](folder)
    server.prepare()
    places = {"@FOLDER@": str(folder), "@HEAD@": _head(server), "@HTTP@": _NGINX_HTTP.format(folder=folder)}
    places |= {f"@P{number}@": str(free_port()) for number in range(1, 4)}
    for name, template in case.files.items():
        text = re.sub("|".join(places), lambda match: places[match[0]], template)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("\n", "\r\n" if case.crlf else "\n").encode("utf-8"))
    for link, target in case.links.items():
        (folder / link).parent.mkdir(parents=True, exist_ok=True)
        (folder / link).symlink_to(target)
    _keys(folder / "certs", ca)
    return server


def _head(server: Nginx | Apache) -> str:
    if isinstance(server, Nginx):
        return _NGINX_HEAD.format(user="user root;\n" if os.geteuid() == 0 else "", folder=server.folder)
    made_before = server.config.read_text()
    modules = re.search(r"\S+/mod_ssl\.so", made_before)
    assert modules is not None
    extra = "".join(
        f"LoadModule {name}_module {Path(modules[0]).parent}/mod_{name}.so\n" for name in ("alias", "rewrite")
    )
    return extra + made_before.replace("IncludeOptional sites/*.conf\n", "").rstrip()


def _keys(folder: Path, ca) -> None:
    """Keys and full chains of NAMES, in three folders; an RSA pair, a leaf alone, and a chain alone."""
    folder.mkdir()
    for inner in (folder, folder / "with space", folder / "schlüssel"):
        inner.mkdir(exist_ok=True)
        for name, names in NAMES.items():
            pem, key, _ = ca.key_pair(folder, names)
            pem.replace(inner / f"{name}.pem")
            key.replace(inner / f"{name}.key")
    key = rsa.generate_private_key(65537, 2048)
    pem, _ = ca.sign(key.public_key(), NAMES["www"])
    (folder / "www-rsa.pem").write_text(pem + ca.chain_pem)
    (folder / "www-rsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    leaf = (folder / "www.pem").read_text().removesuffix(ca.chain_pem)
    (folder / "www-alone.pem").write_text(leaf)
    (folder / "chain.pem").write_text(ca.chain_pem)


def configuration(server: Nginx | Apache) -> dict[Path, bytes]:
    """Every file of the configuration, byte for byte; no key, no log, nothing of the running server."""
    aside = {"certs", "logs", "run", "www"}
    return {
        path: path.read_bytes()
        for path in sorted(server.folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.relative_to(server.folder).parts[0] not in aside
    }
