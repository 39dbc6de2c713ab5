# SPDX-License-Identifier: Apache-2.0
"""The words before TLS: what each protocol says, who refuses, who speaks something else, and that nothing breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.probe.outcome import Failed, Failure
from shared.probe.starttls import DEFAULT_PORTS, STARTTLS, after_starttls, starttls
from tests.support.rehearsal import rehearse

MYSQL_GREETING = b"\x0a8.0.36\x00" + b"\x01\x00\x00\x00" + b"saltsalt" + b"\x00" + b"\xff\xff" + b"\xff\x02\x00\xff\xc7"
LDAP_GO = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
LDAP_GO_LONG = b"\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00"
LDAP_NO = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00"

AGREES = {
    "smtp": [b"220-mx.test\r\n220 ESMTP\r\n", b"250-mx.test\r\n250-SIZE 1\r\n250 STARTTLS\r\n", b"220 go\r\n"],
    "imap": [b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n"],
    "pop3": [b"+OK ready\r\n", b"+OK begin\r\n"],
    "ftp": [b"220-welcome\r\n  to all\r\n220 ready\r\n", b"234 AUTH TLS\r\n"],
    "ldap": [LDAP_GO],
    "postgresql": [b"S"],
    "mysql": [len(MYSQL_GREETING).to_bytes(3, "little") + b"\x00" + MYSQL_GREETING],
}
REFUSES = {
    "smtp": [
        [b"220 mx.test\r\n", b"250 mx.test\r\n"],
        [b"554 go away\r\n"],
        [b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"454 not now\r\n"],
    ],
    "imap": [[b"* OK ready\r\n", b"a1 BAD what\r\n"], [b"* PREAUTH hello\r\n"], [b"* BYE full\r\n"]],
    "pop3": [[b"+OK ready\r\n", b"-ERR what\r\n"], [b"-ERR full\r\n"]],
    "ftp": [[b"220 ready\r\n", b"530 log in first\r\n"], [b"421 full\r\n"]],
    "ldap": [[LDAP_NO]],
    "postgresql": [[b"N"], [b"Eserver is starting"]],
    "mysql": [
        [b"\x0e\x00\x00\x00\xff\x69\x04Host denied"],
        [
            len(MYSQL_GREETING).to_bytes(3, "little")
            + b"\x00"
            + MYSQL_GREETING.replace(b"\x00\xff\xff\xff", b"\x00\xff\xf7\xff")
        ],
    ],
}


def hello_and_answer():
    answer = yield b"HELLO"
    while len(answer) < 4:
        answer += yield b""
    return answer


@pytest.mark.parametrize("protocol", STARTTLS)
def test_leads_to_tls_also_when_every_byte_comes_alone(protocol):
    sent = []
    assert rehearse(after_starttls(protocol, hello_and_answer), *AGREES[protocol], b"done", sent=sent) == b"done"
    assert sent[-1].endswith(b"HELLO")

    alone = [bytes((octet,)) for part in AGREES[protocol] for octet in part]
    assert rehearse(after_starttls(protocol, hello_and_answer), *alone, b"do", b"ne") == b"done"


def test_what_is_sent():
    def said(protocol):
        sent = []
        rehearse(after_starttls(protocol, hello_and_answer), *AGREES[protocol], b"done", sent=sent)
        return sent

    assert said("smtp") == [b"", b"EHLO probe.invalid\r\n", b"STARTTLS\r\n", b"HELLO"]
    assert said("imap") == [b"", b"a1 STARTTLS\r\n", b"HELLO"]
    assert said("pop3") == [b"", b"STLS\r\n", b"HELLO"]
    assert said("ftp") == [b"", b"AUTH TLS\r\n", b"HELLO"]
    assert said("postgresql") == [bytes.fromhex("0000000804d2162f"), b"HELLO"]
    assert said("ldap")[0] == bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
    request = said("mysql")[1]
    assert request.endswith(b"HELLO")
    assert len(request) == 4 + 32 + len(b"HELLO")
    assert request[:4] == b"\x20\x00\x00\x01"
    assert int.from_bytes(request[4:8], "little") & 0x0800


@pytest.mark.parametrize(("protocol", "answers"), [(name, one) for name, every in REFUSES.items() for one in every])
def test_refusals_say_so(protocol, answers):
    outcome = rehearse(starttls(protocol), *answers)
    assert isinstance(outcome, Failed)
    assert outcome.failure is Failure.NO_STARTTLS


@pytest.mark.parametrize("protocol", STARTTLS)
def test_others_are_told_apart(protocol):
    outcome = rehearse(starttls(protocol), b"\x16\x03\x01\x00\x02\x00\x00 hello\n")
    assert outcome.failure in {Failure.NOT_TLS, Failure.CLOSED}
    assert rehearse(starttls(protocol)).failure is Failure.CLOSED


def test_long_leads_are_cut():
    endless = [b"220-still\r\n"] * 1000
    assert rehearse(starttls("smtp"), *endless).failure is Failure.TOO_LONG
    assert rehearse(starttls("imap"), b"* OK\x20" + b"x" * 100_000).failure is Failure.TOO_LONG


def test_bytes_behind_the_word_to_go_are_dropped():
    early = [*AGREES["smtp"][:2], b"220 go\r\n250 injected\r\n"]
    assert rehearse(after_starttls("smtp", hello_and_answer), *early, b"done") == b"done"


def test_ports():
    assert DEFAULT_PORTS[587] == "smtp"
    assert set(DEFAULT_PORTS.values()) == set(STARTTLS)
    with pytest.raises(KeyError):
        starttls("gopher")


@given(
    protocol=st.sampled_from(STARTTLS),
    pieces=st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from([b"220 ", b"\r\n", b"250-", b"* ", b"+OK", b"0\x84"])),
        max_size=20,
    ),
)
def test_garbage_ends_as_a_failure(protocol, pieces):
    outcome = rehearse(starttls(protocol), *pieces)
    assert isinstance(outcome, (bytes, Failed))
