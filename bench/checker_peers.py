# SPDX-License-Identifier: Apache-2.0
"""The programs that the SSL checker is set beside: sslyze from an environment of its own, and testssl.sh."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.measured_runs import Run, run_program
from certwright.servers.process import find_program

_SSLYZE = Path(__file__).resolve().parent.parent / "build" / "tools" / "sslyze" / "bin" / "python"
_MANY = """
import json, sys
from sslyze import Scanner, ScanCommand, ServerNetworkLocation, ServerScanRequest
scanner = Scanner(concurrent_server_scans_limit=150)
scanner.queue_scans([
    ServerScanRequest(ServerNetworkLocation(name, int(sys.argv[1]), ip_address=address),
                      scan_commands={ScanCommand.CERTIFICATE_INFO})
    for address, name in json.load(sys.stdin)
])
done = 0
for result in scanner.get_results():
    shown = result.scan_result and result.scan_result.certificate_info.result
    done += bool(shown and shown.certificate_deployments)
print(done)
"""
_PROTOCOLS = {
    "SSLv2": "ssl_2_0",
    "SSLv3": "ssl_3_0",
    "TLSv1.0": "tls_1_0",
    "TLSv1.1": "tls_1_1",
    "TLSv1.2": "tls_1_2",
    "TLSv1.3": "tls_1_3",
}


class Sslyze:
    """sslyze. Raises LookupError when it is not there."""

    def __init__(self, folder: Path) -> None:
        if not _SSLYZE.exists():
            raise LookupError("sslyze is not installed: run tests/setup-servers --bench")
        self._out = folder / "sslyze.json"

    def certificates(self, hosts: Sequence[tuple[str, str]], port: int) -> Run:
        """Its certificate_info for many (address, name), 150 servers at once. Raises RuntimeError when it misses some:
        it has its own idea of who answers in time, so one of a hundred may be missing."""
        run, said = run_program([str(_SSLYZE), "-c", _MANY, str(port)], stdin=json.dumps(hosts).encode())
        if int(said) < len(hosts) * 0.99:
            raise RuntimeError(f"sslyze saw {said.strip()} certificates of {len(hosts)}")
        return run

    def everything(self, port: int, name: str) -> tuple[Run, dict[str, list[str]]]:
        """All its scans of 127.0.0.1; the time, and the suites of each protocol by IANA name, sorted."""
        argv = [str(_SSLYZE), "-m", "sslyze", f"--json_out={self._out}", "--quiet", f"127.0.0.1:{port}", "--sni", name]
        run, _ = run_program(argv, judges=True)
        scans = json.loads(self._out.read_text())["server_scan_results"][0]["scan_result"]
        found = {}
        for protocol, key in _PROTOCOLS.items():
            part: Any = scans[f"{key}_cipher_suites"]["result"]
            found[protocol] = sorted(one["cipher_suite"]["name"] for one in part["accepted_cipher_suites"])
        return run, found


class Testssl:
    """testssl.sh as the distribution has it. Raises LookupError when it is not there."""

    def __init__(self) -> None:
        found = find_program("testssl")
        if found is None:
            raise LookupError("testssl.sh is not installed: run tests/setup-servers --bench")
        self._program = str(found)

    def everything(self, port: int, name: str) -> Run:
        """All its tests of 127.0.0.1. Raises RuntimeError when it did not come to the end of them."""
        argv = [self._program, "--quiet", "--color", "0", "--warnings", "off"]
        argv += ["--openssl-timeout", "5", "--nodns", "none", "--ip", "127.0.0.1", f"{name}:{port}"]
        run, said = run_program(argv, judges=True)
        if "Testing vulnerabilities" not in said:
            raise RuntimeError(f"testssl.sh broke off: {said[-300:]}")
        return run
