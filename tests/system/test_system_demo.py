# SPDX-License-Identifier: Apache-2.0
"""The demonstration does what it says, in one process and on RabbitMQ and PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("mode", ["embedded", "cluster"])
def test_two_orders_go_from_sign_up_to_the_wire(mode):
    done = subprocess.run(
        [sys.executable, "-m", "certwright.demo", "--mode", mode],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert [order["status"] for order in result["orders"]] == ["installed", "installed"]
    for order in result["orders"]:
        assert int(order["serial"], 16) == int(order["served_serial"], 16)
    assert result["rebuild_equal"] is True
    assert result["verify_ok"] is True
