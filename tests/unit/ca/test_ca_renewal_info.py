# SPDX-License-Identifier: Apache-2.0
"""ARI as a client: certificates are named as RFC 9773 §4.1 has it, and only a proper answer counts (§4.2)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from acme.client import _renewal_info_path_component
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from services.ca.adapters.acme_renewal import certificate_id, read_renewal_info
from services.orders.model.acme import read_certificate_id

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a CA")])
NOW = datetime(2026, 11, 27, tzinfo=UTC)
WINDOW = {"start": "2027-01-21T00:00:00Z", "end": "2027-01-23T02:00:00+02:00"}


def certificate(serial, *, identifier=b"\x01\x02"):
    made = x509.CertificateBuilder(NAME, NAME, KEY.public_key(), serial, NOW, NOW + timedelta(days=9))
    if identifier is not None:
        made = made.add_extension(x509.AuthorityKeyIdentifier(identifier, None, None), critical=False)
    return made.sign(KEY, hashes.SHA256())


def pem(made):
    return made.public_bytes(Encoding.PEM).decode()


def answer(body, **headers):
    made = requests.Response()
    made.status_code = 200
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    made.headers.update(headers)
    return made


@given(st.integers(1, 2**159 - 1), st.binary(min_size=1, max_size=20))
def test_a_certificate_has_the_name_that_the_library_and_our_own_server_know(serial, identifier):
    made = certificate(serial, identifier=identifier)
    assert certificate_id(pem(made)) == _renewal_info_path_component(made)
    assert read_certificate_id(certificate_id(pem(made))) == (identifier.hex(), f"{serial:X}")


def test_one_that_does_not_name_its_issuers_key_has_no_name():
    assert certificate_id(pem(certificate(7, identifier=None))) == ""


@pytest.mark.parametrize(
    ("said", "wait"), [("21600", 21600), ("5", 60), ("99999999", 86400), ("", 21600), ("soon", 60)]
)
def test_what_is_suggested_is_read_and_the_next_question_waits_within_reason(said, wait):
    headers = {"Retry-After": said} if said else {}
    info = read_renewal_info(answer({"suggestedWindow": WINDOW, "explanationURL": "https://ca.example/why"}, **headers))
    assert (info.start, info.end) == ("2027-01-21T00:00:00.000000Z", "2027-01-23T00:00:00.000000Z")
    assert info.explanation_url == "https://ca.example/why"
    assert info.again_s == pytest.approx(wait, abs=1)


@pytest.mark.parametrize(
    "url",
    [
        "http://ca.example/",
        "javascript:alert(1)",
        "https://",
        7,
        None,
        "https://ca.example/\n",
        "https://a/" + 2000 * "a",
    ],
)
def test_people_are_sent_to_https_pages_only(url):
    assert read_renewal_info(answer({"suggestedWindow": WINDOW, "explanationURL": url})).explanation_url == ""


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", [], {}, {"suggestedWindow": {}}, {"suggestedWindow": [1, 2]}, {"suggestedWindow": None},
        {"suggestedWindow": {**WINDOW, "end": WINDOW["start"]}},
        {"suggestedWindow": {**WINDOW, "start": "2028-01-01T00:00:00Z"}},
        {"suggestedWindow": {**WINDOW, "start": "2027-01-21T00:00:00"}},
        {"suggestedWindow": {**WINDOW, "start": 7}}, {"suggestedWindow": {**WINDOW, "start": "today"}},
    ],
)  # fmt: skip
def test_what_is_no_window_is_no_answer(body):
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_renewal_info(answer(body))
