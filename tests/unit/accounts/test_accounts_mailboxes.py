# SPDX-License-Identifier: Apache-2.0
"""An address is refused only when the DNS says for certain that nobody receives mail there."""

from __future__ import annotations

import pytest

from services.accounts import bootstrap
from services.accounts.adapters.mailboxes import AnyMailboxes, DNSMailboxes
from services.accounts.handlers import company
from services.accounts.settings import AccountsSettings
from shared.contracts import accounts as c
from shared.egress.resolver import Answer
from shared.errors import ServiceError
from tests.support import account_builders as given


class Zone:
    """Answers by type; what is not said does not exist."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def ask(self, name, kind):
        self.asked.append((name, kind))
        said = self.answers.get(kind, "nodata")
        return Answer(f"{name}. {kind}", said) if isinstance(said, str) else Answer(f"{name}. {kind}", "ok", said)


@pytest.mark.parametrize(
    ("zone", "missing"),
    [
        (Zone(MX=("10 mx.example.com.",)), False),
        (Zone(MX=("0 .",)), True),
        (Zone(MX=("0 .", "10 mx.example.com.")), False),
        (Zone(A=("192.0.2.1",)), False),
        (Zone(AAAA=("2001:db8::1",)), False),
        (Zone(), True),
        (Zone(MX="nxdomain"), True),
        (Zone(MX="timeout"), False),
        (Zone(MX="servfail"), False),
        (Zone(MX="malformed"), False),
        (Zone(A="timeout"), False),
        (Zone(AAAA="servfail"), False),
    ],
    ids=lambda value: str(getattr(value, "answers", value)),
)
def test_what_the_dns_says(zone, missing):
    assert DNSMailboxes(zone).missing("example.com") is missing


def test_a_resolver_that_is_slow_is_asked_once():
    zone = Zone(MX="timeout")
    DNSMailboxes(zone).missing("example.com")
    assert zone.asked == [("example.com", "MX")]


def with_zone(house, zone):
    object.__setattr__(house.app, "mailboxes", DNSMailboxes(zone))
    return zone


def test_a_sign_up_names_the_field_and_makes_nothing(house):
    with_zone(house, Zone())
    with pytest.raises(ServiceError) as error:
        house.sign_up()
    assert (error.value.pointer, error.value.code) == ("/contact/email", "invalid")
    assert "Nobody can receive mail at blumen-winter.example" in error.value.detail
    assert company.list_accounts(house.app, c.ListAccounts()).items == []
    with_zone(house, Zone(MX=("10 mx.example.com.",)))
    assert house.sign_up()


def test_a_change_looks_up_another_address_only(house):
    _, _, context = house.member()
    zone = with_zone(house, Zone())
    same = c.UpdateAccount(contact=given.contact(first_name="Norah"))
    assert company.update_account(house.app, same, context).contact.first_name == "Norah"
    assert zone.asked == []
    other = c.UpdateAccount(contact=given.contact(email="nora@nowhere.example"))
    with pytest.raises(ServiceError) as error:
        company.update_account(house.app, other, context)
    assert error.value.pointer == "/contact/email"


@pytest.mark.parametrize(
    ("mail_lookup", "nameservers", "kind"),
    [
        ("auto", None, AnyMailboxes),
        ("auto", '["192.0.2.53"]', DNSMailboxes),
        ("off", '["192.0.2.53"]', AnyMailboxes),
        ("on", '["192.0.2.53"]', DNSMailboxes),
    ],
)
def test_when_it_is_looked_up(monkeypatch, mail_lookup, nameservers, kind):
    if nameservers:
        monkeypatch.setenv("CERTWRIGHT_EGRESS_NAMESERVERS", nameservers)
    assert isinstance(bootstrap._mailboxes(AccountsSettings(mail_lookup=mail_lookup)), kind)
