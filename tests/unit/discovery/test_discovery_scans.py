# SPDX-License-Identifier: Apache-2.0
"""Scans: what may be scanned, what comes of it, compared with the time before; stopped, broken off, by schedule."""

import base64
from functools import partial
from ipaddress import ip_network

import pytest

from services.discovery import jobs
from services.discovery.handlers import inventory, progress, scans, schedules
from services.discovery.ports import Found
from shared.contracts import dcv, discovery
from shared.errors import Code, ServiceError
from tests.support.discovery_room import Hosts, der, room
from tests.support.rooms import customer, sent

A, B, C = "203.0.113.1", "203.0.113.2", "203.0.113.3"
NET = "203.0.113.0/29"


class Discovery:
    """The room with shorthands."""

    def __init__(self, app):
        self.app, self.room, self.network = app, app.room, app.prober
        self.account = customer("a1")

    def start(self, *targets, **fields):
        handler = partial(scans.start_scan, settings=self.app.own, hosts=self.app.hosts)
        request = discovery.StartScan(targets=list(targets), **fields)
        return self.room.execute(handler, request, self.account).scan_id

    def run(self):
        return self.room.queue.run_due(self.app)

    def scan(self, *targets, **fields):
        self.room.clock.move(minutes=1)
        scan_id = self.start(*targets, **fields)
        self.run()
        return self.get(scan_id)

    def get(self, scan_id, account=None):
        return scans.get_scan(self.room, discovery.GetScan(scan_id=scan_id), account or self.account)

    def results(self, scan_id, **fields):
        request = discovery.ListScanResults(scan_id=scan_id, **fields)
        return scans.results(self.room, request, self.account).items

    def states(self, scan):
        return {(one.address, one.port): one.state for one in self.results(scan.scan_id)}

    def stop(self, scan_id):
        return self.room.execute(scans.stop_scan, discovery.StopScan(scan_id=scan_id), self.account)

    def facts(self, kind):
        return [entry.data for entry in self.room.log.read().entries if entry.type == f"discovery.{kind}"]

    def inventory(self, **fields):
        return inventory.inventory(self.room, discovery.ListInventory(**fields), self.account).items

    def proved(self, fqdn, method="http_csr_hash"):
        fact = dcv.DCVPassed(
            authorization_id="z", account_id="a1", order_id="o", csr_version=1, fqdn=fqdn, method=method,
            rules_version="1", expires_at="2027-01-01T00:00:00.000000Z", reused=False,
        )  # fmt: skip
        self.room.react(scans.on_dcv_passed, sent(fact, account_id="a1"), name="discovery.on_dcv_passed")


@pytest.fixture
def make(tmp_path):
    opened = []

    def one(**settings):
        opened.append(room(tmp_path, **settings))
        return Discovery(opened[-1])

    yield one
    for app in opened:
        app.room.database.close()


@pytest.fixture
def here(make):
    return make()


def test_a_scan_finds_what_is_served_and_invents_nothing(here):
    here.network.served = {(A, 443, None): der("a.example.com"), (B, 8443, None): der("b.example.com")}
    scan = here.scan(NET, ports=[443, 8443])
    assert (scan.state, scan.counts.new, scan.progress.found) == ("finished", 2, 2)
    assert (scan.progress.done, scan.progress.total) == (16, 16)
    assert scan.progress.failures == {"refused": 14}
    assert here.states(scan) == {(A, 443): "new", (B, 8443): "new"}
    entry = here.inventory(search="a.example.com")[0]
    assert [(one.source, one.address, one.port) for one in entry.places] == [("scan", A, 443)]
    assert [(fact["source"], fact["count"], len(fact["certificates"])) for fact in here.facts("CertsDiscovered")] == [
        ("scan", 2, 2)
    ]
    assert here.facts("ScanStarted")[0]["endpoints"] == 16
    assert here.facts("ScanFinished")[0]["new"] == 2


