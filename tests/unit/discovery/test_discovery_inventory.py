# SPDX-License-Identifier: Apache-2.0
"""The inventory: one certificate, many places, whatever order the reports come in."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.discovery import bootstrap
from services.discovery.handlers import inventory as handlers
from services.discovery.model.sighting import form_of, read_pem
from services.discovery.projections import projections
from shared.clock import to_text
from shared.context import Context
from shared.contracts import discovery, installer, orders
from shared.errors import Code, ServiceError
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.eventstore import migrations
from shared.settings import Settings
from tests.support.billing_room import TestClock
from tests.support.rooms import with_tables

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def certificate(*names, days=90):
    """The PEM of a self-signed certificate that ends `days` after the test's present."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def served(pem, /, **changes):
    found = read_pem(pem)
    fields = {
        "serial": found.serial,
        "fingerprint_sha256": found.fingerprint,
        "subject": found.subject,
        "issuer": found.issuer,
        "names": list(found.names),
        "not_before": found.not_before,
        "not_after": found.not_after,
        "spki_sha256": "",
        "pem": pem,
        **changes,
    }
    return installer.ServedCertificate(**fields)


class Inventory:
    """The room with shorthands."""

    def __init__(self, app, clock):
        self.app, self.room, self.clock = app, app.room, clock
        self.numbers = itertools.count(1)

    def envelope(self, fact, version=1):
        at = to_text(self.clock.now())
        return Envelope(
            event_id=f"e-{next(self.numbers)}",
            stream="s",
            version=version,
            type=fact.TYPE,
            schema_version=1,
            occurred_at=at,
            recorded_at=at,
            data=fact,
            metadata=Metadata(),
            hash="",
        )

    def issued(self, pem, account="a1", order_id="o1"):
        found = read_pem(pem)
        fact = orders.CertIssued(
            order_id=order_id,
            account_id=account,
            issuance_id="i",
            csr_version=1,
            serial=found.serial,
            fingerprint_sha256=found.fingerprint,
            spki_sha256="",
            names=list(found.names),
            not_before=found.not_before,
            not_after=found.not_after,
            issuer=found.issuer,
            certificate_pem=pem,
            chain_pem="",
        )
        self.room.react(handlers.on_cert_issued, self.envelope(fact), name="discovery.on_cert_issued")

    def reported(self, sites, version, server="srv1", account="a1"):
        """`sites` maps a site's name to what it serves on 443."""
        views = [
            installer.SiteView(
                site_id=f"site-{name}",
                server_id=server,
                web_server="nginx",
                name=name,
                names=[name],
                document_root="/srv",
                config_path="/etc/nginx/nginx.conf",
                writable=True,
                bindings=[
                    installer.Binding(address="10.0.0.1", port=80, tls=False, names=[name]),
                    installer.Binding(address="10.0.0.1", port=443, tls=True, names=[name], certificate=seen),
                ],
            )
            for name, seen in sites.items()
        ]
        fact = installer.SitesReported(server_id=server, agent_id="agent1", account_id=account, sites=views)
        self.room.react(handlers.on_sites_reported, self.envelope(fact, version), name="discovery.on_sites_reported")

    def list(self, account="a1", **fields):
        context = Context(account_id=account)
        return handlers.inventory(self.room, discovery.ListInventory(**fields), context)

    def get(self, pem, account="a1"):
        request = discovery.GetInventoryCertificate(fingerprint_sha256=read_pem(pem).fingerprint.upper())
        return handlers.inventory_certificate(self.room, request, Context(account_id=account))

    def discovered(self):
        return [entry.data["fingerprint_sha256"] for entry in self.room.log.read().entries]


@pytest.fixture
def inventory(tmp_path):
    clock = TestClock()
    app = with_tables(bootstrap.build(Settings(data_dir=tmp_path), clock=clock))
    yield Inventory(app, clock)
    app.room.database.close()


def places(entry):
    return [(place.source, place.site_name) for place in entry.places]


def test_an_issued_certificate_is_in_the_inventory_at_once(inventory):
    pem = certificate("shop.example.com", days=90)
    inventory.issued(pem)
    inventory.issued(pem)
    [entry] = inventory.list().items
    assert (entry.own, entry.order_id, entry.common_name, entry.form) == (True, "o1", "shop.example.com", "single")
    assert (entry.days_left, entry.pem, places(entry)) == (90, "", [("issued", "")])
    assert inventory.get(pem).pem == pem
    assert inventory.discovered() == [entry.fingerprint_sha256]


@pytest.mark.parametrize("issued_first", [True, False])
def test_an_issued_certificate_that_is_also_served_is_one_entry(inventory, issued_first):
    pem = certificate("shop.example.com")
    if issued_first:
        inventory.issued(pem)
    inventory.reported({"shop": served(pem), "www": served(pem)}, 1)
    if not issued_first:
        inventory.issued(pem)
    [entry] = inventory.list().items
    assert entry.own
    assert places(entry) == [("agent", "shop"), ("agent", "www"), ("issued", "")]
    assert len(inventory.discovered()) == 1


