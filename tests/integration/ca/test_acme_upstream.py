# SPDX-License-Identifier: Apache-2.0
"""Another CA signs: Debian's Pebble with all its faults, and a server that misbehaves as Pebble never would."""

from functools import partial

import pytest

from services.ca import handlers
from services.ca.adapters.acme_account import connect
from services.ca.adapters.acme_upstream import _listed
from services.ca.jobs import get_challenge_answer
from services.ca.ports import OrderIntended
from shared.clock import from_text
from shared.context import system
from shared.contracts.ca import (
    CertificateRevoked,
    CertificateSigned,
    ChallengesOpened,
    GetChallengeAnswer,
    IssuanceAccepted,
    IssuanceDelayed,
    IssuanceRefused,
    UpstreamOrderIntended,
    UpstreamOrderOpened,
)
from shared.errors import ServiceError
from shared.pki.certificate import chain_problems, differences, parse_certificate, parse_chain
from shared.pki.csr import parse_csr
from tests.support import csr_builder
from tests.support.acme_proxy import difficult
from tests.support.dns import ProgrammableDNS
from tests.support.pebble import EAB, pebble
from tests.support.upstream_room import ask, finish, room

# Pebble's profile is of older days: no policies, no addresses of OCSP or CRL, and keyEncipherment with an EC key.
PEBBLE_FAULTS = [
    "cabf.serverauth.subscriber.revocation_information_absent",
    "msft.end_entity.revocation_information_absent",
    "pkix.key_usage_value_prohibited_for_ec (Prohibited key usage value(s) present: keyEncipherment)",
    "cabf.serverauth.subscriber_prohibited_ku_present (Prohibited KU present: keyEncipherment)",
    "cabf.serverauth.subscriber.authority_info_access_extension_absent",
    "cabf.serverauth.subscriber.certificate_policies_extension_absent",
]
STEPS = [IssuanceAccepted, UpstreamOrderIntended, UpstreamOrderOpened, ChallengesOpened, CertificateSigned]


@pytest.fixture(scope="module")
def dns():
    with ProgrammableDNS() as server:
        for number in range(100):
            server.set(f"h{number}.example.com", "A", ["127.0.0.1"])
        yield server


@pytest.fixture(scope="module")
def calm(dns, tmp_path_factory):
    """No faults: what is tried with it is something else."""
    folder = tmp_path_factory.mktemp("pebble")
    with pebble(folder, nameserver=dns.nameserver, nonce_reject=0, sleep=False, authz_reuse=0) as made:
        yield made


def test_a_certificate_from_another_ca_fits_the_order(tmp_path, calm, dns):
    with room(tmp_path, calm, dns) as ca:
        [facts] = finish(ca, ask(ca, 1, ["h1.example.com", "h2.example.com"]))
        assert [type(fact) for fact in facts] == STEPS
        accepted, signed = facts[0], facts[-1]
        certificate, chain = parse_certificate(signed.certificate_pem), parse_chain(signed.chain_pem)
        key = parse_csr(accepted.csr_pem).key.spki_sha256
        assert not differences(certificate, spki_sha256=key, names=accepted.names, now=ca.clock.now())
        assert chain
        assert chain_problems(certificate, chain) == []
        assert (signed.issuer, signed.serial) == ("Pebble", certificate.serial)
        assert signed.lint == PEBBLE_FAULTS  # told, not refused
        assert from_text(signed.not_after) == certificate.not_after
        for each in facts[3].challenges:  # what was answered while it looked is answered no more
            with pytest.raises(ServiceError):
                get_challenge_answer(ca.app, GetChallengeAnswer(token=each.token))


def test_other_levels_stay_with_the_built_in_ca(tmp_path, calm, dns):
    from tests.unit.ca.test_ca_issuing import FLOWERS

    with room(tmp_path, calm, dns) as ca:
        facts = ca.issue(validation_level="OV", organization=FLOWERS)
        assert [type(fact) for fact in facts] == [IssuanceAccepted, CertificateSigned]
        assert facts[-1].issuer == ca.app.issuer.name


