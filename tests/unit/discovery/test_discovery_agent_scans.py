# SPDX-License-Identifier: Apache-2.0
"""Scans that an agent runs: given what stands, when it reports, then what is kept; and what it may not say."""

import base64
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from services.discovery import jobs
from services.discovery.handlers import agent_scans, inventory, scans, schedules
from services.discovery.model import agent_scan as model
from services.discovery.model.agent_scan import Bounds, NotAskedForError
from shared.clock import to_text
from shared.context import Context
from shared.contracts import discovery, installer
from shared.errors import Code, ServiceError
from tests.support.discovery_room import der, room
from tests.support.rooms import customer, sent

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"
NET = "10.0.0.0/29"
AGENT = installer.AgentView(
    agent_id="agent-1", uid="0" * 32, name="cellar", state="connected", created_at="", version="0.2.0"
)


class Cellar:
    """The room with an agent that the test plays."""

    def __init__(self, app):
        self.app, self.room = app, app.room
        self.account = customer("a1")
        self.agent = self.of("agent-1")
        self.number = 0

    def of(self, agent_id, account_id="a1"):
        return Context(actor=f"agent:{agent_id}", account_id=account_id, permissions=frozenset({"agent"}))

    def start(self, *targets, agent=AGENT, **fields):
        handler = partial(scans.start_scan, settings=self.app.own, hosts=self.app.hosts, agent=agent)
        request = discovery.StartScan(targets=list(targets), agent_id="agent-1", **fields)
        return self.room.execute(handler, request, self.account).scan_id

    def part(self, scan_id, context=None):
        self.number = 0
        handler = partial(agent_scans.take_part, settings=self.app.own)
        return self.room.execute(handler, discovery.TakeScanPart(scan_id=scan_id), context or self.agent)

    def names(self, scan_id, run, *answers):
        request = discovery.ReportScanNames(scan_id=scan_id, run=run, names=list(answers))
        return self.room.execute(agent_scans.take_names, request, self.agent).order

    def report(self, scan_id, run, done, *found, context=None, number=None, **fields):
        """`found` are (address, port, DER) or (address, port, DER, name)."""
        self.number += 1
        certificates = list(dict.fromkeys(base64.b64encode(one[2]).decode() for one in found))
        places = [
            discovery.AgentFinding(
                address=one[0],
                port=one[1],
                chain=[certificates.index(base64.b64encode(one[2]).decode())],
                name="".join(one[3:]),
                protocol="TLSv1.2",
            )
            for one in found
        ]
        request = discovery.ReportScan(
            scan_id=scan_id, run=run, number=number or self.number, done=done, found=places, certificates=certificates,
            **fields,
        )  # fmt: skip
        return self.room.execute(agent_scans.take_report, request, context or self.agent).order

    def whole(self, *found, **asked):
        """A scan of NET from its start to its end."""
        self.room.clock.move(minutes=1)
        scan_id = self.start(NET, **asked)
        part = self.part(scan_id)
        assert self.report(scan_id, part.run, 8, *found) == "go_on"
        return scan_id

    def stop(self, scan_id):
        return self.room.execute(scans.stop_scan, discovery.StopScan(scan_id=scan_id), self.account)

    def tidy(self):
        for scan_id in agent_scans.lost(self.room, self.app.own):
            self.room.execute(partial(agent_scans.end_lost, settings=self.app.own), scan_id, self.account)

    def get(self, scan_id):
        return scans.get_scan(self.room, discovery.GetScan(scan_id=scan_id), self.account)

    def states(self, scan_id):
        request = discovery.ListScanResults(scan_id=scan_id)
        return {(one.address, one.port): one.state for one in scans.results(self.room, request, self.account).items}

    def facts(self, kind):
        return [entry.data for entry in self.room.log.read().entries if entry.type == f"discovery.{kind}"]

    def inventory(self, text):
        return inventory.inventory(self.room, discovery.ListInventory(search=text), self.account).items


@pytest.fixture
def here(tmp_path):
    app = room(tmp_path, allowed=())
    yield Cellar(app)
    app.room.database.close()


