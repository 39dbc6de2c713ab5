# SPDX-License-Identifier: Apache-2.0
"""What counts as a proof: the guide's own example, twenty right answers, and any number of wrong ones."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.dcv.model import judging, tokens
from services.dcv.model.judging import FileAnswer

MD5 = "c7fbc2039e400c8ef74129ec7db1842c"
SHA256 = "c9c863405fe7675a3988b97664ea6baf442019e4e52fa335f406f7c5f26cf14f"
EXPECTED = tokens.file_content(SHA256, "certwright.example", "10af9db9tu")
RECORD = tokens.cname_value(SHA256, "certwright.example", "10af9db9tu")


def test_the_record_of_the_guide():
    assert tokens.cname_name(MD5, "example.com") == "_c7fbc2039e400c8ef74129ec7db1842c.example.com."
    plain = tokens.cname_value(SHA256, "comodoca.com", "")
    assert plain == "c9c863405fe7675a3988b97664ea6baf.442019e4e52fa335f406f7c5f26cf14f.comodoca.com."
    unique = tokens.cname_value(SHA256, "comodoca.com", "10af9db9tu")
    assert unique == "c9c863405fe7675a3988b97664ea6baf.442019e4e52fa335f406f7c5f26cf14f.10af9db9tu.comodoca.com."


def test_the_file_of_the_guide():
    assert tokens.file_path(MD5) == f"/.well-known/pki-validation/{MD5.upper()}.txt"
    assert tokens.file_content(SHA256.upper(), "comodoca.com", "") == f"{SHA256}\ncomodoca.com\n"


def look(body, status=200, **rest):
    return judging.judge_file(FileAnswer(status=status, body=body, **rest), EXPECTED, {})


@pytest.mark.parametrize("body", [EXPECTED.encode(), EXPECTED.encode()[:-1]])
def test_the_right_file_is_accepted(body):
    assert look(body).passed


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (EXPECTED.encode(), 301, "file_redirected"),
        (EXPECTED.encode(), 302, "file_redirected"),
        (EXPECTED.encode(), 307, "file_redirected"),
        (EXPECTED.encode(), 404, "file_not_found"),
        (EXPECTED.encode(), 410, "file_not_found"),
        (EXPECTED.encode(), 403, "file_bad_status"),
        (EXPECTED.encode(), 500, "file_bad_status"),
        (EXPECTED.encode(), 206, "file_bad_status"),
        (b"\xef\xbb\xbf" + EXPECTED.encode(), 200, "file_wrong_content"),
        (EXPECTED.replace("\n", "\r\n").encode(), 200, "file_wrong_content"),
        (b"<!-- " + EXPECTED.encode() + b" -->", 200, "file_wrong_content"),
        (EXPECTED.encode() + EXPECTED.encode(), 200, "file_wrong_content"),
        (EXPECTED.upper().encode(), 200, "file_wrong_content"),
        (EXPECTED.encode() + b"\n", 200, "file_wrong_content"),
        (b" " + EXPECTED.encode(), 200, "file_wrong_content"),
        (EXPECTED.encode("utf-16"), 200, "file_wrong_content"),
        (b"", 200, "file_wrong_content"),
        (b"x" * 20_000, 200, "file_too_large"),
        (tokens.file_content(SHA256, "certwright.example", "otherorder").encode(), 200, "file_wrong_content"),
        (tokens.file_content(SHA256, "certwright.example", "").encode(), 200, "file_wrong_content"),
        (tokens.file_content(SHA256[::-1], "certwright.example", "10af9db9tu").encode(), 200, "file_wrong_content"),
    ],
)
def test_wrong_files_are_refused_with_their_reason(body, status, reason):
    outcome = look(body, status)
    assert not outcome.passed
    assert outcome.reason == reason
    assert outcome.advice


def test_a_cut_body_is_refused_even_when_it_begins_right():
    assert look(EXPECTED.encode(), complete=False).reason == "file_too_large"


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.tuples(st.integers(0, len(EXPECTED)), st.characters()).map(
        lambda change: (EXPECTED[: change[0]] + change[1] + EXPECTED[change[0] :]).encode("utf-8", "surrogatepass")
    )
    | st.integers(0, len(EXPECTED) - 2).map(lambda at: EXPECTED[:at].encode()),
    st.integers(100, 599),
)
def test_no_other_file_is_ever_accepted(body, status):
    assume(not (status == 200 and body in {EXPECTED.encode(), EXPECTED.encode()[:-1]}))
    assert not look(body, status).passed


NAMES = ["_x.www.shop-demo.com.", "_x.shop-demo.com."]


def judge_cname(*answers):
    return judging.judge_cname([judging.AskedCNAME(*each) for each in answers], RECORD, {})


@pytest.mark.parametrize("place", NAMES)
@pytest.mark.parametrize("target", [RECORD, RECORD.upper()])
def test_the_right_record_is_accepted_at_the_name_or_a_parent(place, target):
    answers = [(name, "ok" if name == place else "nxdomain", [target] if name == place else []) for name in NAMES]
    assert judge_cname(*answers).passed


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([(NAMES[0], "nxdomain", [])], "dns_no_record"),
        ([(NAMES[0], "nodata", []), (NAMES[1], "nxdomain", [])], "dns_no_record"),
        ([(NAMES[0], "servfail", [])], "dns_failed"),
        ([(NAMES[0], "timeout", []), (NAMES[1], "nxdomain", [])], "dns_failed"),
        ([(NAMES[0], "ok", ["elsewhere.example."])], "dns_wrong_target"),
        ([(NAMES[0], "ok", [RECORD, "elsewhere.example."])], "dns_wrong_target"),
        ([(NAMES[0], "ok", [RECORD.rstrip(".")])], "dns_wrong_target"),
        ([(NAMES[0], "ok", [RECORD.replace(".", "", 1)])], "dns_wrong_target"),
        ([(NAMES[0], "ok", [RECORD.replace("10af9db9tu.", "")])], "dns_wrong_target"),
        ([(NAMES[0], "ok", ["evil." + RECORD])], "dns_wrong_target"),
        ([(NAMES[0], "ok", [RECORD + "evil.example."])], "dns_wrong_target"),
    ],
)
def test_wrong_records_are_refused_with_their_reason(answers, reason):
    outcome = judge_cname(*answers)
    assert (outcome.passed, outcome.reason) == (False, reason)


@given(st.lists(st.text(max_size=120), max_size=3))
def test_no_other_record_is_ever_accepted(targets):
    assume([target.lower() for target in targets] != [RECORD])
    assert not judge_cname((NAMES[0], "ok", targets)).passed


def test_a_record_in_a_zone_that_is_signed_wrongly_proves_nothing():
    outcome = judge_cname((NAMES[0], "ok", [RECORD], "bogus"), (NAMES[1], "nxdomain", [], "secure"))
    assert (outcome.passed, outcome.reason, outcome.evidence["dnssec"]) == (False, "dnssec_bogus", "bogus")
    secure = judge_cname((NAMES[0], "servfail", [], "bogus"), (NAMES[1], "ok", [RECORD], "secure"))
    assert (secure.passed, secure.evidence["dnssec"]) == (True, "secure")
