# SPDX-License-Identifier: Apache-2.0
"""Three places with a name server and a validating resolver each (BIND, unbound), which do not always agree."""

from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network

import pytest

from services.dcv import bootstrap, projections
from services.dcv.adapters.contacts import CorroboratedContacts
from services.dcv.adapters.preflight import Preflight
from services.dcv.adapters.several import SeveralPerspectives
from services.dcv.handlers import challenges, preflight
from services.dcv.model import persist, tokens
from services.dcv.model.judging import Reason
from services.dcv.ports import Target
from services.dcv.settings import DCVSettings
from shared.clock import to_text
from shared.context import Context
from shared.contracts.orders import CSRSubmitted
from shared.contracts.preflight import RunPreflight
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.perspectives import Perspective
from shared.egress.resolver import DNSResolver
from shared.errors import ServiceError
from shared.eventsourcing.envelope import Envelope, Metadata
from shared.settings import Settings
from tests.support.canned_http import CannedHTTP, answer
from tests.support.dns_lab import Bind, Unbound

PLACES = (("Berlin", "RIPE"), ("Tokyo", "APNIC"), ("Lima", "LACNIC"))
CA, US = "certwright.example", "ca.certwright.example"
SHA256 = "c9c863405fe7675a3988b97664ea6baf442019e4e52fa335f406f7c5f26cf14f"
ACCOUNT = "a0000000-0000-4000-8000-000000000001"
CUSTOMER = Context(actor="user:u", account_id=ACCOUNT, permissions=frozenset({"view", "create_order"}))
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Standing:
    def now(self):
        return NOW


def md5(number):
    return f"{number:032X}"


def record(number):
    return f"{tokens.cname_name(md5(number), 'shop-demo.com')} CNAME {tokens.cname_value(SHA256, CA, '')}"


def text(number):
    return f"""{tokens.cname_name(md5(number), "shop-demo.com")} TXT "{tokens.txt_value(SHA256, CA, "")}\""""


def persistent(label, *, account=ACCOUNT, **options):
    value = persist.record_value(CA, persist.account_uri(CA, account), wildcard=options.get("wildcard", False))
    return f'_validation-persist{label} TXT "{value}{options.get("more", "")}"'


