# SPDX-License-Identifier: Apache-2.0
"""Mail to a contact in the DNS (BR 3.2.2.4.13, .14): only what stands whole in a record of the name is an address, and
the mail goes out once that was seen."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.dcv.adapters.contacts import ContactRecords, CorroboratedContacts, values_of_caa
from services.dcv.handlers import mailing, views
from services.dcv.model import contacts
from services.dcv.model.contacts import AskedContact
from services.dcv.model.judging import Outcome, Reason, refused
from services.dcv.ports import Target
from shared.context import system
from shared.contracts.dcv import (
    ChallengeMailSent,
    ConfirmDCVMail,
    DCVPassed,
    GetMailConfirmation,
    ListMailContacts,
    MailContactLookedUp,
)
from shared.egress.resolver import Answer
from shared.errors import ServiceError
from shared.mail.message import check_address
from tests.support.dcv_room import OTHER

ME = "security@shop-demo.com"
NAME = "www.shop-demo.com"
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80)
near_misses = st.one_of(
    printable,
    st.text(max_size=40),
    st.integers(0, len(ME) - 1).map(lambda at: ME[:at] + ME[at + 1 :]),
    st.integers(0, len(ME)).flatmap(lambda at: st.characters().map(lambda sign: ME[:at] + sign + ME[at:])),
    st.sampled_from([
        ME.upper(), f"<{ME}>", f"mailto:{ME}", f"{ME},{ME}", f"{ME}; a=b", f" {ME}", f"{ME}\n", f"{ME}\0", f'"{ME}"',
        f"{ME}.", f"Security <{ME}>", "security@[192.0.2.1]", "@shop-demo.com", "security@",
        f"{ME}\r\nBcc: a@b.example",
    ]),
)  # fmt: skip


def judged(*values, address=ME, status="ok", dnssec="secure"):
    return contacts.judge([AskedContact(NAME, f"{NAME}. CAA", status, list(values), dnssec)], address, {})


@given(st.lists(printable, max_size=4))
def test_the_address_is_found_among_any_other_values(others):
    assert judged(*others, ME).passed


@given(near_misses)
def test_no_other_value_names_the_address(value):
    assume(value != ME)
    outcome = judged(value)
    assert (outcome.passed, outcome.reason) == (False, Reason.WRONG_CONTACT)


@given(near_misses)
def test_what_is_no_address_is_never_one_even_if_it_stands_there(value):
    assume(not re.fullmatch(r"[!-?A-~]+@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+", value))
    assert not judged(value, address=value).passed


@given(near_misses)
def test_what_is_an_address_can_be_written_to(value):
    if contacts.is_address(value):
        assert check_address(value) == value


@given(printable)
def test_a_caa_value_is_read_as_it_stands(value):
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    records = ['0 issue "ca.example"', f'0 ContactEmail "{text}"', '0 contactphone "+491"']
    assert values_of_caa(records) == [value]


@pytest.mark.parametrize(
    ("status", "dnssec", "reason"),
    [("nodata", "secure", Reason.NO_CONTACT), ("servfail", "indeterminate", Reason.DNS_FAILED),
     ("servfail", "bogus", Reason.BOGUS)],
)  # fmt: skip
def test_without_a_record_nobody_is_a_contact(status, dnssec, reason):
    assert judged(status=status, dnssec=dnssec).reason == reason
    assert not judged(ME, dnssec="bogus").passed


class Zone:
    """A resolver that knows some records."""

    def __init__(self, **records):
        self.records = {name.replace("__", "."): found for name, found in records.items()}

    def ask(self, name, kind):
        found = self.records.get(f"{name}", ()) if kind == "CAA" else ()
        status = "ok" if found else "nxdomain"
        return Answer(f"{name}. {kind}", status, tuple(found), "192.0.2.53", dnssec="insecure")


def test_a_registry_is_no_contact_of_the_names_below_it():
    zone = Zone(co__uk=[f'0 contactemail "{ME}"'], uk=[f'0 contactemail "{ME}"'])
    look = ContactRecords(zone).look
    for name in ("shop-demo.co.uk", "www.shop-demo.co.uk"):
        outcome = look(Target(name, "email_caa", "", "", "", address=ME))
        assert (outcome.passed, outcome.reason) == (False, Reason.NO_CONTACT)
        assert outcome.evidence["dns"][-1]["status"] == "ok"  # it was seen, and is not believed


# --- the mail --------------------------------------------------------------------------------------------------------


def found(at="shop-demo.com"):
    return Outcome(passed=True, evidence={"address": ME, "at": at, "dns": [{"name": f"{at}. CAA"}]})


def chosen(world, method="email_caa", outcome=None):
    world.csr(NAME, method=method)
    world.lookup.outcome = found() if outcome is None else outcome
    world.choose(NAME, method, ME)


def link(world):
    return re.search(r"/validation/(\S+)", world.outbox.mails[-1].text)[1]


def confirm(world):
    request = ConfirmDCVMail(token=link(world))
    return world.execute(mailing.confirm_link, request, system("dcv")).state


@pytest.mark.parametrize("method", contacts.CONTACT_METHODS)
def test_the_mail_goes_out_once_the_record_was_seen(world, method):
    chosen(world, method)
    assert world.outbox.mails == []
    assert world.list()[0].status == "open"
    world.run_jobs()
    world.run_jobs()
    [target] = world.lookup.asked
    assert (target.fqdn, target.method, target.address) == (NAME, method, ME)
    [seen] = world.events(NAME, MailContactLookedUp)
    assert (seen.method, seen.address, seen.found, seen.reason) == (method, ME, True, Reason.CONTACT_FOUND)
    assert seen.evidence["rules"] == "BR 2.2.6, state of 2026-06-15"
    assert seen.evidence["rule"].startswith({"email_caa": "BR 3.2.2.4.13", "email_txt": "BR 3.2.2.4.14"}[method])
    assert [mail.to for mail in world.outbox.mails] == [ME]
    assert len(world.events(NAME, ChallengeMailSent)) == 1
    [shown] = world.list()
    assert (shown.email, shown.attempts[0].reason, shown.attempts[0].evidence) == (
        ME, Reason.CONTACT_FOUND, seen.evidence,
    )  # fmt: skip
    assert confirm(world) == "confirmed"
    [passed] = world.events(NAME, DCVPassed)
    assert passed.method == method


def test_without_the_record_no_mail_goes_out_and_it_is_told_why(world):
    chosen(world, outcome=refused(Reason.OTHERS_DIFFER, {"dns": []}))
    world.run_jobs()
    assert world.outbox.mails == []
    [seen] = world.events(NAME, MailContactLookedUp)
    assert (seen.found, seen.reason) == (False, Reason.OTHERS_DIFFER)
    [attempt] = world.list()[0].attempts
    assert (attempt.passed, attempt.method, attempt.reason) == (False, "email_caa", Reason.OTHERS_DIFFER)
    world.lookup.outcome = found()
    world.choose(NAME, "email_caa", ME)
    world.run_jobs()
    world.run_jobs()
    assert [mail.to for mail in world.outbox.mails] == [ME]


def test_a_look_that_runs_twice_is_kept_once_and_sends_one_mail(world):
    chosen(world)
    [job] = world.room.queue.lease("runner")
    for _ in range(2):
        world.room.queue.jobs["contact"].run(world.app, job.payload)
    assert len(world.events(NAME, MailContactLookedUp)) == 1
    world.run_jobs()
    assert len(world.outbox.mails) == 1


def test_what_was_chosen_otherwise_meanwhile_gets_no_mail(world):
    chosen(world)
    world.choose(NAME, "cname_csr_hash")
    world.run_jobs()
    assert world.lookup.asked == []
    assert world.outbox.mails == []
    assert world.events(NAME, MailContactLookedUp) == []


@pytest.mark.parametrize(
    "address", ["", "security", f"{ME},other@shop-demo.com", f"{ME}\r\nBcc: a@b.example", "ü@x.de"]
)
def test_only_an_address_is_looked_for(world, address):
    world.csr(NAME, method="email_caa")
    with pytest.raises(ServiceError) as refusal:
        world.choose(NAME, "email_caa", address)
    assert (refusal.value.code, refusal.value.pointer) == ("invalid", "/email")


def test_looks_for_contacts_are_limited_as_mails_are(world):
    world.csr(NAME, method="email_txt")
    for _ in range(world.app.own.mails_per_name_and_hour):
        world.choose(NAME, "email_txt", ME)
    with pytest.raises(ServiceError) as refusal:
        world.choose(NAME, "email_txt", ME)
    assert refusal.value.code == "rate_limited"


@pytest.mark.parametrize(("day", "state"), [("2028-03-14", "confirmed"), ("2028-03-15", "expired")])
def test_a_mail_proves_until_the_last_day_of_its_method(world, day, state):
    world.clock.at = datetime(2028, 3, 1, tzinfo=UTC)
    chosen(world)
    world.run_jobs()
    world.run_jobs()
    world.clock.at = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    opened = mailing.look_at_link(world.room, GetMailConfirmation(token=link(world))).state
    assert opened == ("open" if state == "confirmed" else state)
    assert confirm(world) == state
    assert bool(world.events(NAME, DCVPassed)) is (state == "confirmed")


def test_what_was_seen_on_the_first_forbidden_day_sends_no_mail(world):
    world.clock.at = datetime(2028, 3, 14, 23, 59, 59, tzinfo=UTC)
    chosen(world)
    world.clock.at = datetime(2028, 3, 15, tzinfo=UTC)
    world.run_jobs()
    [seen] = world.events(NAME, MailContactLookedUp)
    assert (seen.found, seen.reason) == (False, Reason.METHOD_ENDED)
    assert world.outbox.mails == []
    with pytest.raises(ServiceError, match="forbid"):
        world.choose(NAME, "email_caa", ME)


# --- whom a mail may go to -------------------------------------------------------------------------------------------


class Place:
    name, region, server = "here", "", "192.0.2.53"

    def __init__(self, resolver):
        self.resolver = resolver


def offered(world, zone, context=None):
    port = CorroboratedContacts([Place(zone)], "private", world.clock)
    request = ListMailContacts(order_id="order-1", fqdn=NAME)
    return views.list_contacts(world.room, port, request, context or system("dcv", account_id=None))


def test_the_constructed_addresses_and_those_in_the_dns_are_offered(world):
    world.csr(NAME, method="email")
    view = offered(world, Zone(**{"shop-demo__com": [f'0 contactemail "{ME}"', '0 contactemail "not one"']}))
    assert [each.address for each in view.contacts if each.method == "email"] == world.list()[0].email_addresses
    dns = [(each.address, each.at, each.usable, each.reason) for each in view.contacts if each.at]
    assert sorted(dns) == [
        ("not one", "shop-demo.com", False, Reason.WRONG_CONTACT), (ME, "shop-demo.com", True, ""),
    ]  # fmt: skip
    assert [(each.name, each.type, each.value) for each in view.records] == [
        ("shop-demo.com.", "CAA", '0 contactemail "security@shop-demo.com"'),
        ("_validation-contactemail.shop-demo.com.", "TXT", "security@shop-demo.com"),
    ]
    with pytest.raises(ServiceError) as refusal:
        offered(world, Zone(), OTHER)
    assert refusal.value.code == "not_found"


def test_nobody_is_offered_once_mail_is_forbidden(world):
    world.csr(NAME, method="email")
    zone = Zone(**{"shop-demo__com": [f'0 contactemail "{ME}"']})
    world.clock.at = datetime(2028, 3, 14, tzinfo=UTC)
    assert {each.method for each in offered(world, zone).contacts} == {"email", "email_caa"}
    world.clock.at = datetime(2028, 3, 15, tzinfo=UTC)
    assert offered(world, zone).contacts == []
