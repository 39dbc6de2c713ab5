# SPDX-License-Identifier: Apache-2.0
"""Whatever dies while an ACME client orders from another CA: one order and one certificate there, both known here."""

from __future__ import annotations

import pytest

from tests.support import dying_issuer

UPSTREAM = [
    ("ca/advance/OrderIntended", "ca/advance/ChallengesMade"),
    ("ca/record_step/before-commit", "ca/advance/Wait"),
    ("ca/advance/OrderOpened", "orders/finalize/after-commit"),
    ("ca/record_step/after-commit", "orders/on_certificate_signed/before-commit"),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with dying_issuer.scene(tmp_path_factory.mktemp("issuer"), upstream=True) as made:
        yield made


@pytest.mark.parametrize("places", dying_issuer.ISSUER + UPSTREAM, ids=" and ".join)
def test_a_process_dies_at(scene, places):
    dying_issuer.dies_at(scene, places)
