# SPDX-License-Identifier: Apache-2.0
"""Orders on their way to a certificate without any web server: paid by card, a pasted CSR, proved by mail."""

from __future__ import annotations

import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from certwright.demo.customer import wait_for
from tests.support import csr_builder
from tests.support.people import Person

CODE = re.compile(r"or type this code into the order:\s+(\S+)")
LINK = re.compile(r"open this page and confirm:\s+(\S+)")


def fresh_key() -> ec.EllipticCurvePrivateKey:
    """A key that no other account has used."""
    return ec.generate_private_key(ec.SECP256R1())


def paid_order(
    person: Person, names: list[str], *, product: str = "dv-single", method: str = "email"
) -> dict[str, Any]:
    """An order that waits for its CSR."""
    order = person.steps.place_order(product, names, method)
    person.steps.pay_by_card(order["order_id"])
    return person.steps.wait_for_payment(order["order_id"])


def with_csr(person: Person, names: list[str], *, product: str = "dv-single", method: str = "email") -> dict[str, Any]:
    """An order that is being processed: its names wait to be proved."""
    order = paid_order(person, names, product=product, method=method)
    csr = csr_builder.pem(names[0], names, private=fresh_key())
    person.api.call("PUT", f"/orders/{order['order_id']}/csr", {"csr": csr})
    person.steps.authorizations(order["order_id"], len(names))
    return person.steps.order(order["order_id"])


def mail_to(operator: Person, address: str, name: str) -> str:
    """The text of the newest validation mail for a name, once it is in the product's folder of mails."""

    def look() -> str:
        for mail in operator.api.get("/operator/mails", limit=100)["items"]:
            if address in mail["to"] and mail["subject"].endswith(f" {name}"):
                return str(operator.api.get(f"/operator/mails/{mail['mail_id']}")["text"])
        return ""

    return str(wait_for(f"a mail to {address} about {name}", look))


def code_in(text: str) -> str:
    """The code that a validation mail holds."""
    found = CODE.search(text)
    assert found, text
    return found[1]


def link_in(text: str) -> str:
    """The link that a validation mail holds."""
    found = LINK.search(text)
    assert found, text
    return found[1]


def issued(person: Person, operator: Person, name: str) -> dict[str, Any]:
    """An order whose certificate is there."""
    order = with_csr(person, [name])
    [authorization] = person.steps.authorizations(order["order_id"], 1)
    address = authorization["email_addresses"][0]
    at = f"/orders/{order['order_id']}/authorizations/{name}"
    person.api.call("PUT", f"{at}/method", {"method": "email", "email": address})
    person.api.post(f"{at}/code", {"code": code_in(mail_to(operator, address, name))})
    return person.steps.wait_for_status(order["order_id"], "issued")