def test_the_next_scan_tells_same_changed_new_and_gone_apart(here):
    old, kept = der("old.example.com"), der("kept.example.com")
    here.network.served = {(A, 443, None): old, (B, 443, None): kept, (C, 443, None): der("gone.example.com")}
    first = here.scan(NET)
    here.network.served = {(A, 443, None): der("new.example.com"), (B, 443, None): kept,
        ("203.0.113.4", 443, None): der("more.example.com")}  # fmt: skip
    second = here.scan(NET)
    assert second.compared_with == first.scan_id
    assert here.states(second) == {(A, 443): "changed", (B, 443): "same", (C, 443): "gone", ("203.0.113.4", 443): "new"}
    changed = next(one for one in here.results(second.scan_id) if one.state == "changed")
    assert changed.previous_sha256 == next(one for one in here.results(first.scan_id) if one.address == A
        ).certificate.fingerprint_sha256  # fmt: skip
    assert [fact["address"] for fact in here.facts("CertChanged")] == [A]
    assert [fact["address"] for fact in here.facts("CertGone")] == [C]
    assert here.inventory(search="gone.example.com")[0].places == []
    assert here.inventory(search="old.example.com")[0].places == []
    third = here.scan(NET)
    assert here.states(third) == {(A, 443): "same", (B, 443): "same", ("203.0.113.4", 443): "same"}


def test_silence_is_no_proof_that_a_certificate_is_gone(here):
    here.network.served = {(A, 443, None): der("a.example.com"), (B, 443, None): der("b.example.com"),
        (C, 443, None): der("c.example.com")}  # fmt: skip
    here.scan(NET)
    here.network.served = {(C, 443, None): here.network.served[C, 443, None]}
    here.network.silent = {(A, 443, None)}
    second = here.scan(NET)
    assert here.states(second) == {(A, 443): "unseen", (B, 443): "gone", (C, 443): "same"}
    assert second.counts.unseen == 1
    assert here.inventory(search="a.example.com")[0].places
    here.network.served[A, 443, None] = der("a.example.com", days=300)
    assert here.states(here.scan(NET))[A, 443] == "changed"


def test_a_place_that_may_not_be_dialled_any_more_is_not_asked_again(make):
    here = make(allowed=("203.0.113.0/24", "10.0.0.0/8"), names={"shop.example.com": ("10.0.0.7",)})
    here.proved("shop.example.com")
    here.network.served = {("10.0.0.7", 443, "shop.example.com"): der("shop.example.com")}
    first = here.scan(names=["shop.example.com"])
    assert here.states(first) == {("10.0.0.7", 443): "new"}
    here.app.hosts = Hosts({"shop.example.com": (A,)}, [ip_network("203.0.113.0/24")])
    here.network.orders.clear()
    second = here.scan(names=["shop.example.com"])
    assert [order["scan"]["endpoints"] for order in here.network.orders] == [[(A, 443, "shop.example.com", None)]]
    assert here.states(second) == {}
    assert here.inventory()[0].places


def test_a_stop_is_heard_while_places_are_asked_again(here):
    here.network.served = {(A, 443, None): der("a.example.com"), (B, 443, None): der("b.example.com")}
    here.scan(NET)
    here.network.served = {}
    scan_id = here.start(NET)

    def stop_in_the_second_round(done):
        if len(here.network.orders) == 3:
            here.stop(scan_id)

    here.network.before = stop_in_the_second_round
    jobs.FLUSH_S, kept = 0.0, jobs.FLUSH_S
    try:
        here.run()
    finally:
        jobs.FLUSH_S = kept
    scan = here.get(scan_id)
    assert (scan.state, scan.counts.gone, len(here.network.orders)) == ("stopped", 0, 3)


