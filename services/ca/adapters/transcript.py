# SPDX-License-Identifier: Apache-2.0
"""What was done with a root's key: who, when, which keys, what was checked, and the hash of each file. No secret."""

from __future__ import annotations

import getpass
import platform
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import __version__ as library
from cryptography import x509
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes

from services.ca.adapters.certify import algorithm_of, spki
from services.ca.adapters.self_check import Check
from shared.clock import to_text
from shared.runtime.version import running_version


@dataclass(frozen=True, slots=True)
class Transcript:
    """`act` is what was done, in words; moments are RFC 3339, fingerprints lower-case hexadecimal."""

    act: str
    at: str
    by: str
    witnesses: list[str]
    host: str
    program: str
    certificates: list[dict[str, str]]
    checks: list[dict[str, Any]]
    files: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def text(self) -> str:
        """For people, to be printed and signed by hand."""
        lines = [self.act, "=" * len(self.act), ""]
        lines += [f"At          {self.at}", f"By          {self.by}"]
        lines += [f"Witness     {each}" for each in self.witnesses]
        lines += [f"Machine     {self.host}", f"Program     {self.program}", ""]
        for each in self.certificates:
            lines += [each["role"], f"  subject      {each['subject']}", f"  issuer       {each['issuer']}"]
            lines += [f"  serial       {each['serial']}", f"  key          {each['key']}"]
            lines += [f"  valid        {each['not_before']} to {each['not_after']}"]
            lines += [f"  certificate  SHA-256 {each['sha256']}", f"  public key   SHA-256 {each['key_sha256']}", ""]
        lines += ["Checks"]
        lines += [f"  {'yes' if each['ok'] else 'NO '}  {each['what']}" for each in self.checks]
        if self.files:
            lines += ["", "Files (SHA-256)"]
            lines += [f"  {each['sha256']}  {each['path']}" for each in self.files]
        lines += ["", *self.notes] if self.notes else []
        if self.witnesses:
            lines += ["", "Signatures", ""]
            lines += [f"  {each}: ______________________________" for each in (self.by, *self.witnesses)]
        return "\n".join(lines) + "\n"


def write_up(
    act: str,
    *,
    at: datetime,
    by: str,
    certificates: Mapping[str, x509.Certificate],
    checks: Iterable[Check],
    files: Mapping[str, Path] | None = None,
    witnesses: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> Transcript:
    """The transcript of an act; `certificates` by role, `files` by the path that is written down."""
    return Transcript(
        act=act,
        at=to_text(at),
        by=by,
        witnesses=list(witnesses),
        host=f"{socket.gethostname()}, {platform.system()} {platform.machine()}",
        program=f"Certwright {running_version()}, cryptography {library}, {backend.openssl_version_text()}",
        certificates=[{"role": role, **_described(each)} for role, each in certificates.items()],
        checks=[check._asdict() for check in checks],
        files=[
            {"path": name, "sha256": sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in ((name, path.read_bytes()) for name, path in sorted((files or {}).items()))
        ],
        notes=list(notes),
    )


def whoever() -> str:
    """The user of this machine who runs this."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a user without a name, as in containers
        return f"somebody@{socket.gethostname()}"


def _described(certificate: x509.Certificate) -> dict[str, str]:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:X}",
        "key": algorithm_of(certificate.public_key()),
        "not_before": to_text(certificate.not_valid_before_utc),
        "not_after": to_text(certificate.not_valid_after_utc),
        "sha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "key_sha256": sha256(spki(certificate.public_key())).hexdigest(),
    }
