# SPDX-License-Identifier: Apache-2.0
"""Our account at another CA: its key, made once and kept as the CA's own keys are, and its registration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import requests
from acme import client, messages
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from josepy.b64 import b64encode
from josepy.interfaces import JSONDeSerializable
from josepy.jwk import JWKEC
from josepy.util import ComparableECKey

from services.ca.adapters.acme_wire import PatientNetwork
from services.ca.adapters.key_files import PASSPHRASE, KeyStoreError, read_passphrase, refuse_open, write_new

KEY_FILE = "upstream-account.key.pem"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How we are known at that CA. `eab_key` (base64url, RFC 8555 §7.3.4) is empty where it asks for none; `trust` is a
    bundle of roots for its HTTPS, empty for those of the host.
    """

    directory: str
    contacts: tuple[str, ...] = ()
    eab_key_id: str = ""
    eab_key: str = ""
    trust: str = ""


def account_key(folder: Path, passphrase_file: Path | None) -> ec.EllipticCurvePrivateKey:
    """The account's key in the CA's folder, made at the first call. Raises KeyStoreError."""
    path = folder / KEY_FILE
    secret = read_passphrase(passphrase_file or folder / PASSPHRASE)
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        draft = folder / f".{KEY_FILE}.{os.getpid()}"
        write_new(draft, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(secret)))
        try:
            os.link(draft, path)  # whole, or another process was first and its key is the one
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    refuse_open(path)
    try:
        key = load_pem_private_key(path.read_bytes(), secret)
    except (ValueError, TypeError):
        raise KeyStoreError(f"{path} cannot be read: wrong passphrase or a damaged file.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KeyStoreError(f"{path} holds no key on P-256.")
    return key


class Connection:
    """Signed requests as one registered account. `orders_url` lists its orders; empty where the CA keeps no list."""

    def __init__(self, network: PatientNetwork, directory: messages.Directory, orders_url: str) -> None:
        self._network = network
        self.directory = directory
        self.orders_url = orders_url

    def post(self, url: str, body: JSONDeSerializable | None = None) -> requests.Response:
        """A request; without a body it is a POST-as-GET (RFC 8555 §6.3)."""
        return self._network.post(url, body, new_nonce_url=self.directory["newNonce"])

    def renewal_info(self, certificate: str) -> requests.Response | None:
        """What is suggested for a certificate, asked unsigned (RFC 9773 §4.1); None where that is not offered."""
        if not self.offers_renewal_info:
            return None
        return self._network.get(f"{str(self.directory['renewalInfo']).rstrip('/')}/{certificate}")

    @property
    def offers_renewal_info(self) -> bool:
        """Whether the CA has ARI; the library's directory knows no `in`."""
        try:
            return bool(self.directory["renewalInfo"])
        except KeyError:
            return False


def connect(key: ec.EllipticCurvePrivateKey, enrolment: Enrolment) -> Connection:
    """Registers; a known key gets its account back (RFC 8555 §7.3.1). Raises what the library raises."""
    network = PatientNetwork(key, trust=enrolment.trust)
    directory = client.ClientV2.get_directory(enrolment.directory, network)
    binding = None
    if enrolment.eab_key_id:
        public = JWKEC(key=ComparableECKey(key.public_key()))
        binding = messages.ExternalAccountBinding.from_data(
            public, enrolment.eab_key_id, enrolment.eab_key, directory, hmac_alg="HS256"
        )
    wanted = messages.NewRegistration(
        contact=tuple(f"mailto:{each}" for each in enrolment.contacts),
        terms_of_service_agreed=True,
        external_account_binding=binding,
    )
    answer = network.post(directory["newAccount"], wanted, new_nonce_url=directory["newNonce"])
    found = answer.json()
    network.account = messages.RegistrationResource(
        body=messages.Registration.from_json(found), uri=answer.headers["Location"]
    )
    return Connection(network, directory, str(found.get("orders") or ""))


def thumbprint(key: ec.EllipticCurvePrivateKey) -> str:
    """What a key authorization ends with (RFC 8555 §8.1, RFC 7638)."""
    jwk = JWKEC(key=ComparableECKey(key.public_key()))
    return str(b64encode(jwk.thumbprint()).decode())