def test_nothing_is_gone_after_a_scan_that_was_stopped(here):
    here.network.served = {(C, 443, None): der("c.example.com")}
    here.scan(NET)
    scan_id = here.start(NET)
    here.network.served = {}

    def stop_early(done):
        if done == 1:
            here.stop(scan_id)

    here.network.before = stop_early
    jobs.FLUSH_S, kept = 0.0, jobs.FLUSH_S
    try:
        here.run()
    finally:
        jobs.FLUSH_S = kept
    scan = here.get(scan_id)
    assert (scan.state, scan.counts.gone) == ("stopped", 0)
    assert scan.progress.done < scan.progress.total
    assert here.facts("CertGone") == []
    here.network.before = lambda done: None
    here.network.served = {(C, 443, None): der("c.example.com", days=10)}
    assert here.states(here.scan(NET)) == {(C, 443): "changed"}  # compared with the one that finished


def test_a_scan_that_waits_is_stopped_before_it_begins(here):
    scan_id = here.start(NET)
    assert here.stop(scan_id).state == "stopping"
    here.run()
    assert here.get(scan_id).state == "stopped"
    assert here.network.orders == []
    assert here.stop(scan_id).state == "stopped"


def test_a_scan_goes_on_where_its_worker_died(here):
    here.network.served = {(A, 443, None): der("a.example.com"), (C, 443, None): der("c.example.com")}
    here.network.dies_at = 2
    jobs.FLUSH_S, kept = 0.0, jobs.FLUSH_S
    try:
        scan_id = here.start(NET)
        here.run()
        assert here.get(scan_id).state == "running"
        here.room.clock.move(seconds=2)
        here.run()
    finally:
        jobs.FLUSH_S = kept
    assert [order["scan"]["from"] for order in here.network.orders] == [0, 2]
    scan = here.get(scan_id)
    assert (scan.state, scan.counts.new, scan.progress.done) == ("finished", 2, 8)
    assert scan.progress.failures == {"refused": 6}


def test_what_is_found_twice_by_one_scan_is_there_once_and_told_once(here):
    here.network.served = {(A, 443, None): der("a.example.com"), (B, 443, None): der("b.example.com")}
    here.scan(NET)
    new = [der("a2.example.com"), der("a3.example.com")]
    scan_id = here.start(NET)
    here.room.execute(progress.begin, scan_id, here.account)

    def take(*served):
        found = [
            Found(address=address, port=443, chain=[base64.b64encode(one).decode()], protocol=protocol)
            for address, one, protocol in served
        ]
        batch = progress.Batch(scan_id=scan_id, account_id="a1", found=found, done=0, total=8)
        assert here.room.execute(progress.take, batch, here.account) == "running"

    unchanged = here.network.served[B, 443, None]
    take((A, new[0], "TLSv1.2"), (B, unchanged, "TLSv1.2"), (B, unchanged, "TLSv1.3"), (C, b"none", "TLSv1.2"))
    take((B, unchanged, "TLSv1.3"), (A, new[1], "TLSv1.3"))

    shown = {one.address: (one.certificate.common_name, one.state, one.protocol) for one in here.results(scan_id)}
    assert shown == {A: ("a3.example.com", "changed", "TLSv1.3"), B: ("b.example.com", "same", "TLSv1.3")}
    assert len(here.facts("CertChanged")) == 1
    told = [one["fingerprint_sha256"] for fact in here.facts("CertsDiscovered") for one in fact["certificates"]]
    assert len(told) == len(set(told)) == 4
    places = {one.common_name: len(one.places) for one in here.inventory()}
    assert places == {"a.example.com": 0, "a2.example.com": 0, "a3.example.com": 1, "b.example.com": 1}
    assert here.get(scan_id).progress.failures == {"bad_certificate": 1}


def test_a_worker_that_dies_each_time_fails_the_scan_and_nothing_is_gone(here):
    here.network.served = {(A, 443, None): der("a.example.com")}
    here.scan(NET)
    here.network.served = {}
    scan_id = here.start(NET)
    for _ in range(5):
        here.network.dies_at = 0
        here.run()
        here.room.clock.move(seconds=2)
    scan = here.get(scan_id)
    assert (scan.state, scan.reason, scan.counts.gone) == ("failed", "worker_failed", 0)
    assert here.facts("ScanFinished")[-1]["state"] == "failed"


