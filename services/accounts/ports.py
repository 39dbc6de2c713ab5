# SPDX-License-Identifier: Apache-2.0
"""What accounts need of the world: slow hashing, sealing, chance, authenticators, a provider of identities."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from services.accounts.model.openid import Asking
from services.accounts.model.passkeys import RelyingParty
from shared.contracts.accounts import PasskeyAssertion


class Passwords(Protocol):
    """Hashes passwords slowly on purpose. Never called inside a transaction."""

    def hash(self, password: str) -> str:
        """An Argon2id hash with its salt and parameters in it."""
        ...

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one; None as hash costs the same time and is False."""
        ...

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made with weaker parameters than those in force."""
        ...


class Chance(Protocol):
    """Where unguessable things come from."""

    def token(self) -> str:
        """256 random bits as URL-safe text."""
        ...

    def base32(self, characters: int) -> str:
        """Random capital letters and digits 2 to 7, five bits each."""
        ...


class Attested(NamedTuple):
    """A new credential; texts in base64url."""

    credential_id: str
    public_key: str
    sign_count: int


class Asserted(NamedTuple):
    """A signature that holds."""

    sign_count: int
    user_verified: bool


class Authenticators(Protocol):
    """Reads what authenticators answer (WebAuthn §7). Raises ValueError for whatever does not hold."""

    @property
    def algorithms(self) -> list[int]:
        """The signatures that can be checked, best first, as COSE numbers."""
        ...

    def attested(
        self, party: RelyingParty, challenge: bytes, client_data_json: str, attestation_object: str
    ) -> Attested:
        """The credential that was made for this challenge at this origin."""
        ...

    def asserted(
        self, party: RelyingParty, challenge: bytes, assertion: PasskeyAssertion, public_key: str, sign_count: int
    ) -> Asserted:
        """What was signed for this challenge at this origin, by a counter that went on."""
        ...


class Mailboxes(Protocol):
    """Where mail can be received. Never called inside a transaction."""

    def missing(self, fqdn: str, /) -> bool:
        """Whether it is certain that nobody receives mail there."""
        ...


class Identified(NamedTuple):
    """Whom a provider knows: `subject` is unique within `issuer` and never given to somebody else."""

    issuer: str
    subject: str


class Provider(Protocol):
    """An OpenID Connect provider. Asks the network: never called inside a transaction. Raises ProviderError."""

    @property
    def issuer(self) -> str:
        """The URL by which it names itself."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def authorization_url(self, asking: Asking, /) -> str:
        """Where the browser goes to be asked who it is."""
        ...

    def check_answer(self, issuer: str, /) -> None:
        """That an answer by the browser, which names `issuer` or nobody, is this provider's (RFC 9207)."""
        ...

    def identify(self, code: str, asking: Asking, /) -> Identified:
        """Who gave the code; `asking` is what was sent with the question."""
        ...
