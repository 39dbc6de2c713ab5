# SPDX-License-Identifier: Apache-2.0
"""Every way in which somebody may have this installation dial what they name, tried with every spelling of an address
that is none of theirs, and with names that lead there or change their mind (quality bar S1, S2). Nothing is dialled.

The ways: a check, a scan by address and by name, now and by schedule, webhooks, files of domain control validation,
an OpenID provider. What the agent or the command line scans stands at the customer's: there the same addresses are
what it is for, see the end.
"""

import itertools
import ssl
from functools import partial
from ipaddress import ip_address

import pytest

from services.accounts.adapters.openid import OpenIDProvider
from services.accounts.model.openid import Asking, ProviderError
from services.accounts.settings import AccountsSettings
from services.alerts.adapters.webhooks import GuardedHooks
from services.dcv.adapters.lookup import WebAndDNSLookup
from services.dcv.model.judging import Reason
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from services.discovery.adapters.hosts import GuardedHosts, open_hosts
from services.discovery.adapters.worker import WorkerProber
from services.discovery.handlers import checks, scans, schedules
from services.discovery.projections.scans import keep_proof
from shared.contracts import discovery
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.resolver import DNSResolver
from shared.egress.settings import EgressSettings
from shared.errors import Code, ServiceError
from shared.pki.fqdn import NameRefusedError
from shared.probe.chain import Chain
from shared.probe.loop import Limits
from shared.probe.surveying.surveyor import survey
from shared.probe.sweep import Sweep
from shared.probe.targets import read_targets
from tests.support.agent_by_hand import key_file, strangers_certificate
from tests.support.canned_http import CannedHTTP, answer
from tests.support.discovery_room import NOW, room
from tests.support.dns import ProgrammableDNS
from tests.support.inner_addresses import ANSWERS, SPELLINGS
from tests.support.rooms import StandingClock, customer
from tests.support.tls_listeners import context_for, listen, serving

PUBLIC = "93.184.215.14"
NAMES = {f"{kind.lower()}{number}.shop-demo.com": (kind, address)
    for kind, addresses in ANSWERS.items() for number, address in enumerate(addresses)}  # fmt: skip


class Doors:
    """The installation, with a resolver that answers as the test's DNS server does, and nothing behind its doors."""

    def __init__(self, app, dns):
        self.app = app
        self.dialled = []
        resolver = DNSResolver([dns.nameserver], timeout_s=2)
        self.egress = Egress(resolver, AddressPolicy(), dial=self._dial)
        self.resolver = resolver
        app.hosts = GuardedHosts(Egress(resolver, AddressPolicy(app.own.external_networks), dial=self._dial))

    def _dial(self, address, port, timeout):
        self.dialled.append((address, port))
        raise ConnectionRefusedError

    def execute(self, handler, request):
        handler = partial(handler, settings=self.app.own, hosts=self.app.hosts)
        return self.app.room.execute(handler, request, customer("a1"))

    def run_jobs(self):
        self.app.room.queue.run_due(self.app)

    def asked(self):
        """Every address that a worker was told to dial."""
        orders = [order.get("scan") or order["survey"] for order in self.app.prober.orders]
        places = [place[0] for order in orders for place in order.get("endpoints", [])]
        return [*self.dialled, *places, *(order["address"] for order in orders if "address" in order)] + [
            network for order in orders for network in order.get("include", [])
        ]


@pytest.fixture(scope="module")
def dns():
    with ProgrammableDNS() as server:
        for name in ("localhost", "inner.shop-demo.com", "127.0.0.1.nip.shop-demo.com"):
            server.set(name, "A", ["127.0.0.1"])
        for name, (kind, address) in NAMES.items():
            server.set(name, kind, [ip_address(address).exploded if kind == "AAAA" else address])
            if kind == "AAAA":
                server.set(name, "A", [PUBLIC])
        yield server


@pytest.fixture(scope="module")
def doors(dns, tmp_path_factory):
    built = room(tmp_path_factory.mktemp("doors"), allowed=("203.0.113.0/24",), scans_per_account=100)
    with built.room.database.write() as connection:
        keep_proof(connection, "a1", "*.shop-demo.com", "dns_txt", "2030-01-01T00:00:00.000000Z")
    yield Doors(built, dns)
    built.room.database.close()