@pytest.mark.parametrize(
    ("fields", "pointer", "reason"),
    [
        ({"targets": ["10.0.0.0/24"]}, "/targets/0", "scan_private"),
        ({"targets": [A, "192.168.1.1"]}, "/targets/1", "scan_private"),
        ({"targets": ["::1"]}, "/targets/0", "scan_private"),
        ({"targets": ["8.8.8.8"]}, "/targets/0", "scan_not_allowed"),
        ({"targets": ["203.0.113.0/23"]}, "/targets/0", "scan_not_allowed"),
        ({"targets": ["8.8.8.0-8.8.9.0"]}, "/targets/0", "scan_not_allowed"),
        ({"targets": ["somewhere"]}, "/targets/0", None),
        ({"targets": ["203.0.113.9-203.0.113.1"]}, "/targets/0", None),
        ({"targets": [A], "exclude": ["x"]}, "/exclude/0", None),
        ({"targets": [A], "ports": [0]}, "/ports/0", None),
        ({"targets": [A], "ports": []}, "/ports", None),
        ({"targets": [A], "rate": 10**6}, "/rate", None),
        ({"targets": ["127.0.0.0/8"], "ports": [443, 8443]}, "/targets", None),
        ({}, "/targets", None),
        ({"names": ["*.example.com"]}, "/names/0", None),
    ],
)
def test_what_may_not_be_scanned_is_refused_at_its_place(here, fields, pointer, reason):
    with pytest.raises(ServiceError) as refused:
        here.start(*fields.pop("targets", ()), **fields)
    assert (refused.value.code, refused.value.pointer) == (Code.INVALID, pointer)
    assert refused.value.extra.get("reason") == reason
    assert here.run() == 0


def test_a_proved_name_may_be_scanned_and_another_may_not(make):
    here = make(allowed=(), names={"www.example.com": ("198.41.0.4",), "sub.example.org": ("198.41.0.5",)})
    with pytest.raises(ServiceError) as refused:
        here.start(names=["www.example.com"])
    assert (refused.value.pointer, refused.value.extra["reason"]) == ("/names/0", "scan_not_proved")
    here.proved("www.example.com")
    here.proved("example.org", "cname_csr_hash")
    here.network.served = {("198.41.0.4", 443, "www.example.com"): der("www.example.com")}
    scan = here.scan(names=["WWW.example.com.", "sub.example.org"])
    [result] = here.results(scan.scan_id)
    assert (result.address, result.name, result.state) == ("198.41.0.4", "www.example.com", "new")
    assert (scan.progress.total, scan.name_problems) == (2, [])
    with pytest.raises(ServiceError):
        here.start(names=["deep.www.example.com"])  # a file proves one FQDN only
    with pytest.raises(ServiceError):
        here.start("198.41.0.4")
    here.room.clock.move(days=400)
    with pytest.raises(ServiceError):
        here.start(names=["www.example.com"])


def test_a_name_that_leads_inside_is_told_and_not_dialled(make):
    names = {"in.example.com": ("10.0.0.7",), "out.example.com": ("198.41.0.4",), "ok.example.com": (A,)}
    here = make(names=names)
    here.proved("in.example.com")
    scan = here.scan(names=["in.example.com", "out.example.com", "ok.example.com", "none.example.com"], ports=[443, 25])
    told = {one.name: one.reason for one in scan.name_problems}
    assert told == {"in.example.com": "address_refused", "out.example.com": "address_refused",
        "none.example.com": "dns_nxdomain"}  # fmt: skip
    [order] = here.network.orders
    assert [list(one) for one in order["scan"]["endpoints"]] == [
        [A, 25, "ok.example.com", "smtp"], [A, 443, "ok.example.com", None],
    ]  # fmt: skip
    assert (scan.state, scan.progress.done, scan.progress.total) == ("finished", 2, 2)


