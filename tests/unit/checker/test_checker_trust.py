# SPDX-License-Identifier: Apache-2.0
"""Why a store does not trust a certificate is said in words that people know, not in those of a library."""

import pytest
from cryptography import x509
from cryptography.x509 import verification

from shared.checker.trust import Store, trust_of
from tests.unit.checker.conftest import NOW, certificate


@pytest.fixture(scope="module")
def store(root):
    return Store("Example", verification.Store([root[0]]))


def reason(chain, store):
    found = trust_of(chain, store, NOW)
    assert found.trusted is False
    return found.reason


def below(root, **changed):
    """A CA below the root, changed in one place, after its leaf."""
    made, key = certificate((), subject="Between", issuer=root[0], signer=root[1], **{"ca": True, **changed})
    return [certificate(issuer=made, signer=key)[0], made]


def test_a_sound_chain_is_trusted(leaf, middle, store):
    found = trust_of([leaf, middle[0]], store, NOW)
    assert (found.trusted, found.reason) == (True, "")
    assert len(found.path) == 3


def test_a_chain_to_an_unknown_root(store):
    other, key = certificate((), ca=True, subject="Other")
    chain = [certificate(issuer=other, signer=key)[0], other]
    assert reason(chain[:1], store) == "no root of this store leads to it"
    assert reason(chain, store).startswith("no root of this store leads to it")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"days": (-20, -1)}, "it has expired or is not valid yet"),
        ({"days": (1, 20)}, "it has expired or is not valid yet"),
        ({"purpose": x509.ExtendedKeyUsageOID.CLIENT_AUTH}, "it is not for TLS servers"),
        ({"ca": True}, "it is the certificate of a CA, not of a server"),
    ],
)
def test_a_leaf_that_is_at_fault(root, store, changed, said):
    assert reason([certificate(issuer=root[0], signer=root[1], **changed)[0]], store) == said


def test_a_leaf_that_its_issuer_did_not_sign(root, middle, store):
    forged = certificate(issuer=root[0], signer=middle[1])[0]
    assert reason([forged], store) == "a signature in its chain is not by the CA that it names"


def test_a_leaf_without_issuer(store):
    assert reason([certificate()[0]], store).startswith("it does not name its issuer's key")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"days": (-20, -1)}, "a CA certificate of its chain has expired or is not valid yet"),
        ({"ca": False}, "an issuer in its chain is no CA"),
        (
            {"extensions": [x509.NameConstraints([x509.DNSName("other.test")], None)]},
            "a CA of its chain may not issue for its names",
        ),
    ],
)
def test_an_issuer_that_is_at_fault(root, store, changed, said):
    assert reason(below(root, **changed), store) == said
