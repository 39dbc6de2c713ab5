# SPDX-License-Identifier: Apache-2.0
"""CAA before the key is used: what records forbid is refused with the record to add, what fails is asked again."""

import pytest

from services.ca.adapters.caa_records import CAARecords
from services.ca.model.policy import Fault
from shared.contracts.ca import CAAChecked, CertificateSigned, IssuanceDelayed, IssuanceRefused
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.perspectives import Perspective
from shared.egress.resolver import Answer
from tests.support.ca_room import SteppedClock, ca_room

US = "ca.certwright.example"
OURS, OTHER = f'0 issue "{US}"', '0 issue "other.example"'


class Zone:
    """Answers about CAA by name; what is not there has none."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "."): value for name, value in answers.items()}
        self.asked = []

    def ask(self, name, kind):
        self.asked.append((name, kind))
        found = self.answers.get(name, "nodata")
        question = f"{name}. {kind}"
        if isinstance(found, str):
            return Answer(question, found.removesuffix("-bogus"), dnssec="bogus" if "bogus" in found else "secure")
        return Answer(question, "ok", tuple(found), "192.0.2.53", True, "secure")


def gate(*zones, identities=(US,), profile="private", clock=None):
    places = [
        Perspective(name, region, "", zone, Egress(zone, AddressPolicy()))
        for (name, region), zone in zip(
            [("primary", "RIPE"), ("Tokyo", "APNIC"), ("Lima", "LACNIC"), ("Oslo", "RIPE"), ("Boston", "ARIN"),
             ("Accra", "AFRINIC")], zones, strict=False,
        )
    ]  # fmt: skip
    return CAARecords(places, identities, profile, clock or SteppedClock())


def kinds(facts):
    return [type(each) for each in facts][1:]  # the first is the intention


def test_a_record_of_another_ca_refuses_with_the_record_and_the_one_to_add(tmp_path):
    with ca_room(tmp_path, caa=gate(Zone(example_com=[OTHER]))) as room:
        facts = room.issue()
        assert kinds(facts) == [CAAChecked, IssuanceRefused]
        refusal = facts[-1]
        assert refusal.code == Fault.CAA == "ca_caa_forbids"
        for words in (OTHER, "at example.com", f'example.com. IN CAA 0 issue "{US}"'):
            assert words in refusal.reason
        room.work()
        assert len(room.facts()) == 3


def test_names_that_may_be_signed_for_are_recorded_with_what_was_asked(tmp_path):
    zone = Zone(example_com=[OURS])
    with ca_room(tmp_path, caa=gate(zone)) as room:
        facts = room.issue()
        assert kinds(facts) == [CAAChecked, CertificateSigned]
        found = facts[1]
        assert (found.outcome, found.rules_version[:8]) == ("allowed", "BR 2.2.6")
        assert [each["name"] for each in found.findings] == ["example.com", "www.example.com"]
        asked = found.findings[1]["perspectives"][0]["dns"]
        assert [(each["question"], each["status"]) for each in asked] == [
            ("www.example.com. CAA", "nodata"), ("example.com. CAA", "ok"),
        ]  # fmt: skip
        assert asked[1]["records"] == [OURS]


@pytest.mark.parametrize("trouble", ["servfail", "timeout", "servfail-bogus"])
def test_what_fails_is_no_permission_and_is_asked_again(tmp_path, trouble):
    zone, clock = Zone(example_com=trouble), SteppedClock()
    with ca_room(tmp_path, caa=gate(zone), clock=clock) as room:
        facts = room.issue()
        assert kinds(facts) == [CAAChecked, IssuanceDelayed]
        checked, delayed = facts[-2:]
        assert (checked.outcome, checked.code) == ("unknown", "bogus" if "bogus" in trouble else "lookup_failed")
        assert "example.com" in checked.reason
        assert delayed.reason == checked.reason  # people see in their order why it takes long
        room.work()
        assert len(room.facts()) == 3  # not before its time
        zone.answers = {}
        clock.forward(minutes=6)
        room.work()
        assert kinds(room.facts()) == [CAAChecked, IssuanceDelayed, CAAChecked, CertificateSigned]


def test_one_name_that_is_forbidden_forbids_all_and_a_wildcard_has_its_own_records(tmp_path):
    zone = Zone(example_com=[OURS, '0 issuewild ";"'])
    with ca_room(tmp_path, caa=gate(zone)) as room:
        facts = room.issue(names=["example.com", "*.example.com"])
        assert kinds(facts) == [CAAChecked, IssuanceRefused]
        assert f'example.com. IN CAA 0 issuewild "{US}"' in facts[-1].reason
        assert [each["name"] for each in facts[1].findings] == ["*.example.com"]


def test_the_method_that_proved_the_name_is_held_against_validationmethods(tmp_path):
    zone = Zone(example_com=[f'0 issue "{US}; validationmethods=ca-cname-csr-hash"'])
    with ca_room(tmp_path, caa=gate(zone)) as room:
        names = ["example.com"]
        right = room.issue(names=names, number=1, validation_methods={"example.com": "cname_csr_hash"})
        wrong = room.issue(names=names, number=2, validation_methods={"example.com": "email"})
        unknown = room.issue(names=names, number=3)
        assert [kinds(facts)[-1] for facts in (right, wrong, unknown)] == [
            CertificateSigned, IssuanceRefused, IssuanceRefused,
        ]  # fmt: skip
        assert "validationmethods=ca-email" in wrong[-1].reason


def test_a_private_ca_without_names_asks_nothing_and_a_public_one_is_kept_out(tmp_path):
    zone = Zone(example_com=[OURS])
    with ca_room(tmp_path / "private", caa=gate(zone, identities=())) as room:
        assert kinds(room.issue()) == [CertificateSigned]
        assert zone.asked == []
    zones = [Zone(example_com=[OURS]) for _ in range(6)]
    with ca_room(tmp_path / "public", caa=gate(*zones, identities=(), profile="public")) as room:
        assert kinds(room.issue()) == [CAAChecked, IssuanceRefused]


def test_perspectives_that_differ_are_asked_again_and_named(tmp_path):
    zones = [Zone(), Zone(example_com=[OTHER]), Zone(example_com=[OTHER])]
    with ca_room(tmp_path, caa=gate(*zones)) as room:
        facts = room.issue()
        assert kinds(facts) == [CAAChecked, IssuanceDelayed]
        assert facts[-2].code == "perspectives_differ"
        assert "Tokyo (other_issuer), Lima (other_issuer)" in facts[-1].reason
    with ca_room(tmp_path / "one", caa=gate(Zone(), Zone(example_com=[OTHER]), Zone())) as room:
        assert kinds(room.issue()) == [CAAChecked, CertificateSigned]
    with ca_room(tmp_path / "primary", caa=gate(Zone(example_com=[OTHER]), Zone(), Zone())) as room:
        assert kinds(room.issue()) == [CAAChecked, IssuanceRefused]


def test_the_public_profile_wants_as_many_perspectives_as_the_day(tmp_path):
    few = gate(*[Zone() for _ in range(4)], profile="public")
    with ca_room(tmp_path / "few", caa=few) as room:
        assert room.issue()[-2].code == "perspectives_too_few"
    clock = SteppedClock()
    enough = gate(*[Zone() for _ in range(5)], profile="public", clock=clock)  # four remote ones, from 2026-06-15 on
    with ca_room(tmp_path / "enough", caa=enough, clock=clock) as room:
        assert kinds(room.issue()) == [CAAChecked, CertificateSigned]
        room.clock.forward(days=30)  # 2026-12-23: five
        assert room.issue(number=2)[-2].code == "perspectives_too_few"
