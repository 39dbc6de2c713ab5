# SPDX-License-Identifier: Apache-2.0
"""Mails are plain, complete and cannot be bent into other mails (quality bar S4, E4)."""

import stat
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mail.folder import MailFolder
from shared.mail.message import Mail, MailRefusedError, check_address, compose
from shared.mail.outlet import open_mailer
from shared.mail.settings import MailSettings
from shared.mail.smtp import SMTPMailer

NOW = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
SENDER = "Certwright <noreply@certwright.test>"


def mail(**changes):
    fields = {"to": "admin@example.com", "subject": "Hello", "text": "Grüße\n", "key": "dcv-1"} | changes
    return Mail(**fields)


def test_a_mail_has_a_text_part_a_date_and_the_same_id_each_time():
    message = message_from_bytes(
        compose(mail(html="<b>hi</b>"), sender=SENDER, at=NOW).as_bytes(), policy=policy.default
    )
    assert message["Message-ID"] == "<dcv-1@certwright.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW.replace(microsecond=0)
    assert message.get_body(("plain",)).get_content() == "Grüße\n"
    assert message["From"] == SENDER


@pytest.mark.parametrize(
    "address",
    [
        "",
        "admin",
        "@example.com",
        "admin@",
        "a@b@c.com",
        "admin@example.com\r\nBcc: x@evil.org",
        "admin@example.com\nx",
        "admin%0aBcc:x@example.com\n",
        "admin @example.com",
        "admin@exam ple.com",
        "<admin@example.com>",
        '"a b"@example.com',
        "admin@[127.0.0.1]",
        "admin@example",
        "ädmin@example.com",
        "admin@bücher.example",
        "a" * 65 + "@example.com",
        "a@" + "b" * 300 + ".com",
        "admin@example.com,other@example.com",
        "admin@-example.com",
        "admin@example..com",
    ],
)
def test_what_is_no_plain_address_is_refused(address):
    with pytest.raises(MailRefusedError):
        compose(mail(to=address), sender=SENDER, at=NOW)


def test_usual_addresses_are_taken():
    for address in ("admin@example.com", "first.last+tag@sub.example.co.uk", "postmaster@xn--bcher-kva.example"):
        assert check_address(address) == address


@pytest.mark.parametrize(
    "change", [{"subject": "a\r\nBcc: x@evil.org"}, {"subject": "a\x00"}, {"text": " "}, {"key": "a b"}]
)
def test_no_header_is_smuggled_in(change):
    with pytest.raises(MailRefusedError):
        compose(mail(**change), sender=SENDER, at=NOW)


@given(st.text(), st.text(), st.text())
def test_any_text_makes_one_mail_to_one_address_or_none(to, subject, text):
    try:
        message = compose(mail(to=to, subject=subject, text=text), sender=SENDER, at=NOW)
    except MailRefusedError:
        return
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert sorted(set(read.keys())) == sorted(
        {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
        | {name for name in read if name.startswith("Content-")}
    )


def test_without_a_server_mails_are_written_where_only_the_operator_reads_them(tmp_path):
    folder = open_mailer(MailSettings(), tmp_path)
    assert isinstance(folder, MailFolder)
    folder.send(mail(), NOW)
    folder.send(mail(), NOW)
    folder.send(mail(key="dcv-2", subject="Second"), NOW + timedelta(seconds=1))
    listed = folder.newest()
    assert [(each.to, each.subject) for each in listed] == [
        ("admin@example.com", "Second"),
        ("admin@example.com", "Hello"),
    ]
    assert folder.read(listed[1].id).text == "Grüße\n"
    assert folder.read(listed[1].id).at == "2026-11-23T12:00:00.000005Z"
    assert [each.id for each in folder.newest(before=listed[0].id)] == [listed[1].id]
    files = list((tmp_path / "mail").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700


def test_only_mails_of_the_folder_are_read(tmp_path):
    (tmp_path / "secret.eml").write_text("x")
    folder = MailFolder(tmp_path / "mail")
    assert folder.newest() == []
    assert folder.read("../secret") is None
    assert folder.read("20261123T120000.000000Z-x") is None


def test_with_a_server_mails_go_by_smtp(tmp_path):
    assert isinstance(open_mailer(MailSettings(host="mail.example.com"), tmp_path), SMTPMailer)
    assert "s3cret" not in repr(MailSettings(host="h", password="s3cret"))
