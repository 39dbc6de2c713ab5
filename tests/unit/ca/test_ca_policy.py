# SPDX-License-Identifier: Apache-2.0
"""What the CA accepts, decided before the key is used."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ca.model.policy import Policy, RefusedError, accept, serial_from
from shared.clock import from_text, to_text
from shared.contracts.orders import IssuanceRequested, Organization
from shared.pki.csr import parse_csr
from shared.pki.keys import Blocklist
from tests.support import csr_builder

NOW = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
POLICY = Policy(issuer="Test Issuing CA 1", ca_expires=datetime(2036, 1, 1, tzinfo=UTC))
RANDOM = "00000000-0000-4000-8000-000000000001"
FLOWERS = Organization(name="Flowers", country="de", locality="Köln", registration_number="HRB 1")


def request(names=("www.example.com",), **changes):
    names = list(names)
    fields = {
        "order_id": "o",
        "account_id": "a",
        "issuance_id": "i",
        "csr_version": 1,
        "csr_pem": csr_builder.pem(names[0], names),
        "common_name": names[0],
        "names": names,
        "validation_level": "DV",
    }
    fields["names"] = changes.pop("names_override", names)
    return IssuanceRequested(**(fields | changes))


def accepted(asked, policy=POLICY, now=NOW):
    return accept(asked, policy, now=now, randomness=RANDOM)


def refusal(asked, policy=POLICY, now=NOW):
    with pytest.raises(RefusedError) as refused:
        accepted(asked, policy, now)
    return refused.value.reason


@pytest.mark.parametrize(
    ("moment", "days"),
    [
        (datetime(2026, 3, 14, 23, 59, 59, tzinfo=UTC), 397),
        (datetime(2026, 3, 15, tzinfo=UTC), 199),
        (datetime(2027, 3, 14, 23, 59, 59, tzinfo=UTC), 199),
        (datetime(2027, 3, 15, tzinfo=UTC), 99),
        (datetime(2029, 3, 14, 23, 59, 59, tzinfo=UTC), 99),
        (datetime(2029, 3, 15, tzinfo=UTC), 46),
    ],
)
def test_validity_is_a_day_less_than_the_rules_of_the_day_allow(moment, days):
    fact = accepted(request(), now=moment)
    period = from_text(fact.not_after) - from_text(fact.not_before)
    assert period + timedelta(seconds=1) == timedelta(days=days)


def test_a_certificate_does_not_outlive_the_term_that_was_paid_for():
    end = NOW + timedelta(days=30)
    assert from_text(accepted(request(not_after_limit=to_text(end))).not_after) == end.replace(microsecond=0)
    assert "term" in refusal(request(not_after_limit=to_text(NOW)))


def test_a_certificate_does_not_outlive_its_issuer():
    late = Policy(issuer="x", ca_expires=NOW + timedelta(days=100))
    assert "issuing certificate" in refusal(request(), late)


def test_everything_that_will_be_signed_is_written_down():
    fact = accepted(request(["www.example.com", "Example.com".lower()]))
    assert fact.names == ["example.com", "www.example.com"]
    assert (fact.common_name, fact.profile, fact.issuer) == ("www.example.com", "dv", POLICY.issuer)
    assert fact.serial == "5C00000000000040008000000000000001"
    assert fact.rules_version.startswith("BR 2.2.6")
    assert fact.organization is None


def test_a_serial_holds_no_less_than_64_random_bits():
    assert serial_from("f" * 16) == "5C" + "F" * 16
    with pytest.raises(ValueError, match="64"):
        serial_from("f" * 14)
    with pytest.raises(ValueError, match="invalid literal"):
        serial_from("g" * 16)


def test_a_validated_organization_is_the_subject_and_what_the_csr_says_is_not():
    fact = accepted(request(validation_level="OV", organization=FLOWERS))
    assert (fact.profile, fact.organization.name, fact.organization.country) == ("ov", "Flowers", "DE")
    assert accepted(request(organization=FLOWERS)).organization is None


@pytest.mark.parametrize(
    ("level", "organization", "word"),
    [
        ("OV", None, "no validated organization"),
        ("OV", Organization(name=" ", country="DE", locality="x"), "name"),
        ("OV", Organization(name="x", country="DEU", locality="x"), "country"),
        ("OV", Organization(name="x", country="DE"), "locality"),
        ("OV", Organization(name="x" * 65, country="DE", locality="x"), "longer than 64"),
        ("OV", Organization(name="x\ny", country="DE", locality="x"), "cannot be shown"),
        ("EV", Organization(name="x", country="DE", locality="x"), "registration number"),
        ("XV", None, "no profile"),
    ],
)
def test_an_organization_that_cannot_stand_in_a_certificate_is_refused(level, organization, word):
    assert word in refusal(request(validation_level=level, organization=organization))


def test_names_against_the_policy_are_refused():
    assert "wildcard" in refusal(request(["*.example.com"], validation_level="EV", organization=FLOWERS))
    inner = Policy(issuer="x", ca_expires=POLICY.ca_expires, suffixes=("example.com",))
    assert accepted(request(["example.com", "*.shop.example.com"]), inner)
    assert "nothing for www.example.org" in refusal(request(["www.example.org"]), inner)
    assert "nothing for notexample.com" in refusal(request(["notexample.com"]), inner)
    few = Policy(issuer="x", ca_expires=POLICY.ca_expires, max_names=1)
    assert "at most 1" in refusal(request(["a.example.com", "b.example.com"]), few)
    other = csr_builder.pem("www.example.com", ["www.example.com", "example.com"])
    assert "not in the order" in refusal(request(csr_pem=other))
    assert "common name" in refusal(
        request(common_name="other.example.com", csr_pem=csr_builder.pem("www.example.com"))
    )
    assert "not in the order" in refusal(request(names_override=[]))


def test_keys_against_the_policy_are_refused():
    assert "1024 bits" in refusal(request(csr_pem=csr_builder.pem(kind="rsa1024")))
    digest = parse_csr(csr_builder.pem()).key.spki_sha256
    leaked = Policy(issuer="x", ca_expires=POLICY.ca_expires, blocked=Blocklist.parse([digest]))
    assert "compromised" in refusal(request(), leaked)
    assert "PEM" in refusal(request(csr_pem="nonsense"))
