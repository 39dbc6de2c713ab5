# SPDX-License-Identifier: Apache-2.0
"""Builds the agent from its source: one program file, its settings, the pinned CA, and what to do with them."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from services.installer.adapters.debian_package import Member, PackagingError, package
from services.installer.adapters.zip_files import zip_of
from services.installer.model.builds import DEBIAN, LINUX, UTILITY, Build
from shared.errors import Code, ServiceError

PROGRAM = "certwright-agent.pyz"
CA_FILE = "gateway-ca.pem"
SETTINGS = "agent.json"
UNIT = "certwright-agent.service"
_OWN_SOURCE = Path(__file__).resolve().parents[3]
_KEPT = 32  # builds that are kept in memory, some 200 kB each
_PACKAGING = "agent/packaging"
_SCRIPTS = ("postinst", "prerm", "postrm")


class SourceBundle:
    """The agent below `source` (`agent/` and `shared/probe/`); `ca_file` is the CA that agents shall trust."""

    def __init__(self, source: Path | None = None, ca_file: Path | None = None) -> None:
        self._source = source or _OWN_SOURCE
        self._ca_file = ca_file
        self._made = lru_cache(_KEPT)(self._make)

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
        return b"#!/usr/bin/env python3\n" + zip_of({name: text.encode() for name, text in sorted(members.items())})

    def build(self, uid: str, gateway: str, build: Build = LINUX) -> bytes:
        """What one agent is set up from, the same bytes each time. Raises ServiceError `unavailable`, with the cure."""
        pinned = self._pinned() if urlsplit(gateway).scheme == "https" and build is not UTILITY else b""
        return self._made(build, uid, gateway.rstrip("/"), pinned)

    def _make(self, build: Build, uid: str, gateway: str, pinned: bytes) -> bytes:
        if build is UTILITY:
            return zip_of({PROGRAM: self.program, "README.txt": self._readme("utility")})
        settings = {"gateway": gateway, "uid": uid}
        certificates = {}
        if pinned:
            certificates[CA_FILE] = pinned
            settings["ca_file"] = CA_FILE
        if build is DEBIAN:
            return self._package(settings, certificates)
        home = "/opt/certwright-agent"
        unit = self._unit(f"/usr/bin/python3 {home}/{PROGRAM}", home, f"{home}/state", f"{home}/README.txt")
        files = {SETTINGS: _as_json(settings), PROGRAM: self.program, UNIT: unit, **certificates}
        files["README.txt"] = self._readme("linux")
        return zip_of(dict(sorted(files.items())))

    def _package(self, settings: dict[str, str], certificates: dict[str, bytes]) -> bytes:
        name = "certwright-agent"
        state, documents = f"/var/lib/{name}", f"usr/share/doc/{name}"
        settings = {**settings, "state": state, "save_directory": f"{state}/saved"}
        unit = self._unit(f"/usr/bin/{name}", state, state, f"/{documents}/README.txt")
        members = {f"etc/{name}/{file}": Member(content, kept=True) for file, content in certificates.items()}
        members |= {
            f"etc/{name}/{SETTINGS}": Member(_as_json(settings), 0o600, kept=True),
            f"usr/bin/{name}": Member(self._packaging(f"debian/{name}"), 0o755),
            f"usr/lib/{name}/{PROGRAM}": Member(self.program, 0o755),
            f"usr/lib/systemd/system/{UNIT}": Member(unit),
            f"{documents}/README.txt": Member(self._readme("debian")),
            f"{documents}/copyright": Member(self._packaging("debian/copyright")),
            f"{documents}/changelog.gz": Member(gzip.compress(self._dated("debian/changelog").encode(), mtime=0)),
        }
        control = self._dated("debian/control")
        scripts = {script: self._packaging(f"debian/{script}") for script in _SCRIPTS}
        try:
            return package(members, control, scripts)
        except PackagingError as error:
            raise _unavailable(str(error)) from None

    def _unit(self, program: str, home: str, state: str, documentation: str) -> bytes:
        text = self._packaging(UNIT).decode()
        for name, value in (("program", program), ("home", home), ("state", state), ("documentation", documentation)):
            text = text.replace(f"@{name}@", value)
        return text.encode()

    def _readme(self, build: str) -> bytes:
        digest = hashlib.sha256(self.program).hexdigest()
        return self._dated(f"README.{build}.txt").replace("@digest@", digest).encode()

    def _dated(self, name: str) -> str:
        return self._packaging(name).decode().replace("@version@", self.version)

    def _packaging(self, name: str) -> bytes:
        return self._read(f"{_PACKAGING}/{name}").encode()

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


def _as_json(settings: dict[str, str]) -> bytes:
    return (json.dumps(settings, indent=2) + "\n").encode()


def _unavailable(reason: str) -> ServiceError:
    return ServiceError(Code.UNAVAILABLE, f"The agent cannot be built: {reason}.")