ME = "security@shop-demo.com"
# Contacts for mail: below contact-demo.com, the same in all places but where a list says another.
CONTACTS = (
    f'@ CAA 0 contactemail "{ME}"', f'@ CAA 0 issue "{US}"', '@ CAA 0 contactemail "second@shop-demo.com"',
    f'_validation-contactemail.txt TXT "{ME}"', '_validation-contactemail.txt TXT "v=spf1 -all"',
    '_validation-contactemail TXT "apex@shop-demo.com"',
    'own CAA 0 issue ";"', f'critical CAA 128 contactemail "{ME}"',
    'several CAA 0 contactemail "security@shop-demo.com, second@shop-demo.com"',
    'mailto CAA 0 contactemail "mailto:security@shop-demo.com"', 'padded CAA 0 contactemail " security@shop-demo.com"',
    'quoted CAA 0 contactemail "\\"security\\"@shop-demo.com"', 'phone CAA 0 contactphone "+49301234567"',
    'zero CAA 0 contactemail "security@shop-demo.com\\000"',
    f'elsewhere TXT "{ME}"', f'_validation-contactemail.beside CAA 0 contactemail "{ME}"', "beside A 127.0.0.1",
    f'beside CAA 0 issue "{US}"',
    "loop CNAME pool", "pool CNAME loop", "alias CNAME shop", f'shop CAA 0 contactemail "{ME}"',
    "_validation-contactemail.circle CNAME _validation-contactemail.round",
    "_validation-contactemail.round CNAME _validation-contactemail.circle",
)  # fmt: skip
# What stands where: by number of the record, the places that have it.
SPREAD = {1: {0, 1, 2}, 2: {0, 1}, 3: {0}, 4: {1, 2}, 5: {2}, 6: set()}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    servers = []
    try:
        for at, (name, _) in enumerate(PLACES):
            bind = Bind(folder / name / "bind")
            lines = [record(number) for number, where in SPREAD.items() if at in where]
            # TXT records have numbers of their own, a CNAME stands alone.
            lines += [text(number + 10) for number, where in SPREAD.items() if at in where]
            lines += [persistent(".www"), 'noise TXT "v=spf1 -all"', '_validation-persist.www TXT "v=spf1 -all"']
            lines += [persistent(".old", more=f"; persistUntil={int(NOW.timestamp()) - 1}")]
            lines += [persistent(".later", more=f"; persistUntil={int(NOW.timestamp()) + 1}")]
            lines += [persistent(".other", account="another")]
            lines += ["_validation-persist.alias CNAME _validation-persist.www"]
            if at == 0:
                lines += [persistent(".lonely")]
            lines += ["www A 127.0.0.1", f"split A 127.0.0.{at // 2 + 1}", "gone A 127.0.0.3", "private A 10.1.2.3"]
            bind.add("shop-demo.com", [*lines, f'@ CAA 0 issue "{US}"'])
            spoilt = (f"{tokens.cname_value(SHA256, CA, '')}", "elsewhere.example.") if at == 0 else None
            bind.add(
                "spoilt-demo.com", [record(1).replace("shop-demo", "spoilt-demo"), "www A 127.0.0.1"], spoil=spoilt
            )
            bent = [persistent("", wildcard=True), f"{tokens.cname_name(md5(1), 'bent-demo.com')} TXT again"]
            bind.add("bent-demo.com", bent, spoil=("again", "anew") if at == 0 else None)
            bind.add("wide-demo.com", [persistent("", wildcard=True)])
            bind.add("otherkey-demo.com", ["www A 127.0.0.1"], wrong_ds=at == 0)
            alone = ['@ CAA 0 contactemail "lonely@shop-demo.com"'] if at == 0 else []
            hidden = ['@ CAA 0 contactemail "hidden@shop-demo.com"'] if at else []
            most = ['@ CAA 0 contactemail "most@shop-demo.com"'] if at < 2 else []
            bind.add("contact-demo.com", [*CONTACTS, *alone, *hidden, *most])
            forged = (ME, "thief@shop-demo.com") if at == 0 else None
            bind.add("forged-demo.com", [f'@ CAA 0 contactemail "{ME}"'], spoil=forged)
            bind.add("plain-demo.com", ["www A 127.0.0.1", '@ CAA 0 issue "other.example"'], signed=False)
            servers.append(bind)
            servers.append(Unbound(folder / name / "unbound", bind.start(top=["com"])))
            servers[-1].start()
        found = []
        for (name, region), server in zip(PLACES, servers[1::2], strict=True):
            resolver = DNSResolver([server.nameserver], timeout_s=4.0, validating=True)
            egress = Egress(resolver, AddressPolicy([ip_network("127.0.0.0/8")]))
            found.append(Perspective(name, region, server.nameserver, resolver, egress))
        yield found
    finally:
        for server in reversed(servers):
            server.stop()


def lookup(places, *, http=80, profile="private"):
    settings = DCVSettings(ca_name=CA, http_port=http, fetch_timeout_s=3.0)
    return SeveralPerspectives(places, settings, profile, Standing())


def target(number, method="cname_csr_hash", fqdn="www.shop-demo.com"):
    return Target(fqdn, method, md5(number), SHA256, "")


@pytest.mark.parametrize(
    ("number", "passed", "reason", "words"),
    [
        (1, True, "", ""),
        (2, True, "", ""),  # of two others one may differ (BR 3.2.2.9)
        (3, False, Reason.OTHERS_DIFFER, "Tokyo and Lima do not"),
        (4, False, Reason.PRIMARY_DIFFERS, "Tokyo and Lima see it"),
        (5, False, Reason.PRIMARY_DIFFERS, "Lima sees it"),
        (6, False, Reason.NO_SUCH_NAME, ""),
    ],
)
def test_a_record_counts_when_enough_places_see_it(places, number, passed, reason, words):
    outcome = lookup(places).look(target(number))
    assert (outcome.passed, outcome.reason) == (passed, reason), outcome
    assert words in outcome.advice
    shown = outcome.evidence["perspectives"]
    assert [each["passed"] for each in shown] == [at in SPREAD[number] for at in range(3)]
    assert [each["server"] for each in shown] == [place.server for place in places]
    for each in (outcome.evidence, *(one["evidence"] for one in shown[1:])):
        assert {one["dnssec"] for one in each["dns"]} == {"secure"}


