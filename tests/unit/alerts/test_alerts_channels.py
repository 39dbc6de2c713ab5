# SPDX-License-Identifier: Apache-2.0
"""Channels and links (check list 3.11): webhooks, single or once a day, tried again; secrets shown once."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from ipaddress import IPv4Network

import msgspec
import pytest

from services.alerts.adapters.webhooks import GuardedHooks
from services.alerts.handlers import channels, feed_links, telling
from services.alerts.model.channels import BACKOFF_S
from services.alerts.ports import Outcome
from shared.context import system
from shared.contracts import alert_channels as c
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.errors import Code, ServiceError
from tests.support.shop import Shop

URL = "https://hooks.example/services/T0/very-secret-path?key=1"


class Receiver:
    """Stands for the world behind the guarded way out."""

    schemes = ("https",)

    def __init__(self):
        self.got = []
        self.fails = 0

    def send(self, url, secret, message_id, body, timestamp):
        self.got.append((url, secret, message_id, json.loads(body)))
        if self.fails:
            self.fails -= 1
            return Outcome(delivered=False, detail="HTTP 500")
        return Outcome(delivered=True, detail="HTTP 204")

    @property
    def types(self):
        return [body["type"] for _, _, _, body in self.got]


@pytest.fixture
def hooks(alerts):
    alerts.app = replace(alerts.app, hooks=Receiver())
    return alerts.app.hooks


def make(room, /, **fields):
    request = c.MakeChannel(**{"kind": "webhook", "name": "Chat", "target": URL, **fields})
    return channels.make_channel(room.app, request, room.context())


def change(room, channel_id, /, **fields):
    return channels.change_channel(room.app, c.ChangeChannel(channel_id=channel_id, **fields), room.context())


def only(alerts):
    [channel] = channels.list_channels(alerts.room, alerts.context()).items
    return channel


def a_day_later(alerts):
    alerts.clock.forward(hours=24, minutes=1)
    for channel_id in telling.days_over(alerts.room):
        alerts.room.execute(telling.collect, channel_id, system("alerts"))
    alerts.room.queue.run_due(alerts.app)


def test_an_alert_goes_over_a_channel_though_mails_are_off(alerts, hooks):
    alerts.set_rule(email=False)
    made = make(alerts)
    alerts.issued("aa", 20)
    alerts.look()
    [(url, secret, message_id, body)] = hooks.got
    assert (url, secret) == (URL, made.secret)
    alert = alerts.only()
    assert message_id == f"msg_{made.channel.channel_id}-{alert.alert_id}-1"
    assert body["type"] == "alert.raised"
    assert body["data"]["text"] == alert.text
    assert alerts.outbox.sent == []
    assert (only(alerts).last_result, only(alerts).last_detail) == ("delivered", "HTTP 204")
    assert "NotificationSent" in alerts.events()
    alerts.look(days=15)
    assert hooks.types == ["alert.raised", "alert.repeated"]


def test_what_is_muted_off_or_of_another_kind_is_not_sent(alerts, hooks):
    alerts.set_rule(email=False, low_balance=5000)
    made = make(alerts, alerts=["low_balance"])
    alerts.issued("aa", 20)
    alerts.look()
    assert hooks.got == []
    change(alerts, made.channel.channel_id, alerts=["expiry"], enabled=False)
    alerts.look(days=15)
    assert hooks.got == []
    change(alerts, made.channel.channel_id, enabled=True)
    alerts.mute(alerts.only().alert_id)
    alerts.look(days=3)
    assert hooks.got == []


def test_a_failed_delivery_is_tried_again_with_longer_pauses_and_given_up(alerts, hooks):
    make(alerts)
    hooks.fails = 100
    alerts.issued("aa", 20)
    alerts.look()
    assert only(alerts).last_result == "failed"
    assert only(alerts).last_detail.startswith("HTTP 500 Try 1; the next one is at ")
    for count, pause in enumerate(BACKOFF_S, 2):
        alerts.clock.forward(seconds=pause - 1)
        alerts.room.queue.run_due(alerts.app)
        assert len(hooks.got) == count - 1
        alerts.clock.forward(seconds=1)
        alerts.room.queue.run_due(alerts.app)
        assert len(hooks.got) == count
    assert len({message_id for _, _, message_id, _ in hooks.got}) == 1
    assert only(alerts).last_detail == "HTTP 500 Given up after 10 tries."
    assert alerts.room.queue.next_run_at() is None, "no parked work for the operator"


def test_a_day_is_collected_into_one_message(alerts, hooks):
    make(alerts, digest="daily")
    make(alerts, kind="email", target="ops@example.com", name="Ops", digest="daily")
    alerts.issued("aa", 20)
    alerts.issued("bb", 20, order="o2")
    alerts.look()
    assert hooks.got == []
    mails = len(alerts.outbox.sent)
    a_day_later(alerts)
    [(_, _, _, body)] = hooks.got
    assert body["type"] == "alert.digest"
    assert len(body["data"]["alerts"]) == len(body["data"]["new"]) == 2
    [letter] = alerts.outbox.sent[mails:]
    assert (letter.to, letter.subject) == ("ops@example.com", "2 new alerts, 2 open")
    a_day_later(alerts)
    assert len(hooks.got) == 1, "nothing is new"


def test_secrets_are_shown_once_and_stored_sealed(alerts, hooks):
    context = alerts.context()
    context = msgspec.structs.replace(context, command_id="c1")
    request = c.MakeChannel(kind="webhook", name="Chat", target=URL)
    made = channels.make_channel(alerts.app, request, context)
    assert made.secret.startswith("whsec_")
    assert made.channel.target == "https://hooks.example/…"
    with pytest.raises(ServiceError) as again:
        channels.make_channel(alerts.app, request, context)
    assert again.value.code == Code.CONFLICT
    links = feed_links.make_link(alerts.app, c.MakeFeedLink(name="Calendar"), alerts.context())
    token = links.calendar_url.split("/")[-2]
    stored = b"".join(path.read_bytes() for path in alerts.app.settings.data_dir.glob("*sqlite3*"))
    assert b"Chat" in stored
    for secret in (made.secret, "very-secret-path", token):
        assert secret.encode() not in stored


def test_a_test_says_what_came_back(alerts, hooks):
    made = make(alerts)
    asked = c.TestChannel(channel_id=made.channel.channel_id)
    assert channels.test_channel(alerts.app, asked, alerts.context()).delivered
    hooks.fails = 1
    assert channels.test_channel(alerts.app, asked, alerts.context()) == c.ChannelTest(
        delivered=False, detail="HTTP 500"
    )
    assert hooks.types == ["alert.test"] * 2
    assert only(alerts).last_detail == "HTTP 500"
    mail = make(alerts, kind="email", target="ops@example.com").channel
    assert channels.test_channel(alerts.app, c.TestChannel(channel_id=mail.channel_id), alerts.context()).delivered
    assert alerts.subjects() == ["A test of your alerts"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "pigeon"}, "/kind"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a\x07b"}, "/name"),
        ({"target": "http://hooks.example/"}, "/target"),
        ({"target": "https://user:pass@hooks.example/"}, "/target"),
        ({"target": "file:///etc/passwd"}, "/target"),
        ({"target": "https://" + "x" * 3000}, "/target"),
        ({"kind": "email", "target": "nobody"}, "/target"),
        ({"digest": "hourly"}, "/digest"),
        ({"alerts": ["expiry", "rain"]}, "/alerts"),
    ],
)
def test_what_is_no_channel_is_refused_at_its_field(alerts, hooks, fields, pointer):
    with pytest.raises(ServiceError) as refused:
        make(alerts, **fields)
    assert (refused.value.code, refused.value.pointer) == (Code.INVALID, pointer)


def test_another_accounts_channels_and_links_do_not_exist(alerts, hooks):
    made = make(alerts).channel
    link = feed_links.make_link(alerts.app, c.MakeFeedLink(name="x"), alerts.context()).link
    other = alerts.context("a2")
    for act in (
        lambda: channels.change_channel(alerts.app, c.ChangeChannel(channel_id=made.channel_id), other),
        lambda: channels.test_channel(alerts.app, c.TestChannel(channel_id=made.channel_id), other),
        lambda: alerts.room.execute(channels.remove_channel, c.RemoveChannel(channel_id=made.channel_id), other),
        lambda: alerts.room.execute(feed_links.end_link, c.EndFeedLink(link_id=link.link_id), other),
    ):
        with pytest.raises(ServiceError) as refused:
            act()
        assert refused.value.code == Code.NOT_FOUND
    assert channels.list_channels(alerts.room, other).items == []
    assert feed_links.list_links(alerts.room, other).items == []


def test_an_account_has_a_limit(alerts, hooks):
    for _ in range(20):
        make(alerts)
    with pytest.raises(ServiceError) as refused:
        make(alerts)
    assert refused.value.code == Code.ACTION_NOT_ALLOWED


def test_a_link_opens_what_is_watched_until_it_is_ended(alerts):
    alerts.issued("aa", 20)
    alerts.look()
    made = feed_links.make_link(alerts.app, c.MakeFeedLink(name="Calendar"), alerts.context())
    token = made.rss_url.removeprefix("https://cw.example/feeds/").removesuffix("/alerts.rss")
    found = feed_links.open_link(alerts.room, c.OpenFeedLink(token=token))
    assert [end.names for end in found.ends] == [["shop.example.com"]]
    assert [alert.alert_id for alert in found.alerts] == [alerts.only().alert_id]
    alerts.room.execute(feed_links.end_link, c.EndFeedLink(link_id=made.link.link_id), alerts.context())
    for gone in (token, "", "x" * 43):
        with pytest.raises(ServiceError) as refused:
            feed_links.open_link(alerts.room, c.OpenFeedLink(token=gone))
        assert refused.value.code == Code.NOT_FOUND


def test_a_webhook_is_signed_and_only_leaves_by_the_guarded_way():
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    with Shop([204, 500, 302]) as shop:
        refused = GuardedHooks(Egress(None, AddressPolicy()), plain=True).send(shop.url, secret, "m", b"{}", 1)
        assert not refused.delivered
        assert "not dialled" in refused.detail
        allowed = GuardedHooks(Egress(None, AddressPolicy([IPv4Network("127.0.0.0/8")])), plain=True)
        said = [allowed.send(shop.url, secret, f"msg_{n}", b'{"a":1}', 1_700_000_000) for n in range(3)]
        [first, *_] = shop.wait_for(3)
    assert [one.delivered for one in said] == [True, False, False]
    assert "redirects are not followed" in said[2].detail
    expected = hmac.digest(b"k" * 32, b'msg_0.1700000000.{"a":1}', hashlib.sha256)
    assert first["signature"] == "v1," + base64.b64encode(expected).decode()
