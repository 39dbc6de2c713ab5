# SPDX-License-Identifier: Apache-2.0
"""Whatever dies while an ACME client orders from the built-in CA: one order, charged once, one certificate."""

from __future__ import annotations

import pytest

from tests.support import dying_issuer

CLIENT = [
    ("gateway/acme_new_order/received", "gateway/acme_authorization/done", "gateway/acme_certificate/received"),
    ("gateway/acme_new_order/done", "gateway/acme_challenge/done", "gateway/acme_finalize/done"),
    ("gateway/acme_challenge/received", "gateway/acme_finalize/received", "gateway/acme_certificate/done"),
    ("orders/open_order/before-commit", "dcv/on_order_opened/before-commit", "orders/finalize/before-commit"),
    ("orders/open_order/after-commit", "dcv/answer/before-commit", "orders/finalize/after-commit"),
    ("accounts/use_nonce/after-commit", "billing/create_quote/after-commit", "dcv/answer/after-commit"),
    ("billing/on_order_placed/before-commit", "dcv/job-validate/start", "orders/on_dcv_passed/before-commit"),
    ("billing/on_order_placed/after-commit", "dcv/job-validate/end", "orders/on_dcv_passed/after-commit"),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with dying_issuer.scene(tmp_path_factory.mktemp("issuer"), upstream=False) as made:
        yield made


@pytest.mark.parametrize("places", CLIENT + dying_issuer.ISSUER, ids=" and ".join)
def test_a_process_dies_at(scene, places):
    dying_issuer.dies_at(scene, places)
