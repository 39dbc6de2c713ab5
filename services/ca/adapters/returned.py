# SPDX-License-Identifier: Apache-2.0
"""What another CA sent back, held against what was asked for: key, names, chain. What misfits is not passed on."""

from __future__ import annotations

from services.ca.adapters import lint
from services.ca.ports import IssuerRefusedError, Signed
from shared.clock import to_text
from shared.contracts.ca import IssuanceAccepted
from shared.pki.certificate import CertificateUnreadableError, chain_problems, differences, parse_chain, pem_blocks
from shared.pki.csr import parse_csr
from shared.pki.rules import Rules

# `differences` knows more; expiry and start are the order's to judge, by its own clock.
WORDS = {
    "key": "its key is not that of the request",
    "names": "its names are not those that were asked for",
    "validity": "it lasts longer than the rules allow",
}


def read_returned(name: str, chain_pem: str, accepted: IssuanceAccepted, *, linted: bool) -> Signed:
    """The certificate and its chain, with what a linter finds in it if it is asked: a fault of form is that CA's, and
    the certificate is there already, so it is told and not refused. Raises IssuerRefusedError when they are not what
    was asked for.
    """
    try:
        leaf, *issuers = parse_chain(chain_pem)
    except (CertificateUnreadableError, ValueError):
        raise IssuerRefusedError(f"{name} sent something that is no certificate chain.") from None
    csr = parse_csr(accepted.csr_pem)
    limit = Rules.at(leaf.not_before).longest
    found = differences(
        leaf, spki_sha256=csr.key.spki_sha256, names=accepted.names, now=leaf.not_before,
        max_seconds=int(limit.total_seconds()),
    )  # fmt: skip
    problems = [WORDS[each] for each in found if each in WORDS]
    if not issuers or chain_problems(leaf, issuers):
        problems.append("its chain does not belong to it")
    if problems:
        # Its serial is said, so that it can be revoked there.
        raise IssuerRefusedError(
            f"{name} sent a certificate (serial {leaf.serial}) that is not used: {', '.join(problems)}."
        )
    return Signed(
        certificate_pem=leaf.pem,
        chain_pem="".join(each.pem for each in issuers if not each.self_issued),
        serial=leaf.serial,
        fingerprint_sha256=leaf.sha256,
        not_before=to_text(leaf.not_before),
        not_after=to_text(leaf.not_after),
        lint=_linted(leaf.pem, accepted.profile) if linted else (),
    )


def _linted(pem: str, profile: str) -> tuple[str, ...]:
    try:
        return tuple(lint.problems(pem_blocks(pem)[0], profile))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's certificate does to a linter, it is signed
        return (f"the linter could not read it ({type(error).__name__})",)
