# SPDX-License-Identifier: Apache-2.0
"""What an answer from outside means. A proof is exact or it is none; a refusal says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

MAX_FILE_BYTES = 10 * 1024
SHOWN_BYTES = 200


class Reason(StrEnum):
    """Why a look did not prove anything. Closed list."""

    NOT_FOUND = "file_not_found"
    REDIRECTED = "file_redirected"
    BAD_STATUS = "file_bad_status"
    TOO_LARGE = "file_too_large"
    WRONG_CONTENT = "file_wrong_content"
    UNREACHABLE = "host_unreachable"
    ADDRESS_REFUSED = "address_refused"
    NO_SUCH_NAME = "dns_no_record"
    WRONG_TARGET = "dns_wrong_target"
    WRONG_TEXT = "dns_wrong_text"
    WRONG_PERSIST = "persist_wrong"
    PERSIST_POLICY = "persist_policy"
    PERSIST_ENDED = "persist_ended"
    DNS_FAILED = "dns_failed"
    METHOD_ENDED = "method_not_allowed"
    BOGUS = "dnssec_bogus"
    UNVALIDATED = "dnssec_unchecked"
    NO_CONTACT = "contact_none"
    WRONG_CONTACT = "contact_other"
    CONTACT_FOUND = "contact_found"
    OTHERS_DIFFER = "perspectives_differ"
    PRIMARY_DIFFERS = "primary_differs"
    TOO_FEW_PERSPECTIVES = "perspectives_too_few"
    ONE_REGION = "perspectives_one_region"


ADVICE = {
    Reason.NOT_FOUND: "The web server answers, but not with the file. Check the web root and the upper-case file name.",
    Reason.REDIRECTED: "The web server redirects. Serve the file at the very URL, without any redirect.",
    Reason.BAD_STATUS: "The web server answered with an error. The file must come with status 200.",
    Reason.TOO_LARGE: "What came back is larger than 10 KiB, so it is not the file. Look for a catch-all page.",
    Reason.WRONG_CONTENT: "The file is there, but its content is another. Copy it again; lines end with LF, no BOM.",
    Reason.UNREACHABLE: "The web server could not be reached. Check DNS, firewall and that it listens on this port.",
    Reason.ADDRESS_REFUSED: "The name leads to an address that is not dialled from here. Use CNAME or e-mail instead.",
    Reason.NO_SUCH_NAME: "There is no such record yet. Add it as shown; new records may take some minutes.",
    Reason.WRONG_TARGET: "The record is there, but its target is another. Copy it again, with both labels of the hash.",
    Reason.WRONG_TEXT: "There are TXT records at the name, but none with this text. Copy it again, in one string.",
    Reason.WRONG_PERSIST: "There is a persistent record, but for another CA or account, or out of shape. "
    "Copy it again.",
    Reason.PERSIST_POLICY: "The record proves its own name alone. Add policy=wildcard as shown.",
    Reason.PERSIST_ENDED: "The record's persistUntil is over. Put a later moment there, or leave it out.",
    Reason.DNS_FAILED: "The name servers did not answer properly. Check the delegation and DNSSEC of the zone.",
    Reason.METHOD_ENDED: "The rules do not allow this method for this name any more. Choose another.",
    Reason.BOGUS: "The zone is signed by DNSSEC, and wrongly so: resolvers that check refuse its answers. Sign it "
    "anew, or correct or remove the DS record at the registrar.",
    Reason.UNVALIDATED: "The rules ask for answers validated by DNSSEC, and the resolver here is not known to "
    "validate. The operator has to name one that does.",
    Reason.NO_CONTACT: "No record names an address. Add one of those shown; new records may take some minutes.",
    Reason.WRONG_CONTACT: "There are records, but none names this very address. The whole value has to be the address.",
    Reason.CONTACT_FOUND: "The record names the address; the mail goes there. Its link or code proves the name.",
    Reason.OTHERS_DIFFER: "The primary perspective sees it, others do not. A new record has not reached all name "
    "servers yet, or somebody answers differently by place: wait, or look at what each perspective saw.",
    Reason.PRIMARY_DIFFERS: "Others see it, the primary perspective does not. A new record has not reached all name "
    "servers yet: wait, or look at what each perspective saw.",
    Reason.TOO_FEW_PERSPECTIVES: "The rules for public certificates ask for more perspectives than are set up here. "
    "The operator has to add some.",
    Reason.ONE_REGION: "The perspectives that see it lie in too few regions. The operator has to add some elsewhere.",
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one look showed. `evidence` is what was asked, of whom, and what came back; no secrets are in it."""

    passed: bool
    reason: str = ""
    advice: str = ""
    evidence: dict[str, Any] = {}


