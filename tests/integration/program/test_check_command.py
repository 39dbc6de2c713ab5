# SPDX-License-Identifier: Apache-2.0
"""`certwright check` as a process against real servers: report, JSON, and what its exit code says."""

import json
import subprocess
import sys

import pytest

from tests.support.key_files import self_signed
from tests.support.s_server import free_port, s_server

NAME = "a.example.test"


def check(*arguments):
    argv = [sys.executable, "-m", "certwright", "check", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("check"), "ec", NAME)


def test_a_certificate_that_signs_itself_is_vouched_for_by_no_store(files):
    with s_server(files, "-www", "-tls1_3") as port:
        done = check(
            f"{NAME}:{port}", "--address", "127.0.0.1", "--no-web", "--trust-store", f"Own={files.pem}", "--json"
        )
    document = json.loads(done.stdout)
    assert document["survey"]["protocols"]["TLSv1.3"]["offered"] is True
    assert document["survey"]["protocols"]["TLSv1.2"]["offered"] is False
    codes = {finding["code"] for finding in document["verdict"]["findings"]}
    assert {"tls13", "key_proved"} <= codes
    # A certificate that signs itself is no CA, so that no store makes it trusted.
    assert "self_signed" in codes
    assert done.returncode == 1


def test_what_is_wrong_is_said_with_its_cure_and_an_exit_code(files):
    options = ("-www", "-cipher", "ALL:@SECLEVEL=0", "-tls1")
    with s_server(files, *options) as port:
        done = check(f"{NAME}:{port}", "--address", "127.0.0.1", "--no-web")
        mild = check(f"{NAME}:{port}", "--address", "127.0.0.1", "--no-web", "--basic", "--fail-on", "critical")
    assert done.returncode == 1, done.stderr
    assert "Grade T" in done.stdout
    assert "Neither TLS 1.2 nor TLS 1.3 is offered" in done.stdout
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in done.stdout
    assert mild.returncode == 0, mild.stdout
    assert "Not graded" in mild.stdout


def test_a_port_where_nobody_listens(files):
    done = check(f"127.0.0.1:{free_port()}")
    assert done.returncode == 3
    assert "refused" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["x y"], "name of a host"),
        (["a.example.test:port"], "not a port"),
        (["127.1"], "name of a host"),
        (["127.0.0.1", "--starttls", "gopher"], "--starttls"),
        (["127.0.0.1", "--fail-on", "doom"], "--fail-on"),
        (["127.0.0.1", "--trust-store", "Own"], "NAME=FILE"),
        (["127.0.0.1", "--trust-store", "Own=/nowhere.pem"], "--trust-store"),
    ],
)
def test_bad_input_is_named(arguments, named):
    done = check(*arguments)
    assert done.returncode == 2
    assert named in " ".join(done.stderr.replace("│", " ").split())
