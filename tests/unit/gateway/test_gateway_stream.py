# SPDX-License-Identifier: Apache-2.0
"""Event streams: each account its own events, from where it stopped, pushed when the log grows."""

import threading

import pytest

from gateway.exchange import Exchange
from gateway.problems import RefusedError
from gateway.stream import Streams
from shared.context import Context
from shared.contracts.alerts import FeedEvent, FeedPage, GetFeedHead, ReadFeed
from shared.errors import Code, ServiceError


class Log:
    """A feed of (account, number) with one position for all."""

    def __init__(self, rpc):
        self.entries = []
        rpc.answers[GetFeedHead] = lambda request, context: FeedPage(events=[], next_after=len(self.entries))
        rpc.answers[ReadFeed] = self.read

    def add(self, account):
        self.entries.append(account)

    def read(self, request, context):
        found = [
            FeedEvent(position=position, cloudevent={"subject": account})
            for position, account in enumerate(self.entries, 1)
            if position > request.after and account == context.account_id
        ]
        return FeedPage(events=found, next_after=len(self.entries))


def exchange(rpc, account="a", actor="user:1"):
    return Exchange(rpc, Context(actor=actor, account_id=account, permissions=frozenset({"view"})))


def text(chunk):
    return chunk.decode().replace("retry: 2000\n\n", "")


@pytest.fixture
def log(rpc):
    return Log(rpc)


@pytest.fixture
def streams(rpc):
    made = Streams(rpc, poll=0.005, heartbeat=30.0)
    yield made
    made.close()


def open_stream(streams, rpc, last=None, account="a", welcome=lambda: True):
    return streams.open(exchange(rpc, account), ReadFeed(), last, welcome)


def test_a_new_stream_begins_now(streams, rpc, log):
    log.add("a")
    stream = open_stream(streams, rpc)
    chunks = iter(stream)
    assert next(chunks) == b"retry: 2000\n\n"
    log.add("b")
    log.add("a")
    assert text(next(chunks)) == 'id: 3\ndata: {"subject":"a"}\n\n'
    stream.close()


def test_a_broken_stream_goes_on_after_the_last_event(streams, rpc, log):
    for account in "aab":
        log.add(account)
    stream = open_stream(streams, rpc, last="1")
    assert text(next(iter(stream))) == 'id: 2\ndata: {"subject":"a"}\n\n'
    stream.close()


def test_each_account_gets_its_own(streams, rpc, log):
    ones = [open_stream(streams, rpc, account=account) for account in "ab"]
    chunks = [iter(one) for one in ones]
    for each in chunks:
        next(each)
    log.add("b")
    log.add("a")
    assert ['"a"' in text(next(chunks[0])), '"b"' in text(next(chunks[1]))] == [True, True]
    for one in ones:
        one.close()


def test_a_quiet_stream_shows_that_it_lives_and_ends_with_its_credential(rpc, log):
    welcome = [True, False]
    streams = Streams(rpc, poll=0.005, heartbeat=0.0)
    stream = open_stream(streams, rpc, welcome=lambda: welcome.pop(0))
    chunks = iter(stream)
    next(chunks)
    assert next(chunks) == b": still here\n\n"
    assert list(chunks) == []
    stream.close()
    streams.close()


def test_one_poller_serves_all_and_rests_when_nobody_listens(streams, rpc, log):
    earlier = set(threading.enumerate())  # a poller of the test before may not have ended yet

    def pollers():
        return [each for each in threading.enumerate() if each.name == "event-streams" and each not in earlier]

    ones = [open_stream(streams, rpc) for _ in range(5)]
    assert len(pollers()) == 1
    for one in ones:
        one.close()
        one.close()
    assert streams.count == 0
    for thread in pollers():
        thread.join(5)
    assert pollers() == []
    again = open_stream(streams, rpc)
    chunks = iter(again)
    next(chunks)
    log.add("a")
    assert '"a"' in text(next(chunks))
    again.close()


def test_too_many_streams_of_one_are_refused(rpc, log):
    streams = Streams(rpc, most_per_actor=2)
    ones = [open_stream(streams, rpc) for _ in range(2)]
    with pytest.raises(ServiceError, match="rate_limited"):
        open_stream(streams, rpc)
    for one in ones:
        one.close()
    open_stream(streams, rpc).close()
    streams.close()


def test_stopping_ends_all_streams(streams, rpc, log):
    stream = open_stream(streams, rpc)
    chunks = iter(stream)
    next(chunks)
    threading.Timer(0.01, streams.close).start()
    assert list(chunks) == []
    with pytest.raises(ServiceError, match="unavailable"):
        open_stream(streams, rpc)
    stream.close()


def test_a_service_that_is_away_for_a_moment_ends_no_stream(streams, rpc, log):
    stream = open_stream(streams, rpc)
    chunks = iter(stream)
    next(chunks)
    away = [True, True]
    rpc.answers[ReadFeed] = lambda request, context: (
        ServiceError(Code.UNAVAILABLE, "away") if away and away.pop() else log.read(request, context)
    )
    log.add("a")
    assert '"a"' in text(next(chunks))
    rpc.answers[ReadFeed] = ServiceError(Code.FORBIDDEN, "no")
    log.add("a")
    assert list(chunks) == []
    stream.close()


@pytest.mark.parametrize("last", ["", "x", "-1", "1" * 16, "١"])
def test_a_bad_last_id_is_malformed(streams, rpc, log, last):
    with pytest.raises(RefusedError, match="malformed"):
        open_stream(streams, rpc, last=last)


def test_the_stream_has_its_media_type_and_refusals_are_problems(client, gateway, bearer):
    answer = client.get("/api/v1/events/stream", headers=bearer)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    answer.close()
    assert client.get("/api/v1/events/stream", headers={**bearer, "Last-Event-ID": "x"}).status_code == 400
    gateway.ground.rpc.answers[ReadFeed] = ServiceError(Code.INVALID, "no such type", pointer="/types")
    assert client.get("/api/v1/events/stream?types=x", headers=bearer).status_code == 422