def test_a_private_network_is_refused_from_here_and_given_to_the_agent(here):
    handler = partial(scans.start_scan, settings=here.app.own, hosts=here.app.hosts)
    with pytest.raises(ServiceError):
        here.room.execute(handler, discovery.StartScan(targets=[NET]), here.account)
    scan_id = here.start(NET, names=["db.internal.example"], exclude=[C], ports=[443, 8443], rate=50)
    [asked] = here.facts("AgentScanRequested")
    assert asked == {
        "scan_id": scan_id, "account_id": "a1", "agent_id": "agent-1", "targets": [NET],
        "names": ["db.internal.example"], "ports": [443, 8443], "exclude": [f"{C}/32"], "rate": 50,
    }  # fmt: skip
    view = here.get(scan_id)
    assert (view.state, view.agent_name, view.waits_for_agent) == ("waiting", "cellar", True)
    assert here.room.queue.run_due(here.app) == 0
    assert here.app.prober.orders == []


def test_what_the_agent_finds_goes_the_way_of_every_scan(here):
    one, two = der("one.example.com"), der("two.example.com")
    scan_id = here.start(NET)
    part = here.part(scan_id)
    assert (part.part, part.networks, part.start) == ("networks", [NET], 0)
    assert (
        here.report(scan_id, part.run, 3, (A, 443, one), failures={"refused": 2}, rate=4.5, seconds_left=2) == "go_on"
    )
    view = here.get(scan_id)
    assert (view.state, view.progress.done, view.progress.rate, view.waits_for_agent) == ("running", 3, 4.5, False)
    here.report(scan_id, part.run, 8, (B, 443, two), (C, 443, one), failures={"refused": 4, "timeout": 1})
    assert here.part(scan_id).part == ""
    view = here.get(scan_id)
    assert (view.state, view.counts.new, view.progress.done) == ("finished", 3, 8)
    assert view.progress.failures == {"refused": 4, "timeout": 1}
    [entry] = here.inventory("one.example.com")
    assert sorted((place.source, place.address) for place in entry.places) == [("scan", A), ("scan", C)]
    assert [fact["state"] for fact in here.facts("ScanFinished")] == ["finished"]
    assert sum(fact["count"] for fact in here.facts("CertsDiscovered")) == 2


def test_the_next_scan_by_the_agent_asks_again_before_it_calls_anything_gone(here):
    old, kept = der("old.example.com"), der("kept.example.com")
    first = here.whole((A, 443, old), (B, 443, kept), (C, 443, kept), ("10.0.0.4", 443, old))
    assert here.part(first).part == ""
    second = here.whole((A, 443, der("new.example.com")))
    part = here.part(second)
    assert (part.part, [one.address for one in part.endpoints]) == ("again", [B, C, "10.0.0.4"])
    missed = [discovery.AgentMiss(address=B, port=443, reason="refused"),
        discovery.AgentMiss(address=C, port=443, reason="timeout")]  # fmt: skip
    here.report(second, part.run, 3, ("10.0.0.4", 443, old), missed=missed)
    assert here.part(second).part == ""
    assert here.states(second) == {(A, 443): "changed", (B, 443): "gone", (C, 443): "unseen",
        ("10.0.0.4", 443): "same"}  # fmt: skip
    assert [fact["address"] for fact in here.facts("CertGone")] == [B]
    assert here.get(second).compared_with == first


def test_a_scan_from_elsewhere_is_not_compared_and_its_places_are_others(here):
    here.part(here.whole((A, 443, der("inside.example.com"))))
    handler = partial(
        scans.start_scan, settings=here.app.own, hosts=here.app.hosts,
        agent=installer.AgentView(**{**{f: getattr(AGENT, f) for f in AGENT.__struct_fields__}, "agent_id": "agent-2"}),
    )  # fmt: skip
    other = here.room.execute(handler, discovery.StartScan(targets=[NET], agent_id="agent-2"), here.account)
    assert other.compared_with == ""
    context = here.of("agent-2")
    part = here.part(other.scan_id, context)
    here.report(other.scan_id, part.run, 8, (A, 443, der("elsewhere.example.com")), context=context)
    assert here.part(other.scan_id, context).part == ""
    assert [place.address for place in here.inventory("inside.example.com")[0].places] == [A]
    assert [place.address for place in here.inventory("elsewhere.example.com")[0].places] == [A]


