# SPDX-License-Identifier: Apache-2.0
"""Who pays is told to the provider, the same each time it is asked."""

import pytest

from shared.contracts.billing import Payer
from shared.errors import Code, ServiceError

NORA = {"name": "Blumen Winter GmbH", "address1": "Gartenstrasse 7", "city": "Berlin", "country": "DE"}


def test_the_provider_is_told_who_pays_also_by_the_job_that_asks_again(billing):
    billing.place(billing.quote())
    billing.provider.deaf = True
    payer = Payer(**NORA, email=" pay@example.com ", phone="+49 30 1234567")
    with pytest.raises(ServiceError):
        billing.start("order-1", payer=payer)
    first = dict(billing.provider.payers)
    billing.provider.deaf = False
    billing.run_jobs(minutes=5)
    billing.start("order-1", payer=Payer(**{**NORA, "name": "Another"}))
    assert billing.provider.payers == first
    assert first["order-1:1"] == Payer(**NORA, email="pay@example.com", phone="+49 30 1234567")
    assert len(billing.provider.intents) == 1


def test_a_payment_may_be_begun_without_a_payer(billing):
    billing.place(billing.quote())
    billing.start("order-1")
    assert billing.provider.payers == {"order-1:1": None}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 5000}, "name"),
        ({"city": "a\x00b"}, "city"),
        ({"country": "Germany"}, "country"),
        ({"country": ""}, "country"),
        ({"address1": ""}, "address1"),
        ({"phone": "call me"}, "phone"),
        ({"email": "no address"}, "email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field_before_anything_is_begun(billing, changes, field):
    billing.place(billing.quote())
    with pytest.raises(ServiceError) as caught:
        billing.start("order-1", payer=Payer(**{**NORA, **changes}))
    assert (caught.value.code, caught.value.pointer) == (Code.INVALID, f"/payer/{field}")
    assert billing.types() == ["ChargeOpened"]


def test_any_script_and_markup_is_text(billing):
    billing.place(billing.quote())
    name = "שלום <b>Blumen</b> 🧨"
    billing.start("order-1", payer=Payer(**{**NORA, "name": name}))
    assert billing.provider.payers["order-1:1"].name == name
