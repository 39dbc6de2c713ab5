# SPDX-License-Identifier: Apache-2.0
"""The mail to a new account: its order number and where it is needed, once, and no secret."""

from datetime import timedelta

import pytest

from services.alerts.handlers import welcome
from services.alerts.model.letter import welcome_letter
from shared.clock import to_text
from shared.contracts.accounts import AccountOpened
from shared.mail.message import MailError, compose
from tests.support.account_builders import contact

OPENED = AccountOpened(account_id="a1", order_number=1_000_001)


def test_a_new_account_is_told_its_number_and_where_to_sign_in(alerts):
    alerts.tell(OPENED)
    alerts.look()
    [mail] = alerts.outbox.sent
    assert mail.to == "contact@a1.example"
    assert "1000001" in mail.subject
    lines = [line.strip() for line in mail.text.splitlines()]
    assert lines[0] == "Dear Ms Nora Winter,"
    assert "1000001" in lines
    assert "https://cw.example/console/sign-in" in lines
    sent = compose(mail, sender="Certwright <certwright@cw.example>", at=alerts.clock.now())
    assert sent["Message-ID"] == "<welcome-a1@cw.example>"


@pytest.mark.parametrize(
    ("names", "greeting"),
    [
        (("Dr.", "José María", "O'Neill-Straße"), "Dear Dr. José María O'Neill-Straße,"),
        (("Ms", "Go to https://evil.example", "now"), "Dear customer,"),
        (("Ms", "evil.example", "Winter"), "Dear customer,"),
        (("Ms", "N" * 60, "W" * 60), "Dear customer,"),
    ],
)
def test_nobody_can_have_us_send_a_message_of_theirs_as_a_name(names, greeting):
    title, first_name, last_name = names
    someone = contact(title=title, first_name=first_name, last_name=last_name)
    assert welcome_letter(someone, 1_000_001, url="https://cw.example").text.splitlines()[0] == greeting


def test_it_is_sent_once_however_often_the_event_comes_and_again_when_the_server_was_away(alerts):
    envelope = alerts.envelope(OPENED)
    for _ in range(2):
        alerts.room.react(welcome.on_account_opened, envelope, name="alerts.on_account_opened")
    alerts.outbox.fails = [MailError("away", permanent=False)]
    alerts.look()
    assert alerts.outbox.sent == []
    alerts.look(minutes=5)
    alerts.look(days=1)
    assert len(alerts.outbox.sent) == 1


def test_an_account_of_long_ago_is_not_greeted_when_its_log_is_read_anew(alerts):
    envelope = alerts.envelope(OPENED)
    alerts.clock.forward(days=3, seconds=1)
    alerts.room.react(welcome.on_account_opened, envelope, name="alerts.on_account_opened")
    alerts.look()
    assert alerts.outbox.sent == []
    assert envelope.occurred_at < to_text(alerts.clock.now() - timedelta(days=3))
