# SPDX-License-Identifier: Apache-2.0
"""What scans find is stored alike on both databases: new, known, changed, and found twice."""

import base64

import pytest

from services.discovery import bootstrap
from services.discovery.handlers import inventory, progress, scans
from services.discovery.ports import Found
from services.discovery.settings import DiscoverySettings
from shared.context import Context
from shared.contracts.discovery import GetInventoryCertificate, ListInventory, ListScanResults, StartScan
from shared.eventstore.migrations import upgrade
from shared.pki.certificate import to_pem
from tests.support.discovery_room import NOW, Hosts, der
from tests.support.rooms import StandingClock

CUSTOMER = Context(actor="user:u1", account_id="a1", permissions=frozenset({"view", "create_order", "administer"}))
ISSUER = der("ca.example.com")
LEAVES = [der(f"host{number}.example.com") for number in range(6)]


@pytest.fixture
def app(settings):
    own = DiscoverySettings(external_networks=["203.0.113.0/24"])
    built = bootstrap.build(settings, discovery=own, clock=StandingClock(NOW), hosts=Hosts({}))
    upgrade(built.room.database, built.room.projections)
    yield built
    built.room.database.close()


def run(app, *batches):
    """A scan that finds `batches` of {last octet of the address: DER}; its id."""

    def start(uow, request):
        return scans.start_scan(uow, request, settings=app.own, hosts=app.hosts)

    scan_id = app.room.execute(start, StartScan(targets=["203.0.113.0/28"]), CUSTOMER).scan_id
    app.room.execute(progress.begin, scan_id, CUSTOMER)
    for served in batches:
        chains = {at: [base64.b64encode(one).decode() for one in (leaf, ISSUER)] for at, leaf in served.items()}
        found = [Found(address=f"203.0.113.{at}", port=443, chain=chain) for at, chain in chains.items()]
        batch = progress.Batch(scan_id=scan_id, account_id="a1", found=found, done=16, total=16)
        assert app.room.execute(progress.take, batch, CUSTOMER) == "running"
    app.room.execute(progress.end, progress.Ending(scan_id=scan_id, account_id="a1", state="finished"), CUSTOMER)
    return scan_id


def states(app, scan_id):
    page = scans.results(app.room, ListScanResults(scan_id=scan_id), CUSTOMER)
    return {int(one.address.rpartition(".")[2]): (one.certificate.common_name, one.state) for one in page.items}


def test_scans_are_stored_alike(app):
    first = run(app, dict(enumerate(LEAVES[:3])), {2: LEAVES[2], 3: LEAVES[3]})
    assert states(app, first) == {number: (f"host{number}.example.com", "new") for number in range(4)}
    second = run(app, {0: LEAVES[0], 1: LEAVES[4], 2: LEAVES[5]}, {1: LEAVES[4], 3: LEAVES[3]})
    assert states(app, second) == {
        0: ("host0.example.com", "same"),
        1: ("host4.example.com", "changed"),
        2: ("host5.example.com", "changed"),
        3: ("host3.example.com", "same"),
    }
    entries = app.room.log.read().entries
    told = [entry.data for entry in entries if entry.type == "discovery.CertsDiscovered"]
    assert [one["count"] for one in told] == [3, 1, 2]
    assert sum(entry.type == "discovery.CertChanged" for entry in entries) == 2
    shown = inventory.inventory(app.room, ListInventory(source="scan", sort="common_name"), CUSTOMER).items
    # The places of host1 and host2 hold others now.
    assert [one.common_name for one in shown] == [f"host{number}.example.com" for number in (0, 3, 4, 5)]
    one = inventory.inventory_certificate(
        app.room, GetInventoryCertificate(fingerprint_sha256=shown[0].fingerprint_sha256), CUSTOMER
    )
    assert (one.pem, one.chain_pem) == (to_pem(LEAVES[0]), to_pem(ISSUER))
    assert (one.names, one.form, one.own, one.self_signed) == (["host0.example.com"], "single", False, False)
    assert [(place.source, place.address, place.port) for place in one.places] == [("scan", "203.0.113.0", 443)]
