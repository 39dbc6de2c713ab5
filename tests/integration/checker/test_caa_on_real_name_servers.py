# SPDX-License-Identifier: Apache-2.0
"""CAA and DNSSEC as a CA meets them: BIND with signed, unsigned and broken zones behind a validating unbound (S6)."""

from datetime import date

import pytest

from shared.checker.caa_gate import check_caa
from shared.checker.caa_verdict import Asking, method_label
from shared.egress.addresses import AddressPolicy
from shared.egress.guard import Egress
from shared.egress.perspectives import Perspective
from shared.egress.resolver import DNSResolver, worst_standing
from shared.pki.rules import Rules
from tests.support.dns import ProgrammableDNS
from tests.support.dns_lab import EXPIRED, Bind, Unbound

US = "ca.certwright.example"
ACCOUNT = "https://ca.certwright.example/acme/account/7"
ASKING = Asking((US, "second.certwright.example"), method="ca-cname-csr-hash", account=ACCOUNT)
TODAY = Rules.at(date(2026, 12, 20))
OURS = f'0 issue "{US}"'

# Labels below signed.com and what stands there.
RECORDS = [
    f"ours CAA {OURS}",
    'second CAA 0 issue "second.certwright.example"',
    f'capitals CAA 0 ISSUE "{US.upper()}"',
    f'spaces CAA 0 issue "  {US}  "',
    f'semicolon CAA 0 issue "{US};"',
    f'others CAA 0 issue "other.example"\nothers CAA {OURS}',
    'other CAA 0 issue "other.example"',
    'nobody CAA 0 issue ";"',
    'empty CAA 0 issue ""',
    f'nobody-and-ours CAA 0 issue ";"\nnobody-and-ours CAA {OURS}',
    f'below CAA 0 issue "sub.{US}"',
    'above CAA 0 issue "certwright.example"',
    f'dot CAA 0 issue "{US}."',
    f'underscore CAA 0 issue "_{US}"',
    f'hyphen CAA 0 issue "-{US}"',
    f'url CAA 0 issue "https://{US}"',
    f'two CAA 0 issue "{US} other.example"',
    f'parameter-shape CAA 0 issue "{US}; nonsense"',
    f'parameter-blank CAA 0 issue "{US}; a=b c=d"',
    f'parameter-unknown CAA 0 issue "{US}; policy=ev"',
    f'critical-issue CAA 128 issue "{US}"',
    'critical-other CAA 128 issue "other.example"',
    f'critical-strange CAA {OURS}\ncritical-strange CAA 128 future "x"',
    f'strange CAA {OURS}\nstrange CAA 0 future "x"',
    f'other-bits CAA {OURS}\nother-bits CAA 1 future "x"',
    f'all-bits CAA {OURS}\nall-bits CAA 255 future "x"',
    'strange-alone CAA 0 future "x"',
    'iodef CAA 0 iodef "mailto:security@signed.com"',
    'iodef-other CAA 0 iodef "mailto:security@signed.com"\niodef-other CAA 0 issue "other.example"',
    'critical-iodef CAA 128 iodef "mailto:security@signed.com"',
    'mail-only CAA 0 issuemail "other.example"',
    f'wild-ours CAA 0 issue ";"\nwild-ours CAA 0 issuewild "{US}"',
    f'wild-other CAA {OURS}\nwild-other CAA 0 issuewild "other.example"',
    f'wild-nobody CAA {OURS}\nwild-nobody CAA 0 issuewild ";"',
    'wild-only CAA 0 issuewild "other.example"',
    f'account CAA 0 issue "{US}; accounturi={ACCOUNT}"',
    f'account-other CAA 0 issue "{US}; accounturi={ACCOUNT}0"',
    f'account-twice CAA 0 issue "{US}; accounturi={ACCOUNT}; accounturi={ACCOUNT}0"',
    f'account-either CAA 0 issue "{US}; accounturi={ACCOUNT}0"',
    f'account-either CAA 0 issue "{US}; accounturi={ACCOUNT}"',
    f'account-empty CAA 0 issue "{US}; accounturi="',
    f'method CAA 0 issue "{US}; validationmethods=dns-01,ca-cname-csr-hash"',
    f'method-capitals CAA 0 issue "{US}; ValidationMethods=CA-CNAME-CSR-HASH"',
    f'method-other CAA 0 issue "{US}; validationmethods=http-01"',
    f'method-empty CAA 0 issue "{US}; validationmethods="',
    f'both CAA 0 issue "{US}; accounturi={ACCOUNT}; validationmethods=ca-cname-csr-hash"',
    f'both-other CAA 0 issue "{US}; accounturi={ACCOUNT}; validationmethods=http-01"',
    "alias CNAME ours",
    "alias-other CNAME other",
    "alias-chain CNAME alias-other",
    "alias-bare CNAME www.bare",
    "alias-away CNAME www.forbidding.com.",
    "alias-plain CNAME www.unsigned.com.",
    "alias-bogus CNAME www.tampered.com.",
    "alias-nowhere CNAME gone.nowhere-else.com.",
    "alias-loop CNAME alias-pool\nalias-pool CNAME alias-loop",
    "www.bare A 127.0.0.1",
    f"tree CAA {OURS}\na.tree A 127.0.0.1\nb.a.tree A 127.0.0.1",
    'cut CAA 0 issue "other.example"',
    f"ours.cut CAA {OURS}",
    'reopened CAA 0 issue ";"',
    'x.reopened CAA 0 iodef "mailto:security@signed.com"',
]  # fmt: skip