def refused(reason: Reason, evidence: dict[str, Any]) -> Outcome:
    """A look that proved nothing."""
    return Outcome(passed=False, reason=str(reason), advice=ADVICE[reason], evidence=evidence)


class FileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer. `complete` is False when the body was longer than `MAX_FILE_BYTES`."""

    status: int
    body: bytes
    location: str = ""
    complete: bool = True


def judge_file(answer: FileAnswer, expected: str, evidence: dict[str, Any]) -> Outcome:
    """Status 200 and exactly the expected lines; one missing line end at the end of the file is forgiven.

    BR 3.2.2.4.18 would allow some redirects; the guide (§3.3, note 1) and we do not: they are how proofs are stolen.
    """
    found = evidence | {"status": answer.status, "content": _shown(answer.body)}
    if 300 <= answer.status < 400:
        return refused(Reason.REDIRECTED, found | {"location": answer.location[:SHOWN_BYTES]})
    if answer.status in {404, 410}:
        return refused(Reason.NOT_FOUND, found)
    if answer.status != 200:
        return refused(Reason.BAD_STATUS, found)
    if not answer.complete or len(answer.body) > MAX_FILE_BYTES:
        return refused(Reason.TOO_LARGE, found)
    wanted = expected.encode("ascii")
    if answer.body not in {wanted, wanted.removesuffix(b"\n")}:
        return refused(Reason.WRONG_CONTENT, found)
    return Outcome(passed=True, evidence=found)


class AskedCNAME(NamedTuple):
    """One question for the record: the name, the status and the targets (or texts) of the answer, its standing by
    DNSSEC."""

    name: str
    status: str
    targets: list[str]
    dnssec: str = "indeterminate"


def judge_cname(asked: Sequence[AskedCNAME], expected: str, evidence: dict[str, Any]) -> Outcome:
    """`asked` goes from the FQDN up to the registrable name; one right record proves.

    DNS names compare without regard to case (RFC 4343).
    """
    found = evidence | {"dns": [{**one._asdict(), "targets": list(one.targets)} for one in asked]}
    for one in asked:
        # More than one CNAME at a name is no DNS (RFC 2181 §10.1), so a second one spoils the proof.
        if one.dnssec != "bogus" and [target.lower() for target in one.targets] == [expected.lower()]:
            return Outcome(passed=True, evidence=found | {"name": one.name, "dnssec": one.dnssec})
    if any(one.dnssec == "bogus" for one in asked):
        return refused(Reason.BOGUS, found | {"dnssec": "bogus"})
    if any(one.targets for one in asked):
        return refused(Reason.WRONG_TARGET, found)
    if any(one.status not in {"ok", "nxdomain", "nodata"} for one in asked):
        return refused(Reason.DNS_FAILED, found)
    return refused(Reason.NO_SUCH_NAME, found)


def judge_txt(asked: Sequence[AskedCNAME], expected: str, evidence: dict[str, Any]) -> Outcome:
    """As `judge_cname`, but other texts may stand beside the right one, and a text compares exactly."""
    found = evidence | {"dns": [{**one._asdict(), "targets": _cut(one.targets)} for one in asked]}
    for one in asked:
        if one.dnssec != "bogus" and expected in one.targets:
            return Outcome(passed=True, evidence=found | {"name": one.name, "dnssec": one.dnssec})
    if any(one.dnssec == "bogus" for one in asked):
        return refused(Reason.BOGUS, found | {"dnssec": "bogus"})
    if any(one.targets for one in asked):
        return refused(Reason.WRONG_TEXT, found)
    if any(one.status not in {"ok", "nxdomain", "nodata"} for one in asked):
        return refused(Reason.DNS_FAILED, found)
    return refused(Reason.NO_SUCH_NAME, found)


def _cut(texts: Sequence[str]) -> list[str]:
    return [text[:SHOWN_BYTES] for text in texts[:20]]


def _shown(body: bytes) -> str:
    return body[:SHOWN_BYTES].decode("ascii", "backslashreplace")
