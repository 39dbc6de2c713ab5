# SPDX-License-Identifier: Apache-2.0
"""Mail through a real SMTP server, and its usual troubles (quality bar E4)."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller

from certwright.servers.process import free_port
from shared.mail.message import Mail, MailError
from shared.mail.settings import MailSettings
from shared.mail.smtp import SMTPMailer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAIL = Mail(to="admin@shop-demo.com", subject="Bestätigen", text="Grüße\n", key="dcv-1")


class Catcher:
    """Takes mails, or answers what a test wants."""

    def __init__(self):
        self.mails = []
        self.at_rcpt = "250 OK"
        self.at_data = "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if self.at_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_rcpt

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.at_data.startswith("250"):
            self.mails.append((envelope.rcpt_tos, envelope.content))
        return self.at_data


@pytest.fixture
def server():
    catcher = Catcher()
    catcher.port = free_port()
    controller = Controller(catcher, hostname="127.0.0.1", port=catcher.port)
    controller.start()
    yield catcher
    controller.stop()


def mailer(server, **settings):
    fields = {"host": "127.0.0.1", "port": server.port, "tls": "none", "sender": "Certwright <noreply@certwright.test>"}
    return SMTPMailer(MailSettings(**(fields | settings)))


def test_a_mail_arrives_once_at_one_address_and_the_same_again_is_known_as_the_same(server):
    sender = mailer(server)
    sender.send(MAIL, NOW)
    sender.send(MAIL, NOW)
    (recipients, first), (_, second) = server.mails
    assert recipients == ["admin@shop-demo.com"]
    assert first == second
    read = message_from_bytes(first, policy=policy.default)
    assert (read["Subject"], read["Message-ID"]) == ("Bestätigen", "<dcv-1@certwright.test>")
    assert read.get_body(("plain",)).get_content().splitlines() == ["Grüße"]


@pytest.mark.parametrize(
    ("step", "said", "permanent"),
    [
        ("at_rcpt", "550 no such mailbox", True),
        ("at_rcpt", "451 greylisted, come back", False),
        ("at_data", "554 refused", True),
        ("at_data", "421 too busy", False),
    ],
)
def test_what_comes_again_is_told_from_what_never_works(server, step, said, permanent):
    setattr(server, step, said)
    with pytest.raises(MailError) as failed:
        mailer(server).send(MAIL, NOW)
    assert failed.value.permanent is permanent
    assert said[:3] in failed.value.detail
    assert server.mails == []


def test_a_server_without_starttls_gets_no_mail_where_tls_is_demanded(server):
    with pytest.raises(MailError) as failed:
        mailer(server, tls="starttls").send(MAIL, NOW)
    assert not failed.value.permanent
    assert server.mails == []


def test_a_password_never_travels_in_the_clear(server):
    mailer(server, username="me", password="s3cret").send(MAIL, NOW)
    assert len(server.mails) == 1  # sent without signing in: the server asked for nothing


def test_no_server_is_a_passing_trouble(server):
    with pytest.raises(MailError) as failed:
        mailer(server, port=1).send(MAIL, NOW)
    assert not failed.value.permanent