def test_a_report_counts_once_and_a_run_that_was_given_up_counts_no_more(here):
    scan_id = here.start(NET)
    first = here.part(scan_id)
    for _ in range(2):
        here.report(scan_id, first.run, 4, (A, 443, der("a.example.com")), failures={"refused": 3}, number=1)
    second = here.part(scan_id)  # the agent was killed and has begun again
    assert (second.start, second.run) == (4, first.run + 1)
    assert here.report(scan_id, first.run, 8, failures={"refused": 7}, number=9) == "over"
    here.report(scan_id, second.run, 8, failures={"refused": 4})
    assert here.part(scan_id).part == ""
    view = here.get(scan_id)
    assert (view.progress.found, view.progress.failures, view.progress.done) == (1, {"refused": 7}, 8)
    assert sum(fact["count"] for fact in here.facts("CertsDiscovered")) == 1


def test_an_agent_that_begins_again_and_again_and_tells_nothing_fails_the_scan(here):
    scan_id = here.start(NET)
    here.report(scan_id, here.part(scan_id).run, 1)
    for _ in range(20):
        assert here.part(scan_id).part == "networks"
    assert here.part(scan_id).part == ""
    assert (here.get(scan_id).state, here.get(scan_id).reason) == ("failed", "agent_failed")


def test_names_are_looked_up_by_the_agent_and_only_what_it_told_may_be_found(here):
    scan_id = here.start("10.0.0.0/30", names=["db.internal.example", "none.internal.example"], ports=[443, 636])
    part = here.part(scan_id)
    assert (part.part, part.names) == ("names", ["db.internal.example", "none.internal.example"])
    answers = [
        discovery.ScanNameAnswer(name="db.internal.example", addresses=["192.168.7.7"]),
        discovery.ScanNameAnswer(name="none.internal.example", reason="dns_nxdomain", detail="no such name"),
    ]
    assert here.names(scan_id, part.run, *answers) == "go_on"
    part = here.part(scan_id)
    assert part.part == "endpoints"
    assert [(one.address, one.port, one.name) for one in part.endpoints] == [
        ("192.168.7.7", 443, "db.internal.example"), ("192.168.7.7", 636, "db.internal.example"),
    ]  # fmt: skip
    with pytest.raises(ServiceError):
        here.report(scan_id, part.run, 1, ("192.168.7.8", 443, der("x.example"), "db.internal.example"))
    here.report(scan_id, part.run, 2, ("192.168.7.7", 443, der("db.internal.example"), "db.internal.example"))
    part = here.part(scan_id)
    assert (part.part, part.start) == ("networks", 0)
    here.report(scan_id, part.run, 8)
    assert here.part(scan_id).part == ""
    view = here.get(scan_id)
    assert (view.state, view.progress.total, view.counts.new) == ("finished", 10, 1)
    assert [one.reason for one in view.name_problems] == ["dns_nxdomain"]


@pytest.mark.parametrize(
    ("found", "fields"),
    [
        ((("10.0.0.9", 443),), {}),
        (((C, 443),), {}),  # excluded
        (((A, 8443),), {}),
        (((A, 443, "www.example.com"),), {}),
        ((("010.0.0.1", 443),), {}),
        ((), {"done": 9}),
        ((), {"done": 0}),
        ((), {"failures": {"refused": 9}}),
        ((), {"failures": {"refused": -1}}),
        ((), {"failures": {"made up": 1}}),
        ((), {"missed": [discovery.AgentMiss(address="10.9.9.9", port=443, reason="refused")]}),
    ],
)
def test_what_the_scan_did_not_ask_for_is_not_taken(here, found, fields):
    scan_id = here.start(NET, exclude=[C])
    part = here.part(scan_id)
    here.report(scan_id, part.run, 2)
    places = [(one[0], one[1], der("x.example.com"), *one[2:]) for one in found]
    with pytest.raises(ServiceError) as refused:
        here.report(scan_id, part.run, fields.pop("done", 4), *places, **fields)
    assert refused.value.code is Code.INVALID
    assert (here.states(scan_id), here.get(scan_id).progress.done) == ({}, 2)
    assert here.facts("CertsDiscovered") == []