def test_names_and_networks_are_one_scan(make):
    here = make(names={"ok.example.com": (A,)})
    here.network.served = {(A, 443, "ok.example.com"): der("ok.example.com"), (A, 443, None): der("default.example")}
    scan = here.scan("203.0.113.0/30", names=["ok.example.com"], exclude=["203.0.113.3"])
    assert (scan.progress.done, scan.progress.total, scan.counts.new) == (4, 4, 2)
    assert [one.name for one in here.results(scan.scan_id)] == ["", "ok.example.com"]


def test_only_so_many_scans_are_open_at_once(make):
    here = make(scans_per_account=1)
    here.start(A)
    with pytest.raises(ServiceError) as refused:
        here.start(B)
    assert refused.value.code is Code.CONFLICT


def test_another_account_sees_and_stops_nothing(here):
    here.network.served = {(A, 443, None): der("a.example.com")}
    scan = here.scan(A)
    other = customer("a2")
    asks = [
        lambda: here.get(scan.scan_id, other),
        lambda: here.room.execute(scans.stop_scan, discovery.StopScan(scan_id=scan.scan_id), other),
        lambda: scans.results(here.room, discovery.ListScanResults(scan_id=scan.scan_id), other),
    ]
    for ask in asks:
        with pytest.raises(ServiceError) as refused:
            ask()
        assert refused.value.code is Code.NOT_FOUND
    assert scans.list_scans(here.room, discovery.ListScans(), other).items == []


def test_results_are_searched_sorted_and_narrowed(here):
    here.network.served = {
        (A, 443, None): der("b.example.com", days=5),
        ("203.0.113.10", 443, None): der("a.example.com"),
        (C, 443, None): der("c.example.org", days=300),
    }
    scan = here.scan("203.0.113.0/28")

    def names(**asked):
        return [one.certificate.common_name for one in here.results(scan.scan_id, **asked)]

    assert names() == ["b.example.com", "c.example.org", "a.example.com"]
    assert names(sort="-not_after") == ["c.example.org", "a.example.com", "b.example.com"]
    assert names(search="EXAMPLE.com", sort="common_name") == ["a.example.com", "b.example.com"]
    assert names(search="203.0.113.10") == ["a.example.com"]
    assert names(state="gone") == []
    assert names(limit=1, offset=1) == ["c.example.org"]


def test_scans_are_listed_newest_first_page_by_page(here):
    made = [here.scan(A).scan_id for _ in range(3)]
    page = scans.list_scans(here.room, discovery.ListScans(limit=2), here.account)
    rest = scans.list_scans(here.room, discovery.ListScans(limit=2, cursor=page.next_cursor), here.account)
    assert [one.scan_id for one in (*page.items, *rest.items)] == made[::-1]
    assert (page.total, rest.next_cursor) == (3, None)


def tick(here):
    for schedule_id in schedules.due(here.room):
        handler = partial(schedules.run_due, settings=here.app.own, hosts=here.app.hosts)
        here.room.execute(handler, schedule_id, customer("a1"))
    here.run()


def scheduled(here, **fields):
    request = discovery.ScheduleScan(**{"name": "nightly", "targets": [A], "every_hours": 24, **fields})
    handler = partial(schedules.schedule_scan, settings=here.app.own, hosts=here.app.hosts)
    return here.room.execute(handler, request, here.account)


def test_a_scheduled_scan_runs_each_period_and_not_in_quiet_hours(here):
    here.network.served = {(A, 443, None): der("a.example.com")}
    made = scheduled(here, quiet_from="08:00", quiet_until="18:30")  # it is 12:00
    assert made.next_at == "2026-11-23T18:30:00.000000Z"
    tick(here)
    assert scans.list_scans(here.room, discovery.ListScans(), here.account).items == []
    here.room.clock.move(hours=7)
    tick(here)
    [scan] = scans.list_scans(here.room, discovery.ListScans(), here.account).items
    assert (scan.state, scan.schedule_id) == ("finished", made.schedule_id)
    [kept] = schedules.list_schedules(here.room, discovery.ListScanSchedules(), here.account).items
    assert (kept.next_at, kept.last_scan_id) == ("2026-11-24T18:30:00.000000Z", scan.scan_id)
    here.room.clock.move(days=3)  # three turns were missed: one is made up for
    tick(here)
    tick(here)
    assert scans.list_scans(here.room, discovery.ListScans(), here.account).total == 2