def check(doors, host):
    request = discovery.RunCheck(fqdn=host, port=443)
    vetted = checks.vet(doors.app.hosts, request)
    doors.app.room.execute(partial(checks.run_check, settings=doors.app.own), vetted, customer("a1"))
    doors.run_jobs()


def scan_of_addresses(doors, host):
    doors.execute(scans.start_scan, discovery.StartScan(targets=[host], ports=[443]))


def scan_of_names(doors, host):
    view = doors.execute(scans.start_scan, discovery.StartScan(names=[host], ports=[443]))
    doors.run_jobs()
    shown = scans.get_scan(doors.app.room, discovery.GetScan(scan_id=view.scan_id), customer("a1"))
    if [one.reason for one in shown.name_problems] == ["address_refused"]:
        raise ServiceError(Code.INVALID, "it leads inside")


def schedule_of(field):
    def schedule(doors, host):
        values = {"targets": [], "names": [], field: [host]}
        made = doors.execute(schedules.schedule_scan, discovery.ScheduleScan(name="s", every_hours=24, **values))
        view = doors.execute(schedules.run_schedule, discovery.RunScanSchedule(schedule_id=made.schedule_id))
        doors.run_jobs()
        shown = scans.get_scan(doors.app.room, discovery.GetScan(scan_id=view.scan_id), customer("a1"))
        if [one.reason for one in shown.name_problems] == ["address_refused"]:
            raise ServiceError(Code.INVALID, "it leads inside")

    return schedule


def in_url(host):
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def webhook(doors, host):
    hooks = GuardedHooks(doors.egress, plain=False)
    sent = hooks.send(f"https://{in_url(host)}/hook", "whsec_AAAA", "m1", b"{}", 1)
    if not sent.delivered:
        raise ServiceError(Code.INVALID, sent.detail)


def validation_file(doors, host):
    lookup = WebAndDNSLookup(doors.egress, doors.resolver, DCVSettings())
    target = Target(fqdn=in_url(host), method="http_csr_hash", md5="0" * 32, sha256="0" * 64, unique_value="u")
    outcome = lookup.look(target)
    if not outcome.passed:
        raise ServiceError(Code.INVALID, Reason(outcome.reason).value)


def openid_provider(doors, host):
    settings = AccountsSettings(oidc_issuer=f"https://{in_url(host)}", oidc_client_id="c", oidc_client_secret="s")
    provider = OpenIDProvider(doors.egress, settings, StandingClock(NOW), plain=False)
    provider.authorization_url(Asking(state="s", nonce="n", verifier="v" * 43, redirect_uri="https://here/"))


DOORS = {
    "check": check,
    "scan by address": scan_of_addresses,
    "scan by name": scan_of_names,
    "schedule by address": schedule_of("targets"),
    "schedule by name": schedule_of("names"),
    "webhook": webhook,
    "validation file": validation_file,
    "OpenID provider": openid_provider,
}


def lets_in(doors, door, what):
    """What of it a door does not refuse as wrong input."""
    found = []
    for one in what:
        try:
            DOORS[door](doors, one)
        except ServiceError as refused:
            if refused.code is Code.INVALID:
                continue
        except (ProviderError, NameRefusedError, ValueError):
            continue
        found.append(one)
    return found


def test_there_are_sixty_spellings_and_more():
    assert len(set(SPELLINGS)) > 60


@pytest.mark.parametrize("door", DOORS)
def test_no_spelling_of_an_inner_address_is_dialled(doors, door):
    doors.app.prober.orders.clear()
    assert lets_in(doors, door, SPELLINGS) == []
    assert doors.asked() == []


@pytest.mark.parametrize("door", [door for door in DOORS if "by address" not in door])
def test_no_name_that_leads_inside_is_dialled(doors, door):
    doors.app.prober.orders.clear()
    assert lets_in(doors, door, NAMES) == []
    assert doors.asked() == []


def test_the_doors_open_for_what_is_allowed(doors):
    """Else the tests above would pass with doors that are walled up."""
    doors.app.prober.orders.clear()
    DOORS["check"](doors, PUBLIC)
    DOORS["scan by address"](doors, "203.0.113.7")
    doors.run_jobs()
    with pytest.raises(ServiceError, match="no connection"):
        webhook(doors, PUBLIC)
    assert doors.asked() == [(PUBLIC, 443), PUBLIC, "203.0.113.7/32"]


