# SPDX-License-Identifier: Apache-2.0
"""The discovery room with a worker that runs in the test, a network that the test writes down, and no DNS."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.discovery import bootstrap
from services.discovery.ports import End, Found, Lookup, Missed, Progress, Step, Surveyed, WorkerError
from services.discovery.settings import DiscoverySettings
from shared.egress.addresses import AddressPolicy
from shared.settings import Settings
from tests.support.rooms import StandingClock, with_tables
from tests.support.scan_worker import endpoints

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def der(*names, days=90, key=KEY, issuer="Other CA", policy=None):
    """A certificate of another CA, DER. `key` is a private key, or the numbers of a public one."""

    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(names[0]))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    )
    if policy:
        information = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None)]
        builder = builder.add_extension(x509.CertificatePolicies(information), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Network:
    """What stands where: `served` maps (address, port, name) to DER; `silent` places give no answer.

    It is the prober, too. `dies_at` breaks the worker off before that endpoint, once; `orders` is what it was asked.
    """

    def __init__(self):
        self.served = {}
        self.silent = set()
        self.dies_at = None
        self.before = lambda done: None
        self.survey = None
        self.orders = []

    @contextmanager
    def run(self, order):
        self.orders.append(order)
        yield Run(self, order)


class Run:
    """A session of the prober."""

    def __init__(self, network, order):
        self.network, self.order, self.stopped = network, order, False

    def stop(self):
        self.stopped = True

    def lines(self):
        if "survey" in self.order:
            yield Step(done=1, total=2)
            yield Surveyed(self.network.survey)
            return
        order, network = self.order["scan"], self.network
        places = endpoints(order)
        done, failures = order["from"], {}
        for place in places[done:]:
            network.before(done)
            yield None
            if self.stopped:
                break
            if network.dies_at == done:
                network.dies_at = None
                raise WorkerError("killed")
            found = network.served.get(tuple(place[:3]))
            done += 1
            if found:
                chain = [base64.b64encode(found).decode()]
                yield Found(address=place[0], port=place[1], server_name=place[2], chain=chain, protocol="TLSv1.2")
            else:
                reason = "timeout" if tuple(place[:3]) in network.silent else "refused"
                failures[reason] = failures.get(reason, 0) + 1
                if order.get("tell_missed"):
                    yield Missed(address=place[0], port=place[1], server_name=place[2], reason=reason)
            yield Progress(done=done, total=len(places), rate=5.0, seconds_left=1.0, failures=dict(failures))
        yield End(done=done, total=len(places), stopped=self.stopped, failures=failures)


class Hosts:
    """Names by a table; the policy is the real one."""

    def __init__(self, names, allowed=()):
        self.names = names
        self.policy = AddressPolicy(allowed)
        self.public = AddressPolicy()

    def look_up(self, host):
        found = self.names.get(host, (host,) if host[0].isdigit() else ())
        if not found:
            return Lookup((), "dns_nxdomain", f"{host} has no address (nxdomain).")
        for address in found:
            if why := self.policy.refusal(address):
                return Lookup((), "address_refused", f"{host} leads to {address} ({why}), which is not dialled.")
        return Lookup(tuple(found))

    def refusal(self, address):
        return self.public.refusal(address)


class PlainJudge:
    """Gives the grade that the survey asks for; `moduli` is what it was given of the last one."""

    def judge(self, survey, moduli=None):
        self.moduli = list(moduli)
        return {"grade": survey["wanted_grade"]}


def room(folder, *, allowed=("203.0.113.0/24", "127.0.0.0/8"), names=None, **settings):
    """The room with its network as `app.prober` and its clock as `app.room.clock`."""
    own = DiscoverySettings(external_networks=list(allowed), **settings)
    hosts = Hosts(names or {}, own.external_networks)
    built = bootstrap.build(
        Settings(data_dir=folder),
        discovery=own,
        clock=StandingClock(NOW),
        prober=Network(),
        hosts=hosts,
        judge=PlainJudge(),
    )
    return with_tables(built)
