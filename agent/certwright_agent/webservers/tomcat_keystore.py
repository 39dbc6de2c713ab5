# SPDX-License-Identifier: Apache-2.0
"""PKCS #12 keystores, read and written by openssl. The password goes in on standard input, never on a command line."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from certwright_agent.errors import Refused, StepFailed
from certwright_agent.process import Finished, run
from certwright_agent.webservers.placement import Staged

_MAGIC = {b"\xfe\xed\xfe\xed": "JKS", b"\xce\xce\xce\xce": "JCEKS"}
# A certificate that the keystore trusts (Oracle's bag attribute), which a new keystore would lose.
_TRUSTED = ("2.16.840.1.113894.746875.1.1", "Trusted key usage (Oracle)")


@dataclass(frozen=True)
class Keystore:
    """What a keystore holds, its key aside: the leaf as PEM, and the alias of its only key."""

    leaf_pem: str
    alias: str


def inspect(path: Path, password: str) -> Keystore:
    """Opens a keystore. Raises Refused with the reason why it is not one that can be replaced."""
    try:
        with path.open("rb") as stream:
            kind = _MAGIC.get(stream.read(4))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}", "site_not_writable") from None
    if kind:
        raise Refused(
            f"{path} is a {kind} keystore, which only Java can write: turn it into PKCS #12 (keytool -importkeystore "
            "-deststoretype pkcs12), name that in server.xml, and restart Tomcat once",
            "site_not_writable",
        )
    bags, legacy = _opened(path, password)
    keys = bags.err.count("Keybag:") + bags.err.count("Key bag")
    listed = _pkcs12(path, password, "-nokeys", "-clcerts", *legacy).out.decode("utf-8", "replace")
    every = _pkcs12(path, password, "-nokeys", *legacy).out.decode("utf-8", "replace")
    if keys != 1 or "Secret bag" in bags.err or any(mark in every for mark in _TRUSTED):
        raise Refused(
            f"{path} holds more than one key with its chain; what else is in it would be lost: give Tomcat a keystore "
            "of its own for this site",
            "site_not_writable",
        )
    alias = re.search(r"friendlyName: (.+)", listed)
    start, end = listed.find("-----BEGIN CERTIFICATE-----"), listed.find("-----END CERTIFICATE-----")
    leaf = listed[start : end + 25] + "\n" if 0 <= start < end else ""
    return Keystore(leaf, alias.group(1).strip() if alias else "")


def write(staged: Staged, password: str, alias: str) -> bytes:
    """A keystore with key, leaf and chain. Raises StepFailed."""
    with tempfile.TemporaryDirectory(prefix="certwright-") as folder:  # mode 0700
        key, certificates = Path(folder) / "key.pem", Path(folder) / "fullchain.pem"
        key.touch(mode=0o600)
        key.write_bytes(staged["privkey.pem"])
        certificates.write_bytes(staged["fullchain.pem"])
        done = run(
            [
                *("openssl", "pkcs12", "-export", "-inkey", str(key), "-in", str(certificates)),
                *("-name", alias, "-passout", "stdin"),
            ],
            stdin=password.encode() + b"\n",
            environment={"OPENSSL_CONF": os.devnull},
        )
    if not done.ok:
        raise StepFailed(f"openssl could not write the keystore: {done.err.strip()[:300]}", "program_failed")
    return done.out


def _opened(path: Path, password: str) -> tuple[Finished, tuple[str, ...]]:
    """The bags, and the option that openssl needs for keystores of older Javas. Raises Refused."""
    for legacy in ((), ("-legacy",)):
        bags = _pkcs12(path, password, "-info", "-noout", *legacy)
        if bags.ok:
            return bags, legacy
    raise Refused(
        f"{path} cannot be opened as PKCS #12 with the password that server.xml has for it", "site_not_writable"
    )


def _pkcs12(path: Path, password: str, *options: str) -> Finished:
    try:
        return run(
            ["openssl", "pkcs12", "-in", str(path), "-passin", "stdin", *options],
            stdin=password.encode() + b"\n",
            environment={"OPENSSL_CONF": os.devnull},
        )
    except StepFailed as problem:
        raise Refused(str(problem), "program_failed") from None
