# SPDX-License-Identifier: Apache-2.0
"""One Certwright orders from another over ACME and follows its ARI (RFC 9773): windows told, moved, and named again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from services.ca.adapters.acme_renewal import certificate_id
from services.ca.ports import OrderOpened, Progress
from shared.clock import from_text
from shared.contracts.ca import CertificateSigned, IssuanceAccepted, RenewalSuggested
from tests.support.acme_world import credential, orders_of, world
from tests.support.upstream_room import ask, finish, room

NAME = "www.downstream.com"


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The installation that signs."""
    with world(tmp_path_factory.mktemp("other")) as made:
        made.host(NAME)
        yield made


def of_kind(facts, kind):
    return [each for each in facts if isinstance(each, kind)]


def named_before(customer, order):
    """What each ACME order of an order says that it replaces."""
    history = customer.api.get(f"/orders/{order['order_id']}/history?limit=200")["items"]
    return [each["data"].get("replaces", "") for each in history if each["type"] == "orders.ACMEOrderOpened"]


def test_the_window_of_another_ca_is_followed_and_the_next_order_names_what_it_replaces(other, tmp_path):
    customer = other.customer()
    key = credential(customer)
    binding = (key["credential"]["credential_id"], key["hmac_key"])
    server = SimpleNamespace(directory=other.directory, http_port=other.http_port, trust="")
    with room(tmp_path, server, other.names, eab=binding) as ca:
        first = ask(ca, 1, [NAME], order_id="order-1")
        [facts] = finish(ca, first)
        [signed] = of_kind(facts, CertificateSigned)
        ca.work()
        [told] = of_kind(ca.facts(first), RenewalSuggested)
        start, end = from_text(told.start), from_text(told.end)
        assert ca.clock.now() < start < end < from_text(signed.not_after)
        assert told.serial == signed.serial

        # The other CA has it replaced at once: what it answers from now on is a window in the past.
        customer.api.post("/replacements", {"everything": True, "reason": "The CA made a mistake."})
        ca.ask_now(first)
        moved = of_kind(ca.facts(first), RenewalSuggested)
        assert len(moved) == 2
        assert from_text(moved[-1].end) <= ca.clock.now()
        ca.ask_now(first)
        assert of_kind(ca.facts(first), RenewalSuggested) == moved  # no change, no event

        second = ask(ca, 2, [NAME], order_id="order-1", csr_version=2)
        [facts] = finish(ca, second)
        assert of_kind(facts, CertificateSigned)
        named = certificate_id(signed.certificate_pem)
        [order] = orders_of(customer)
        assert named_before(customer, order) == ["", named]
        ca.ask_now(first)  # its successor is there: nobody asks for it any more
        ca.work()
        assert ca.waiting("renewal_info") == [second]

        # Whoever names it once more is told that it was replaced, and gets an order all the same.
        [accepted] = of_kind(ca.facts(second), IssuanceAccepted)
        progress = Progress(intended=True, fresh=True, predecessor_pem=signed.certificate_pem)
        step = ca.app.upstream.advance(accepted, progress)
        assert isinstance(step, OrderOpened), step
        assert named_before(customer, order) == ["", named, ""]