# name, whether it may be issued for, code, the name where the records stand.
CASES = [
    ("ours.signed.com", True, "allowed", "ours.signed.com"),
    ("second.signed.com", True, "allowed", "second.signed.com"),
    ("capitals.signed.com", True, "allowed", "capitals.signed.com"),
    ("spaces.signed.com", True, "allowed", "spaces.signed.com"),
    ("semicolon.signed.com", True, "allowed", "semicolon.signed.com"),
    ("others.signed.com", True, "allowed", "others.signed.com"),
    ("other.signed.com", False, "other_issuer", "other.signed.com"),
    ("nobody.signed.com", False, "nobody", "nobody.signed.com"),
    ("empty.signed.com", False, "nobody", "empty.signed.com"),
    ("nobody-and-ours.signed.com", True, "allowed", "nobody-and-ours.signed.com"),
    ("below.signed.com", False, "other_issuer", "below.signed.com"),
    ("above.signed.com", False, "other_issuer", "above.signed.com"),
    ("dot.signed.com", False, "malformed", "dot.signed.com"),
    ("underscore.signed.com", False, "malformed", "underscore.signed.com"),
    ("hyphen.signed.com", False, "malformed", "hyphen.signed.com"),
    ("url.signed.com", False, "malformed", "url.signed.com"),
    ("two.signed.com", False, "malformed", "two.signed.com"),
    ("parameter-shape.signed.com", False, "malformed", "parameter-shape.signed.com"),
    ("parameter-blank.signed.com", False, "malformed", "parameter-blank.signed.com"),
    ("parameter-unknown.signed.com", True, "allowed", "parameter-unknown.signed.com"),
    ("critical-issue.signed.com", True, "allowed", "critical-issue.signed.com"),
    ("critical-other.signed.com", False, "other_issuer", "critical-other.signed.com"),
    ("critical-strange.signed.com", False, "critical", "critical-strange.signed.com"),
    ("strange.signed.com", True, "allowed", "strange.signed.com"),
    ("other-bits.signed.com", True, "allowed", "other-bits.signed.com"),
    ("all-bits.signed.com", False, "critical", "all-bits.signed.com"),
    ("strange-alone.signed.com", True, "unrestricted", "strange-alone.signed.com"),
    ("iodef.signed.com", True, "unrestricted", "iodef.signed.com"),
    ("iodef-other.signed.com", False, "other_issuer", "iodef-other.signed.com"),
    ("critical-iodef.signed.com", True, "unrestricted", "critical-iodef.signed.com"),
    ("mail-only.signed.com", True, "unrestricted", "mail-only.signed.com"),
    ("wild-ours.signed.com", False, "nobody", "wild-ours.signed.com"),
    ("*.wild-ours.signed.com", True, "allowed", "wild-ours.signed.com"),
    ("wild-other.signed.com", True, "allowed", "wild-other.signed.com"),
    ("*.wild-other.signed.com", False, "other_issuer", "wild-other.signed.com"),
    ("*.wild-nobody.signed.com", False, "nobody", "wild-nobody.signed.com"),
    ("wild-only.signed.com", True, "unrestricted", "wild-only.signed.com"),
    ("*.wild-only.signed.com", False, "other_issuer", "wild-only.signed.com"),
    ("*.ours.signed.com", True, "allowed", "ours.signed.com"),
    ("*.other.signed.com", False, "other_issuer", "other.signed.com"),
    ("account.signed.com", True, "allowed", "account.signed.com"),
    ("account-other.signed.com", False, "account", "account-other.signed.com"),
    ("account-twice.signed.com", False, "account", "account-twice.signed.com"),
    ("account-either.signed.com", True, "allowed", "account-either.signed.com"),
    ("account-empty.signed.com", False, "account", "account-empty.signed.com"),
    ("method.signed.com", True, "allowed", "method.signed.com"),
    ("method-capitals.signed.com", True, "allowed", "method-capitals.signed.com"),
    ("method-other.signed.com", False, "method", "method-other.signed.com"),
    ("method-empty.signed.com", False, "method", "method-empty.signed.com"),
    ("both.signed.com", True, "allowed", "both.signed.com"),
    ("both-other.signed.com", False, "method", "both-other.signed.com"),
    ("alias.signed.com", True, "allowed", "alias.signed.com"),
    ("alias-other.signed.com", False, "other_issuer", "alias-other.signed.com"),
    ("alias-chain.signed.com", False, "other_issuer", "alias-chain.signed.com"),
    # The target has none, and the tree above the target does not count (RFC 8659 §3): that above the alias does.
    ("alias-bare.signed.com", True, "no_records", ""),
    ("alias-away.signed.com", True, "no_records", ""),
    ("alias-nowhere.signed.com", True, "no_records", ""),
    ("alias-loop.signed.com", None, "lookup_failed", ""),
    ("alias-bogus.signed.com", None, "bogus", ""),
    ("alias-plain.signed.com", False, "other_issuer", "alias-plain.signed.com"),
    ("www.bare.signed.com", True, "no_records", ""),
    ("nowhere.signed.com", True, "no_records", ""),
    ("b.a.tree.signed.com", True, "allowed", "tree.signed.com"),
    ("*.b.a.tree.signed.com", True, "allowed", "tree.signed.com"),
    ("nowhere.at.all.tree.signed.com", True, "allowed", "tree.signed.com"),
    ("x.cut.signed.com", False, "other_issuer", "cut.signed.com"),
    ("y.ours.cut.signed.com", True, "allowed", "ours.cut.signed.com"),
    ("x.reopened.signed.com", True, "unrestricted", "x.reopened.signed.com"),
    ("y.reopened.signed.com", False, "nobody", "reopened.signed.com"),
    (".".join(["deep"] * 20 + ["tree", "signed", "com"]), True, "allowed", "tree.signed.com"),
    ("www.forbidding.com", False, "nobody", "forbidding.com"),
    ("www.unsigned.com", False, "other_issuer", "www.unsigned.com"),
    ("unsigned.com", True, "no_records", ""),
    ("hashed.com", True, "allowed", "hashed.com"),
    ("nowhere.hashed.com", True, "allowed", "hashed.com"),
    ("www.tampered.com", None, "bogus", ""),
    ("below.www.tampered.com", None, "bogus", ""),
    ("ours.expired.com", None, "bogus", ""),
    ("nowhere.expired.com", None, "bogus", ""),
    ("ours.otherkey.com", None, "bogus", ""),
    ("servfail.broken.com", None, "lookup_failed", ""),
    ("below.servfail.broken.com", None, "lookup_failed", ""),
    ("silent.broken.com", None, "lookup_failed", ""),
    ("recovering.broken.com", True, "allowed", "recovering.broken.com"),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dns")
    bind = Bind(folder / "bind")
    www = ["www A 127.0.0.1"]
    bind.add("signed.com", [line for record in RECORDS for line in record.split("\n")])
    bind.add("hashed.com", [f"@ CAA {OURS}", *www], options=("-3", "-"))
    bind.add("forbidding.com", ['@ CAA 0 issue ";"', *www])
    bind.add("unsigned.com", [*www, 'www CAA 0 issue "other.example"'], signed=False)
    bind.add("tampered.com", [*www, 'www CAA 0 issue "other.example"'], spoil=("other.example", US))
    bind.add("expired.com", [f"ours CAA {OURS}", *www], options=EXPIRED)
    bind.add("otherkey.com", [f"ours CAA {OURS}", *www], wrong_ds=True)
    bind.add("broken.com", www, signed=False)
    calls = []

    def once():
        """Fails at first, as resolvers see it: unbound itself asks a failing server several times."""
        calls.append(1)
        return "servfail" if len(calls) < 2 else [(0, "issue", US)]

    with ProgrammableDNS() as broken:
        broken.set("servfail.broken.com", "CAA", "servfail")
        broken.set("silent.broken.com", "CAA", "silence")
        broken.set("recovering.broken.com", "CAA", once)
        try:
            bind.start(top=["com"])
            resolver = Unbound(folder / "unbound", bind, stubs={"broken.com": broken.port})
            try:
                yield resolver.start()
            finally:
                resolver.stop()
        finally:
            bind.stop()


def perspective(server, name="primary", *, region="RIPE", validating=True):
    resolver = DNSResolver([server.nameserver], timeout_s=4.0, validating=validating)
    return Perspective(name, region, server.nameserver, resolver, Egress(resolver, AddressPolicy()))


def check(lab, name, asking=ASKING, *, profile="private", validating=True):
    places = [perspective(lab, validating=validating)]
    return check_caa(places, name, asking, rules=TODAY, profile=profile).verdict


def test_there_are_enough_cases():
    assert len(CASES) >= 40
    assert len({case[0] for case in CASES}) == len(CASES)


@pytest.mark.parametrize(("name", "allowed", "code", "at"), CASES, ids=[case[0][-40:] for case in CASES])
def test_a_case(lab, name, allowed, code, at):
    verdict = check(lab, name)
    assert (verdict.allowed, verdict.code, verdict.at) == (allowed, code, at), verdict
    assert verdict.reason
    assert verdict.evidence
    assert all(each["question"] and each["status"] for each in verdict.evidence)
    assert bool(verdict.cure) is (allowed is not True)


@pytest.mark.parametrize(
    ("name", "kind", "standing"),
    [
        ("ours.signed.com", "CAA", "secure"),
        ("nowhere.signed.com", "A", "secure"),
        ("www.bare.signed.com", "CAA", "secure"),
        ("www.hashed.com", "A", "secure"),
        ("nowhere.hashed.com", "A", "secure"),
        ("www.unsigned.com", "A", "insecure"),
        ("nowhere.unsigned.com", "A", "insecure"),
        ("alias-plain.signed.com", "A", "insecure"),
        ("alias-bogus.signed.com", "CAA", "bogus"),
        ("www.tampered.com", "CAA", "bogus"),
        ("www.expired.com", "A", "bogus"),
        ("nowhere.expired.com", "A", "bogus"),
        ("www.otherkey.com", "A", "bogus"),
        ("servfail.broken.com", "CAA", "indeterminate"),
    ],
)
def test_the_standing_of_answers_is_told_apart(lab, name, kind, standing):
    found = DNSResolver([lab.nameserver], timeout_s=4.0, validating=True).ask(name, kind)
    assert found.dnssec == standing, found
    assert worst_standing([found]) == standing
    blind = DNSResolver([lab.nameserver], timeout_s=4.0).ask(name, kind)
    assert blind.dnssec == ("bogus" if standing == "bogus" else "indeterminate")
    if standing == "bogus":
        assert found.status == "servfail"
        assert found.detail  # what the resolver says of it, RFC 8914


def test_a_refusal_says_the_record_the_name_and_the_cure(lab):
    verdict = check(lab, "x.cut.signed.com")
    assert verdict.record == '0 issue "other.example"'
    assert verdict.cure == f'cut.signed.com. IN CAA 0 issue "{US}"'
    assert "other.example" in verdict.reason
    wild = check(lab, "*.wild-other.signed.com")
    assert wild.cure == f'wild-other.signed.com. IN CAA 0 issuewild "{US}"'


def test_whom_the_owner_wants_to_be_told_is_reported(lab):
    assert check(lab, "iodef-other.signed.com").iodef == ("mailto:security@signed.com",)


def test_a_ca_without_names_is_kept_out_by_every_issue_record(lab):
    nameless = Asking(())
    assert check(lab, "ours.signed.com", nameless).code == "other_issuer"
    assert check(lab, "empty.signed.com", nameless).code == "nobody"
    assert check(lab, "iodef.signed.com", nameless).allowed


def test_the_methods_are_named_as_rfc_8657_says():
    assert [method_label(each) for each in ("cname_csr_hash", "")] == ["ca-cname-csr-hash", ""]


def test_the_public_profile_wants_a_resolver_that_validates(lab):
    days = Rules.at(date(2026, 3, 14)), Rules.at(date(2026, 3, 15))
    places = [perspective(lab, validating=False), *(perspective(lab, name, region=region) for name, region in (
        ("Tokyo", "APNIC"), ("Lima", "LACNIC"), ("Oslo", "RIPE"), ("Accra", "AFRINIC"), ("Boston", "ARIN"),
    ))]  # fmt: skip
    before, after = (
        check_caa(places, "ours.signed.com", ASKING, rules=rules, profile="public").verdict for rules in days
    )
    assert (before.allowed, before.code) == (True, "allowed")
    assert (after.allowed, after.code) == (None, "dnssec_unchecked")
    assert check(lab, "ours.signed.com", profile="public").code == "perspectives_too_few"
    places[0] = perspective(lab)
    assert check_caa(places, "ours.signed.com", ASKING, rules=TODAY, profile="public").verdict.allowed
