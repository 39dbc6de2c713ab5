# SPDX-License-Identifier: Apache-2.0
"""A gateway over services that only exist in the test."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from gateway.app import Gateway
from gateway.settings import GatewaySettings
from tests.support.fake_rpc import FakeRpc


@pytest.fixture(scope="session")
def gateway():
    """One for all tests, since building its hundred operations takes longer than a test."""
    return Gateway(FakeRpc(), GatewaySettings(_env_file=None))


@pytest.fixture
def rpc(gateway):
    gateway.ground.identities.forget()
    gateway.ground.rpc.reset()
    return gateway.ground.rpc


@pytest.fixture
def client(gateway, rpc):
    """Keeps no cookies: each test says what it sends."""
    return Client(gateway, use_cookies=False)


@pytest.fixture
def bearer(rpc):
    """Headers of somebody who may do everything that a customer may."""
    return {"Authorization": f"Bearer {rpc.person('full')}"}