def test_nobody_reports_for_a_scan_of_somebody_else(here):
    scan_id = here.start(NET)
    run = here.part(scan_id).run
    for context in (here.of("agent-2"), here.of("agent-1", "a2")):
        for ask in (lambda c=context: here.part(scan_id, c), lambda c=context: here.report(scan_id, run, 8, context=c)):
            with pytest.raises(ServiceError) as refused:
                ask()
            assert refused.value.code is Code.NOT_FOUND
    with pytest.raises(ServiceError) as refused:
        here.part(scan_id, here.account)
    assert refused.value.code is Code.FORBIDDEN


def test_a_stop_reaches_the_agent_with_the_answer_to_its_next_report(here):
    here.part(here.whole((B, 443, der("b.example.com"))))
    scan_id = here.start(NET)
    run = here.part(scan_id).run
    assert here.stop(scan_id).state == "stopping"
    assert here.report(scan_id, run, 2, (A, 443, der("a.example.com"))) == "stop"
    assert here.report(scan_id, run, 3, stopped=True) == "over"
    view = here.get(scan_id)
    assert (view.state, view.progress.done, view.counts.new, view.counts.gone) == ("stopped", 3, 1, 0)
    assert here.part(scan_id).part == ""
    assert here.facts("CertGone") == []


def test_a_scan_whose_agent_vanished_waits_for_it_and_nothing_is_gone(here):
    here.part(here.whole((A, 443, der("a.example.com"))))
    scan_id = here.start(NET)
    here.report(scan_id, here.part(scan_id).run, 2)
    here.room.clock.move(seconds=11)
    here.tidy()
    assert (here.get(scan_id).state, here.get(scan_id).waits_for_agent) == ("running", True)
    here.room.clock.move(hours=24)
    here.tidy()
    view = here.get(scan_id)
    assert (view.state, view.reason, view.counts.gone, view.waits_for_agent) == ("failed", "agent_silent", 0, False)
    assert here.facts("CertGone") == []
    assert here.facts("ScanFinished")[-1]["reason"] == "agent_silent"


@pytest.mark.parametrize("silent", ["from the start", "before the stop", "after the stop"])
def test_a_stop_does_not_wait_for_an_agent_that_is_silent(here, silent):
    scan_id = here.start(NET)
    if silent != "from the start":
        here.report(scan_id, here.part(scan_id).run, 2)
    if silent == "before the stop":
        here.room.clock.move(seconds=11)
    here.stop(scan_id)
    here.room.queue.run_due(here.app)
    if silent == "after the stop":
        here.tidy()
        assert here.get(scan_id).state == "stopping"
        here.room.clock.move(seconds=11)
        here.tidy()
    assert here.get(scan_id).state == "stopped"
    assert here.app.prober.orders == []
    assert here.part(scan_id).part == ""


def test_a_scan_that_an_agent_runs_never_runs_here_whatever_asks_for_it(here):
    scan_id = here.start(NET)
    jobs.scan(here.app, {"scan_id": scan_id, "account_id": "a1"})
    assert here.app.prober.orders == []
    assert here.get(scan_id).state != "finished"


@pytest.mark.parametrize(
    ("code", "reason"), [("agent_late", "agent_late"), ("unknown_job", "unknown_job"), ("whatever", "agent_failed")]
)
def test_a_scan_that_its_agent_did_not_begin_has_failed(here, code, reason):
    scan_id = here.start(NET)
    fact = installer.AgentScanFailed(scan_id=scan_id, account_id="a1", agent_id="agent-1", reason="no", code=code)
    here.room.react(agent_scans.on_agent_scan_failed, sent(fact, account_id="a1"), name="x")
    assert (here.get(scan_id).state, here.get(scan_id).reason) == ("failed", reason)


def test_a_removed_agent_and_one_that_refuses_fail_their_scans(here):
    scan_id = here.start(NET)
    run = here.part(scan_id).run
    assert here.report(scan_id, run, 0, failure="scan_refused") == "over"
    assert here.get(scan_id).reason == "scan_refused"
    scan_id = here.start(NET)
    fact = installer.AgentRemoved(agent_id="agent-1", account_id="a1")
    here.room.react(agent_scans.on_agent_removed, sent(fact, account_id="a1"), name="x")
    assert (here.get(scan_id).state, here.get(scan_id).reason) == ("failed", "agent_removed")


