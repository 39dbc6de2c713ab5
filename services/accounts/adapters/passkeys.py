# SPDX-License-Identifier: Apache-2.0
"""Answers of authenticators, checked by py_webauthn."""

from __future__ import annotations

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from services.accounts.model.passkeys import RelyingParty, padless, unpadded
from services.accounts.ports import Asserted, Attested
from shared.contracts.accounts import PasskeyAssertion

ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


class WebAuthn:
    """The ceremonies of WebAuthn §7. Who made an authenticator does not matter here, so that nobody is asked for it."""

    @property
    def algorithms(self) -> list[int]:
        """COSE numbers."""
        return [int(one) for one in ALGORITHMS]

    def attested(
        self, party: RelyingParty, challenge: bytes, client_data_json: str, attestation_object: str
    ) -> Attested:
        """The new credential."""
        raw_id = b"-"  # the library wants one beside the one that is signed, and compares nothing with it
        credential = {
            "id": padless(raw_id),
            "rawId": padless(raw_id),
            "type": "public-key",
            "response": {"clientDataJSON": client_data_json, "attestationObject": attestation_object},
        }
        unpadded(attestation_object)
        try:
            found = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=party.rp_id,
                expected_origin=party.origin,
                supported_pub_key_algs=ALGORITHMS,
            )
        except Exception as error:
            raise ValueError("the attestation does not hold") from error
        return Attested(padless(found.credential_id), padless(found.credential_public_key), found.sign_count)

    def asserted(
        self, party: RelyingParty, challenge: bytes, assertion: PasskeyAssertion, public_key: str, sign_count: int
    ) -> Asserted:
        """What the signature says."""
        for text in (assertion.authenticator_data, assertion.signature):
            unpadded(text)
        credential = {
            "id": assertion.credential_id,
            "rawId": assertion.credential_id,
            "type": "public-key",
            "response": {
                "clientDataJSON": assertion.client_data_json,
                "authenticatorData": assertion.authenticator_data,
                "signature": assertion.signature,
            },
        }
        try:
            found = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=party.rp_id,
                expected_origin=party.origin,
                credential_public_key=unpadded(public_key),
                credential_current_sign_count=sign_count,
            )
        except Exception as error:
            raise ValueError("the assertion does not hold") from error
        return Asserted(found.new_sign_count, found.user_verified)