def test_one_place_alone_passes_for_a_private_ca_and_not_for_a_public_one(places):
    assert lookup(places[:1]).look(target(3)).passed
    outcome = lookup(places, profile="public").look(target(1))
    assert (outcome.passed, outcome.reason) == (False, Reason.TOO_FEW_PERSPECTIVES)


def test_a_zone_that_is_signed_wrongly_proves_nothing_to_who_validates(places):
    outcome = lookup(places).look(target(1, fqdn="www.spoilt-demo.com"))
    assert (outcome.passed, outcome.reason) == (False, Reason.BOGUS)
    elsewhere = lookup([places[1], places[0], places[2]]).look(target(1, fqdn="www.spoilt-demo.com"))
    assert elsewhere.passed  # the one that differs is one of two


@pytest.mark.parametrize(
    ("number", "passed", "reason"),
    [
        (11, True, ""),
        (12, True, ""),
        (13, False, Reason.OTHERS_DIFFER),
        (14, False, Reason.PRIMARY_DIFFERS),
        (16, False, Reason.NO_SUCH_NAME),
    ],
)
def test_a_text_counts_when_enough_places_see_it(places, number, passed, reason):
    outcome = lookup(places).look(target(number, "txt_csr_hash"))
    assert (outcome.passed, outcome.reason) == (passed, reason), outcome
    assert {one["dnssec"] for one in outcome.evidence["dns"]} == {"secure"}


def test_a_text_in_a_zone_that_is_signed_wrongly_proves_nothing(places):
    outcome = lookup(places).look(target(1, "txt_csr_hash", "www.bent-demo.com"))
    assert (outcome.passed, outcome.reason) == (False, Reason.BOGUS)


@pytest.mark.parametrize(
    ("fqdn", "reason"),
    [
        ("www.shop-demo.com", ""),
        ("alias.shop-demo.com", ""),  # the record itself may be an alias
        ("later.shop-demo.com", ""),
        ("*.wide-demo.com", ""),
        ("deep.below.wide-demo.com", ""),
        ("wide-demo.com", ""),
        ("*.www.shop-demo.com", Reason.PERSIST_POLICY),
        ("below.www.shop-demo.com", Reason.PERSIST_POLICY),
        ("old.shop-demo.com", Reason.PERSIST_ENDED),
        ("other.shop-demo.com", Reason.WRONG_PERSIST),
        ("none.shop-demo.com", Reason.NO_SUCH_NAME),
        ("lonely.shop-demo.com", Reason.OTHERS_DIFFER),
    ],
)
def test_persistent_records_on_real_name_servers(places, fqdn, reason):
    asked = target(1, "dns_persist", fqdn)._replace(account_id=ACCOUNT, at=int(NOW.timestamp()))
    outcome = lookup(places).look(asked)
    assert (outcome.passed, outcome.reason) == (not reason, reason), outcome
    assert {one["dnssec"] for one in outcome.evidence["dns"]} == {"secure"}
    if not reason:
        assert not lookup(places).look(asked._replace(account_id="somebody-else")).passed


