# SPDX-License-Identifier: Apache-2.0
"""Bad input over the whole document against the whole product, as operator, customer and nobody (quality bar A6).

No answer is a fault of ours, every answer is as the document says, and none shows anything of our inside.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from gateway.operations import ROUTES
from tests.support.live_gateway import live

# What the document cannot say yet (rules of services, such as what a password looks like) is no reason to accept a
# body: `positive_data_acceptance` is off. A request for another account's id has nothing to be acted on.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,ignored_auth"
)
EXAMPLES = 5
# One worker: two threads in ast.parse at once, as hypothesis is, disturb each other (python/cpython#106905).
WORKERS = 1
SECONDS = 400
# A stream does not end. OCSP's body is DER, which the tool cannot write: test_system_gateway sends it. What ends or
# narrows the credential that it is tried with is tried as nobody, since the rest of the run would be one as nobody too.
LEFT_OUT = ["stream_events", "answer_ocsp"]
ENDING = ["sign_out", "sign_out_everywhere", "revoke_token", "change_password", "change_user", "remove_user"]


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with live(tmp_path_factory.mktemp("schemathesis")) as running:
        running.root = running.operator()
        running.buyer = running.customer("buyer@example.com")
        yield running
        assert running.process.poll() is None, running.log[-4000:]
        assert "Traceback" not in running.log, running.log[-6000:]


@pytest.mark.parametrize("who", ["nobody", "customer", "operator"])
def test_no_input_is_a_fault_of_ours_and_every_answer_is_as_described(product, tmp_path, who):
    token = {"nobody": None, "customer": product.buyer.token, "operator": product.root.token}[who]
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{product.url}/openapi.json",
        "--checks", CHECKS, "--mode", "all", "--phases", "examples,coverage,fuzzing",
        "--max-examples", str(EXAMPLES), "--seed", "1", "--workers", str(WORKERS), "--request-timeout", "20",
        "--generation-database", "none", "--no-color", "--suppress-health-check", "all",
        "--report", "junit", "--report-junit-path", str(tmp_path / "junit.xml"),
    ]  # fmt: skip
    for name in [*LEFT_OUT, *(ENDING if token else [])]:
        command += ["--exclude-operation-id", name]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-2000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested, done.stdout[-2000:]
    assert int(tested[1]) == len(ROUTES) - len(LEFT_OUT) - len(ENDING if token else [])
    if token:
        path = "/me" if who == "customer" else "/operator/accounts"
        client = product.buyer if who == "customer" else product.root
        assert client.get(path), "the credential was lost on the way"
