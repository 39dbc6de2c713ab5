# SPDX-License-Identifier: Apache-2.0
"""TXT records with the CSR's hash, and persistent records: every right one proves, no wrong variant does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.dcv.model import judging, persist, tokens
from services.dcv.model.judging import AskedCNAME, Reason
from services.dcv.model.methods import options
from services.dcv.model.persist import AskedTXT
from shared.pki.issue_value import read_issue_value
from shared.pki.rules import Rules

SHA256 = "c9c863405fe7675a3988b97664ea6baf442019e4e52fa335f406f7c5f26cf14f"
CA = "certwright.example"
TEXT = tokens.txt_value(SHA256, CA, "10af9db9tu")
ACCOUNT = persist.account_uri(CA, "6a1f0c9e-0000-4000-8000-000000000001")
PLAIN = f"{CA}; accounturi={ACCOUNT}"
NOW = 1_790_000_000
printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=120)


def texts(*found, status="ok", dnssec="insecure"):
    return judging.judge_txt([AskedCNAME("_x.example.com. TXT", status, list(found), dnssec)], TEXT, {})


def look(*found, fqdn="www.example.com", base=None, at=NOW, status="ok", dnssec="insecure", account=ACCOUNT):
    asked = [AskedTXT(base or fqdn.removeprefix("*."), "?", status, list(found), dnssec)]
    return persist.judge(asked, fqdn, ca_name=CA, account=account, at=at, evidence={})


# --- TXT with the hash -----------------------------------------------------------------------------------------------


def test_the_text_keeps_the_hash_whole():
    assert f"{SHA256}.10af9db9tu.certwright.example" == TEXT
    assert tokens.txt_value(SHA256.upper(), CA, "") == f"{SHA256}.certwright.example"


@given(st.lists(printable, max_size=5), st.integers(0, 5))
def test_the_right_text_proves_among_any_others(others, place):
    found = [*others[:place], TEXT, *others[place:]]
    assert texts(*found).passed


@given(
    st.one_of(
        printable,
        st.integers(0, len(TEXT) - 1).map(lambda at: TEXT[:at] + TEXT[at + 1 :]),
        st.integers(0, len(TEXT) - 1).map(lambda at: TEXT[:at] + "x" + TEXT[at:]),
        st.sampled_from([TEXT.upper(), f" {TEXT}", f"{TEXT} ", f"{TEXT}.", f'"{TEXT}"', TEXT * 2]),
    )
)
def test_no_other_text_proves(text):
    assume(text != TEXT)
    outcome = texts(text)
    assert not outcome.passed
    assert outcome.reason == Reason.WRONG_TEXT
    assert outcome.advice


@pytest.mark.parametrize(
    ("found", "status", "dnssec", "reason"),
    [
        ([], "nxdomain", "insecure", Reason.NO_SUCH_NAME),
        ([], "servfail", "indeterminate", Reason.DNS_FAILED),
        ([TEXT], "ok", "bogus", Reason.BOGUS),
    ],
)
def test_what_is_not_there_or_wrongly_signed(found, status, dnssec, reason):
    assert texts(*found, status=status, dnssec=dnssec).reason == reason
    assert look(*found, status=status, dnssec=dnssec).reason == reason


# --- persistent records ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"{CA}; accounturi={ACCOUNT}",
        f"{CA};accounturi={ACCOUNT}",
        f"{CA.upper()}; AccountURI={ACCOUNT}",
        f"{CA}; accounturi={ACCOUNT}; persistUntil={NOW + 1}",
        f"{CA}; accounturi={ACCOUNT}; persistUntil={NOW}",
        f"{CA}; persistUntil={NOW + 9}; accounturi={ACCOUNT}; policy=wildcard; unknown=thing",
        f" {CA} ;\taccounturi = {ACCOUNT} ",
    ],
)
def test_right_records_prove(text):
    outcome = look(text)
    assert outcome.passed
    assert outcome.evidence["record"] == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"other.example; accounturi={ACCOUNT}", Reason.WRONG_PERSIST),
        (f"sub.{CA}; accounturi={ACCOUNT}", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT}2", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT.upper()}", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi=", Reason.WRONG_PERSIST),
        (CA, Reason.WRONG_PERSIST),
        (f"; accounturi={ACCOUNT}", Reason.WRONG_PERSIST),
        (f"{CA} accounturi={ACCOUNT}", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT};", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT}; accounturi=https://else.example/", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi=https://else.example/; accounturi={ACCOUNT}", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT}; persistUntil={NOW - 1}", Reason.PERSIST_ENDED),
        (f"{CA}; accounturi={ACCOUNT}; persistUntil=0", Reason.PERSIST_ENDED),
        (f"{CA}; accounturi={ACCOUNT}; persistUntil=", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT}; persistUntil=-5", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT}; persistUntil=2030-01-01", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT}; persistUntil={NOW}.5", Reason.WRONG_PERSIST),
        (f"{CA}; accounturi={ACCOUNT}; persistUntil={NOW + 5}; persistuntil=1", Reason.WRONG_PERSIST),
    ],
)
def test_wrong_records_are_refused_with_their_reason(text, reason):
    outcome = look(text)
    assert (outcome.passed, outcome.reason) == (False, reason)


def test_names_below_and_wildcards_ask_for_the_policy():
    plain, wide = persist.record_value(CA, ACCOUNT, wildcard=False), persist.record_value(CA, ACCOUNT, wildcard=True)
    assert look(plain).passed
    assert look(wide).passed
    for fqdn, base in (("*.example.com", "example.com"), ("www.example.com", "example.com")):
        assert look(plain, fqdn=fqdn, base=base).reason == Reason.PERSIST_POLICY
        assert look(wide, fqdn=fqdn, base=base).passed
        assert look(f"{plain}; policy=wild", fqdn=fqdn, base=base).reason == Reason.PERSIST_POLICY


@given(
    st.one_of(
        printable,
        st.integers(0, 70).map(lambda at: PLAIN[:at] + "x" + PLAIN[at:]),
    )
)
def test_any_other_text_proves_nothing(text):
    read = read_issue_value(text)
    right = read is not None and read[0] == CA and dict(read[1]).get("accounturi") == ACCOUNT
    assume(not right)
    assert not look(text).passed


@given(st.lists(printable, max_size=4))
def test_the_right_record_proves_among_others(others):
    assert look(*others, persist.record_value(CA, ACCOUNT, wildcard=False)).passed


@given(printable)
def test_reading_a_value_never_fails_and_keeps_the_grammar(text):
    read = read_issue_value(text)
    if read is not None:
        issuer, parameters = read
        assert issuer == issuer.lower()
        assert read_issue_value("; ".join([issuer, *(f"{key}={said}" for key, said in parameters)])) == read


# --- the dated rules -------------------------------------------------------------------------------------------------


def test_a_persistent_proof_counts_for_ten_days_and_never_longer_than_others():
    proved = datetime(2026, 11, 23, tzinfo=UTC)
    rules = Rules.at(proved)
    assert rules.dcv_expires(proved, "dns_persist") == proved + timedelta(days=10)
    assert rules.dcv_expires(proved, "txt_csr_hash") == proved + timedelta(days=200)
    late = datetime(2029, 4, 1, tzinfo=UTC)
    assert Rules.at(late).dcv_expires(late, "dns_persist") == late + timedelta(days=10)


@pytest.mark.parametrize(("day", "allowed"), [((2025, 11, 7), False), ((2025, 11, 8), True)])
def test_persistent_records_count_from_the_day_of_the_ballot_on(day, allowed):
    found = {each.method: each.allowed for each in options("*.example.com", datetime(*day, tzinfo=UTC))}
    assert found["dns_persist"] is allowed
    assert found["txt_csr_hash"]
