# SPDX-License-Identifier: Apache-2.0
"""Compares surveys with sslyze and testssl.sh on local endpoints: `python -m bench.agreement --sslyze PATH …`.

Prints a Markdown table and every difference; writes all facts as JSON where `--json` says. It is no part of the tests:
it needs programs that nobody else here needs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from bench.agreement_endpoints import NAME, Endpoint, Endpoints
from shared.probe.suites import suite
from shared.probe.survey import PROTOCOLS, Survey
from shared.probe.surveying.surveyor import survey

_SSLYZE = {
    "SSLv2": "ssl_2_0",
    "SSLv3": "ssl_3_0",
    "TLSv1.0": "tls_1_0",
    "TLSv1.1": "tls_1_1",
    "TLSv1.2": "tls_1_2",
    "TLSv1.3": "tls_1_3",
}
_TESTSSL = {"ssl3": "SSLv3", "tls1": "TLSv1.0", "tls1_1": "TLSv1.1", "tls1_2": "TLSv1.2", "tls1_3": "TLSv1.3"}
_TESTSSL_PROTOCOLS = {
    "SSLv2": "SSLv2",
    "SSLv3": "SSLv3",
    "TLS1": "TLSv1.0",
    "TLS1_1": "TLSv1.1",
    "TLS1_2": "TLSv1.2",
    "TLS1_3": "TLSv1.3",
}
Facts = dict[str, Any]


def ours(found: Survey) -> Facts:
    """A survey in the terms of the comparison: suites and leaves as sorted lists, None for what was not looked at."""
    facts: Facts = {f"{name} suites": sorted(offer.suites) for name, offer in found.protocols.items()}
    facts |= {name: bool(offer.offered) for name, offer in found.protocols.items()}
    facts["leaves"] = sorted({hashlib.sha256(chain.certificates[0]).hexdigest() for chain in found.chains})
    for name in ("compression", "extended_master_secret", "fallback_scsv", "secure_renegotiation", "early_data"):
        facts[name] = found.features[name].value
    facts["client_renegotiation"] = found.features["client_renegotiation"].value
    for name in ("heartbleed", "ccs_injection", "robot"):
        facts[name] = found.holes[name].value
    return facts


def by_sslyze(program: str, port: int, folder: Path) -> Facts | None:
    """The same from sslyze; None where it gives up on the endpoint."""
    out = folder / f"sslyze-{port}.json"
    argv = [program, f"--json_out={out}", "--quiet", f"{NAME}:{port}".replace(NAME, "127.0.0.1"), "--sni", NAME]
    subprocess.run(argv, capture_output=True, timeout=300, check=False)
    try:
        result = json.loads(out.read_text())["server_scan_results"][0]
    except (OSError, ValueError, IndexError):
        return None
    scans = result.get("scan_result")
    if not scans:
        return None
    facts: Facts = {}
    for name, key in _SSLYZE.items():
        part = scans[f"{key}_cipher_suites"]["result"]
        if part is not None:
            facts[f"{name} suites"] = sorted(one["cipher_suite"]["name"] for one in part["accepted_cipher_suites"])
            facts[name] = bool(part["accepted_cipher_suites"])
    shown = scans["certificate_info"]["result"]
    if shown is not None:
        pems = [one["received_certificate_chain"][0]["as_pem"] for one in shown["certificate_deployments"]]
        loaded = [x509.load_pem_x509_certificate(pem.encode()) for pem in pems]
        facts["leaves"] = sorted({one.fingerprint(hashes.SHA256()).hex() for one in loaded})
    for name, part_name, field in (
        ("compression", "tls_compression", "supports_compression"),
        ("extended_master_secret", "tls_extended_master_secret", "supports_ems_extension"),
        ("fallback_scsv", "tls_fallback_scsv", "supports_fallback_scsv"),
        ("secure_renegotiation", "session_renegotiation", "supports_secure_renegotiation"),
        ("client_renegotiation", "session_renegotiation", "is_vulnerable_to_client_renegotiation_dos"),
        ("early_data", "tls_1_3_early_data", "supports_early_data"),
        ("heartbleed", "heartbleed", "is_vulnerable_to_heartbleed"),
        ("ccs_injection", "openssl_ccs_injection", "is_vulnerable_to_ccs_injection"),
        ("robot", "robot", "robot_result"),
    ):
        part = scans[part_name]["result"]
        if part is not None:
            value = part[field]
            facts[name] = value if isinstance(value, bool) else not str(value).startswith("NOT_VULNERABLE")
    return facts


def by_testssl(program: str, port: int, folder: Path) -> Facts | None:
    """Protocols and suites from testssl.sh."""
    out = folder / f"testssl-{port}.json"
    argv = [program, "--quiet", "--color", "0", "--warnings", "off", "--openssl-timeout", "5", "--nodns", "none"]
    argv += ["--jsonfile", str(out), "--ip", "127.0.0.1", "-p", "-E", f"{NAME}:{port}"]
    subprocess.run(argv, capture_output=True, timeout=600, check=False, stdin=subprocess.DEVNULL)
    try:
        lines = json.loads(out.read_text())
    except (OSError, ValueError):
        return None
    facts: Facts = {}
    for line in lines:
        if line["id"] in _TESTSSL_PROTOCOLS:
            # Refusals come in many words: "TLSv1.1 is not offered, and downgraded to a weaker protocol". Of SSLv2 it
            # says "vulnerable with 2 ciphers" where others are "offered".
            facts[_TESTSSL_PROTOCOLS[line["id"]]] = str(line["finding"]).startswith(("offered", "vulnerable"))
        told = re.fullmatch(r"cipher-(\w+?)_x([0-9a-f]+)", line["id"])
        if told and told.group(1) in _TESTSSL:
            names = facts.setdefault(f"{_TESTSSL[told.group(1)]} suites", [])
            names.append(suite(int(told.group(2), 16)).name)
    if not any(name in facts for name in PROTOCOLS):
        return None
    for name in _TESTSSL.values():
        facts[f"{name} suites"] = sorted(set(facts.get(f"{name} suites", [])))
    return facts


def differences(mine: Facts, theirs: Facts) -> list[str]:
    """What both looked at and do not agree on."""
    found = []
    for name in sorted(set(mine) & set(theirs)):
        left, right = mine[name], theirs[name]
        if left is None or left == right:
            continue
        if isinstance(left, list):
            only = [f"only ours {', '.join(sorted(set(left) - set(right)))}"] if set(left) - set(right) else []
            only += [f"only theirs {', '.join(sorted(set(right) - set(left)))}"] if set(right) - set(left) else []
            found.append(f"{name}: {'; '.join(only)}")
        else:
            found.append(f"{name}: ours {left}, theirs {right}")
    return found


def compare(endpoint: Endpoint, arguments: argparse.Namespace, folder: Path) -> Facts:
    """Starts one endpoint and lets everybody look at it."""
    with endpoint.start() as port:
        started = time.monotonic()
        found = survey("127.0.0.1", port, server_name=NAME, depth="advanced", web=False)
        took = time.monotonic() - started
        mine = ours(found)
        others = {}
        if arguments.sslyze:
            others["sslyze"] = by_sslyze(arguments.sslyze, port, folder)
        if arguments.testssl:
            others["testssl"] = by_testssl(arguments.testssl, port, folder)
    return {
        "endpoint": endpoint.name,
        "took_s": round(took, 2),
        "connections": found.connections,
        "failure": found.failure,
        "ours": mine,
        "others": others,
        "compared": {name: len(set(mine) & set(facts or {})) for name, facts in others.items()},
        "differences": {name: differences(mine, facts) for name, facts in others.items() if facts is not None},
    }


def _row(one: Facts) -> str:
    cells = [one["endpoint"], ", ".join(name for name in PROTOCOLS if one["ours"][name])]
    cells += ["/".join(str(len(one["ours"][f"{name} suites"])) for name in PROTOCOLS), str(len(one["ours"]["leaves"]))]
    for name, facts in one["others"].items():
        cells.append(
            "gave up" if facts is None else f"{one['compared'][name]} facts, {len(one['differences'][name])} differ"
        )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Compares on every endpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sslyze", default="")
    parser.add_argument("--testssl", default="")
    parser.add_argument("--tlslite", default="python3", help="a Python that has tlslite-ng")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="", help="endpoints whose name has this in it")
    parser.add_argument("--at-once", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        endpoints = [one for one in Endpoints(folder, arguments.tlslite).every() if arguments.only in one.name]
        with ThreadPoolExecutor(arguments.at_once) as pool:
            results = list(pool.map(lambda one: _tried(one, arguments, folder), endpoints))
    for one in results:
        print(_row(one) if "ours" in one else f"| {one['endpoint']} | {one['error']} |")
    for one in results:
        for program, lines in one.get("differences", {}).items():
            for line in lines:
                print(f"{one['endpoint']} – {program} – {line}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


def _tried(endpoint: Endpoint, arguments: argparse.Namespace, folder: Path) -> Facts:
    try:
        return compare(endpoint, arguments, folder)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return {"endpoint": endpoint.name, "error": str(error)}


if __name__ == "__main__":
    main()