def test_revoking_tells_the_other_ca_and_leaves_our_list_alone(tmp_path, calm, dns):
    with room(tmp_path, calm, dns) as ca:
        [facts] = finish(ca, ask(ca, 1, ["h3.example.com"]))
        ca.revoke([facts[-1].serial], reason="keyCompromise")
        ca.work()
        revoked = ca.facts()[-1]
        assert isinstance(revoked, CertificateRevoked)
        assert revoked.reason == "keyCompromise"
        connection = connect(ca.app.upstream._key, ca.app.upstream._enrolment)
        ca.app.upstream.revoke(facts[-1].certificate_pem, 1)  # told twice: well
        assert connection.orders_url
        assert ca.work() == 0


def test_a_name_that_does_not_lead_here_is_said_and_no_try_is_lost(tmp_path, calm, dns):
    dns.set("h4.example.com", "A", ["127.0.0.2"])
    with room(tmp_path, calm, dns) as ca:
        issuance = ask(ca, 1, ["h4.example.com"])
        ca.work()
        delayed = ca.facts(issuance)[-1]
        assert isinstance(delayed, IssuanceDelayed)
        assert "/.well-known/acme-challenge/" in delayed.reason
        ca.work()
        assert ca.facts(issuance)[-1] == delayed
        dns.set("h4.example.com", "A", ["127.0.0.1"])
        [facts] = finish(ca, issuance)
        assert isinstance(facts[-1], CertificateSigned)


def test_an_order_whose_address_was_lost_is_found_again(tmp_path, calm, dns):
    """The process died between the answer of the CA and its record; nothing is left orphaned there."""
    with room(tmp_path, calm, dns) as ca:
        issuance = ask(ca, 1, ["h5.example.com"])
        issuer = ca.app.upstream
        lost = issuer._open(issuer._connected(), ca.facts(issuance)[0])
        context = system("ca", account_id="acc-1")
        ca.app.room.execute(partial(handlers.record_step, step=OrderIntended()), issuance, context)
        [facts] = finish(ca, issuance)
        assert [fact.url for fact in facts if isinstance(fact, UpstreamOrderOpened)] == [lost]
        assert list(_listed(issuer._connected())) == [lost]


def test_external_account_binding(tmp_path, dns):
    with (
        pebble(tmp_path / "pebble", nameserver=dns.nameserver, nonce_reject=0, sleep=False, eab=True) as server,
        room(tmp_path / "with", server, dns, eab=EAB) as ca,
    ):
        [facts] = finish(ca, ask(ca, 1, ["h6.example.com"]))
        assert isinstance(facts[-1], CertificateSigned)


@pytest.mark.parametrize("nonce_reject", [5, 20])
def test_sixty_of_sixty_at_pebbles_faults(tmp_path, dns, nonce_reject):
    with (
        pebble(tmp_path / "pebble", nameserver=dns.nameserver, nonce_reject=nonce_reject) as server,
        room(tmp_path / "ca", server, dns) as ca,
    ):
        asked = [ask(ca, number, [f"h{number}.example.com"]) for number in range(30, 90)]
        found = finish(ca, *asked)
        assert [facts[-1] for facts in found if isinstance(facts[-1], IssuanceRefused)] == []
        assert len({facts[-1].serial for facts in found}) == 60
        assert server.orders() == 60


def test_the_names_must_stand_in_the_csr(tmp_path, calm, dns):
    names = ["h7.example.com", "h8.example.com"]
    with room(tmp_path, calm, dns) as ca:
        issuance = ask(ca, 1, names, csr_pem=csr_builder.pem(names[0]))
        refused = ca.facts(issuance)[-1]
        assert isinstance(refused, IssuanceRefused)
        assert refused.code == "ca_csr_names"


# --- a CA on a bad day (quality bar F9) ------------------------------------------------------------------------------

NEW_ORDER, DIRECTORY, FINALIZE, CERTIFICATE = "/order-plz", "/dir", "/finalize-order/", "/certZ/"
LIMITED = ("status", 429, {"Retry-After": "1"})
BROKEN = ("status", 500, {})