def test_a_schedule_runs_on_demand_and_ends(here):
    made = scheduled(here)
    handler = partial(schedules.run_schedule, settings=here.app.own, hosts=here.app.hosts)
    view = here.room.execute(handler, discovery.RunScanSchedule(schedule_id=made.schedule_id), here.account)
    assert view.schedule_id == made.schedule_id
    with pytest.raises(ServiceError) as refused:
        here.room.execute(handler, discovery.RunScanSchedule(schedule_id=made.schedule_id), customer("a2"))
    assert refused.value.code is Code.NOT_FOUND
    remove = discovery.RemoveScanSchedule(schedule_id=made.schedule_id)
    here.room.execute(schedules.remove_schedule, remove, here.account)
    assert schedules.list_schedules(here.room, discovery.ListScanSchedules(), here.account).items == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"every_hours": 0}, "/every_hours"),
        ({"name": " "}, "/name"),
        ({"quiet_from": "25:00", "quiet_until": "08:00"}, "/quiet_from"),
        ({"quiet_from": "08:00"}, "/quiet_until"),
        ({"targets": ["10.0.0.1"]}, "/targets/0"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(here, fields, pointer):
    with pytest.raises(ServiceError) as refused:
        scheduled(here, **fields)
    assert refused.value.pointer == pointer


def test_a_found_certificate_is_bookmarked_described_and_removed(here):
    here.network.served = {(A, 443, None): der("a.example.com", policy="2.23.140.1.2.2", issuer="Sectigo RSA OV CA"),
        (B, 443, None): der("b.example.com")}  # fmt: skip
    here.scan(NET)
    one, two = here.inventory(sort="common_name")
    assert (one.brand, one.level, two.level) == ("Sectigo", "OV", "")
    mark = discovery.BookmarkCertificates(fingerprints=[one.fingerprint_sha256.upper()])
    here.room.execute(inventory.bookmark_certificates, mark, here.account)
    assert [each.common_name for each in here.inventory(bookmarked=True)] == ["a.example.com"]
    described = discovery.DescribeCertificate(
        fingerprint_sha256=one.fingerprint_sha256, owner=" Ops ", tags=["shop", "shop", " eu "]
    )
    view = here.room.execute(inventory.describe_certificate, described, here.account)
    assert (view.owner, view.tags) == ("Ops", ["shop", "eu"])
    assert [each.common_name for each in here.inventory(search="EU")] == ["a.example.com"]
    assert [each.common_name for each in here.inventory(reused=True, sort="common_name")] == [
        "a.example.com",
        "b.example.com",
    ]
    assert [each.common_name for each in here.inventory(brand="Sectigo", level="OV", source="scan")] == [
        "a.example.com"
    ]
    assert here.inventory(source="agent") == []
    words = inventory.inventory_words(here.room, discovery.GetInventoryWords(), here.account)
    assert (words.brands, words.levels, words.keys) == (["Other CA", "Sectigo"], ["OV"], ["ecdsa P-256"])
    remove = discovery.RemoveBookmark(fingerprint_sha256=one.fingerprint_sha256)
    here.room.execute(inventory.remove_bookmark, remove, here.account)
    assert [each.common_name for each in here.inventory()] == ["b.example.com"]
    with pytest.raises(ServiceError) as refused:
        here.room.execute(inventory.remove_bookmark, remove, here.account)
    assert refused.value.code is Code.NOT_FOUND
    with pytest.raises(ServiceError):
        here.room.execute(inventory.bookmark_certificates, mark, customer("a2"))
