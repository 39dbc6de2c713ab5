# SPDX-License-Identifier: Apache-2.0
"""An agent that a test plays by itself over the agent API: it reports what sites it likes and does what jobs it likes.

The certificates that it reports are real ones, of strangers too: `strangers_certificate` puts any text into them.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certwright.api_client import APIClient
from services.installer.model.enrolment import code_hash
from shared.pki.certificate import parse_certificate

PREFIX = "/api/agent/v1"
KEY = ec.generate_private_key(ec.SECP256R1())


class AgentByHand:
    """Enrolled and connected from the start. `customer` is the API client of whoever owns the account."""

    def __init__(self, customer: APIClient, name: str, *, web_servers: tuple[str, ...] = ("nginx",)) -> None:
        self.customer = customer
        self.name = name
        self.facts = {"version": "99.0.0", "os": "Debian 12", "hostname": name, "web_servers": list(web_servers)}
        agent = customer.post("/agents", {"name": name})
        self.agent_id = agent["agent_id"]
        code = "-".join(secrets.token_hex(2).upper() for _ in range(5))
        hello = {"uid": agent["uid"], "code_sha256": code_hash(code)}
        nobody = APIClient(customer.url)
        nobody.call("POST", self._at("/introduce"), {**hello, "facts": self.facts})
        customer.post(f"/agents/{self.agent_id}/verify", {"code": code})
        token = nobody.call("POST", self._at("/finish"), hello)["token"]
        self.api = APIClient(customer.url, token)
        self.claim()

    @property
    def server_id(self) -> str:
        """The host that it stands on."""
        servers = self.customer.get("/servers", agent_id=self.agent_id)["items"]
        return str(servers[0]["server_id"])

    def claim(self) -> list[dict[str, Any]]:
        """Says that it lives; the jobs that wait for it."""
        found: list[dict[str, Any]] = self.api.call("POST", self._at("/jobs/claim"), {"facts": self.facts})["jobs"]
        return found

    def step(self, job_id: str, name: str, detail: str = "") -> None:
        """A step of a job is done."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        step = {"name": name, "status": "done", "at": at, "detail": detail}
        self.api.call("POST", self._at(f"/jobs/{job_id}/steps"), {"step": step})

    def finish(self, job_id: str, result: dict[str, Any]) -> None:
        """A job is done."""
        self.api.call("POST", self._at(f"/jobs/{job_id}/finish"), {"succeeded": True, "result": result})

    def fail(self, job_id: str, reason: str, code: str = "") -> None:
        """A job could not be done."""
        body = {"succeeded": False, "reason": reason, "code": code}
        self.api.call("POST", self._at(f"/jobs/{job_id}/finish"), body)

    def report(self, *sites: dict[str, Any]) -> None:
        """All sites of the host, instead of those before."""
        self.api.call("PUT", self._at("/sites"), {"sites": list(sites)})

    def tell_servers(self, *servers: dict[str, Any]) -> list[str]:
        """All servers that it reaches over SSH; which of them it has to forget."""
        told = self.api.call("PUT", self._at("/servers"), {"servers": list(servers)})
        return list(told["forget"])

    def scan_part(self, scan_id: str) -> dict[str, Any]:
        """What it shall look at now, in a scan that it runs."""
        found: dict[str, Any] = self.api.call("POST", self._at(f"/scans/{scan_id}/part"), {})
        return found

    def scan_report(self, scan_id: str, part: dict[str, Any], number: int, done: int, **fields: Any) -> str:
        """What it found there; the order that comes back."""
        body = {"run": part["run"], "number": number, "done": done, **fields}
        return str(self.api.call("POST", self._at(f"/scans/{scan_id}/reports"), body)["order"])

    def _at(self, path: str) -> str:
        return f"{self.customer.url}{PREFIX}{path}"


def site(name: str, *bindings: dict[str, Any], writable: bool = True, reason: str = "") -> dict[str, Any]:
    """A site as an agent reports it; without bindings one on port 80."""
    return {
        "web_server": "nginx",
        "name": name,
        "names": [name],
        "bindings": list(bindings) or [binding(name, 80)],
        "document_root": f"/srv/www/{name}",
        "config_path": f"/etc/nginx/sites-enabled/{name}.conf",
        "writable": writable,
        "reason": reason,
    }


def server(number: int, name: str, state: str = "connected", **changes: Any) -> dict[str, Any]:
    """A server as an agent tells of it."""
    facts = {"version": "99.0.0", "os": "Debian GNU/Linux 12", "hostname": name, "web_servers": ["nginx/1.22.1"]}
    return {
        "ref": f"{number:032x}",
        "name": name,
        "address": f"192.0.2.{number}",
        "port": 22,
        "user": "auto",
        "state": state,
        "host_key": "SHA256:" + "A1b2C3d4" * 5 + "xyz",
        "facts": facts,
        **changes,
    }


def binding(name: str, port: int, pem: str = "", *, address: str = "") -> dict[str, Any]:
    """Where a site listens; with TLS when it has a certificate."""
    return {
        "address": address,
        "port": port,
        "tls": pem != "",
        "names": [name] if name else [],
        "certificate": served(pem) if pem else None,
    }


def served(pem: str) -> dict[str, Any]:
    """What an agent says of a certificate that it found."""
    found = parse_certificate(pem)
    return {
        "serial": found.serial,
        "fingerprint_sha256": found.sha256,
        "subject": found.subject,
        "issuer": found.issuer,
        "names": list(found.names),
        "not_before": found.not_before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "not_after": found.not_after.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "spki_sha256": found.spki_sha256,
        "pem": pem,
    }


def key_file(folder: Path) -> Path:
    """The key of every `strangers_certificate`, for a web server that serves one."""
    path = folder / "strangers.key"
    path.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def strangers_certificate(
    name: str, *, days: int = 60, issuer: str | None = "Another CA", organization: str = "", more: tuple[str, ...] = ()
) -> str:
    """The PEM of a certificate of another issuer, self-signed with `issuer=None`; its text is whatever is given."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    subject = x509.Name(attributes)
    by = subject if issuer is None else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    now = datetime.now(UTC).replace(microsecond=0)
    end = now + timedelta(days=days, hours=6)
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=by, public_key=KEY.public_key())
    built = (
        builder.serial_number(int.from_bytes(hashlib.sha256(f"{name} {days} {issuer}".encode()).digest()[:12], "big"))
        .not_valid_before(min(now, end) - timedelta(days=30))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in (name, *more)]), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM).decode()
