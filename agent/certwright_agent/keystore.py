# SPDX-License-Identifier: Apache-2.0
"""Keys made on this host. Only the CSR and the key's SHA-256 ever leave it (ARCHITECTURE §3.10)."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from certwright_agent.errors import Refused, StepFailed
from certwright_agent.files import make_folder, sync_folder, write_atomic
from certwright_agent.process import Finished, run

_GENERATE = {
    "ec-p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:named_curve"],
    "ec-p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-pkeyopt", "ec_param_enc:named_curve"],
    "rsa-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa-3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
}
_COMMON_NAME_LIMIT = 64  # RFC 5280 appendix A.1, ub-common-name


class Keystore:
    """Private keys below `folder`, one file per key, named by the SHA-256 of its public key, mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = make_folder(folder)
        self._folder.chmod(0o700)

    def make_csr(
        self, request: str, names: Sequence[str], common_name: str, subject: Mapping[str, str], algorithm: str
    ) -> tuple[str, str]:
        """Makes a key and its CSR; returns the CSR (PEM) and the key's SPKI SHA-256 (lower-case hexadecimal).

        `request` names the job: asked again after a crash, the same key is used. Raises StepFailed.
        """
        pending = self._folder / f"pending-{hashlib.sha256(request.encode()).hexdigest()[:32]}.pem"
        if not pending.exists():
            made = _openssl(["genpkey", *_GENERATE[algorithm]])
            write_atomic(pending, made.out, mode=0o600)
        configuration = self._folder / f".{pending.stem}.cnf"
        write_atomic(configuration, _request_configuration(names, common_name, subject).encode(), mode=0o600)
        try:
            csr = _openssl(
                ["req", "-new", "-utf8", "-sha256", "-key", str(pending), "-config", str(configuration)]
            ).out.decode("ascii")
        finally:
            configuration.unlink()
        spki = public_key_sha256(pending)
        kept = self._path(spki)
        if not kept.exists():
            os.link(pending, kept)
            sync_folder(self._folder)
        return csr, spki

    def settle(self, request: str) -> None:
        """The job is over: its key is found by its SHA-256 only from now on."""
        pending = self._folder / f"pending-{hashlib.sha256(request.encode()).hexdigest()[:32]}.pem"
        pending.unlink(missing_ok=True)

    def read(self, spki: str) -> bytes:
        """The key with this SPKI SHA-256, as PEM. Raises Refused when it is not on this host, or is another one."""
        path = self._path(spki)
        if not path.is_file():
            raise Refused(
                "the private key of this certificate is not on this host: make the CSR here, then install",
                "key_missing",
            )
        if public_key_sha256(path) != spki:
            raise Refused("the private key on this host does not belong to this certificate", "key_missing")
        return path.read_bytes()

    def _path(self, spki: str) -> Path:
        return self._folder / f"{spki}.pem"


def public_key_sha256(key: Path) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo. Raises StepFailed."""
    public = _openssl(["pkey", "-in", str(key), "-pubout"]).out.decode("ascii")
    body = "".join(line for line in public.splitlines() if not line.startswith("-----"))
    return hashlib.sha256(base64.b64decode(body)).hexdigest()


def _openssl(arguments: Sequence[str]) -> Finished:
    # OPENSSL_CONF: a site-wide configuration must not add to what is asked for here.
    done = run(["openssl", *arguments], environment={"OPENSSL_CONF": os.devnull}, timeout=60)
    if not done.ok:
        raise StepFailed(f"openssl {arguments[0]} failed: {done.err.strip()[:300]}", "program_failed")
    return done


def _request_configuration(names: Sequence[str], common_name: str, subject: Mapping[str, str]) -> str:
    """The openssl request configuration. Every value is escaped character by character: config(5) gives `$`, quotes,
    backslash and `#` a meaning, and the values come from outside.
    """
    attributes = dict(subject)
    if len(common_name) <= _COMMON_NAME_LIMIT:
        attributes["CN"] = common_name
    lines = ["[req]", "prompt = no", "utf8 = yes", "string_mask = utf8only", "req_extensions = extensions"]
    lines += ["distinguished_name = subject", "[subject]"]
    lines += [f"{attribute} = {_escaped(value)}" for attribute, value in attributes.items()]
    lines += ["[extensions]", "subjectAltName = @names", "[names]"]
    lines += [f"DNS.{index} = {_escaped(name)}" for index, name in enumerate(names, 1)]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return "".join(char if char.isalnum() or ord(char) > 127 or char == " " else "\\" + char for char in value)
