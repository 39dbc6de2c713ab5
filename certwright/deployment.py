# SPDX-License-Identifier: Apache-2.0
"""Passwords and the files that carry them, for a distributed installation: `python -m certwright.deployment --help`.

Every service has its own RabbitMQ user, its own PostgreSQL role, and another role that owns its tables. What these may
do stands in `deploy/rabbitmq/definitions.json` and `deploy/postgresql/setup.sql`; this module only adds passwords. The
cluster on one machine (`certwright.cluster`) is set up by the same two files.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
SERVICES = ("accounts", "alerts", "billing", "ca", "dcv", "discovery", "installer", "orders")
PROCESSES = (*SERVICES, "gateway")
VHOST = "certwright"
DATABASE = "certwright"
OPS_PORT = 9464


def new_password() -> str:
    """A password that needs no quoting in URLs, SQL or shells."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Passwords:
    """One password for each user of the broker, each role of a service, and each owner of a service's tables."""

    broker: Mapping[str, str] = field(default_factory=lambda: {name: new_password() for name in PROCESSES})
    role: Mapping[str, str] = field(default_factory=lambda: {name: new_password() for name in SERVICES})
    owner: Mapping[str, str] = field(default_factory=lambda: {name: new_password() for name in SERVICES})


def broker_definitions(passwords: Passwords) -> dict[str, Any]:
    """What RabbitMQ loads: `deploy/rabbitmq/definitions.json` with salted password hashes."""
    definitions: dict[str, Any] = json.loads((DEPLOY / "rabbitmq" / "definitions.json").read_text())
    for user in definitions["users"]:
        password = passwords.broker[user["name"].removeprefix("certwright_")]
        # RabbitMQ's own scheme: base64 of a 4-byte salt and the SHA-256 over salt and password.
        salt = secrets.token_bytes(4)
        user["password_hash"] = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
        user["hashing_algorithm"] = "rabbit_password_hashing_sha256"
    return definitions


def database_setup(passwords: Passwords) -> str:
    """The SQL that makes roles and schemas in Certwright's database, passwords included."""
    lines = [(DEPLOY / "postgresql" / "setup.sql").read_text()]
    for service in SERVICES:
        lines.append(f"ALTER ROLE certwright_{service} PASSWORD '{passwords.role[service]}';")
        lines.append(f"ALTER ROLE certwright_{service}_owner PASSWORD '{passwords.owner[service]}';")
    return "\n".join(lines) + "\n"


def environment(process: str, passwords: Passwords, *, broker: str, database: str) -> dict[str, str]:
    """The settings of a process that hold an address or a password; `broker` and `database` are `host:port`."""
    found = {
        "AMQP_URI": f"amqp://certwright_{process}:{passwords.broker[process]}@{broker}/{VHOST}",
        # Each process of a host needs a port of its own for health and metrics.
        "CERTWRIGHT_OPS_ADDRESS": f"127.0.0.1:{OPS_PORT + PROCESSES.index(process)}",
    }
    if process in SERVICES:
        role = f"certwright_{process}"
        found["DATABASE_URL"] = f"postgresql://{role}:{passwords.role[process]}@{database}/{DATABASE}"
        found["CERTWRIGHT_DATABASE_OWNER_URL"] = (
            f"postgresql://{role}_owner:{passwords.owner[process]}@{database}/{DATABASE}"
        )
    return found


def write(folder: Path, *, broker: str, database: str) -> list[Path]:
    """Writes `<process>.env` for every process, `definitions.json`, `setup.sql` and a superuser's password.

    The folder is closed to everybody else; files in it that containers mount are readable inside them under whatever
    user runs there. Raises FileExistsError when there are files of an earlier run: new passwords would lock all out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    passwords = Passwords()
    texts = {
        "definitions.json": json.dumps(broker_definitions(passwords), indent=2) + "\n",
        "setup.sql": database_setup(passwords),
        "postgres.password": new_password(),
    }
    for process in PROCESSES:
        settings = environment(process, passwords, broker=broker, database=database)
        texts[f"{process}.env"] = "".join(f"{name}={value}\n" for name, value in settings.items())
    paths = [folder / name for name in texts]
    for path in paths:
        if path.exists():
            raise FileExistsError(f"{path} exists already; its passwords are in use")
    for path, text in zip(paths, texts.values(), strict=True):
        path.touch(mode=0o600 if path.suffix == ".env" else 0o644)
        path.write_text(text)
    return paths


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m certwright.deployment", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go, such as deploy/secrets or /etc/certwright")
    parser.add_argument("--broker", default="rabbitmq:5672", help="RabbitMQ's host:port as the services see it")
    parser.add_argument("--database", default="postgres:5432", help="PostgreSQL's host:port as the services see it")
    chosen = parser.parse_args()
    for path in write(chosen.folder, broker=chosen.broker, database=chosen.database):
        print(path)  # noqa: T201 (a command's answer)


if __name__ == "__main__":
    main()
