# SPDX-License-Identifier: Apache-2.0
"""CAA: the tree is climbed to the first records, and what they say is held against the issuer of today."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.checker import leaf_facts
from shared.checker.caa import CAA, look_up, read_record
from shared.checker.judge import judge
from shared.checker.others import Said, nobody
from shared.egress.resolver import Answer
from tests.unit.checker.conftest import NOW, certificate, sound

LETS = '0 issue "letsencrypt.org"'


class Zone:
    """Answers by name; what is not there does not exist."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "."): value for name, value in answers.items()}
        self.asked = []

    def ask(self, name, kind):
        self.asked.append(name)
        found = self.answers.get(name, "nxdomain")
        return Answer(f"{name}. {kind}", found) if isinstance(found, str) else Answer(name, "ok", tuple(found))


def test_the_first_records_on_the_way_up_hold():
    zone = Zone(a_b_shop_org="nodata", shop_org=[LETS], org=['0 issue "ca.example"'])
    found = look_up(zone, "a.b.shop.org")
    assert zone.asked == ["a.b.shop.org", "b.shop.org", "shop.org"]
    assert (found.at, [str(one) for one in found.records]) == ("shop.org", [LETS])
    assert found.allows("Let's Encrypt")
    assert found.allows("DigiCert") is False
    assert found.allows("Somebody") is None


def test_no_records_up_to_the_top_allow_everybody():
    zone = Zone()
    found = look_up(zone, "Shop.Org.")
    assert zone.asked == ["shop.org", "org"]
    assert (found.checked, found.at, found.allows("DigiCert")) == (True, "", True)


@pytest.mark.parametrize("status", ["servfail", "timeout", "malformed"])
def test_an_answer_that_fails_is_no_answer_and_is_not_climbed_over(status):
    zone = Zone(www_shop_org="nodata", shop_org=status, org=[LETS])
    found = look_up(zone, "www.shop.org")
    assert not found.checked
    assert "shop.org" in found.reason
    assert zone.asked == ["www.shop.org", "shop.org"]


def test_a_failure_is_asked_again_before_it_counts():
    class Recovering(Zone):
        def ask(self, name, kind):
            self.answers = {"www.shop.org": "servfail" if not self.asked else [LETS]}
            return super().ask(name, kind)

    assert not look_up(Recovering(), "www.shop.org").checked
    found = look_up(Recovering(), "www.shop.org", retries=1)
    assert (found.checked, found.at) == (True, "www.shop.org")
    assert [each.status for each in found.answers] == ["servfail", "ok"]


@pytest.mark.parametrize("name", ["a.example.test", "printer.local", "x.invalid", "db.internal"])
def test_names_of_no_public_zone_are_not_asked_for(name):
    zone = Zone()
    assert "no names below" in look_up(zone, name).reason
    assert zone.asked == []


def test_a_wildcard_has_records_of_its_own():
    records = [LETS, '0 issuewild "digicert.com"', '0 iodef "mailto:a@shop.org"']
    plain, wild = (look_up(Zone(shop_org=records), name) for name in ("shop.org", "*.shop.org"))
    assert (plain.allows("Let's Encrypt"), plain.allows("DigiCert")) == (True, False)
    assert (wild.allows("Let's Encrypt"), wild.allows("DigiCert")) == (False, True)
    nobody_wild = look_up(Zone(shop_org=[LETS, '0 issuewild ";"']), "*.shop.org")
    assert nobody_wild.allows("Let's Encrypt") is False
    assert look_up(Zone(shop_org=[LETS]), "*.shop.org").allows("Let's Encrypt")
    # Neither issue nor, for a plain name, issuewild: nothing is restricted.
    assert look_up(Zone(shop_org=['0 issuewild ";"', records[2]]), "shop.org").allows("DigiCert")


def test_parameters_and_flags_are_read():
    one = read_record('128 issue " LetsEncrypt.org ; accounturi=https://acme.example/1; validationmethods=dns-01"')
    assert (one.issuer, one.critical) == ("letsencrypt.org", True)
    assert one.parameters == (("accounturi", "https://acme.example/1"), ("validationmethods", "dns-01"))
    assert read_record('0 issue ";"').issuer == ""
    assert read_record('0 issue "%%%%"').issuer == ""
    assert read_record("nonsense").tag == ""
    strange = look_up(Zone(shop_org=['128 future "x"', '0 later "y"', LETS]), "shop.org")
    assert strange.strange == ("future",)


@given(st.text(max_size=60))
def test_any_record_is_read(text):
    assert read_record(f'0 issue "{text}"').flags == 0
    assert isinstance(read_record(text).tag, str)


class SaysOfCAA:
    def __init__(self, caa):
        self.caa = caa

    def ask(self, leaf, issuer, host, at):
        silent = nobody("not asked")
        return Said(silent.ocsp, silent.crl, self.caa)


def verdict(*records, reason=""):
    lets = certificate((), ca=True, subject="R99")[0]
    leaf = certificate(["www.shop.org"], issuer=lets)[0]
    return judge(sound(leaf, lets), at=NOW, others=SaysOfCAA(CAA("www.shop.org", at="shop.org" if records else "",
                 records=tuple(map(read_record, records)), reason=reason)))  # fmt: skip


def test_findings_and_rows(monkeypatch):
    monkeypatch.setattr("shared.checker.leaf_facts.issuer_and_level_of", lambda _: ("Let's Encrypt", "DV"))
    monkeypatch.setattr("shared.checker.leaf_facts._loaded", leaf_facts._loaded.__wrapped__)  # others know the leaf

    def codes(found):
        return {one.code for one in found.findings if "caa" in one.code}

    assert codes(verdict(LETS)) == set()
    assert codes(verdict(reason="no answer")) == set()
    none = verdict()
    assert codes(none) == {"no_caa"}
    cure = next(one.cures for one in none.findings if one.code == "no_caa")
    assert cure == {"DNS": 'www.shop.org. IN CAA 0 issue "letsencrypt.org"'}
    other = verdict('0 issue "digicert.com"', '128 future "x"')
    assert codes(other) == {"caa_other_issuer", "caa_strange"}
    assert (other.caa.at, other.caa.allows) == ("shop.org", False)
    assert other.caa.records == ('0 issue "digicert.com"', '128 future "x"')
    row = next(row for row in verdict(reason="no answer").rows if row.code == "caa")
    assert (row.checked, row.reason) == (False, "no answer")
    assert verdict(reason="no answer").caa is None


def test_an_issuer_whose_names_nobody_knows_is_not_judged():
    found = verdict('0 issue "digicert.com"')
    assert found.caa.allows is None
    assert "caa_other_issuer" not in {one.code for one in found.findings}