@pytest.mark.parametrize(
    ("agent", "code", "reason"),
    [
        (None, Code.NOT_FOUND, "scan_agent_gone"),
        ({"state": "removed"}, Code.NOT_FOUND, "scan_agent_gone"),
        ({"state": "unverified"}, Code.CONFLICT, "scan_agent_unverified"),
        ({"state": "not_connected"}, Code.CONFLICT, "scan_agent_silent"),
        ({"state": "outdated", "version": "0.1.0"}, Code.CONFLICT, "scan_agent_old"),
        ({"version": ""}, Code.CONFLICT, "scan_agent_old"),
    ],
)
def test_an_agent_that_cannot_scan_is_refused_with_what_to_do(here, agent, code, reason):
    fields = {field: getattr(AGENT, field) for field in AGENT.__struct_fields__}
    with pytest.raises(ServiceError) as refused:
        here.start(NET, agent=installer.AgentView(**{**fields, **agent}) if agent else None)
    assert (refused.value.code, refused.value.pointer) == (code, "/agent_id")
    assert refused.value.extra["reason"] == reason
    assert here.facts("ScanStarted") == []


def test_a_schedule_with_an_agent_runs_there_and_skips_a_turn_while_it_is_silent(here):
    silent = installer.AgentView(
        **{**{f: getattr(AGENT, f) for f in AGENT.__struct_fields__}, "state": "not_connected"}
    )
    common = {"settings": here.app.own, "hosts": here.app.hosts}
    request = discovery.ScheduleScan(name="nightly", targets=[NET], every_hours=24, agent_id="agent-1")
    made = here.room.execute(partial(schedules.schedule_scan, **common, agent=silent), request, here.account)
    assert (made.agent_id, made.agent_name) == ("agent-1", "cellar")
    assert schedules.agent_of(here.room, made.schedule_id) == ("agent-1", "a1")
    here.room.execute(partial(schedules.run_due, **common, agent=silent), made.schedule_id, here.account)
    assert here.facts("AgentScanRequested") == []
    here.room.clock.move(days=1)
    here.room.execute(partial(schedules.run_due, **common, agent=AGENT), made.schedule_id, here.account)
    assert [fact["targets"] for fact in here.facts("AgentScanRequested")] == [[NET]]


def test_parts_follow_one_another():
    parts = [
        model.part_after(["n"], None, done=0, total=9),
        model.part_after(["n"], ["e"], done=0, total=9),
        model.part_after(["n"], ["e"], done=1, total=9),
        model.part_after([], None, done=0, total=9),
        model.part_after(["n"], [], done=0, total=0),
        model.part_after([], None, done=9, total=9),
    ]
    assert parts == ["names", "endpoints", "networks", "networks", "again", "again"]


def test_the_more_names_and_ports_the_fewer_addresses_of_each():
    assert [model.most_addresses(pairs) for pairs in (1, 2000, 12_800, 10**6)] == [16, 10, 1, 1]


def test_bounds_hold_their_networks_their_spots_and_nothing_else():
    bounds = Bounds.of_networks([443], ["10.0.0.0/30", "fd00::/126"], ["10.0.0.2/32"])
    for address in ("10.0.0.0", "fd00::3"):
        bounds.check(address, 443, "")
    for place in (
        ("10.0.0.2", 443, ""),
        ("fd00:0::3", 443, ""),
        ("fd00::3%1", 443, ""),
        ("", 443, ""),
        ("fd00::4", 443, ""),
    ):
        with pytest.raises(NotAskedForError):
            bounds.check(*place)
    spots = Bounds.of_spots([("10.0.0.1", 443, "n")])
    spots.check("10.0.0.1", 443, "n")
    with pytest.raises(NotAskedForError):
        spots.check("10.0.0.1", 443, "")


def test_an_agent_is_silent_when_it_was_not_heard_of_for_ten_seconds():
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    heard = [None, to_text(now - timedelta(seconds=10)), to_text(now - timedelta(seconds=9))]
    assert [model.is_silent(one, now) for one in heard] == [True, True, False]


def test_numbers_that_cannot_be_shown_are_left_out():
    assert [model.plausible(one) for one in (None, float("nan"), float("inf"), -1.0, 2.5)] == [None] * 4 + [2.5]