@pytest.mark.parametrize(
    ("fqdn", "method", "address", "reason"),
    [
        ("contact-demo.com", "email_caa", ME, ""),
        ("contact-demo.com", "email_caa", "second@shop-demo.com", ""),
        ("www.deep.contact-demo.com", "email_caa", ME, ""),  # climbed to (RFC 8659 §3)
        ("*.contact-demo.com", "email_caa", ME, ""),
        ("critical.contact-demo.com", "email_caa", ME, ""),
        ("alias.contact-demo.com", "email_caa", ME, ""),
        ("txt.contact-demo.com", "email_txt", ME, ""),
        ("www.txt.contact-demo.com", "email_txt", ME, ""),
        ("*.txt.contact-demo.com", "email_txt", "apex@shop-demo.com", ""),
        ("contact-demo.com", "email_caa", "most@shop-demo.com", ""),  # of two others one may differ
        ("contact-demo.com", "email_caa", "lonely@shop-demo.com", Reason.OTHERS_DIFFER),
        ("contact-demo.com", "email_caa", "hidden@shop-demo.com", Reason.PRIMARY_DIFFERS),
        ("contact-demo.com", "email_caa", "thief@shop-demo.com", Reason.WRONG_CONTACT),
        ("contact-demo.com", "email_caa", ME.upper(), Reason.WRONG_CONTACT),
        ("contact-demo.com", "email_txt", ME, Reason.WRONG_CONTACT),  # the CAA contact is none of TXT
        ("own.contact-demo.com", "email_caa", ME, Reason.NO_CONTACT),  # the nearest records hold, and only they
        ("phone.contact-demo.com", "email_caa", ME, Reason.NO_CONTACT),
        ("beside.contact-demo.com", "email_caa", ME, Reason.NO_CONTACT),
        *((f"{each}.contact-demo.com", "email_caa", ME, Reason.WRONG_CONTACT)
          for each in ("several", "mailto", "padded", "quoted", "zero")),
        ("elsewhere.contact-demo.com", "email_txt", ME, Reason.WRONG_CONTACT),
        ("loop.contact-demo.com", "email_caa", ME, Reason.DNS_FAILED),
        ("circle.contact-demo.com", "email_txt", ME, Reason.WRONG_CONTACT),
        ("www.shop-demo.com", "email_txt", ME, Reason.NO_CONTACT),
        ("www.forged-demo.com", "email_caa", ME, Reason.BOGUS),
        ("www.forged-demo.com", "email_caa", "thief@shop-demo.com", Reason.BOGUS),
    ],
)  # fmt: skip
def test_contacts_for_mail_on_real_name_servers(places, fqdn, method, address, reason):
    outcome = lookup(places).look(target(1, method, fqdn)._replace(address=address))
    assert (outcome.passed, outcome.reason) == (not reason, reason), outcome
    assert outcome.evidence["dns"]
    assert len(outcome.evidence["perspectives"]) == 3


def test_contacts_are_offered_as_enough_places_see_them(places):
    offered = CorroboratedContacts(places, "private", Standing()).offered("www.txt.contact-demo.com")
    assert {(each.method, each.contact.address, each.contact.at, each.outcome.reason) for each in offered} == {
        ("email_caa", ME, "contact-demo.com", ""),
        ("email_caa", "second@shop-demo.com", "contact-demo.com", ""),
        ("email_caa", "most@shop-demo.com", "contact-demo.com", ""),
        ("email_caa", "lonely@shop-demo.com", "contact-demo.com", Reason.OTHERS_DIFFER),
        ("email_txt", ME, "txt.contact-demo.com", ""),
        ("email_txt", "v=spf1 -all", "txt.contact-demo.com", Reason.WRONG_CONTACT),
        ("email_txt", "apex@shop-demo.com", "contact-demo.com", ""),
    }
    few = CorroboratedContacts(places[:1], "public", Standing()).offered("contact-demo.com")
    assert {each.outcome.reason for each in few} == {Reason.TOO_FEW_PERSPECTIVES}
    assert CorroboratedContacts(places, "private", Standing()).offered("none.shop-demo.com") == []
    assert CorroboratedContacts(places, "private", Standing()).offered("www.forged-demo.com") == []


