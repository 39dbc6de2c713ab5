# SPDX-License-Identifier: Apache-2.0
"""Messages of ACME clients: JWS, keys and nonces are read strictly, whatever comes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.acme import jwk, jws
from gateway.acme.nonces import LIFETIME_S, Nonces
from gateway.acme.refusal import ACMERefusedError
from tests.support.acme_signer import Signer

URL = "https://ca.example.com/acme/new-order"
# RFC 7638 §3.1.
RFC_KEY = {
    "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
         "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
         "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
         "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
}  # fmt: skip
SIGNERS = {name: Signer(name) for name in jwk.ALGORITHMS}


class Clock:
    def __init__(self):
        self.moment = datetime(2026, 11, 26, tzinfo=UTC)

    def now(self):
        return self.moment


def refused(kind, function, *arguments, **named):
    with pytest.raises(ACMERefusedError) as error:
        function(*arguments, **named)
    assert error.value.kind == kind
    return error.value


def test_the_thumbprint_of_the_rfc():
    assert jwk.thumbprint(RFC_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("name", jwk.ALGORITHMS)
def test_every_algorithm_verifies_its_own_key_and_nothing_else(name):
    signer = SIGNERS[name]
    message = jws.read(signer.sign(URL, {"a": 1}, "nonce"))
    message.verify(signer.jwk)
    assert (message.url, message.content(), message.nonce) == (URL, {"a": 1}, "nonce")
    for other in SIGNERS.values():
        kind = "unauthorized" if other.algorithm == name else "badSignatureAlgorithm"
        if other is not signer:
            refused(kind, message.verify, other.jwk)
    refused("unauthorized", message.verify, Signer(name).jwk)


def with_header(**changes):
    signer = SIGNERS["ES256"]
    header = {"alg": "ES256", "jwk": signer.jwk, "nonce": "n", "url": URL}
    header = {name: value for name, value in (header | changes).items() if value is not ...}
    return json.dumps(signer.message(header, {})).encode()


@pytest.mark.parametrize(("changes", "kind"), [
    ({"alg": "none"}, "badSignatureAlgorithm"), ({"alg": "HS256"}, "badSignatureAlgorithm"),
    ({"alg": "es256"}, "badSignatureAlgorithm"), ({"alg": None}, "badSignatureAlgorithm"),
    ({"alg": ["ES256"]}, "badSignatureAlgorithm"),
    ({"kid": URL}, "malformed"), ({"jwk": ...}, "malformed"), ({"jwk": "key"}, "malformed"),
    ({"jwk": None}, "malformed"), ({"jwk": ..., "kid": ""}, "malformed"), ({"jwk": ..., "kid": "k" * 400}, "malformed"),
    ({"nonce": ...}, "badNonce"), ({"nonce": 7}, "badNonce"), ({"url": ...}, "malformed"),
    ({"crit": ["exp"]}, "malformed"), ({"b64": False}, "malformed"),
])  # fmt: skip
def test_a_wrong_header_is_refused(changes, kind):
    refused(kind, jws.read, with_header(**changes))


@pytest.mark.parametrize("spoil", [
    lambda body: body.pop("signature"), lambda body: body.update(header={"kid": "x"}),
    lambda body: body.update(signatures=[]), lambda body: body.update(payload=7),
    lambda body: body.update(protected=body["protected"] + "="), lambda body: body.update(payload=" e30"),
    lambda body: body.update(signature=body["signature"][:-1] + "!"), lambda body: body.update(payload="e31"),
])  # fmt: skip
def test_any_other_form_of_jws_is_refused(spoil):
    body = json.loads(with_header())
    spoil(body)
    refused("malformed", jws.read, json.dumps(body).encode())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"protected":"","payload":"","signature":""}']
)
def test_what_is_no_message_is_malformed(body):
    refused("malformed", jws.read, body)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 2), st.integers(0, 400))
def test_a_changed_message_never_verifies(noise, part, place):
    body = json.loads(SIGNERS["ES256"].sign(URL, {"names": ["a.example.com"]}, "nonce"))
    name = ("protected", "payload", "signature")[part]
    text = body[name].encode()
    changed = text[:place] + noise + text[place + len(noise) :]
    if changed == text:
        return
    body[name] = changed.decode("latin-1")
    with pytest.raises(ACMERefusedError):
        jws.read(json.dumps(body).encode()).verify(SIGNERS["ES256"].jwk)


EC, RSA = SIGNERS["ES256"].jwk, SIGNERS["RS256"].jwk


@pytest.mark.parametrize("key", [
    None, {}, {"kty": "oct", "k": "AAAA"}, {"kty": ["EC"]}, {**EC, "d": "AAAA"}, {**EC, "x": 7}, {**EC, "crv": "P-192"},
    {**EC, "y": EC["x"]}, {**EC, "x": "AA"}, {**RSA, "n": "AQAB"}, {**RSA, "e": "AQ"}, {**RSA, "e": "Ag"},
    {"kty": "OKP", "crv": "X25519", "x": SIGNERS["EdDSA"].jwk["x"]}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
])  # fmt: skip
def test_a_bad_key_is_refused(key):
    refused("badPublicKey", jwk.load, key)


def test_the_mac_of_a_public_key_is_no_signature():
    """HS256 with the public key as its secret: the confusion of JWT libraries."""
    signer = SIGNERS["RS256"]
    inner = signer.binding(URL, "x", json.dumps(signer.jwk).encode())
    refused("badSignatureAlgorithm", jws.read, json.dumps(inner).encode())


def test_a_binding_is_for_its_url_and_by_hs256():
    signer = SIGNERS["ES256"]
    bound = jws.read_binding(signer.binding(URL, "key-1", b"k" * 32), url=URL)
    assert (bound.kid, json.loads(bound.payload)) == ("key-1", signer.jwk)
    refused("malformed", jws.read_binding, signer.binding(URL + "/", "key-1", b"k"), url=URL)
    refused("badSignatureAlgorithm", jws.read_binding, signer.message({"kid": "k", "url": URL}, {}), url=URL)
    refused("malformed", jws.read_binding, "text", url=URL)


def test_nonces_are_good_for_an_hour_at_every_gateway_with_the_key():
    clock = Clock()
    one, two, stranger = (Nonces(lambda key=key: key, clock=clock) for key in (b"a" * 32, b"a" * 32, b"b" * 32))
    made = {one.make() for _ in range(200)}
    assert len(made) == 200
    nonce = made.pop()
    assert two.check(nonce) == clock.moment.timestamp() + LIFETIME_S
    refused("badNonce", stranger.check, nonce)
    for wrong in ("", "!", nonce[:-1], nonce + "A", nonce[:-2] + ("AA" if nonce[-2:] != "AA" else "BB")):
        refused("badNonce", two.check, wrong)
    clock.moment += timedelta(seconds=LIFETIME_S)
    refused("badNonce", two.check, nonce)
