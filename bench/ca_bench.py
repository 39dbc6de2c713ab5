# SPDX-License-Identifier: Apache-2.0
"""How fast the built-in CA turns requests into certificates, beside what OpenSSL says the same core can sign and
verify.

The limit is 1 / (1/sign + 1/verify): each certificate needs one verification (of the request) and one signature.
Measured is the
whole way in one process without a database: reading and checking the CSR, policy, profile, signature, PEM. Requests
are all different.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from services.ca.adapters.built_in import BuiltInIssuer
from services.ca.adapters.founding import Plan
from services.ca.adapters.key_store import open_key_store
from services.ca.model.policy import Policy, accept
from services.ca.ports import RevokedEntry
from shared.contracts.orders import IssuanceRequested

PAIRS = 5
SECONDS = 1.0
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def main() -> None:
    """Prints one JSON object a line."""
    for line in lines():
        print(json.dumps(line))


def lines() -> Iterator[dict[str, object]]:
    """All figures of this file, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield issuing("ec-p256", "ecdsap256")
        yield issuing("ec-p256", "ecdsap256", linted=True)
        yield issuing("rsa-2048", "rsa2048")
        yield crl(20_000)
    finally:
        os.sched_setaffinity(0, cores)


def issuing(algorithm: str, primitive: str, *, linted: bool = False) -> dict[str, object]:
    """Certificates a second, requests with P-256 keys, median of interleaved pairs with `openssl speed`."""
    requests = _requests(400)
    with tempfile.TemporaryDirectory() as folder:
        issuer = _issuer(Path(folder), algorithm, linted=linted)
        policy = Policy(issuer=issuer.name, ca_expires=issuer.expires_at)
        numbers = iter(range(1 << 62))

        def issue(request: IssuanceRequested) -> None:
            randomness = UUID(int=next(numbers)).hex
            issuer.sign(accept(request, policy, now=NOW, randomness=randomness))

        for request in requests[:50]:
            issue(request)
        rates, limits, costs = [], [], []
        for _ in range(PAIRS):
            limits.append(_limit(primitive))
            rate, cost = _rate(issue, requests)
            rates.append(rate)
            costs.append(cost)
    # `openssl speed` divides by CPU time, so that the fair ratio is by CPU time too; on an idle core both are the same.
    ratio = statistics.median(1e6 / cost / limit for cost, limit in zip(costs, limits, strict=True))
    by_wall = statistics.median(rate / limit for rate, limit in zip(rates, limits, strict=True))
    return {
        "name": f"ca_issue_{algorithm.replace('-', '_')}" + ("_linted" if linted else ""),
        "value": round(statistics.median(rates), 1),
        "unit": "certificates/s",
        "against": f"1/(1/sign + 1/verify) of openssl speed: {statistics.median(limits):.0f}/s",
        "ratio": round(ratio, 3),
        "ratio_by_wall": round(by_wall, 3),
        "cpu_us": round(statistics.median(costs), 1),
    }


def crl(entries: int) -> dict[str, object]:
    """Seconds to sign a list of so many revoked certificates; the aim is 100,000 in a second."""
    with tempfile.TemporaryDirectory() as folder:
        issuer = _issuer(Path(folder), "ec-p256")
        revoked = [RevokedEntry(f"{number + (1 << 127):X}", NOW, "superseded") for number in range(entries)]
        walls, costs = [], []
        for number in range(1, PAIRS + 1):
            started, cpu = time.perf_counter(), time.process_time()
            issuer.sign_crl(number=number, this_update=NOW, next_update=NOW + timedelta(days=3), revoked=revoked)
            walls.append(time.perf_counter() - started)
            costs.append(time.process_time() - cpu)
    rate = entries / statistics.median(walls)
    return {
        "name": "ca_crl",
        "value": round(rate),
        "unit": "entries/s",
        "against": "aim of 100000 entries/s",
        "ratio": round(rate / 100_000, 3),
        "cpu_us": round(statistics.median(costs) / entries * 1e6, 2),
    }


def _issuer(folder: Path, algorithm: str, *, linted: bool = False) -> BuiltInIssuer:
    plan = Plan("Bench", root_algorithm=algorithm, issuing_algorithm=algorithm)
    store = open_key_store(folder / "ca", None, plan=plan, now=NOW)
    return BuiltInIssuer(store.active, public_url="http://certwright.test/pki", linted=linted)


def _requests(count: int) -> list[IssuanceRequested]:
    return [_request(number) for number in range(count)]


def _request(number: int) -> IssuanceRequested:
    names = [f"www{number}.example.com", f"shop{number}.example.com"]
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return IssuanceRequested(
        order_id=f"order-{number}",
        account_id="account",
        issuance_id=f"issuance-{number}",
        csr_version=1,
        csr_pem=csr.public_bytes(Encoding.PEM).decode(),
        common_name=names[0],
        names=names,
        validation_level="DV",
    )


def _rate(issue: Callable[[IssuanceRequested], None], requests: list[IssuanceRequested]) -> tuple[float, float]:
    """Calls per second of wall time, and microseconds of CPU per call."""
    count = 0
    started, cpu = time.perf_counter(), time.process_time()
    while (elapsed := time.perf_counter() - started) < SECONDS:
        for request in requests[:100]:
            issue(request)
        count += 100
    return count / elapsed, (time.process_time() - cpu) / count * 1e6


def _limit(primitive: str) -> float:
    """1 / (time of one signature of the CA's key + time of one P-256 verification)."""
    sign, _ = _speed(primitive)
    _, verify = _speed("ecdsap256")
    return 1 / (sign + verify)


def _speed(primitive: str) -> tuple[float, float]:
    """Seconds per signature and per verification, CPU time of one process."""
    run = subprocess.run(
        ["openssl", "speed", "-mr", "-seconds", "1", primitive], capture_output=True, text=True, check=True
    )
    fields = next(line for line in run.stdout.splitlines() if line.startswith(("+F2:", "+F4:"))).split(":")
    return 1 / float(fields[3]), 1 / float(fields[4])


if __name__ == "__main__":
    main()
