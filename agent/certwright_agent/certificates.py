# SPDX-License-Identifier: Apache-2.0
"""Reads certificates and checks that a leaf, its chain and the key on this host belong together."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from shared.probe.leaf import Leaf, read_leaf

from certwright_agent.errors import Refused
from certwright_agent.files import beginning
from certwright_agent.process import run
from certwright_agent.webservers.site import Block

_LIMIT = 1024 * 1024  # bytes of a file that holds certificates


def read_pem(pem: str) -> Leaf:
    """Reads one PEM certificate. Raises Refused."""
    try:
        return read_leaf(ssl.PEM_cert_to_DER_cert(pem))
    except ValueError as error:
        raise Refused(f"this is not a certificate: {error}") from None


def first_in_file(path: Path) -> tuple[Leaf, str] | None:
    """The first certificate of a PEM file and its text; None when the file cannot be read or holds none."""
    try:
        return first_in(beginning(path, _LIMIT).decode("ascii", "replace"))
    except OSError:
        return None


def stored(block: Block) -> tuple[Leaf, str] | None:
    """The certificate that the configuration names for a block, and its text; None when there is none to be read."""
    found = first_in(block.certificate_pem)
    return found or (first_in_file(Path(block.certificate_file)) if block.certificate_file else None)


def first_in(content: str) -> tuple[Leaf, str] | None:
    """The first certificate of a PEM text and its own text; None when there is none."""
    try:
        start = content.index("-----BEGIN CERTIFICATE-----")
        end = content.index("-----END CERTIFICATE-----", start) + len("-----END CERTIFICATE-----")
        pem = content[start:end] + "\n"
        return read_leaf(ssl.PEM_cert_to_DER_cert(pem)), pem
    except ValueError:
        return None


def covers(names: Sequence[str], fqdn: str) -> bool:
    """Whether a certificate for `names` is good for `fqdn`; a wildcard is one label (RFC 6125 §6.4.3)."""
    wanted = fqdn.lower().rstrip(".")
    parent = "*." + wanted.partition(".")[2]
    return any(name.lower() in (wanted, parent) for name in names)


def check_chain(leaf_pem: str, chain_pem: Sequence[str]) -> None:
    """Has openssl verify that each certificate signed the one before it, for a TLS server, today. Raises Refused."""
    if not chain_pem:
        raise Refused("the certificate came without its chain", "chain_misfit")
    with tempfile.TemporaryDirectory(prefix="certwright-") as folder:
        leaf, chain, anchor = (Path(folder) / name for name in ("leaf.pem", "chain.pem", "anchor.pem"))
        leaf.write_text(leaf_pem, "ascii")
        chain.write_text("".join(chain_pem), "ascii")
        anchor.write_text(chain_pem[-1], "ascii")
        # The last one is the anchor: whether to trust it is not the host's question, whether the chain holds is.
        verified = run(
            [
                *("openssl", "verify", "-partial_chain", "-purpose", "sslserver", "-no-CApath", "-no-CAstore"),
                *("-CAfile", str(anchor), "-untrusted", str(chain), str(leaf)),
            ]
        )
    if not verified.ok:
        said = [line for line in verified.text().splitlines() if line.startswith("error ")]
        raise Refused(
            "the chain does not fit the certificate: " + (said[0] if said else "openssl does not accept it"),
            "chain_misfit",
        )


def check_order(leaf: Leaf, chain: Sequence[Leaf]) -> None:
    """The chain must come issuer after issuer, since servers send it as it stands (RFC 5246 §7.4.2). Raises Refused."""
    below = leaf
    for issuer in chain:
        if below.issuer != issuer.subject:
            raise Refused(f"the chain is not in order: {issuer.subject} did not issue {below.subject}", "chain_misfit")
        below = issuer