class Hits:
    """A TLS listener on an inner address that counts who comes."""

    def __init__(self, listener, folder):
        certificate = folder / "inner.pem"
        certificate.write_text(strangers_certificate("inner.example.com"))
        self.context = context_for(certificate, key_file(folder), ssl.TLSVersion.TLSv1_2)
        self.listener, self.count = listener, 0
        self.context.sni_callback = self._note
        self.port = listener.getsockname()[1]

    def _note(self, _socket, _name, _context):
        self.count += 1


@pytest.fixture
def inner(tmp_path):
    listener = listen("127.0.0.1")
    hits = Hits(listener, tmp_path)
    with serving(listener, hits.context):
        yield hits


@pytest.mark.parametrize("first", ["allowed", "inner"])
def test_a_name_that_changes_its_mind_leads_no_worker_inside(tmp_path, dns, inner, first):
    """By turns an allowed address, where nobody listens, and 127.0.0.1, where somebody does; the worker is the real
    one. At the moment of asking and at the moment of dialling, whichever answer comes when."""
    turns = itertools.count(0 if first == "allowed" else 1)
    dns.set("rebind.shop-demo.com", "A", lambda: ["127.99.0.1"] if next(turns) % 2 == 0 else ["127.0.0.1"])
    app = room(tmp_path, allowed=("127.99.0.0/24",), talk_timeout_s=1.0, connect_timeout_s=1.0)
    app.prober = WorkerProber()
    app.hosts = open_hosts(app.own, EgressSettings(), DNSResolver([dns.nameserver], timeout_s=2))
    doors = Rebound(app, inner.port)
    try:
        seen = {doors.check("rebind.shop-demo.com") for _ in range(3)}
        seen |= {doors.scan("rebind.shop-demo.com") for _ in range(3)}
    finally:
        app.room.database.close()
    assert inner.count == 0
    assert "address_refused" in seen
    assert seen <= {"address_refused", "refused", "connect_refused", "finished"}


class Rebound:
    """Checks and scans by the real worker; each says what came of it."""

    def __init__(self, app, port):
        self.app, self.port = app, port

    def check(self, name):
        request = discovery.RunCheck(fqdn=name, port=self.port)
        try:
            vetted = checks.vet(self.app.hosts, request)
        except ServiceError as refused:
            return refused.extra["reason"]
        made = self.app.room.execute(partial(checks.run_check, settings=self.app.own), vetted, customer("a1"))
        self.app.room.queue.run_due(self.app)
        shown = checks.get_check(self.app.room, discovery.GetCheck(check_id=made.check_id), customer("a1"))
        return shown.reason

    def scan(self, name):
        handler = partial(scans.start_scan, settings=self.app.own, hosts=self.app.hosts)
        request = discovery.StartScan(names=[name], ports=[self.port])
        made = self.app.room.execute(handler, request, customer("a1"))
        self.app.room.queue.run_due(self.app)
        shown = scans.get_scan(self.app.room, discovery.GetScan(scan_id=made.scan_id), customer("a1"))
        return shown.name_problems[0].reason if shown.name_problems else shown.state


def test_a_check_follows_no_redirect(tmp_path, inner):
    certificate = tmp_path / "web.pem"
    certificate.write_text(strangers_certificate("web.example.com"))
    context = context_for(certificate, key_file(tmp_path))
    where = f"https://127.0.0.1:{inner.port}/secret"
    moved = answer(b"", status=302, headers=[f"Location: {where}"])
    with CannedHTTP(moved, tls=context) as web, CannedHTTP(moved) as plain:
        seen = survey(
            "127.0.0.1", web.port, server_name="web.example.com", depth="advanced", web=True, plain_port=plain.port
        )
    assert (seen.web.status, seen.web.location, seen.web.plain_location) == (302, where, where)
    assert inner.count == 0


def test_where_an_agent_stands_inner_addresses_are_what_it_looks_at(inner):
    """The same probe without the guard, as the agent and `certwright scan` run it."""
    targets = read_targets(["127.0.0.1"], [inner.port])
    limits = Limits(connect_s=2, talk_s=5)
    (sighting,) = Sweep(targets.endpoints(), total=targets.count, limits=limits).run()
    assert isinstance(sighting.outcome, Chain)
    assert survey("127.0.0.1", inner.port, server_name="inner.example.com", depth="basic", web=False).failure == ""