def test_each_place_dials_what_it_resolved_itself(places):
    right = tokens.file_content(SHA256, CA, "")
    with CannedHTTP(answer(right.encode())) as web:
        look = lookup(places, http=web.port).look
        assert look(target(9, "http_csr_hash")).passed
        assert web.hits == 3
        split = look(target(9, "http_csr_hash", "split.shop-demo.com"))
        assert split.passed
        shown = split.evidence["perspectives"]
        assert [each["passed"] for each in shown] == [True, True, False]
        assert shown[2]["evidence"]["address"] == "127.0.0.2"
        two = lookup([places[0], places[2]], http=web.port).look(target(9, "http_csr_hash", "split.shop-demo.com"))
        assert (two.passed, two.reason) == (False, Reason.OTHERS_DIFFER)


# --- before anything is ordered --------------------------------------------------------------------------------------


@pytest.fixture
def room(tmp_path):
    app = bootstrap.build(Settings(data_dir=tmp_path), dcv=DCVSettings(), clock=Standing())
    app.room.database.create_all(app.room.projections.metadata, app.room.projections.state)
    yield app.room
    app.room.database.close()


def asked(room, places, *names, method="", identities=(US,), profile="private", http=80, https=443):
    settings = DCVSettings(http_port=http, https_port=https)
    scout = Preflight(places, identities, profile, clock=Standing(), settings=settings)
    return preflight.run(room, scout, RunPreflight(names=list(names), method=method), CUSTOMER)


def codes(found):
    return {each.code: each.severity for each in found.names[0].findings}


