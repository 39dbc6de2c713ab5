# SPDX-License-Identifier: Apache-2.0
"""dns-01: records by dynamic updates in a real name server, and records that people add."""

from dataclasses import replace

import pytest

from services.ca.adapters.challenge_delivery import ChallengeDelivery, UpdateServer
from services.ca.ports import IssuerUnavailableError
from shared.contracts.ca import CertificateSigned, ChallengesOpened, IssuanceDelayed, UpstreamChallenge
from shared.egress.guard import open_egress
from shared.egress.resolver import DNSResolver
from shared.egress.settings import EgressSettings
from tests.support.dns import ProgrammableDNS
from tests.support.dynamic_zone import dynamic_zone
from tests.support.pebble import pebble
from tests.support.upstream_room import ask, finish, room


@pytest.fixture(scope="module")
def zone(tmp_path_factory):
    with dynamic_zone(tmp_path_factory.mktemp("bind") / "named", "example.com") as made:
        yield made


def delivery(zone, **changes):
    egress = EgressSettings(allow_networks=["127.0.0.0/8"], nameservers=[zone.nameserver])
    server = UpdateServer("127.0.0.1", zone.port, zone.key_name, zone.key)
    resolver = DNSResolver(egress.nameservers)
    return ChallengeDelivery(open_egress(egress), resolver, update=replace(server, **changes)), resolver


def challenge(name="_acme-challenge.www.example.com", value="abc"):
    return UpstreamChallenge(fqdn="www.example.com", kind="dns-01", token="t", name=name, value=value, url="u")


def test_wildcard_and_its_base_name_are_proved_by_two_records_at_one_name(tmp_path, zone):
    with (
        pebble(tmp_path / "pebble", nameserver=zone.nameserver, nonce_reject=0, sleep=False) as server,
        room(tmp_path / "ca", server, zone, prefer="dns-01") as ca,
    ):
        ca.app.upstream._delivery, resolver = delivery(zone)
        # Pebble keeps 50 % of the authorizations for the next order: the second order is its occasion.
        for number in (1, 2):
            [facts] = finish(ca, ask(ca, number, ["*.example.com", "example.com"]))
            assert isinstance(facts[-1], CertificateSigned)
        opened = next(fact for fact in ca.facts("issuance-1") if isinstance(fact, ChallengesOpened))
        assert {each.name for each in opened.challenges} == {"_acme-challenge.example.com"}
        assert len({each.value for each in opened.challenges}) == 2
        assert resolver.ask("_acme-challenge.example.com", "TXT").records == ()  # taken away again


def test_a_record_is_written_once_and_taken_away_once(zone):
    made, resolver = delivery(zone)
    assert "Add the record" in made.unseen(challenge())
    made.deliver(challenge())
    made.deliver(challenge())
    assert made.unseen(challenge()) == ""
    made.deliver(challenge(value="other"))
    made.withdraw(challenge())
    assert [record.strip('"') for record in resolver.ask(challenge().name, "TXT").records] == ["other"]
    made.withdraw(challenge(value="other"))
    made.withdraw(challenge(value="other"))
    assert resolver.ask(challenge().name, "TXT").records == ()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"key": b"another key of thirty-two octets"}, "_acme-challenge.www.example.com"),
        ({"key_name": "stranger"}, "_acme-challenge.www.example.com"),
        ({}, "www.example.com"),  # the key may write nothing else
        ({}, "_acme-challenge.example.org"),  # not a zone of this server
        ({"port": 1}, "_acme-challenge.www.example.com"),
    ],
)
def test_what_the_name_server_does_not_take_is_said(zone, changes, name):
    made, _ = delivery(zone, **changes)
    with pytest.raises(IssuerUnavailableError, match="name server for updates"):
        made.deliver(challenge(name))


def test_a_record_that_people_add(tmp_path):
    """Without a server for updates the record is shown, in the order's own words, until it is there."""
    with (
        ProgrammableDNS() as dns,
        pebble(tmp_path / "pebble", nameserver=dns.nameserver, nonce_reject=0, sleep=False, authz_reuse=0) as server,
        room(tmp_path / "ca", server, dns, prefer="dns-01") as ca,
    ):
        issuance = ask(ca, 1, ["www.example.com"])
        ca.work()
        opened, delayed = ca.facts(issuance)[-2:]
        assert isinstance(delayed, IssuanceDelayed)
        [wanted] = opened.challenges
        assert f"{wanted.name} TXT {wanted.value}" in delayed.reason
        dns.set(wanted.name, "TXT", [wanted.value])
        [facts] = finish(ca, issuance)
        assert isinstance(facts[-1], CertificateSigned)
