# SPDX-License-Identifier: Apache-2.0
"""Credentials of ACME clients: who makes them, who holds them, and that they end at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta

import msgspec
import pytest

from services.accounts.handlers import acme, company
from services.accounts.model import acme as model
from shared.clock import to_text
from shared.context import system
from shared.contracts import accounts as c
from shared.contracts import billing
from shared.errors import Code, ServiceError

GATEWAY = system("gateway")


def product(code, level="DV", *prices):
    terms = [billing.Term(years=years, price=price, per_year=price, saves_percent=0) for years, price in prices]
    return billing.Product(
        code=code, name=code, form="single", validation_level=level, description="", currency="USD", terms=terms
    )


PRODUCTS = [product("dv-two", "DV", (1, 500), (2, 900)), product("dv-one", "DV", (1, 400)), product("ov", "OV", (1, 1))]


def refused(code, call, *arguments, **named):
    with pytest.raises(ServiceError) as error:
        call(*arguments, **named)
    assert error.value.code is code
    return error.value


def made(house, context, **changes):
    request = c.CreateACMECredential(**{"name": "web", **changes})
    return acme.create_credential(house.app, request, context, PRODUCTS)


def key_of(made):
    return base64.urlsafe_b64decode(made.hmac_key + "=" * (-len(made.hmac_key) % 4))


def bind(house, credential, *, key=None, thumbprint="t-1", contact=(), signed=b"header.payload"):
    request = c.CreateACMEAccount(
        jwk='{"kty":"EC"}', thumbprint=thumbprint, contact=list(contact),
        credential_id=credential.credential.credential_id, signed=signed.hex(),
        mac=hmac.digest(key or key_of(credential), b"header.payload", hashlib.sha256).hex(),
    )  # fmt: skip
    return acme.create_account(house.app, request, GATEWAY)


def test_a_credential_is_shown_once_and_kept_sealed(house):
    _, _, context = house.member()
    done = made(house, context, name=" web ")
    assert (done.credential.name, done.credential.product) == ("web", "dv-one")
    assert done.directory_url == "https://certwright.example/acme/directory"
    assert done.hmac_key not in house.everything_stored()
    [listed] = acme.list_credentials(house.app, c.ListACMECredentials(), context).items
    assert listed == done.credential
    assert made(house, context, term_years=2).credential.product == "dv-two"


@pytest.mark.parametrize(("changes", "pointer"), [
    ({"name": ""}, "/name"), ({"name": "a\nb"}, "/name"), ({"product": "ov"}, "/product"),
    ({"product": "gone"}, "/product"), ({"product": "dv-one", "term_years": 2}, "/term_years"),
    ({"term_years": 3}, "/term_years"),
])  # fmt: skip
def test_what_cannot_be_bought_is_refused(house, changes, pointer):
    _, _, context = house.member()
    assert refused(Code.INVALID, made, house, context, **changes).pointer == pointer


def test_who_may_not_order_makes_no_credential(house):
    _, _, context = house.member()
    lesser = msgspec.structs.replace(context, permissions=context.permissions - {"create_order"})
    refused(Code.FORBIDDEN, made, house, lesser)


def test_a_client_is_bound_by_the_key_and_by_nothing_else(house):
    done, _, context = house.member()
    credential = made(house, context)
    refused(Code.UNAUTHENTICATED, bind, house, credential, key=b"x" * 32)
    refused(Code.UNAUTHENTICATED, bind, house, credential, signed=b"header.other")
    unknown = msgspec.structs.replace(
        credential, credential=msgspec.structs.replace(credential.credential, credential_id="none")
    )
    refused(Code.UNAUTHENTICATED, bind, house, unknown)
    account = bind(house, credential, contact=["mailto:ops@example.com"])
    assert (account.account_id, account.product, account.status) == (done.account_id, "dv-one", "valid")
    refused(Code.CONFLICT, bind, house, credential)
    second = bind(house, credential, thumbprint="t-2")
    assert acme.list_credentials(house.app, c.ListACMECredentials(), context).items[0].acme_accounts == 2
    found = acme.find_account(house.app, c.FindACMEAccount(thumbprint="t-2"))
    assert found == second == acme.find_account(house.app, c.FindACMEAccount(acme_account_id=second.acme_account_id))
    refused(Code.NOT_FOUND, acme.find_account, house.app, c.FindACMEAccount(thumbprint="t-3"))


def test_a_revoked_credential_ends_its_clients_and_only_its_own_account_revokes_it(house):
    _, _, context = house.member()
    _, _, other = house.member("otto")
    credential = made(house, context)
    account = bind(house, credential)
    request = c.RevokeACMECredential(credential_id=credential.credential.credential_id)
    refused(Code.NOT_FOUND, house.do, acme.revoke_credential, request, other)
    assert acme.list_credentials(house.app, c.ListACMECredentials(), other).items == []
    house.do(acme.revoke_credential, request, context)
    refused(Code.NOT_FOUND, house.do, acme.revoke_credential, request, context)
    assert acme.list_credentials(house.app, c.ListACMECredentials(), context).items == []
    find = c.FindACMEAccount(acme_account_id=account.acme_account_id)
    assert acme.find_account(house.app, find).status == "revoked"
    refused(Code.UNAUTHENTICATED, bind, house, credential, thumbprint="t-9")


def test_an_account_changes_contact_key_and_ends(house):
    _, _, context = house.member()
    credential = made(house, context)
    first, second = bind(house, credential), bind(house, credential, thumbprint="t-2")

    def change(**changes):
        request = c.ChangeACMEAccount(acme_account_id=first.acme_account_id, **changes)
        return house.do(acme.change_account, request, GATEWAY)

    assert change(contact=["mailto:a@example.com"]).contact == ["mailto:a@example.com"]
    clash = refused(Code.CONFLICT, change, jwk="{}", thumbprint="t-2")
    assert clash.extra["acme_account_id"] == second.acme_account_id
    assert change(jwk="{}", thumbprint="t-3").thumbprint == "t-3"
    assert change(deactivate=True).status == "deactivated"
    assert change(deactivate=True).status == "deactivated"
    told = [each.data for each in house.room.events(acme.stream_of(credential.credential.credential_id))]
    assert [one.change for one in told if isinstance(one, c.ACMEAccountChanged)] == ["contact", "key", "deactivated"]


@pytest.mark.parametrize(("contact", "kind"), [
    (["tel:+49"], "unsupportedContact"), (["mailto:"], "invalidContact"),
    (["mailto:a@b.example?cc=x"], "invalidContact"),
    (["mailto:a@b.example,c@d.example"], "invalidContact"), (["mailto:a@b.example"] * 6, "malformed"),
])  # fmt: skip
def test_strange_contacts_are_refused(contact, kind):
    assert refused(Code.INVALID, model.check_contact, contact).extra["acme"] == kind


def test_a_nonce_is_used_once_and_forgotten_when_it_would_be_too_old(house):
    _, _, context = house.member()
    credential = made(house, context).credential
    assert credential.last_used_at is None
    use = c.UseACMENonce(
        nonce_hash="h",
        expires_at=to_text(house.clock.now() + timedelta(hours=1)),
        credential_id=credential.credential_id,
    )
    house.do(acme.use_nonce, use, GATEWAY)
    refused(Code.CONFLICT, house.do, acme.use_nonce, use, GATEWAY)
    [listed] = acme.list_credentials(house.app, c.ListACMECredentials(), context).items
    assert listed.last_used_at == to_text(house.clock.now())
    house.clock.move(hours=2)
    house.do(company.forget_old, (to_text(house.clock.now()),) * 2, GATEWAY)
    house.do(acme.use_nonce, use, GATEWAY)


def test_every_gateway_gets_the_same_key_of_nonces_and_it_is_kept_sealed(house):
    keys = {acme.nonce_key(house.app, c.GetACMENonceKey(), GATEWAY).key for _ in range(3)}
    [key] = keys
    assert len(bytes.fromhex(key)) >= 32
    assert bytes.fromhex(key).decode() not in house.everything_stored()
