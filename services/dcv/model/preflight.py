# SPDX-License-Identifier: Apache-2.0
"""What a preliminary look means for an order: findings, each with its severity and cure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.dcv.model import authorization as model
from shared.contracts.dcv import MethodOption
from shared.contracts.preflight import CAASeen, HeldProof, NamePreflight, PerspectiveSeen, PreflightFinding
from shared.pki.quorum import Profile
from shared.pki.rules import Rules

ERROR, WARNING, INFO, GOOD = "error", "warning", "info", "good"
READY, CAUTION, BLOCKED = "ready", "warning", "blocked"
PORTS = {"http_csr_hash": (80,), "https_csr_hash": (443,), "": (80, 443)}


class Known(NamedTuple):
    """A kind of finding. Words in braces are facts."""

    severity: str
    text: str
    cure: str = ""


FINDINGS = {
    "proof_held": Known(GOOD, "Proved by {method} already; the proof can be used until {until}."),
    "method_forbidden": Known(ERROR, "The rules forbid this method ({source}).", "Choose another method."),
    "method_one_host": Known(ERROR, "A file proves one host, not all names below it ({source}).",
                             "Choose CNAME or e-mail for wildcard names."),
    "method_ends": Known(INFO, "This method is allowed until {ends}; proofs by it end then too ({source})."),
    "dns_failed": Known(ERROR, "The name servers did not answer {perspectives} properly ({detail}).",
                        "Check the delegation of the zone and its name servers."),
    "dnssec_bogus": Known(ERROR, "The zone is signed by DNSSEC, and wrongly so, as {perspectives} sees it ({detail}).",
                          "Sign it anew, or correct or remove the DS record at the registrar."),
    "dnssec_secure": Known(GOOD, "The answers are signed and were validated (DNSSEC)."),
    "dnssec_insecure": Known(INFO, "The zone is not signed by DNSSEC.",
                             "Signing it keeps its answers from being forged."),
    "dnssec_unknown": Known(INFO, "Nobody is known to have validated the answers by DNSSEC.",
                            "The operator can name a resolver that validates."),
    "dnssec_unchecked": Known(ERROR, "The rules ask for answers validated by DNSSEC ({source}); the resolver is "
                              "not known to validate.",
                              "The operator has to name a resolver that validates."),
    "no_address": Known(ERROR, "The name has no address, as {perspectives} sees it: no file can be fetched.",
                        "Add an A or AAAA record, or choose CNAME or e-mail."),
    "no_address_either": Known(WARNING, "The name has no address, as {perspectives} sees it: no file can be fetched.",
                               "Choose CNAME or e-mail, or add an A or AAAA record."),
    "no_address_needed": Known(INFO, "The name has no address. This method needs none."),
    "address_refused": Known(ERROR, "The name leads to {address} ({refusal}), which is not dialled from here.",
                             "Choose CNAME or e-mail, or have the operator allow that network."),
    "port_closed": Known(ERROR, "No connection with port {port} of {address}, as {perspectives} sees it.",
                         "Open the port in the firewall and have the web server listen on it."),
    "port_closed_either": Known(WARNING, "No connection with port {port} of {address}, as {perspectives} sees it.",
                                "A file cannot be fetched there; another port or method may do."),
    "port_open": Known(GOOD, "Port {port} of {address} takes connections."),
    "caa_allowed": Known(GOOD, "CAA records do not stand in the way."),
    "caa_forbids": Known(ERROR, "The CAA record {record} at {at} does not let this CA issue.", "{cure}"),
    "caa_unknown": Known(ERROR, "What CAA records say is not known for certain; until then nothing is issued.",
                         "{cure}"),
    "caa_not_asked": Known(INFO, "CAA records were not asked for: this installation's CA has no name in them."),
    "one_perspective": Known(INFO, "Seen from one perspective only."),
    "perspectives_too_few": Known(ERROR, "Seen from {remote} perspectives beside the primary one; the rules ask for "
                                  "{required} ({source}).", "The operator has to add perspectives."),
    "perspectives_differ": Known(WARNING, "Perspectives see different addresses: {differences}.",
                                 "A change has not reached all name servers yet, or somebody answers by place: wait, "
                                 "or use CNAME."),
}  # fmt: skip


METHOD_WORDS = {
    "http_csr_hash": "HTTP CSR hash",
    "https_csr_hash": "HTTPS CSR hash",
    "cname_csr_hash": "CNAME CSR hash",
    "txt_csr_hash": "TXT CSR hash",
    "dns_persist": "persistent DNS record",
    "email": "e-mail",
    "email_caa": "e-mail to the contact in CAA records",
    "email_txt": "e-mail to the contact in a TXT record",
    "whois_email": "e-mail",
    "acme_http_01": "ACME http-01",
    "acme_dns_01": "ACME dns-01",
}


def judge_name(
    fqdn: str,
    method: str,
    seen: Sequence[PerspectiveSeen],
    caa: CAASeen | None,
    proof: HeldProof | None,
    *,
    option: MethodOption | None,
    rules: Rules,
    profile: Profile,
) -> NamePreflight:
    """One name with its findings, the gravest first. `caa` is None where no records were asked for; `option` is the
    method as `authorization.options` judges it, None where no method is chosen."""
    findings = [
        *_of_proof(proof),
        *_of_method(option),
        *_of_dns(seen, rules, profile),
        *(() if proof or fqdn.startswith("*.") else _of_addresses(seen, method)),
        *_of_caa(caa),
        *_of_perspectives(seen, rules, profile),
    ]
    findings.sort(key=lambda each: (ERROR, WARNING, INFO, GOOD).index(each.severity))
    return NamePreflight(
        fqdn=fqdn, verdict=worst(findings), findings=findings, perspectives=list(seen), caa=caa, proof=proof
    )


def worst(findings: Sequence[PreflightFinding]) -> str:
    """The verdict that findings amount to."""
    severities = {each.severity for each in findings}
    return BLOCKED if ERROR in severities else CAUTION if WARNING in severities else READY


def worst_of(names: Sequence[NamePreflight]) -> str:
    """The verdict of several names together."""
    verdicts = {each.verdict for each in names}
    return next((each for each in (BLOCKED, CAUTION) if each in verdicts), READY)


def option_of(fqdn: str, method: str, rules: Rules) -> MethodOption | None:
    """What the rules of the day say of the method for this name; None where none is chosen."""
    return next((each for each in model.options_by(fqdn, rules) if each.method == method), None) if method else None


def finding(code: str, **facts: str) -> PreflightFinding:
    """A finding of a known kind with its words; a method, which is a code among the facts, has words of its own."""
    kind = FINDINGS[code]
    words = facts | {"method": METHOD_WORDS[facts["method"]]} if "method" in facts else facts
    return PreflightFinding(
        severity=kind.severity, code=code, text=kind.text.format(**words), cure=kind.cure.format(**words), facts=facts
    )


def _of_proof(proof: HeldProof | None) -> Iterator[PreflightFinding]:
    if proof is not None:
        yield finding("proof_held", method=proof.method, until=proof.expires_at[:10])


def _of_method(option: MethodOption | None) -> Iterator[PreflightFinding]:
    if option is None:
        return
    if not option.allowed:
        yield finding(f"method_{option.code}", source=option.source)
    elif option.ends:
        yield finding("method_ends", ends=option.ends, source=option.source)


def _of_dns(seen: Sequence[PerspectiveSeen], rules: Rules, profile: Profile) -> Iterator[PreflightFinding]:
    bogus = [each for each in seen if each.dnssec == "bogus"]
    failing = [each for each in seen if each not in bogus and _failed(each)]
    for code, which in (("dnssec_bogus", bogus), ("dns_failed", failing)):
        if which:
            yield finding(code, perspectives=_names(which), detail=_detail(which[0]))
    primary = seen[0]
    if primary in bogus or primary in failing:
        return
    if primary.dnssec == "indeterminate":
        if profile == "public" and rules.dnssec.required:
            yield finding("dnssec_unchecked", source=rules.dnssec.source)
        else:
            yield finding("dnssec_unknown")
    else:
        yield finding(f"dnssec_{primary.dnssec}")


def _of_addresses(seen: Sequence[PerspectiveSeen], method: str) -> Iterator[PreflightFinding]:
    """Whether a file could be fetched; other methods need no web server."""
    wanted = PORTS.get(method)
    without = [each for each in seen if not each.addresses and each.dnssec != "bogus" and not _failed(each)]
    if not wanted:
        if without:
            yield finding("no_address_needed")
        return
    if without:
        yield finding("no_address" if method else "no_address_either", perspectives=_names(without))
    refused = next((each for each in seen if each.refused), None)
    if refused is not None:
        address, _, why = refused.refused.partition(" ")
        yield finding("address_refused", address=address, refusal=why)
        return
    for port in wanted:
        yield from _of_port(seen, port, chosen=bool(method))


def _of_port(seen: Sequence[PerspectiveSeen], port: int, *, chosen: bool) -> Iterator[PreflightFinding]:
    tried = [(each, one) for each in seen for one in each.ports if one.port == port]
    closed = [(each, one) for each, one in tried if not one.reachable]
    if closed:
        code = "port_closed" if chosen else "port_closed_either"
        address = closed[0][1].address
        yield finding(code, port=str(port), address=address, perspectives=_names([each for each, _ in closed]))
    elif tried:
        yield finding("port_open", port=str(port), address=tried[0][1].address)


def _of_caa(caa: CAASeen | None) -> Iterator[PreflightFinding]:
    if caa is None:
        yield finding("caa_not_asked")
        return
    code = {True: "caa_allowed", False: "caa_forbids", None: "caa_unknown"}[caa.allowed]
    yield finding(code, reason=caa.reason, cure=caa.cure, at=caa.at, record=caa.record)


def _of_perspectives(seen: Sequence[PerspectiveSeen], rules: Rules, profile: Profile) -> Iterator[PreflightFinding]:
    rule, remote = rules.perspectives, len(seen) - 1
    if profile == "public" and rule.blocking and remote < rule.remote:
        yield finding("perspectives_too_few", remote=str(remote), required=str(rule.remote), source=rule.source)
    elif remote == 0:
        yield finding("one_perspective")
    answered = [each for each in seen if not _failed(each)]
    if len({frozenset(each.addresses) for each in answered}) > 1:
        said = "; ".join(f"{each.name} {', '.join(sorted(each.addresses)) or 'none'}" for each in answered)
        yield finding("perspectives_differ", differences=said)


def _failed(seen: PerspectiveSeen) -> bool:
    """Whether its questions for addresses went unanswered."""
    return any(
        each.status in {"servfail", "timeout", "malformed"} for each in seen.answers if _for_address(each.question)
    )


def _for_address(question: str) -> bool:
    return question.endswith((" A", " AAAA"))


def _detail(seen: PerspectiveSeen) -> str:
    bad = next(each for each in seen.answers if each.status not in {"ok", "nodata", "nxdomain"})
    return bad.detail or bad.status


def _names(seen: Sequence[PerspectiveSeen]) -> str:
    return ", ".join(each.name for each in seen)
