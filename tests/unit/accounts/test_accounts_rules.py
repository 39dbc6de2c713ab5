# SPDX-License-Identifier: Apache-2.0
"""The rules of accounts on their own: passwords, fields, permissions, waiting times, one-time passwords."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.accounts.model import agreements, fields, grants, passwords, throttle, totp
from shared.errors import Code, ServiceError
from tests.support.account_builders import company, contact

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def refused(call, *arguments, **more):
    with pytest.raises(ServiceError) as error:
        call(*arguments, **more)
    return error.value


@pytest.mark.parametrize(
    "password",
    [
        "Blossom7x",
        "blossom-7",
        "BLOSSOM-7",
        "Blossom-x",
        "blüten7x",
        "Blütenzx",
        "BLÜTEN-x",
        "a" * 200 + "B7",
        "x Y 7 zzz",
    ],
)
def test_three_of_five_classes_and_eight_characters_pass(password):
    passwords.check_password(password, login="nora")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("Bloss-7", "at least 8"),
        (" Blossom-7", "begin with a space"),
        ("blossom7x", "too plain"),
        ("BLOSSOMXY", "too plain"),
        ("12345678901", "too plain"),
        ("blütenzxy", "too plain"),
        ("Password1!", "lists"),
        ("P@ssw0rd2026!", "lists"),
        ("Sommer2026!", "lists"),
        ("xNora-2026", "login"),
        ("B7-" + "x" * 300, "at most"),
    ],
)
def test_a_weak_password_is_refused_with_its_rule_and_never_repeated(password, words):
    error = refused(passwords.check_password, password, login="nora")
    assert (error.code, error.pointer) == (Code.INVALID, "/password")
    assert words in error.detail
    assert password not in error.detail


@given(st.text(min_size=8, max_size=60))
def test_any_text_is_judged_without_an_error(password):
    try:
        passwords.check_password(password, login="someone")
    except ServiceError:
        return
    assert passwords.classes_of(password) >= 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"address1": ""}, "address1"),
        ({"postcode": ""}, "postcode"),
        ({"state": ""}, "state"),
        ({"city": ""}, "city"),
        ({"country": ""}, "country"),
        ({"country": "XX"}, "country"),
        ({"country": "de"}, "country"),
        ({"duns_number": "12345678"}, "duns_number"),
        ({"name": "x" * 201}, "name"),
        ({"department": "a\nb"}, "department"),
    ],
)
def test_a_company_is_refused_at_its_field(changes, field):
    assert refused(fields.check_company, company(**changes)).pointer == f"/company/{field}"


def test_a_full_company_passes():
    fields.check_company(company(department="IT", duns_number="123456789", po_box="7", company_number="HRB 1"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_name": ""}, "first_name"),
        ({"last_name": ""}, "last_name"),
        ({"email": "nora"}, "email"),
        ({"email": "nora@localhost"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a@example.com\r\nBcc: x@example.com"}, "email"),
        ({"telephone": "030 1234567"}, "telephone"),
        ({"telephone": "+0301234567"}, "telephone"),
        ({"fax": "none"}, "fax"),
    ],
)
def test_a_contact_is_refused_at_its_field(changes, field):
    assert refused(fields.checked_contact, contact(**changes)).pointer == f"/contact/{field}"


@pytest.mark.parametrize("written", ["+49 30 1234567", "+49 (30) 123-45.67", " +49/30/1234567 "])
def test_a_number_may_be_grouped_and_is_kept_in_e164(written):
    kept = fields.checked_contact(contact(telephone=written, fax=written))
    assert (kept.telephone, kept.fax) == ("+49301234567", "+49301234567")


@pytest.mark.parametrize("login", ["ab", "a b c", "x" * 65, "no/slash", "", "tab\tbed"])
def test_strange_logins_are_refused(login):
    assert refused(fields.check_login, login).pointer == "/login"


def test_a_reserved_login_is_refused_in_the_words_of_a_taken_one():
    assert refused(fields.check_login, "ADMIN").detail == fields.login_refused().detail


def test_nobody_gives_what_they_do_not_have():
    assert grants.check_grant(["create_order", "view"], grants.CUSTOMER, operator=False) == ["view", "create_order"]
    assert refused(grants.check_grant, ["administer"], ["view"], operator=False).code == Code.FORBIDDEN
    assert refused(grants.check_grant, ["operator"], ["operator"], operator=False).code == Code.INVALID
    assert refused(grants.check_grant, ["internal"], ["internal"], operator=True).code == Code.INVALID
    assert refused(grants.check_grant, [], ["view"], operator=False).code == Code.INVALID


def test_waiting_times_double_up_to_a_quarter_of_an_hour():
    waits = [throttle.blocked_until(count, 5, NOW) for count in range(4, 40)]
    seconds = [int((wait - NOW).total_seconds()) if wait else 0 for wait in waits]
    assert seconds[:5] == [0, 1, 2, 4, 8]
    assert max(seconds) == 900 == seconds[-1]


def test_old_failures_are_forgotten():
    assert throttle.count_after(7, NOW - timedelta(minutes=59), NOW) == 8
    assert throttle.count_after(7, NOW - timedelta(minutes=61), NOW) == 1


def test_what_was_typed_as_a_login_is_not_kept():
    assert all("hunter2" not in key for key, _ in throttle.keys_of("sign-in", "hunter2", "192.0.2.1", 60))


def test_a_totp_code_counts_once_and_a_minute_around_its_time():
    secret = "JBSWY3DPEHPK3PXP" * 2
    code = pyotp.TOTP(secret).at(NOW)
    step = totp.step_of(secret, code, NOW, after=0)
    assert step is not None
    assert totp.step_of(secret, code, NOW, after=step) is None
    assert totp.step_of(secret, code, NOW + timedelta(seconds=30), after=0) == step
    assert totp.step_of(secret, code, NOW + timedelta(seconds=90), after=0) is None
    assert totp.step_of(secret, "nonsense", NOW, after=0) is None


def test_agreements_have_text_and_a_new_version_is_asked_for_again():
    assert [(one.kind, one.version) for one in agreements.in_force()] == [("eula", "1"), ("subscriber", "1")]
    assert all(len(one.text) > 500 for one in agreements.in_force())
    assert agreements.due({("eula", "1")}) == []
    assert [one.kind for one in agreements.due({("eula", "0")})] == ["eula"]