def test_the_newest_report_replaces_the_places_of_its_server_only(inventory):
    old, new, other = certificate("a.example.com"), certificate("a.example.com"), certificate("b.example.com")
    inventory.reported({"a": served(old)}, 1)
    inventory.reported({"b": served(other)}, 1, server="srv2")
    inventory.reported({"a": served(new)}, 2)
    assert places(inventory.get(old)) == []
    assert places(inventory.get(new)) == [("agent", "a")]
    assert places(inventory.get(other)) == [("agent", "b")]


def test_a_report_that_comes_late_says_nothing(inventory):
    old, new = certificate("a.example.com"), certificate("a.example.com")
    inventory.reported({"a": served(new)}, 2)
    inventory.reported({"a": served(old)}, 1)
    assert [entry.fingerprint_sha256 for entry in inventory.list().items] == [read_pem(new).fingerprint]


def test_the_sites_of_a_removed_agent_are_places_no_more(inventory):
    pem = certificate("a.example.com")
    inventory.reported({"a": served(pem)}, 1)
    fact = installer.AgentRemoved(agent_id="agent1", account_id="a1")
    inventory.room.react(handlers.on_agent_removed, inventory.envelope(fact), name="discovery.on_agent_removed")
    inventory.reported({"a": served(pem)}, 2)
    assert places(inventory.get(pem)) == []


def test_what_an_agent_says_must_fit_the_bytes(inventory):
    pem = certificate("a.example.com")
    wrong = [
        served(pem, fingerprint_sha256="00" * 32),
        served(pem, pem="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        served(pem, pem="", not_after="tomorrow"),
    ]
    inventory.reported({f"s{number}": seen for number, seen in enumerate(wrong)}, 1)
    assert inventory.list().items == []
    inventory.reported({"s": served(pem, pem="")}, 2)
    assert inventory.list().items[0].names == ["a.example.com"]


def test_the_soonest_to_expire_comes_first_page_by_page(inventory):
    wanted = []
    for days in (50, 10, 30, -3, 20, 10):
        pem = certificate(f"d{days}.example.com", days=days) if days > 0 else certificate("old.example.com", days=0)
        inventory.issued(pem)
        wanted.append((read_pem(pem).not_after, read_pem(pem).fingerprint))
    inventory.clock.forward(hours=1)
    found, cursor = [], None
    while True:
        page = inventory.list(limit=2, cursor=cursor)
        assert page.total == 6
        found += [(entry.not_after, entry.fingerprint_sha256) for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == sorted(wanted)


def test_filters_narrow_by_expiry_search_and_server(inventory):
    near, far = certificate("near.example.com", days=10), certificate("far.example.org", "x.example.org", days=80)
    inventory.issued(near)
    inventory.reported({"far": served(far)}, 1)

    def common_names(**fields):
        return [entry.common_name for entry in inventory.list(**fields).items]

    assert common_names(expires_within_days=30) == ["near.example.com"]
    assert common_names(search="X.EXAMPLE.org") == ["far.example.org"]
    assert common_names(search="%") == []
    assert common_names(server_id="srv1") == ["far.example.org"]
    assert common_names(server_id="srv9") == []


def test_another_account_sees_nothing_of_it(inventory):
    pem = certificate("a.example.com")
    inventory.issued(pem)
    assert inventory.list(account="a2").items == []
    with pytest.raises(ServiceError) as caught:
        inventory.get(pem, account="a2")
    assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(ServiceError) as caught:
        inventory.list(account=None)
    assert caught.value.code is Code.FORBIDDEN


@pytest.mark.parametrize("fields", [{"limit": 0}, {"expires_within_days": -1}, {"cursor": "??"}, {"cursor": "YQ"}])
def test_a_page_that_cannot_be_is_refused(inventory, fields):
    with pytest.raises(ServiceError) as caught:
        inventory.list(**fields)
    assert caught.value.code is Code.INVALID


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (["a.example.com"], "single"),
        (["example.com", "www.example.com"], "single"),
        (["*.example.com"], "wildcard"),
        (["*.example.com", "example.com"], "wildcard"),
        (["*.example.com", "*.example.org"], "multi_domain"),
        (["a.example.com", "b.example.com"], "multi_domain"),
        ([], "single"),
    ],
)
def test_the_form_follows_from_the_names(names, form):
    assert form_of(names) == form


def test_the_revisions_lead_to_the_declared_tables(inventory):
    assert migrations.differences(inventory.room.database, projections) == []


@pytest.fixture
def shelf(inventory):
    """Own and foreign certificates, one of them over."""
    inventory.issued(certificate("b.example.com", days=90))
    inventory.clock.forward(minutes=1)
    inventory.reported({"a": served(certificate("a.example.com", days=30))}, 1)
    inventory.clock.forward(minutes=1)
    inventory.issued(certificate("*.c.example.com", days=-0.5))
    inventory.issued(certificate("z.example.com"), account="a2")
    return inventory


