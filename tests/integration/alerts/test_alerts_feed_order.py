# SPDX-License-Identifier: Apache-2.0
"""The feed under load: whoever reads on from a position misses nothing, with many writers and several replicas."""

import threading

from services.alerts.handlers.feed import FeedWriter
from shared.contracts import billing
from tests.support.alerts_room import AlertsRoom

WRITERS = 8
EACH = 40


def refused(room, name):
    return room.envelope(billing.ChargeRefused(order_id=name, account_id="a1", reason=""), event_id=name)


def test_a_tailing_reader_misses_nothing_and_sees_positions_in_order(settings):
    with AlertsRoom.on(settings) as room:
        replicas = [FeedWriter(room.room), FeedWriter(room.room)]
        events = [[refused(room, f"{writer}-{number}") for number in range(EACH)] for writer in range(WRITERS)]
        errors, found, done = [], [], threading.Event()

        def write(number):
            try:
                for envelope in events[number]:
                    for replica in replicas if envelope is events[number][0] else [replicas[number % 2]]:
                        replica.add(envelope)
            except BaseException as error:  # noqa: BLE001 - reported below
                errors.append(error)

        def read():
            after = 0
            while True:
                last = done.is_set()
                page = room.feed(after=after, limit=50)
                found.extend((event.position, event.cloudevent["id"]) for event in page.events)
                assert page.next_after >= after
                after = page.next_after
                if last and not page.events:
                    return

        reader = threading.Thread(target=read)
        reader.start()
        writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        reader.join()
        assert errors == []
        positions = [position for position, _ in found]
        assert positions == list(range(1, WRITERS * EACH + 1))
        assert {event_id for _, event_id in found} == {each.event_id for batch in events for each in batch}
