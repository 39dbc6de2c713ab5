# SPDX-License-Identifier: Apache-2.0
"""Builds the agent's zip from its source: one program file, its settings, the pinned CA, and what to do with them."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import Code, ServiceError

PROGRAM = "certwright-agent.pyz"
CA_FILE = "gateway-ca.pem"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same source gives the same bytes
_OWN_SOURCE = Path(__file__).resolve().parents[3]

_README = """Certwright agent {version}

Needs Python 3.9 or later and the openssl command, on the host of your web server, and rights to change and reload the
web server's configuration (usually root).

 1. Unpack this zip into a folder of its own, such as /opt/certwright-agent, and go there.
 2. Start the agent:    python3 {program} run
    It prints a one-time code.
 3. In the console, open Manage Servers, choose Verify agent beside this agent, type the code, and press
    Start Verification. The code is good for ten minutes.
 4. Back here, press y to finish the verification. The agent stays in the foreground and does what the console asks for.

To look at what it sees:    python3 {program} status
All there is:               python3 {program} --help

SHA-256 of {program}: {digest}
"""


class SourceBundle:
    """The agent below `source` (`agent/` and `shared/probe/`); `ca_file` is the CA that agents shall trust."""

    def __init__(self, source: Path | None = None, ca_file: Path | None = None) -> None:
        self._source = source or _OWN_SOURCE
        self._ca_file = ca_file

    @cached_property
    def version(self) -> str:
        """The version that is shipped now; `0` where the source is not there, so that no agent counts as outdated."""
        if not (self._source / "agent").is_dir():
            return "0"
        found = re.search(r'^VERSION = "([^"]+)"', self._read("agent/certwright_agent/__init__.py"), re.MULTILINE)
        return found.group(1) if found else "0"

    @cached_property
    def program(self) -> bytes:
        """The one file: a zip that Python runs (PEP 441)."""
        names = ["shared/__init__.py", *self._files("shared", "probe"), *self._files("shared", "probe", "surveying")]
        members = {name: self._read(name) for name in names}
        members |= {
            f"certwright_agent/{name}": self._read(f"agent/certwright_agent/{name}") for name in self._modules()
        }
        members["__main__.py"] = members["certwright_agent/__main__.py"]
        return b"#!/usr/bin/env python3\n" + _zip({name: text.encode() for name, text in sorted(members.items())})

    def build(self, uid: str, gateway: str) -> bytes:
        """The zip for one agent. Raises ServiceError `unavailable`, with what the operator has to set."""
        files = {PROGRAM: self.program}
        settings = {"gateway": gateway.rstrip("/"), "uid": uid}
        if urlsplit(gateway).scheme == "https":
            files[CA_FILE] = self._pinned()
            settings["ca_file"] = CA_FILE
        files["agent.json"] = (json.dumps(settings, indent=2) + "\n").encode()
        digest = hashlib.sha256(self.program).hexdigest()
        files["README.txt"] = _README.format(version=self.version, program=PROGRAM, digest=digest).encode()
        return _zip(dict(sorted(files.items())))

    def _pinned(self) -> bytes:
        if self._ca_file is None:
            raise _unavailable("set CERTWRIGHT_INSTALLER_AGENT_CA_FILE to the CA certificate of this address")
        try:
            content = self._ca_file.read_bytes()
        except OSError as error:
            raise _unavailable(f"the CA certificate cannot be read: {error.strerror}") from None
        if b"-----BEGIN CERTIFICATE-----" not in content or b"PRIVATE KEY" in content:
            raise _unavailable("the CA file must hold PEM certificates and nothing else")
        return content

    def _modules(self) -> list[str]:
        folder = self._source / "agent" / "certwright_agent"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))

    def _files(self, *parts: str) -> list[str]:
        folder = self._source.joinpath(*parts)
        return sorted(path.relative_to(self._source).as_posix() for path in folder.glob("*.py"))

    def _read(self, name: str) -> str:
        try:
            return (self._source / name).read_text("utf-8")
        except OSError:
            raise _unavailable("the agent's source is not part of this installation") from None


def _unavailable(reason: str) -> ServiceError:
    return ServiceError(Code.UNAVAILABLE, f"The agent cannot be built: {reason}.")


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = (0o755 if name.endswith(".pyz") else 0o644) << 16
            archive.writestr(member, content)
    return buffer.getvalue()
