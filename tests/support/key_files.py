# SPDX-License-Identifier: Apache-2.0
"""Certificates and keys as files, for servers that tests start: self-signed, or a leaf below a small CA."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEYS = {
    "rsa": ["-newkey", "rsa:2048"],
    "rsa1024": ["-newkey", "rsa:1024"],
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["-newkey", "ed25519"],
}


@dataclass(frozen=True)
class KeyFiles:
    """Paths of a PEM certificate and its key, and the leaf in DER."""

    pem: Path
    key: Path
    der: bytes


def self_signed(folder: Path, kind: str = "rsa", name: str = "a.example.test", days: int = 90) -> KeyFiles:
    """Makes one by OpenSSL. `kind` is rsa, rsa1024, ec, ec384 or ed25519."""
    folder.mkdir(parents=True, exist_ok=True)
    pem, key = folder / f"{kind}-{name}.pem", folder / f"{kind}-{name}.key"
    argv = ["openssl", "req", "-x509", *_KEYS[kind], "-nodes", "-keyout", str(key), "-out", str(pem)]
    argv += ["-days", str(days), "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(argv, check=True, capture_output=True)
    der = subprocess.run(["openssl", "x509", "-in", str(pem), "-outform", "DER"], check=True, capture_output=True)
    return KeyFiles(pem, key, der.stdout)
