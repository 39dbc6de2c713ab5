# SPDX-License-Identifier: Apache-2.0
"""Stamps of certificate transparency: read from three places, verified against a list of logs of the public shape."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from shared.checker.ct_logs import LogsUnreadableError, load_logs
from shared.checker.evidence import Lists
from shared.checker.judge import judge
from shared.checker.stamps import StampsUnreadableError, read_stamps, read_wrapped, stamps_for
from shared.checker.trust import Store
from shared.probe.survey import ServedChain
from tests.support.stamped import TestLog, entry_of, listed, log_list, wrapped
from tests.unit.checker.conftest import NOW, certificate, der, sound

MADE_MS = int(NOW.timestamp() - 3600) * 1000


@pytest.fixture(scope="module")
def logs():
    return TestLog("Elm"), TestLog("Oak", key=rsa.generate_private_key(65537, 2048))


@pytest.fixture
def known(tmp_path):
    def load(*logs):
        (tmp_path / "logs.json").write_text(log_list(*logs))
        return Lists(logs=load_logs(tmp_path / "logs.json"))

    return load


@pytest.fixture(scope="module")
def own(root):
    return Store("Own", x509.verification.Store([root[0]]))


@pytest.fixture(scope="module")
def stamped(middle, logs):
    return certificate(issuer=middle[0], signer=middle[1], logs=logs)[0]


def states(verdict):
    return [(one.log, one.source, one.state) for one in verdict.stamps]


def codes(verdict):
    return {one.code for one in verdict.findings}


def test_embedded_stamps_are_verified_over_the_precertificate(stamped, middle, logs, known, own):
    verdict = judge(sound(stamped, middle[0]), at=NOW, stores=[own], lists=known(*logs))
    assert states(verdict) == [("Elm", "embedded", "valid"), ("Oak", "embedded", "valid")]
    assert verdict.stamps[0].at == "2026-11-26T11:00:00.000000Z"
    assert next(row.value for row in verdict.rows if row.code == "ct") == "2 valid"
    assert not {"no_scts", "sct_invalid", "sct_unknown_log"} & codes(verdict)
    # A key of the issuer that is another one is a stamp for another certificate.
    namesake = certificate((), ca=True, subject="Example Issuing")[0]
    assert states(judge(sound(stamped, namesake), at=NOW, lists=known(*logs)))[0][2] == "unchecked"


def test_without_a_list_stamps_are_counted_and_nothing_more_is_said(stamped, middle, logs):
    verdict = judge(sound(stamped, middle[0]), at=NOW)
    assert [one.state for one in verdict.stamps] == ["unchecked", "unchecked"]
    assert [one.log_id for one in verdict.stamps] == [one.id.hex() for one in logs]
    row = next(row for row in verdict.rows if row.code == "ct")
    assert row.value.startswith("2 of the logs ")
    assert logs[0].id.hex()[:16] in row.value
    assert "ct_signatures" in {one.code for one in verdict.not_checked}


def test_a_log_that_is_not_listed_or_ended_before_is_a_finding(stamped, middle, logs, known):
    base = sound(stamped, middle[0])
    verdict = judge(base, at=NOW, lists=known(logs[0]))
    assert states(verdict)[1] == ("", "embedded", "unknown_log")
    assert "sct_unknown_log" in codes(verdict)
    for ended, found in (("2026-11-26T10:59:00Z", "retired_log"), ("2026-11-26T11:01:00Z", "valid")):
        retired = TestLog("Elm", {"retired": {"timestamp": ended}}, logs[0].key)
        verdict = judge(base, at=NOW, lists=known(retired, logs[1]))
        assert states(verdict)[0] == ("Elm", "embedded", found)
        assert ("sct_retired_log" in codes(verdict)) is (found == "retired_log")
    rejected = TestLog("Elm", {"rejected": {"timestamp": "2027-01-01T00:00:00Z"}}, logs[0].key)
    assert states(judge(base, at=NOW, lists=known(rejected)))[0][2] == "retired_log"


def test_stamps_by_tls_and_in_a_stapled_answer_are_for_the_whole_certificate(middle, logs, known):
    leaf = certificate(issuer=middle[0], signer=middle[1])[0]
    good, wrong = logs[0].stamp(entry_of(leaf), MADE_MS), logs[1].stamp(entry_of(middle[0]), MADE_MS)
    answer = ocsp.OCSPResponseBuilder().add_response(
        leaf, middle[0], hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, NOW, None, None, None
    )
    answer = answer.responder_id(ocsp.OCSPResponderEncoding.NAME, middle[0]).sign(middle[1], hashes.SHA256())
    survey = replace(
        sound(leaf, middle[0]), tls_scts=listed(good, wrong), stapled_ocsp=answer.public_bytes(Encoding.DER)
    )
    verdict = judge(survey, at=NOW, lists=known(*logs))
    assert states(verdict) == [("Elm", "tls", "valid"), ("Oak", "tls", "invalid")]
    assert "sct_invalid" in codes(verdict)


def test_a_stamp_for_the_server_s_other_certificate_is_not_wrong(middle, logs, known):
    leaf, other = (certificate(issuer=middle[0], signer=middle[1])[0] for _ in range(2))
    both = sound(leaf, middle[0])
    chains = (*both.chains, ServedChain((der(other), der(middle[0])), "RSA", "TLSv1.2", proved=False))
    survey = replace(both, chains=chains, tls_scts=listed(logs[0].stamp(entry_of(other), MADE_MS)))
    assert states(judge(survey, at=NOW, lists=known(*logs))) == [("Elm", "tls", "valid")]


def test_stamps_that_cannot_be_read_are_no_stamps(middle, own):
    leaf = certificate(issuer=middle[0], signer=middle[1])[0]
    verdict = judge(replace(sound(leaf, middle[0]), tls_scts=b"\0\5\0\1"), at=NOW, stores=[own])
    assert "sct_unreadable" in codes(verdict)
    assert "no_scts" not in codes(verdict)
    assert "no_scts" in codes(judge(sound(leaf, middle[0]), at=NOW, stores=[own]))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(junk):
    for read in (read_stamps, read_wrapped):
        try:
            found = read(junk, "tls")
        except StampsUnreadableError:
            continue
        assert all(len(one.log_id) == 32 for one in found)


KEY = TestLog()


@given(
    at_ms=st.integers(0, 253_402_300_799_000),
    extensions=st.binary(max_size=40),
    count=st.integers(0, 60),
    data=st.data(),
)
def test_what_was_packed_is_read_again_and_each_cut_is_refused(at_ms, extensions, count, data):
    one = b"\0" + KEY.id + at_ms.to_bytes(8, "big") + len(extensions).to_bytes(2, "big") + extensions + b"\4\3\0\2ab"
    packed = listed(*[one] * count)
    for found in (read_stamps(packed, "tls"), read_wrapped(wrapped(packed), "ocsp")):
        assert len(found) == min(count, 40)
        assert {(each.log_id, each.at_ms, each.extensions) for each in found} <= {(KEY.id, at_ms, extensions)}
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    with pytest.raises(StampsUnreadableError):
        read_stamps(cut, "tls")


def test_a_later_version_of_stamps_is_left_out():
    stamp = KEY.stamp(b"", MADE_MS)
    assert len(read_stamps(listed(stamp, b"\1" + stamp[1:], stamp), "tls")) == 2


def test_an_answer_without_stamps_has_none(middle):
    leaf = certificate(issuer=middle[0], signer=middle[1])[0]
    assert stamps_for(leaf, stapled=b"junk") == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"operators": [{"logs": [{}]}]}',
        '{"operators": [{"logs": [{"key": "AAAA", "log_id": "AAAA"}]}]}',
        log_list(TestLog(state={"retired": {"timestamp": "yesterday"}})),
        json.dumps({"operators": [{"logs": [{**TestLog().entry, "log_id": "AAAA"}]}]}),
    ],
)
def test_a_file_that_is_no_list_of_logs_is_refused(tmp_path, text):
    (tmp_path / "logs.json").write_text(text)
    with pytest.raises(LogsUnreadableError):
        load_logs(tmp_path / "logs.json")


def test_tiled_logs_are_logs_too(tmp_path):
    log = TestLog("Tiles", key=ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "logs.json").write_text(json.dumps({"operators": [{"name": "x", "tiled_logs": [log.entry]}]}))
    found = load_logs(tmp_path / "logs.json")[log.id]
    assert (found.name, found.kind) == ("Tiles", "ECDSA")
    assert not found.refuses(dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
