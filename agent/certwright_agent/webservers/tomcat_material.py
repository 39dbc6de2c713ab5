# SPDX-License-Identifier: Apache-2.0
"""The files that one TLS host of Tomcat names: PEM files or a keystore. What cannot be replaced says why."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from certwright_agent.certificates import first_in_file
from certwright_agent.errors import Refused
from certwright_agent.files import Roots
from certwright_agent.webservers import tomcat_keystore
from certwright_agent.webservers.placement import Placement, Staged, Verdict, combined, part, why_not_placed
from certwright_agent.webservers.tomcat_xml import TLSHost

_PASSWORD = "changeit"  # noqa: S105  what Tomcat takes when server.xml names none
_ALIAS = "tomcat"


@dataclass(frozen=True)
class Named:
    """The files of a TLS host, or the `reason` why they cannot be replaced. `leaf_pem` is what they hold now."""

    placements: tuple[Placement, ...] = ()
    reason: str = ""
    leaf_pem: str = ""
    password: str = field(default="", repr=False)
    keystore: bool = False

    @property
    def paths(self) -> frozenset[Path]:
        """The files."""
        return frozenset(placement.path for placement in self.placements)

    @property
    def key_file(self) -> str:
        """The one with the private key; empty when that is not known."""
        return next((str(placement.path) for placement in self.placements if placement.secret), "")

    def try_staged(self, staged: tuple[Path, ...]) -> Verdict:
        """Whether these contents can be used. `sslReload` says OK even to a key that does not fit."""
        try:
            if self.keystore:
                tomcat_keystore.inspect(staged[0], self.password)
            else:
                key = next(path for path in reversed(staged) if b"PRIVATE KEY" in path.read_bytes())
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(staged[0], key)
        except (Refused, OSError, ValueError) as problem:  # ssl.SSLError is an OSError
            return Verdict(ok=False, detail=f"the new files cannot be used: {problem}")
        return Verdict(ok=True, detail="")


def named(host: TLSHost, base: Path, roots: Roots) -> Named:
    """The files of a TLS host."""
    if len(host.certificates) != 1:
        count = len(host.certificates) or "no"
        return Named(reason=f"the TLS host {host.name} names {count} certificates; which one to replace is not certain")
    (attributes,) = host.certificates
    if any("${" in value or "\0" in value for value in attributes.values()):
        return Named(reason=f"the TLS host {host.name} uses a property, whose value only Tomcat knows")
    try:
        if attributes.get("certificateFile"):
            return _pem(attributes, base, roots)
        if attributes.get("certificateKeystoreFile"):
            return _keystore(attributes, base, roots)
    except Refused as problem:
        return Named(reason=str(problem))
    return Named(reason=f"the TLS host {host.name} names no certificate file")


def _pem(attributes: dict[str, str], base: Path, roots: Roots) -> Named:
    if attributes.get("certificateKeyPassword") or attributes.get("certificateKeyPasswordFile"):
        return Named(reason="the key file is encrypted: the agent writes keys that only their owner can read instead")
    certificate, key, chain = (
        base / attributes[name] if attributes.get(name) else None
        for name in ("certificateFile", "certificateKeyFile", "certificateChainFile")
    )
    assert certificate is not None  # noqa: S101  the caller looked
    whole = part("cert.pem") if chain else part("fullchain.pem")
    if key is None or key == certificate:
        placements = [Placement(certificate, combined if chain is None else _leaf_and_key)]
    else:
        placements = [Placement(certificate, whole, secret=False), Placement(key, part("privkey.pem"))]
    if chain is not None:
        placements.append(Placement(chain, part("chain.pem"), secret=False))
    reason = next(filter(None, (why_not_placed(placement.path, roots) for placement in placements)), "")
    if len({placement.path for placement in placements}) != len(placements):
        reason = f"{certificate} is named for two purposes"
    stored = first_in_file(certificate)
    return Named(tuple(placements), reason, stored[1] if stored else "")


def _leaf_and_key(staged: Staged) -> bytes:
    return staged["cert.pem"] + staged["privkey.pem"]


def _keystore(attributes: dict[str, str], base: Path, roots: Roots) -> Named:
    path = base / attributes["certificateKeystoreFile"]
    password = _password(attributes, "certificateKeystorePassword", base) or _PASSWORD
    key_password = _password(attributes, "certificateKeyPassword", base) or password
    if key_password != password:
        return Named(reason=f"the key in {path} has a password of its own, which PKCS #12 keystores do not have")
    if "\n" in password or "\r" in password:
        return Named(reason=f"the password of {path} has a line break")
    reason = why_not_placed(path, roots)
    if reason:
        return Named(reason=reason)
    found = tomcat_keystore.inspect(path, password)
    alias = attributes.get("certificateKeyAlias") or found.alias or _ALIAS
    placement = Placement(path, lambda staged: tomcat_keystore.write(staged, password, alias))
    return Named((placement,), "", found.leaf_pem, password, keystore=True)


def _password(attributes: dict[str, str], name: str, base: Path) -> str:
    """The attribute, or the first line of the file that its twin names (Tomcat 10.1)."""
    file = attributes.get(f"{name}File")
    if not file:
        return attributes.get(name, "")
    try:
        return (base / file).read_text("utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, ValueError):
        raise Refused(f"the password file {base / file} cannot be read", "site_not_writable") from None