@pytest.mark.parametrize(
    ("where", "faults"),
    [
        (DIRECTORY, [BROKEN]),
        (DIRECTORY, [("instead", b"<html>"), ("instead", b"[]")]),
        (NEW_ORDER, [BROKEN, LIMITED]),
        (NEW_ORDER, ["lost"]),
        (NEW_ORDER, [("instead", b"garbage")]),
        ("/my-order/", [BROKEN, ("instead", b"null"), ("instead", b"{}"), None, LIMITED, "lost"]),
        ("/authZ/", [BROKEN, ("instead", b'{"status": 7}')]),
        ("/chalZ/", ["lost"]),
        (FINALIZE, [BROKEN]),
        (FINALIZE, ["lost"]),
        (FINALIZE, [("instead", b"garbage")]),
        (CERTIFICATE, [BROKEN, "lost", LIMITED]),
    ],
)
def test_one_certificate_on_a_bad_day(tmp_path, calm, dns, where, faults):
    with difficult(calm) as (proxy, server), room(tmp_path, server, dns) as ca:
        waiting = proxy.faults[where] = list(faults)
        [facts] = finish(ca, ask(ca, 1, ["h9.example.com"]))
        assert waiting == []
        assert isinstance(facts[-1], CertificateSigned)
        assert len([fact for fact in facts if isinstance(fact, UpstreamOrderOpened)]) == 1
        assert len([path for path in proxy.asked if path.startswith(CERTIFICATE)]) >= 1
        listed = list(_listed(ca.app.upstream._connected()))
        assert len(listed) == 1  # an answer that was lost led to no second order


@pytest.mark.parametrize("wrong", ["other key", "other names", "no chain", "garbage"])
def test_what_does_not_fit_is_refused(tmp_path, calm, dns, wrong):
    with difficult(calm) as (proxy, server), room(tmp_path, server, dns) as ca:
        if wrong in {"other key", "other names"}:
            other = csr_builder.key("P-384" if wrong == "other key" else "P-256")
            names = ["h11.example.com" if wrong == "other key" else "h12.example.com"]
            request = csr_builder.pem(names[0], names, private=other)
            [facts] = finish(ca, ask(ca, 1, names, csr_pem=request))
            body = (facts[-1].certificate_pem + facts[-1].chain_pem).encode()
        else:
            body = b"garbage"
        proxy.faults[CERTIFICATE] = [("instead", body)] if wrong != "no chain" else []
        if wrong == "no chain":
            [facts] = finish(ca, ask(ca, 1, ["h11.example.com"]))
            proxy.faults[CERTIFICATE] = [("instead", facts[-1].certificate_pem.encode())]
        [facts] = finish(ca, ask(ca, 2, ["h11.example.com"]))
        assert isinstance(facts[-1], IssuanceRefused)
        assert facts[-1].code == "ca_not_signed"


def test_a_limit_is_a_state_that_people_see(tmp_path, calm, dns):
    with difficult(calm) as (proxy, server), room(tmp_path, server, dns) as ca:
        proxy.faults[NEW_ORDER] = [("status", 429, {"Retry-After": "3600"})]
        issuance = ask(ca, 1, ["h13.example.com"])
        ca.work()
        delayed = ca.facts(issuance)[-1]
        assert isinstance(delayed, IssuanceDelayed)
        wait = from_text(delayed.until) - ca.clock.now()
        assert 3500 < wait.total_seconds() <= 3600
        assert ca.work() == 0  # nobody asks before


def test_what_the_ca_says_of_a_failed_proof_reaches_people(tmp_path, calm, dns):
    with room(tmp_path, calm, dns) as ca:
        issuance = ask(ca, 1, ["h14.example.com"])
        issuer = ca.app.upstream
        issuer._delivery.unseen = lambda _challenge: ""  # told to look although nothing is there
        dns.set("h14.example.com", "A", ["127.0.0.2"])
        [facts] = finish(ca, issuance)
        assert isinstance(facts[-1], IssuanceRefused)
        assert "127.0.0.2" in facts[-1].reason or "connection refused" in facts[-1].reason.lower()