def test_a_name_that_is_ready(room, places):
    with CannedHTTP(answer(b"")) as web:
        found = asked(room, places, "www.shop-demo.com", method="http_csr_hash", http=web.port)
    assert found.verdict == "ready"
    assert codes(found) == {"dnssec_secure": "good", "port_open": "good", "caa_allowed": "good"}
    name = found.names[0]
    assert (name.caa.allowed, name.caa.at, name.caa.record) == (True, "shop-demo.com", f'0 issue "{US}"')
    assert [(each.name, each.region, each.primary) for each in name.perspectives] == [
        ("Berlin", "RIPE", True), ("Tokyo", "APNIC", False), ("Lima", "LACNIC", False),
    ]  # fmt: skip
    seen = name.perspectives[0]
    assert (seen.addresses, seen.dnssec, seen.ports[0].reachable) == (["127.0.0.1"], "secure", True)
    assert [(each.question, each.status) for each in seen.answers] == [
        ("www.shop-demo.com. A", "ok"), ("www.shop-demo.com. AAAA", "nodata"),
        ("www.shop-demo.com. CAA", "nodata"), ("shop-demo.com. CAA", "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "method", "expected"),
    [
        ("split.shop-demo.com", "cname_csr_hash", {"perspectives_differ": "warning"}),
        ("gone.shop-demo.com", "http_csr_hash", {"port_closed": "error"}),
        ("gone.shop-demo.com", "", {"port_closed_either": "warning"}),
        ("private.shop-demo.com", "http_csr_hash", {"address_refused": "error"}),
        ("nowhere.shop-demo.com", "http_csr_hash", {"no_address": "error"}),
        ("nowhere.shop-demo.com", "cname_csr_hash", {"no_address_needed": "info"}),
        ("nowhere.shop-demo.com", "", {"no_address_either": "warning"}),
        ("*.shop-demo.com", "http_csr_hash", {"method_one_host": "error"}),
        ("*.shop-demo.com", "email", {"method_ends": "info"}),
        ("www.plain-demo.com", "cname_csr_hash", {"caa_forbids": "error", "dnssec_insecure": "info"}),
    ],
)
def test_what_stands_in_the_way_is_told_with_its_cure(room, places, name, method, expected):
    found = asked(room, places, name, method=method)
    assert expected.items() <= codes(found).items(), codes(found)
    worst = {"error": "blocked", "warning": "warning"}.get(found.names[0].findings[0].severity, "ready")
    assert (found.verdict, found.names[0].verdict) == (worst, worst)
    for each in found.names[0].findings:
        assert each.text
        assert each.cure or each.severity in {"info", "good"}


def test_a_zone_that_is_signed_wrongly_is_told_with_who_sees_it(room, places):
    found = asked(room, places, "www.otherkey-demo.com", method="cname_csr_hash")
    assert codes(found)["dnssec_bogus"] == codes(found)["caa_unknown"] == "error"
    assert found.names[0].caa.code == "bogus"
    bogus = next(each for each in found.names[0].findings if each.code == "dnssec_bogus")
    assert bogus.facts["perspectives"] == "Berlin"
    assert "otherkey-demo.com" in bogus.facts["detail"]  # in the resolver's own words, RFC 8914
    assert codes(asked(room, places[1:], "www.otherkey-demo.com"))["dnssec_secure"] == "good"


def test_what_the_operator_lacks_is_told(room, places):
    blind = DNSResolver([places[0].server], timeout_s=4.0)
    unvalidating = [Perspective("Here", "", places[0].server, blind, Egress(blind, AddressPolicy()))]
    assert codes(asked(room, unvalidating, "www.shop-demo.com"))["dnssec_unknown"] == "info"
    assert codes(asked(room, unvalidating, "www.shop-demo.com"))["one_perspective"] == "info"
    public = codes(asked(room, unvalidating, "www.shop-demo.com", profile="public"))
    assert public["perspectives_too_few"] == public["dnssec_unchecked"] == "error"


def test_a_ca_that_no_record_can_name_asks_for_none(room, places):
    found = asked(room, places, "www.plain-demo.com", method="cname_csr_hash", identities=())
    assert codes(found)["caa_not_asked"] == "info"
    assert found.names[0].caa is None
    assert found.verdict == "ready"


def test_a_proof_that_holds_is_told_and_no_web_server_is_needed(room, places):
    csr = CSRSubmitted(
        order_id="order-1", account_id=ACCOUNT, csr_version=1, csr_pem="", spki_sha256="", md5=md5(1), sha256=SHA256,
        unique_value="", names=["nowhere.shop-demo.com"], dcv_method="cname_csr_hash",
    )  # fmt: skip
    envelope = Envelope(
        event_id="e-1", stream="order-1", version=1, type=csr.TYPE, schema_version=1, occurred_at=to_text(NOW),
        recorded_at=to_text(NOW), data=csr, metadata=Metadata(account_id=ACCOUNT), hash="",
    )  # fmt: skip
    room.react(partial(challenges.on_csr_submitted, settings=DCVSettings()), envelope, name="dcv.on_csr_submitted")
    (authorization,) = _needed(room)
    outcome = lookup(places).look(target(1, fqdn="nowhere.shop-demo.com"))
    assert outcome.passed
    found = challenges.LookRecord(
        authorization_id=authorization, account_id=ACCOUNT, order_id="order-1", csr_version=1,
        method="cname_csr_hash", outcome=outcome,
    )  # fmt: skip
    room.execute(challenges.record_look, found, CUSTOMER)
    told = asked(room, places, "nowhere.shop-demo.com", method="http_csr_hash")
    assert codes(told)["proof_held"] == "good"
    assert told.names[0].proof.expires_at.startswith("2027-06-14")  # 200 days
    other = preflight.run(
        room, Preflight(places, (), "private", clock=Standing(), settings=DCVSettings()),
        RunPreflight(names=["nowhere.shop-demo.com"]), Context(actor="user:v", account_id="other"),
    )  # fmt: skip
    assert other.names[0].proof is None


def _needed(room):
    with room.query() as connection:
        return projections.needs_of_order(connection, "order-1")


@pytest.mark.parametrize(
    ("names", "method"),
    [([], ""), ([f"n{number}.shop-demo.com" for number in range(11)], ""), (["co.uk"], ""), (["10.0.0.1"], ""),
     (["a b"], ""), (["www.shop-demo.com"], "whois_email"), (["www.shop-demo.com"], "magic")],
)  # fmt: skip
def test_what_cannot_be_ordered_is_not_looked_at(room, places, names, method):
    with pytest.raises(ServiceError) as refused:
        asked(room, places, *names, method=method)
    assert refused.value.code == "invalid"