def named(inventory, **asked):
    return [entry.common_name for entry in inventory.list(**asked).items]


def test_the_inventory_is_listed_in_the_order_asked_for(shelf):
    soonest = ["*.c.example.com", "a.example.com", "b.example.com"]
    assert named(shelf) == soonest
    assert named(shelf, sort="-not_after") == soonest[::-1]
    assert named(shelf, sort="-common_name") == ["b.example.com", "a.example.com", "*.c.example.com"]
    assert named(shelf, sort="last_seen_at") == ["b.example.com", "a.example.com", "*.c.example.com"]
    assert named(shelf, sort="-issuer", limit=1) == ["b.example.com"]
    pages = [shelf.list(sort="-common_name", limit=1, offset=offset) for offset in range(4)]
    assert [len(page.items) for page in pages] == [1, 1, 1, 0]
    assert {page.total for page in pages} == {3}
    assert all(page.next_cursor is None for page in pages)


def test_the_inventory_is_narrowed(shelf):
    assert named(shelf, own=True) == ["*.c.example.com", "b.example.com"]
    assert named(shelf, own=False) == ["a.example.com"]
    assert named(shelf, expired=True) == ["*.c.example.com"]
    assert named(shelf, expired=False, expires_within_days=60) == ["a.example.com"]
    assert named(shelf, form="wildcard") == ["*.c.example.com"]
    assert named(shelf, server_id="srv1", own=True) == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"sort": "pem"}, "/sort"),
        ({"offset": 100_001}, "/offset"),
        ({"form": "round"}, "/form"),
        ({"cursor": "bm90aGluZw", "offset": 1}, "/cursor"),
    ],
)
def test_what_the_inventory_does_not_know_is_refused(inventory, asked, pointer):
    with pytest.raises(ServiceError) as refused:
        inventory.list(**asked)
    assert refused.value.pointer == pointer


def test_own_self_signed_and_other_certificates_are_told_apart(inventory):
    own, mine = certificate("own.example.com", days=10), certificate("self.example.com", days=50)
    strangers = served(certificate("other.example.com", days=80), pem="", issuer="CN=Another CA")
    inventory.issued(own)
    inventory.reported({"self": served(mine), "other": strangers}, 1)
    assert named(inventory, own=False, self_signed=True) == ["self.example.com"]
    assert named(inventory, own=False, self_signed=False) == ["other.example.com"]
    assert [entry.self_signed for entry in inventory.list(sort="-subject").items] == [True, True, False]


def test_certificates_are_found_by_their_fingerprints(inventory):
    first, second = certificate("a.example.com"), certificate("b.example.com")
    inventory.issued(first)
    inventory.issued(second)
    assert named(inventory, fingerprint=[read_pem(second).fingerprint.upper(), "0" * 64]) == ["b.example.com"]
    with pytest.raises(ServiceError) as refused:
        inventory.list(fingerprint=["0" * 64] * 201)
    assert refused.value.pointer == "/fingerprint"


def test_what_expires_is_counted_as_the_list_shows_it(shelf):
    for days in (10, 45, 100, 170, 300):
        shelf.issued(certificate(f"d{days}.example.com", days=days))
    strangers = served(certificate("other.example.com", days=80), pem="", issuer="CN=Another CA")
    shelf.reported({"other": strangers}, 1, server="srv2")
    kinds = {"own": {"own": True}, "self_signed": {"own": False, "self_signed": True},
        "other": {"own": False, "self_signed": False}}  # fmt: skip
    counted = handlers.expiring(shelf.room, discovery.CountExpiring(), Context(account_id="a1")).items
    assert [(one.days, one.own, one.self_signed, one.other) for one in counted] == [
        (30, 1, 1, 0),
        (60, 2, 1, 0),
        (90, 3, 1, 1),
        (180, 5, 1, 1),
    ]
    for one in counted:
        for kind, asked in kinds.items():
            listed = shelf.list(expires_within_days=one.days, expired=False, **asked).total
            assert (one.days, kind, listed) == (one.days, kind, getattr(one, kind))
    nobody = handlers.expiring(shelf.room, discovery.CountExpiring(), Context(account_id="a3")).items
    assert [(one.days, one.own + one.self_signed + one.other) for one in nobody] == [
        (30, 0),
        (60, 0),
        (90, 0),
        (180, 0),
    ]


def test_one_certificate_says_what_its_bytes_say(inventory):
    pem = certificate("a.example.com")
    inventory.issued(pem)
    details = inventory.get(pem).details
    assert (details.key_kind, details.curve, details.signature_hash) == ("ecdsa", "P-256", "sha256")
    assert (len(details.fingerprint_sha1), details.organization) == (40, "")
    assert inventory.list().items[0].details is None
    inventory.reported({"b": served(certificate("b.example.com"), pem="")}, 1)
    shown = inventory.list(search="b.example").items[0].fingerprint_sha256
    request = discovery.GetInventoryCertificate(fingerprint_sha256=shown)
    assert handlers.inventory_certificate(inventory.room, request, Context(account_id="a1")).details is None
